"""SSA-Mamba: shapes, switches, counts by hand, and its unit computed a second time by a plain loop."""

import numpy as np
import pytest
import torch

from terramamba.core.errors import InputError
from terramamba.models import create_model, model_spec, ssa_mamba, ssa_variants

BANDS, CLASSES = 6, 4
SMALL = {"in_channels": BANDS, "num_classes": CLASSES, "d_model": 16, "d_state": 3, "heads": 2, "depth": 2}
SWITCHES = [
    {},
    {"step": "softplus"},
    {"discretization": "zoh"},
    {"conv": "centred"},
    {"attention": "reversed"},
    {"attention": "symmetric"},
    {"attention": "none"},
    {"gate": False},
    {"residuals": False},
    {"branches": "coupled"},
    {"branches": "spatial"},
    {"branches": "spectral"},
    {"attention": "none", "gate": False, "residuals": False, "branches": "coupled"},
    {"conv_width": 4, "conv": "centred", "expand": 1},
]
IDS = ["-".join(f"{key}={value}" for key, value in switch.items()) or "paper" for switch in SWITCHES]


def make(**options):
    return create_model("ssa_mamba", **{**SMALL, **options})


def shake(model):
    """Move every parameter off its initial value, so that zeros and ones hide nothing."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
            if name.endswith("squeeze.bias"):
                parameter.add_(2)  # keeps some of the few units before a ReLU alive
    return model


def size(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("switch", SWITCHES, ids=IDS)
def test_every_parameter_receives_gradient(switch, seed):
    model = shake(make(**switch, dropout=0.0)).double()
    x = torch.rand(5, BANDS, 5, 5, dtype=torch.float64)
    logits = model(x)
    assert logits.shape == (5, CLASSES)
    torch.nn.functional.cross_entropy(logits, torch.arange(5) % CLASSES).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert idle == []
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("switch", SWITCHES, ids=IDS)
def test_mean_of_token_logits_is_the_logits(switch, seed):
    model = shake(make(**switch, dropout=0.5))
    x = torch.rand(3, BANDS, 5, 5)
    with torch.no_grad():
        torch.manual_seed(seed)
        tokens = model.token_logits(x)  # in training, too, given the same draw of dropped values
        torch.manual_seed(seed)
        assert tokens.shape == (3, CLASSES, 5, 5)
        torch.testing.assert_close(tokens.mean(dim=(2, 3)), model(x), rtol=1e-4, atol=1e-4)
        model.eval()
        torch.testing.assert_close(model.token_logits(x).mean(dim=(2, 3)), model(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(5, 5), (9, 9), (3, 8), (1, 1)])
def test_other_patches_and_single_ones(shape, seed):
    model = shake(make()).eval()
    x = torch.rand(3, BANDS, *shape)
    with torch.no_grad():
        logits = model(x)
        assert logits.shape == (3, CLASSES)
        one_by_one = torch.cat([model(patch[None]) for patch in x])
    torch.testing.assert_close(one_by_one, logits, rtol=1e-4, atol=1e-4)
    if shape != (1, 1):
        assert model.train()(x[:1]).shape == (1, CLASSES)


@pytest.mark.parametrize("switch", [s for s in SWITCHES if len(s) == 1 and "branches" not in s], ids=str)
def test_each_switch_changes_what_comes_out(switch, seed):
    x = torch.rand(2, BANDS, 5, 5)
    model, other = shake(make()).eval(), make(**switch).eval()
    shared = {name: value for name, value in model.state_dict().items() if name in other.state_dict()}
    other.load_state_dict(shared, strict=False)
    with torch.no_grad():
        assert (model(x) - other(x)).abs().max() > 1e-4


D, DEPTH = SMALL["d_model"], SMALL["depth"]


def unit_size(d, n, inner, width):
    return (
        2 * d
        + (d + 1) * 2 * inner
        + width * inner
        + 2 * inner
        + (2 + 3 * n) * inner
        + (inner + 1) * d
        + 2 * d
    )


def model_size(c, k, d, n, expand, depth, width=3):
    """Parameters by hand, equation by equation."""
    hidden = max(d // 16, 4)
    excitation = d * hidden + hidden + hidden * d + d
    project = c * d // 2 + d + d // 2 * d * 9 + 2 * d
    branches = 2 * (unit_size(d, n, expand * d, width) + 2 * d)
    attention = 4 * d * d + 2 * d
    fusion = (2 * d + 1) * d + 4 * d + (2 * d + 1) * d + (d + 1) * d + excitation
    block = branches + attention + fusion + 2 * d + 2 * d  # its own norm, and the one after it
    integrate = 9 * d + 2 * d + d * d + 2 * d + excitation
    return project + depth * block + integrate + (d + 1) * k


@pytest.mark.parametrize(
    ("switch", "difference"),
    [
        ({}, 0),
        ({"step": "softplus", "discretization": "zoh", "conv": "centred", "residuals": False}, 0),
        ({"attention": "reversed"}, 0),
        ({"attention": "symmetric"}, 4 * D * D),
        ({"attention": "none"}, -4 * D * D - 2 * D),
        ({"gate": False}, -(2 * D + 1) * D),
        ({"branches": "coupled"}, -unit_size(D, 3, 2 * D, 3) - 2 * D),
    ],
    ids=str,
)
def test_switches_change_the_count_as_they_should(switch, difference):
    full = model_size(BANDS, CLASSES, D, 3, 2, DEPTH)
    assert size(make(**switch)) == full + DEPTH * difference


@pytest.mark.parametrize("alone", ["spatial", "spectral"])
def test_a_branch_alone_is_a_unit_and_its_norms(alone):
    model = make(branches=alone)
    block = unit_size(D, 3, 2 * D, 3) + 2 * D + 2 * D
    assert size(model.blocks[0]) == block
    assert list(model.blocks[0].branches) == [alone]
    with torch.no_grad():
        x = torch.rand(2, 25, D)
        branch = model.eval().blocks[0].branches[alone](x)
        torch.testing.assert_close(model.blocks[0](x), model.blocks[0].norm(branch + x))


def test_presets_have_the_size_that_the_equations_give():
    counts = {
        preset: size(create_model("ssa_mamba", preset=preset, in_channels=144, num_classes=15))
        for preset in model_spec("ssa_mamba").presets
    }
    claimed = model_spec("ssa_mamba").claims["parameters"]
    print(f"parameters at 144 bands and 15 classes: {counts}, published {claimed}")
    assert counts == {
        "paper": model_size(144, 15, 256, 16, 2, 4),
        "small": model_size(144, 15, 64, 16, 2, 2),
        "tiny": model_size(144, 15, 32, 16, 2, 1),
    }


def test_branches_share_nothing_unless_coupled():
    for block in make().blocks:
        spatial, spectral = (
            {p.data_ptr() for p in block.branches[name].parameters()} for name in ("spatial", "spectral")
        )
        assert len(spatial) == len(spectral) > 0
        assert not spatial & spectral
    assert [list(block.branches) for block in make(branches="coupled").blocks] == [["both"]] * DEPTH


def test_initial_values_are_those_of_the_state_space_and_stay(seed):
    model = make(d_model=64)
    for block in model.blocks:
        for branch in block.branches.values():
            core = branch[0].core
            assert core.delta_log.abs().max() == 0
            assert (core.D == 1).all()
            assert np.log(0.1) <= core.A_log.min() < core.A_log.max() <= np.log(1.1)
            assert 0.01 < core.B.std() < 0.03
            assert 0.01 < core.C.std() < 0.03
            linear = branch[0].in_proj
            assert linear.weight.abs().max() < 0.2
            assert 0.015 < linear.weight.std() < 0.025
            assert linear.bias.abs().max() == 0


def layer_norm(x, layer):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + layer.eps) * layer.weight.numpy() + layer.bias.numpy()


def silu(x):
    return x / (1 + np.exp(-x))


def unit_by_loop(unit, config, x):
    """The unit (Eq. 3-12) for one sequence (l, d), token by token and state by state, in float64."""
    weights = {name: value.numpy() for name, value in unit.state_dict().items()}
    u = layer_norm(x, unit.norm) @ weights["in_proj.weight"].T + weights["in_proj.bias"]
    inner = u.shape[1] // 2
    taps = weights["conv.weight"][:, 0]
    width = taps.shape[1]
    first = -(width - 1) if config.conv == "causal" else -(width - 1) + width // 2
    log = weights["core.delta_log"]
    step = np.exp(log) if config.step == "exp" else np.log1p(np.exp(log))
    A = -np.exp(weights["core.A_log"])
    state, rows = np.zeros_like(A), []
    for t in range(len(x)):
        m = np.zeros(inner)
        for j in range(width):
            if 0 <= t + first + j < len(x):
                m += taps[:, j] * u[t + first + j, :inner]
        scale = weights["conv_norm.weight"] / np.sqrt(weights["conv_norm.running_var"] + unit.conv_norm.eps)
        m = silu((m - weights["conv_norm.running_mean"]) * scale + weights["conv_norm.bias"])
        A_bar = np.exp(step[:, None] * A)
        B_bar = weights["core.B"] * (step[:, None] if config.discretization == "euler" else (A_bar - 1) / A)
        state = A_bar * state + B_bar * m[:, None]
        y = (weights["core.C"] * state).sum(1) + weights["core.D"] * m
        rows.append(weights["out_proj.weight"] @ (y * silu(u[t, inner:])) + weights["out_proj.bias"])
    return layer_norm(x + np.stack(rows), unit.out_norm)


def unit_of(config):
    if config.published:
        return ssa_mamba.SpectralSpatialMambaUnit(config)
    return ssa_variants.make_branch(config)[0]


@pytest.mark.parametrize("switch", SWITCHES[:4] + SWITCHES[-1:], ids=IDS[:4] + IDS[-1:])
def test_unit_equals_a_loop_over_tokens(switch, seed):
    config = ssa_variants.SSAVariantConfig(**{**SMALL, **switch})
    unit = shake(unit_of(config)).double()
    x = torch.randn(2, 11, D, dtype=torch.float64)
    unit(3 * torch.randn(4, 11, D, dtype=torch.float64))  # gives the batch norm something to remember
    unit.eval().requires_grad_(False)
    for found, sequence in zip(unit(x).numpy(), x.numpy(), strict=True):
        np.testing.assert_allclose(found, unit_by_loop(unit, config, sequence), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("conv", "earliest"), [("causal", 6), ("centred", 5)])
def test_how_far_back_a_token_is_felt(conv, earliest, seed):
    config = ssa_variants.SSAVariantConfig(**{**SMALL, "conv": conv})
    unit = shake(unit_of(config)).double().eval()
    x = torch.randn(1, 12, D, dtype=torch.float64)
    y = x.clone()
    y[0, 6] = torch.randn(D)
    with torch.no_grad():
        changed = (unit(x) - unit(y)).abs().amax(-1)[0] > 1e-12
    assert changed.nonzero().min() == earliest


@pytest.mark.parametrize(
    ("attention", "ways"), [("asymmetric", 1), ("reversed", 1), ("symmetric", 2), ("none", 0)]
)
def test_attention_maps(attention, ways, seed):
    model = shake(make(attention=attention)).eval()
    x = torch.rand(2, BANDS, 3, 4)
    with torch.no_grad():
        logits, maps = model(x, return_attention=True)
        assert torch.equal(logits, model(x))
    assert len(maps) == ways * DEPTH
    for weights in maps:
        assert weights.shape == (2, SMALL["heads"], 12, 12)
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, SMALL["heads"], 12))


def test_attention_maps_are_what_the_fused_attention_uses(seed):
    config = ssa_mamba.SSAMambaConfig(**SMALL)
    attention = ssa_mamba.CrossAttention(config).double()
    query, context = torch.randn(2, 2, 7, D, dtype=torch.float64)
    with torch.no_grad():
        y, weights = attention(query, context), attention.weights(query, context)
        values = attention.value(context).unflatten(-1, (SMALL["heads"], -1))
        expected = attention.out(torch.einsum("bnqk,bknd->bqnd", weights.double(), values).flatten(2))
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-6)


def test_spatial_asks_spectral_and_the_other_way_round(seed):
    model = shake(make(depth=1, attention="reversed")).eval()
    as_published = make(depth=1).eval()
    renamed = {
        name.replace("spatial", "?").replace("spectral", "spatial").replace("?", "spectral"): value
        for name, value in model.state_dict().items()
    }
    as_published.load_state_dict(renamed)
    x = torch.rand(2, BANDS, 5, 5)
    with torch.no_grad():
        torch.testing.assert_close(model(x), as_published(x))


def test_decay_spares_step_state_and_skip():
    model = make()
    decayed, spared = model.parameter_groups(5e-4)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (5e-4, 0.0)
    names = {id(p): name for name, p in model.named_parameters()}
    assert sorted(map(id, [*decayed["params"], *spared["params"]])) == sorted(names)
    assert {names[id(p)].rsplit(".", 1)[1] for p in spared["params"]} == {"delta_log", "A_log", "D"}
    assert len(spared["params"]) == 3 * 2 * DEPTH


def test_autocast_leaves_the_scan_in_float32(seed, monkeypatch):
    seen = []
    scan = ssa_mamba.lti_scan

    def watched(x, *parameters, **options):
        seen.extend(parameter.dtype for parameter in parameters)
        y = scan(x, *parameters, **options)
        wide = scan(x.float(), *parameters, **options)
        assert torch.equal(y, wide.to(x.dtype))
        return y

    monkeypatch.setattr(ssa_mamba, "lti_scan", watched)
    model = shake(make())
    x = torch.rand(3, BANDS, 5, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = torch.nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 2]))
    loss.backward()
    assert set(seen) == {torch.float32}
    assert all(p.grad.isfinite().all() for p in model.parameters())
    model.eval()
    with torch.no_grad():
        exact = model(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = model(x).float()
    assert (rough - exact).abs().max() < 0.1 * exact.abs().max()


def test_the_blocks_of_the_switches_make_the_published_network_too(seed):
    networks = []
    for network, config in (
        (ssa_mamba.SSAMamba, ssa_mamba.SSAMambaConfig),
        (ssa_variants.SSAMambaVariant, ssa_variants.SSAVariantConfig),
    ):
        torch.manual_seed(seed)
        networks.append(shake(network(config(**SMALL))))
    published, variant = networks
    assert type(make()) is ssa_mamba.SSAMamba
    assert type(make(gate=False)) is ssa_variants.SSAMambaVariant
    assert list(published.state_dict()) == list(variant.state_dict())
    x = torch.rand(3, BANDS, 5, 5)
    (logits, maps), (others, same) = (model.eval()(x, return_attention=True) for model in networks)
    assert torch.equal(logits, others)
    assert len(maps) == len(same) == DEPTH
    assert all(torch.equal(a, b) for a, b in zip(maps, same, strict=True))


def test_it_learns(seed):
    """Two classes that differ in one band of the patch are told apart after a few steps."""
    model = create_model("ssa_mamba", preset="tiny", in_channels=BANDS, num_classes=2)
    optimiser = torch.optim.Adam(model.parameter_groups(5e-4), lr=3e-3)
    y = torch.arange(32) % 2
    x = torch.rand(32, BANDS, 5, 5)
    x[:, 2] += 0.5 * y[:, None, None]
    for _ in range(30):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
    assert (model(x).argmax(1) == y).float().mean() > 0.9


def test_options_that_cannot_be():
    with pytest.raises(InputError, match="even multiple"):
        make(d_model=15, heads=3)
    with pytest.raises(InputError, match=r"dropout=-0\.1"):
        make(dropout=-0.1)
