import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models import create_model, load_model, save_model
from terramamba.models.glmamba import CSAM, CSIE, GLMamba, GLMambaConfig
from terramamba.models.glmamba_variants import SPEC, GLMambaVariant, GLMambaVariantConfig, VariantCSIE
from terramamba.models.layers import CBAM, SqueezeExcitation, reflect_to_multiple

TINY: dict[str, Any] = {"in_channels": 3, "base_channels": 8, "depths": (1, 1, 1, 1), "d_state": 2}

SWITCHES: list[dict[str, Any]] = [
    {},
    {"csam": False},
    {"bfa": "subtraction"},
    {"bfa": "connection"},
    {"bfa": "cbam"},
    {"bfa": "cross_attention"},
    {"bfa": "difference"},
    {"csie": False},
    {"interaction": "scalar"},
    {"interaction": "scalar_features"},
    {"directions": "axes"},
    {"directions": "axes", "interaction": "scalar"},
    {"shared_groups": True},
    {"shared_groups": True, "directions": "axes"},
    {"groups": 2},
    {"scan": "corners"},
    {"discretization": "zoh"},
    {"mlp_ratio": 2.0},
    {"expand": 1},
    {"num_classes": 3},
    {"csam": False, "csie": False, "bfa": "difference"},
]


def tiny(**options: Any) -> GLMamba:
    model = create_model("glmamba", **{**TINY, **options})
    assert isinstance(model, GLMamba)
    return model


def settle(model: nn.Module, x: Tensor) -> nn.Module:
    """Give the batch norms statistics of this input, then evaluation mode."""
    model.train()
    with torch.no_grad():
        model(x)
    return model.eval()


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(("h", "w"), [(256, 256), (100, 75), (33, 47), (17, 20), (5, 1)])
def test_any_size_gives_logits_of_that_size(h: int, w: int, seed: int) -> None:
    model = tiny().eval()
    with torch.no_grad():
        logits = model(torch.randn(1, 2, 3, h, w))
    assert logits.shape == (1, 1, h, w)
    assert logits.isfinite().all()


@pytest.mark.parametrize(("n", "multiple"), [(33, 32), (20, 32), (17, 32), (64, 32), (5, 8)])
def test_padding_is_torchs_reflection_where_that_exists(n: int, multiple: int, seed: int) -> None:
    x = torch.randn(2, 3, n, n + 4)
    found = reflect_to_multiple(x, multiple)
    below, right = (-size % multiple for size in x.shape[2:])
    assert torch.equal(found, F.pad(x, (0, right, 0, below), mode="reflect"))


def test_padding_mirrors_short_sides_to_and_fro() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0]])
    assert reflect_to_multiple(x, 8)[0].tolist() == [1, 2, 3, 2, 1, 2, 3, 2]
    assert reflect_to_multiple(x, 8).unique(dim=0).shape == (1, 8)


@pytest.mark.parametrize("options", SWITCHES, ids=str)
def test_every_parameter_learns(options: dict[str, Any], seed: int) -> None:
    model = tiny(**options)
    for module in model.modules():
        # Narrow bottlenecks behind a ReLU can start shut; that would not be a fault of the wiring.
        if isinstance(module, SqueezeExcitation):
            module.squeeze.weight.data.mul_(0.1)
            module.squeeze.bias.data.fill_(1.0)
        elif isinstance(module, CBAM):
            module.mlp[0].weight.data.abs_()
    logits = model(torch.randn(3, 2, 3, 64, 64))
    assert logits.shape == (3, options.get("num_classes", 1), 64, 64)
    (logits * torch.randn_like(logits)).sum().backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still
    learning = {name.split(".")[0] for name, _ in model.named_parameters()}
    assert ("csam" in learning) == options.get("csam", True)
    assert ("csie" in learning) == options.get("csie", True)


