"""Public weights of VMamba find their places, in the dialects that people have."""

import math
import re

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.models.encoders.pretrained import plain_names
from terramamba.models.encoders.vmamba_weights import load_vmamba_weights
from terramamba.models.vss import VSSEncoder

SMALL = {"base_channels": 8, "depths": (1, 2, 1, 1), "d_state": 2}


def small_encoder(in_channels: int = 3) -> VSSEncoder:
    return VSSEncoder(in_channels, **SMALL)


def vmamba_weights(in_channels: int = 3, depths: tuple[int, ...] = (1, 2, 1, 1)) -> dict[str, Tensor]:
    """Random weights under the names and shapes of VMamba's public code, first layout."""
    shapes: dict[str, tuple[int, ...]] = {
        "patch_embed.proj.weight": (8, in_channels, 4, 4),
        "patch_embed.proj.bias": (8,),
        "patch_embed.norm.weight": (8,),
        "patch_embed.norm.bias": (8,),
        "norm.weight": (64,),
        "norm.bias": (64,),
        "head.weight": (10, 64),
        "head.bias": (10,),
    }
    for i, depth in enumerate(depths):
        c, inner, rank, n = 8 * 2**i, 16 * 2**i, math.ceil(8 * 2**i / 16), 2
        for j in range(depth):
            block = f"layers.{i}.blocks.{j}."
            shapes |= {
                block + "ln_1.weight": (c,),
                block + "ln_1.bias": (c,),
                block + "self_attention.x_proj_weight": (4, rank + 2 * n, inner),
                block + "self_attention.dt_projs_weight": (4, inner, rank),
                block + "self_attention.dt_projs_bias": (4, inner),
                block + "self_attention.A_logs": (4 * inner, n),
                block + "self_attention.Ds": (4 * inner,),
                block + "self_attention.in_proj.weight": (2 * inner, c),
                block + "self_attention.conv2d.weight": (inner, 1, 3, 3),
                block + "self_attention.conv2d.bias": (inner,),
                block + "self_attention.out_norm.weight": (inner,),
                block + "self_attention.out_norm.bias": (inner,),
                block + "self_attention.out_proj.weight": (c, inner),
            }
        if i < 3:
            shapes |= {
                f"layers.{i}.downsample.norm.weight": (4 * c,),
                f"layers.{i}.downsample.norm.bias": (4 * c,),
                f"layers.{i}.downsample.reduction.weight": (2 * c, 4 * c),
            }
    return {name: torch.randn(shape) for name, shape in shapes.items()}


def test_vmamba_weights_are_loaded_by_name(seed: int) -> None:
    encoder, weights = small_encoder(), vmamba_weights()
    left = load_vmamba_weights(encoder, weights)
    assert left == tuple(f"norms.{i}.{name}" for i in range(3) for name in ("weight", "bias"))
    own = encoder.state_dict()
    pairs = {
        "embed.weight": "patch_embed.proj.weight",
        "embed_norm.bias": "patch_embed.norm.bias",
        "stages.1.1.norm.weight": "layers.1.blocks.1.ln_1.weight",
        "stages.1.1.in_proj.weight": "layers.1.blocks.1.self_attention.in_proj.weight",
        "stages.1.1.conv.bias": "layers.1.blocks.1.self_attention.conv2d.bias",
        "stages.1.1.ss2d.x_proj": "layers.1.blocks.1.self_attention.x_proj_weight",
        "stages.1.1.ss2d.dt_weight": "layers.1.blocks.1.self_attention.dt_projs_weight",
        "stages.1.1.ss2d.dt_bias": "layers.1.blocks.1.self_attention.dt_projs_bias",
        "stages.1.1.ss2d.A_log": "layers.1.blocks.1.self_attention.A_logs",
        "stages.1.1.ss2d.D": "layers.1.blocks.1.self_attention.Ds",
        "stages.3.0.out_norm.weight": "layers.3.blocks.0.self_attention.out_norm.weight",
        "stages.3.0.out_proj.weight": "layers.3.blocks.0.self_attention.out_proj.weight",
        "merges.2.norm.weight": "layers.2.downsample.norm.weight",
        "merges.2.reduction.weight": "layers.2.downsample.reduction.weight",
        "norms.3.weight": "norm.weight",
    }
    for name, theirs in pairs.items():
        assert torch.equal(own[name], weights[theirs]), name
    used = sum(weight.numel() for name, weight in weights.items() if not name.startswith("head."))
    assert used == sum(weight.numel() for name, weight in own.items() if name not in left)


def test_for_other_bands_the_embedding_is_widened(seed: int) -> None:
    encoder, weights = small_encoder(in_channels=6), vmamba_weights()
    left = load_vmamba_weights(encoder, weights)
    assert "embed.weight" not in left
    x = torch.randn(1, 1, 8, 8)
    theirs = F.conv2d(x.expand(1, 3, 8, 8), weights["patch_embed.proj.weight"], stride=4)
    torch.testing.assert_close(F.conv2d(x.expand(1, 6, 8, 8), encoder.embed.weight, stride=4), theirs)


def test_later_dialects_are_the_same_network(seed: int) -> None:
    first, later, weights = small_encoder(), small_encoder(), vmamba_weights()
    words = (("patch_embed.proj", "patch_embed.0"), ("patch_embed.norm", "patch_embed.2"), ("ln_1", "norm"))
    spoken = {}
    for name, value in weights.items():
        for old, new in (*words, ("self_attention", "op")):
            name = name.replace(old, new)
        spoken["module." + (f"classifier.{name}" if name.startswith(("norm.", "head.")) else name)] = value
    load_vmamba_weights(first, weights)
    load_vmamba_weights(later, plain_names({"model": spoken, "epoch": 7}))
    for name, value in first.state_dict().items():
        if not name.startswith("norms.") or name.startswith("norms.3."):
            assert torch.equal(later.state_dict()[name], value), name


def test_vmamba_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"no place .* set depths as in its model"):
        load_vmamba_weights(small_encoder(), vmamba_weights(depths=(2, 2, 1, 1)))
    with pytest.raises(InputError, match=re.escape("hold nothing for 'stages.1.1.")):
        load_vmamba_weights(small_encoder(), vmamba_weights(depths=(1, 1, 1, 1)))
    encoder = VSSEncoder(3, 8, (1, 2, 1, 1), d_state=4)
    with pytest.raises(InputError, match=r"x_proj_weight' is \(4, 5, 16\), the encoder's \(4, 9, 16\)"):
        load_vmamba_weights(encoder, vmamba_weights())
