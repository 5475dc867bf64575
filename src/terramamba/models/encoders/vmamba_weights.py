"""Weights of VMamba's public code base for this project's VSS encoder, in the dialects that people have.

The first layout ("v0") calls a block's parts ln_1 and self_attention, later ones norm and op, and number the
parts of the patch embedding. Later networks with other parts (two convolutions to embed, no gate) have no
place here and are refused by the name or the shape that does not fit.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.models.encoders.pretrained import widened
from terramamba.models.vss import VSSEncoder

_BLOCK = r"layers\.(\d+)\.blocks\.(\d+)\."
_SCAN = _BLOCK + r"(?:self_attention|op)\."
_NAMES = (
    (r"patch_embed\.(?:proj|0)\.", "embed."),
    (r"patch_embed\.(?:norm|2)\.", "embed_norm."),
    (r"layers\.(\d+)\.downsample\.(norm|reduction)\.", r"merges.\1.\2."),
    (_BLOCK + r"(?:ln_1|norm)\.", r"stages.\1.\2.norm."),
    (_SCAN + r"x_proj_weight$", r"stages.\1.\2.ss2d.x_proj"),
    (_SCAN + r"dt_projs_(weight|bias)$", r"stages.\1.\2.ss2d.dt_\3"),
    (_SCAN + r"A_logs$", r"stages.\1.\2.ss2d.A_log"),
    (_SCAN + r"Ds$", r"stages.\1.\2.ss2d.D"),
    (_SCAN + r"conv2d\.", r"stages.\1.\2.conv."),
    (_SCAN + r"(in_proj|out_norm|out_proj)\.", r"stages.\1.\2.\3."),
    (_BLOCK + r"norm2\.", r"stages.\1.\2.mlp.0."),
    (_BLOCK + r"mlp\.fc1\.", r"stages.\1.\2.mlp.1."),
    (_BLOCK + r"mlp\.fc2\.", r"stages.\1.\2.mlp.3."),
    (r"outnorm(\d+)\.", r"norms.\1."),
)
_CLASSIFIER = re.compile(r"(classifier\.)?head\.")
_LAST_NORM = re.compile(r"(classifier\.)?norm\.")
_OPTIONAL = re.compile(r"norms\.|stages\.\d+\.\d+\.mlp\.")
"""What public weights need not have: this project's own norms, and MLPs that the first layout has not."""


def load_vmamba_weights(encoder: VSSEncoder, weights: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Load public ``weights`` of VMamba into ``encoder``.

    The norm before its classifier goes to the last stage's output norm, its head is left out. Where the
    images have another number of bands, the patch embedding's convolution is widened.

    Returns:
        Names of the encoder's parameters for which there was nothing to load.

    Raises:
        InputError: a weight that has no place or another shape here, or a block without weights.
    """
    own = encoder.state_dict()
    last = f"norms.{len(encoder.stages) - 1}."
    found: dict[str, Tensor] = {}
    for name, value in weights.items():
        if _CLASSIFIER.match(name):
            continue
        target = _own_name(name, last)
        if target not in own:
            raise InputError(
                f"VMamba weight {name!r} has no place in this encoder; set depths as in its model"
            )
        if target == "embed.weight" and value.ndim == 4 and value.shape[1] != own[target].shape[1]:
            value = widened(value, own[target].shape[1])
        if value.shape != own[target].shape:
            raise InputError(
                f"VMamba weight {name!r} is {tuple(value.shape)}, the encoder's {tuple(own[target].shape)}; "
                "set base_channels, d_state and expand alike"
            )
        found[target] = value
    left = tuple(name for name in own if name not in found)
    if lost := [name for name in left if not _OPTIONAL.match(name)]:
        raise InputError(f"VMamba weights hold nothing for {lost[0]!r}; set depths as in their model")
    encoder.load_state_dict(found, strict=False)
    return left


def _own_name(name: str, last: str) -> str:
    if _LAST_NORM.match(name):
        return _LAST_NORM.sub(last, name, count=1)
    for pattern, replacement in _NAMES:
        if re.match(pattern, name):
            return re.sub(f"^{pattern}", replacement, name)
    return name