@pytest.mark.parametrize("options", [s for s in SWITCHES[1:] if "groups" not in s], ids=str)
def test_every_switch_changes_the_model(options: dict[str, Any], seed: int) -> None:
    plain, switched = tiny(), tiny(**options)
    same_parameters = options.keys() <= {"interaction", "scan", "discretization"}
    assert (count(plain) == count(switched)) == same_parameters
    if same_parameters:
        x = torch.randn(1, 2, 3, 64, 64)
        settle(plain, x)
        switched.load_state_dict(plain.state_dict())
        with torch.no_grad():
            assert (plain(x) - switched.eval()(x)).abs().max() > 1e-6


@pytest.mark.parametrize("options", SWITCHES, ids=str)
def test_an_empty_batch_gives_no_logits_and_gradients_of_zero_whatever_the_switches(
    options: dict[str, Any], seed: int
) -> None:
    model = tiny(**options)
    logits = model(torch.randn(0, 2, 3, 40, 33))
    assert logits.shape == (0, options.get("num_classes", 1), 40, 33)
    logits.sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or p.grad.any()] == []


def test_fusions_have_different_parameters() -> None:
    kinds = ("full", "subtraction", "connection", "cbam", "cross_attention", "difference")
    counts = {kind: count(tiny(bfa=kind).bfa) for kind in kinds}
    assert counts["full"] == counts["subtraction"] + counts["connection"]
    assert counts["difference"] == 0
    assert len(set(counts.values())) == len(kinds)


def test_a_pair_does_not_depend_on_the_others_of_its_batch(seed: int) -> None:
    x = torch.randn(3, 2, 3, 40, 64)
    model = settle(tiny(), x)
    with torch.no_grad():
        together = model(x)
        alone = torch.cat([model(pair[None]) for pair in x])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_dates_share_all_weights_before_fusion(seed: int) -> None:
    x = torch.randn(2, 2, 3, 64, 64)
    model = settle(tiny(), x)
    with torch.no_grad():
        logits, features = model(x, return_features=True)
        swapped_logits, swapped = model(x.flip(1), return_features=True)
    stages = [1, 2, 3, 4]
    assert set(features) == {f"{part}{i}" for part in ("encoder", "bfa", "csie") for i in stages} | {
        "csam2",
        "csam3",
    }
    for i in stages:
        side = 64 // 2 ** (i + 1)
        assert features[f"encoder{i}"].shape == (2, 2, 4 * 2**i, side, side)
        assert features[f"bfa{i}"].shape == features[f"csie{i}"].shape == (2, 4 * 2**i, side, side)
    for name in ("encoder1", "encoder4", "csam2", "csam3"):
        torch.testing.assert_close(features[name].flip(1), swapped[name], rtol=1e-4, atol=1e-4)
        assert not torch.allclose(features[name], swapped[name], rtol=1e-2, atol=1e-2)
    assert torch.equal(logits, model(x))
    assert not torch.allclose(logits, swapped_logits)


def test_csam_is_its_equation(seed: int) -> None:
    csam = CSAM(2, 4, 8).eval()
    f1, f2, f3 = torch.randn(1, 2, 8, 12), torch.randn(1, 4, 4, 6), torch.randn(1, 8, 2, 3)

    def cbr(block: nn.Sequential, x: Tensor) -> Tensor:
        # Fresh batch norms in evaluation mode only divide by sqrt(1 + eps).
        return F.conv2d(x, block[0].weight, padding=1).div(1.00001**0.5).clamp(min=0)

    small = cbr(csam.coarser[1], F.conv2d(f3, csam.coarser[0].weight, csam.coarser[0].bias))
    parts = [
        cbr(csam.finer, f1.view(1, 2, 4, 2, 6, 2).amax((3, 5))),
        cbr(csam.same, f2),
        F.conv2d(f2, csam.project.weight, csam.project.bias),
        F.interpolate(small, size=(4, 6), mode="bilinear"),
    ]
    expected = (cbr(csam.fuse, torch.cat(parts, dim=1)) + f2).clamp(min=0)
    torch.testing.assert_close(csam(f1, f2, f3), expected)


