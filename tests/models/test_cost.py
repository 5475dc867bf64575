"""Cost of a forward pass, against formulas written by hand."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from terramamba.models import create_model, list_models, model_spec
from terramamba.models.cost import Cost, ScanModule, model_cost, scan_flops


def ssa_flops(b, c, k, side, d, n, expand, depth, width=3):
    """Multiplications and additions of the equations; scans by 9 B L I N."""
    tokens = b * side * side
    inner, hidden = expand * d, max(d // 16, 4)
    excitation = 2 * 2 * b * d * hidden
    project = 2 * tokens * (c * d // 2 + 9 * d // 2 * d)
    unit = 2 * tokens * (d * 2 * inner + width * inner + inner * d)
    scans = scan_flops(b, side * side, inner, n)
    attention = 2 * tokens * (4 * d * d + 2 * side * side * d)
    fusion = 2 * tokens * (2 * d * d + 2 * d * d + d * d) + excitation
    integrate = 2 * tokens * (9 * d + d * d) + excitation
    # Under the causal convolution, too, every token counts with the full width.
    return project + depth * (2 * (unit + scans) + attention + fusion) + integrate + 2 * b * d * k


@pytest.mark.parametrize(
    ("preset", "sizes"), [("paper", (256, 16, 2, 4)), ("small", (64, 16, 2, 2)), ("tiny", (32, 16, 2, 1))]
)
def test_ssa_mamba_counts_by_hand(preset, sizes):
    model = create_model("ssa_mamba", preset=preset, in_channels=144, num_classes=15)
    cost = model_cost(model, (1, 144, 7, 7))
    print(f"{preset}: {cost}")
    assert cost.flops == ssa_flops(1, 144, 15, 7, *sizes)
    assert cost.parameters == sum(p.numel() for p in model.parameters())


def test_batch_and_patch_count(seed):
    model = create_model("ssa_mamba", preset="tiny", in_channels=9, num_classes=3)
    assert model_cost(model, (5, 9, 3, 3)).flops == ssa_flops(5, 9, 3, 3, 32, 16, 2, 1)


def test_a_scan_counts_once_whatever_its_backend_does():
    class Scan(ScanModule):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.eye(4))

        def forward(self, x):
            return x @ self.weight @ self.weight  # matrix products that a backend might use

        def stated_flops(self, x):
            return scan_flops(x.shape[0], x.shape[1], 4, 16)

    scan = Scan()
    assert scan_flops(2, 3, 4, 16) == 9 * 2 * 3 * 4 * 16
    linear = 2 * 6 * 4 * 4
    twice = nn.Sequential(scan, nn.Linear(4, 4), scan)
    assert model_cost(twice, (2, 3, 4)) == Cost(16 + 20, 2 * scan_flops(2, 3, 4, 16) + linear)


def test_a_convolution_and_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(6, 8, 3, groups=2, padding=1), nn.BatchNorm2d(8), nn.ReLU())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert model_cost(model, (2, 6, 5, 7)) == Cost(8 * 3 * 9 + 8 + 16, 2 * 2 * 35 * 8 * 3 * 9)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_model_without_weights_runs_for_real():
    class Difference(nn.Module):
        def forward(self, x):
            return (x[:, 1] - x[:, 0]).abs().mean(1, keepdim=True) if float(x.sum()) == 0 else x

    assert model_cost(Difference(), (1, 2, 3, 4, 4)) == Cost(0, 0)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("spectralformer", (2, 9, 7, 7)), ("changeformer", (2, 2, 3, 32, 32)), ("tinycd", (2, 2, 3, 32, 32))],
)
def test_counts_without_numbers_are_those_of_pytorch_with_numbers(name, shape):
    model = create_model(name, in_channels=shape[-3], num_classes=2)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.eval()(torch.zeros(shape))
    assert counter.get_total_flops() > 0
    for on_meta in (True, False):
        assert model_cost(model, shape, on_meta=on_meta).flops == counter.get_total_flops()


@pytest.mark.parametrize("name", [name for name in list_models("change") if model_spec(name).trainable])
def test_change_detectors_have_a_cost_that_grows_with_the_area(name):
    spec = model_spec(name)
    preset = min(spec.presets, key=lambda p: spec.presets[p].get("base_channels", 1000))
    model = create_model(name, preset=preset, in_channels=3)
    once, four = (model_cost(model, (1, 2, 3, side, side)) for side in (64, 128))
    assert once.parameters == sum(p.numel() for p in model.parameters()) > 0
    assert four.flops == pytest.approx(4 * once.flops, rel=0.02)


def test_glmamba_states_its_scans():
    model = create_model("glmamba", preset="nano", in_channels=3)
    stated = [module for module in model.modules() if isinstance(module, ScanModule)]
    scans = [module for module in model.modules() if hasattr(module, "A_log")]
    assert stated == scans != []