def gates_of(csie: CSIE, own: Tensor, use: slice) -> Tensor:
    """A_g of one group: means spread to the size of the map, then one convolution; or axis by axis."""
    spread = [own.mean(axis, keepdim=True).expand_as(own) for axis in (3, 2)]
    if isinstance(csie, VariantCSIE) and csie.directions == "axes":
        matrix, bias = csie.axes.weight[use], csie.axes.bias[use]
        by_row, by_column = (F.conv2d(mean, matrix, bias).sigmoid() for mean in spread)
        return by_row * by_column
    return F.conv2d(torch.cat(spread, dim=1), csie.gates.weight[use], csie.gates.bias[use]).sigmoid()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("directions", ["channels", "axes"])
@pytest.mark.parametrize("interaction", ["position", "scalar", "scalar_features"])
def test_csie_is_its_equations_group_by_group(
    interaction: Any, directions: Any, shared: bool, seed: int
) -> None:
    published = (interaction, directions, shared) == ("position", "channels", False)
    csie = (CSIE(12) if published else VariantCSIE(12, 4, interaction, directions, shared)).double()
    x = torch.randn(2, 12, 5, 7, dtype=torch.float64)
    groups = []
    for g, own in enumerate(x.chunk(4, dim=1)):
        use = slice(0, 3) if shared else slice(3 * g, 3 * g + 3)
        gates = gates_of(csie, own, use)
        near = F.conv2d(own, csie.local.weight[use], csie.local.bias[use], padding=1, groups=3)
        near = csie.excite[0 if shared else g](near)
        f_near = near.mean((2, 3))
        if interaction == "position":
            f_along = (own * gates).mean((2, 3))
            matched = torch.einsum("bc,bchw->bhw", f_along.softmax(1), near)
            matched = matched + torch.einsum("bc,bchw->bhw", f_near.softmax(1), own * gates)
            weight = torch.sigmoid(matched)[:, None]
        else:
            f_along = (gates if interaction == "scalar" else own * gates).mean((2, 3))
            if interaction == "scalar":
                assert ((f_along > 0) & (f_along < 1)).all()
            weight = torch.sigmoid((f_along * f_near).sum(1))[:, None, None, None]
        groups.append(own * weight)
    expected = F.conv2d(torch.cat(groups, dim=1), csie.mix.weight, csie.mix.bias) + x
    torch.testing.assert_close(csie(x), expected)
    turned = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(csie(turned), expected)


def test_the_encoder_keeps_mambas_start(seed: int) -> None:
    model = tiny()
    for name, parameter in model.encoder.named_parameters():
        if name.endswith("A_log"):
            assert torch.equal(parameter, torch.tensor([1.0, 2.0]).log().expand_as(parameter))
        elif name.endswith("dt_bias"):
            assert F.softplus(parameter).min() > 0.999e-3
            assert F.softplus(parameter).max() < 0.1001
        elif name.endswith(".D"):
            assert torch.equal(parameter, torch.ones_like(parameter))


def test_decay_spares_state_parameters_norms_and_biases() -> None:
    model = tiny(mlp_ratio=1.0)
    decaying, free = model.parameter_groups(0.05)
    assert (decaying["weight_decay"], free["weight_decay"]) == (0.05, 0.0)
    names = {id(p): n for n, p in model.named_parameters()}
    spared = {names[id(p)] for p in free["params"]}
    assert sorted([*spared, *(names[id(p)] for p in decaying["params"])]) == sorted(names.values())
    norms = nn.LayerNorm | nn.BatchNorm2d
    for prefix, module in model.named_modules():
        for name, _ in module.named_parameters(prefix, recurse=False):
            last = name.rsplit(".", 1)[1]
            expected = isinstance(module, norms) or last in ("A_log", "D", "dt_bias", "bias")
            assert (name in spared) == expected, name


def test_bfloat16_autocast_trains(seed: int) -> None:
    model, x = tiny(), torch.randn(2, 2, 3, 64, 64)
    exact = model(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(x)
        loss = rough.float().square().mean()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert F.cosine_similarity(rough.float().flatten(), exact.flatten(), dim=0) > 0.95


def test_it_learns_a_made_up_change(seed: int) -> None:
    x = 0.1 * torch.randn(2, 2, 3, 64, 64)
    truth = torch.zeros(2, 1, 64, 64)
    truth[..., 16:48, 8:40] = 1
    x[:, 1] += truth
    model = tiny()
    optimizer = torch.optim.Adam(model.parameter_groups(0.0), lr=1e-2)
    losses = []
    for _ in range(12):
        logits = model(x)
        loss = F.binary_cross_entropy_with_logits(logits, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert (logits[truth == 1] > logits[truth == 0].median()).float().mean() > 0.9


def test_saved_and_loaded_it_answers_the_same(tmp_path: Path, seed: int) -> None:
    x = torch.randn(1, 2, 4, 32, 48)
    model = settle(tiny(in_channels=4, bfa="cbam", num_classes=2), x)
    saved = save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model", saved)
    with torch.no_grad():
        assert torch.equal(model(x), loaded(x))


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({}, {}),
        ({"interaction": "position"}, {"interaction": "position"}),
        ({"interaction": "scalar"}, {"interaction": "scalar_features"}),
        ({"shared_groups": True, "interaction": "scalar"}, {"interaction": "scalar_features"}),
    ],
)
def test_a_model_saved_before_directions_had_a_name_gates_along_the_axes(
    options: dict[str, Any], meant: dict[str, Any], tmp_path: Path, seed: int
) -> None:
    x = torch.randn(1, 2, 3, 40, 33)
    model = settle(tiny(**{**options, **meant, "directions": "axes"}), x)
    saved = save_model(model, tmp_path / "model")
    known = {name: value for name, value in saved.options.items() if name != "directions"}
    old = load_model(tmp_path / "model", replace(saved, options={**known, **options}))
    assert old.options == model.options
    with torch.no_grad():
        assert torch.equal(old(x), model(x))


def test_weights_along_the_axes_have_the_names_under_which_they_were_saved() -> None:
    model = create_model("glmamba", preset="nano", in_channels=3, directions="axes")
    names = "".join(f"{key} {tuple(value.shape)}\n" for key, value in model.state_dict().items())
    assert hashlib.sha256(names.encode()).hexdigest()[:16] == "bc8c9071ede01182"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_channels": 10}, "base_channels=10"),
        ({"base_channels": 16, "groups": 5}, "groups=5"),
        ({"depths": (1, 1, 1)}, "four numbers"),
        ({"depths": (1, 0, 1, 1)}, "at least 1"),
        ({"bfa": "sum"}, "full"),
        ({"scan": "spiral"}, "corners"),
        ({"directions": "rows"}, "channels, axes"),
        ({"mlp_ratio": -1.0}, "mlp_ratio"),
        ({"d_state": 0}, "d_state"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        tiny(**options)
    assert "\n" not in str(error.value)


def test_the_parts_that_the_switches_name_make_the_published_network_too(seed: int) -> None:
    networks = []
    for network, config in ((GLMamba, GLMambaConfig), (GLMambaVariant, GLMambaVariantConfig)):
        torch.manual_seed(seed)
        networks.append(network(config(**TINY)))
    published, variant = networks
    assert type(tiny()) is GLMamba
    assert type(tiny(csam=False)) is GLMambaVariant
    assert list(published.state_dict()) == list(variant.state_dict())
    x = torch.randn(1, 2, 3, 40, 33)
    assert torch.equal(published(x), variant(x))


def test_presets_have_the_stated_sizes() -> None:
    counts = {}
    for preset, options in SPEC.presets.items():
        with torch.device("meta"):
            model = GLMamba(GLMambaConfig(in_channels=3, **options))
        counts[preset] = count(model)
        if preset == "large":
            assert count(model.encoder) == 18_538_464  # the 18.5 M of the docstring
    assert counts == {"nano": 1_008_153, "small": 5_578_437, "base": 12_069_401, "large": 46_350_493}
    assert SPEC.default_preset == "base"
