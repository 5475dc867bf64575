import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from terramamba.models.vss import SS2D, PatchMerging, VSSBlock, VSSEncoder

SMALL = {"base_channels": 8, "depths": (1, 2, 1, 1), "d_state": 2}


def small_encoder(in_channels: int = 3) -> VSSEncoder:
    return VSSEncoder(in_channels, **SMALL)


def walks(scan: str, h: int, w: int) -> list[list[tuple[int, int]]]:
    rows = [(r, c) for r in range(h) for c in range(w)]
    if scan == "cross":
        columns = [(r, c) for c in range(w) for r in range(h)]
        return [rows, columns, rows[::-1], columns[::-1]]
    return [
        rows,
        [(r, w - 1 - c) for r, c in rows],
        [(h - 1 - r, c) for r, c in rows],
        [(h - 1 - r, w - 1 - c) for r, c in rows],
    ]


def ss2d_by_loops(module: SS2D, x: Tensor, scan: str, zoh: bool) -> Tensor:
    """One path after the other, one token after the other, one image after the other."""
    h, w, d = x.shape[1:]
    rank, n, _ = module.sizes
    result = []
    for image in x:
        total: list[list[Tensor]] = [[x.new_zeros(d) for _ in range(w)] for _ in range(h)]
        for k, walk in enumerate(walks(scan, h, w)):
            own = slice(k * d, (k + 1) * d)
            A, D = -torch.exp(module.A_log[own]), module.D[own]
            state = x.new_zeros(d, n)
            for r, c in walk:
                u = image[r, c]
                dt, B, C = torch.split(module.x_proj[k] @ u, [rank, n, n])
                delta = F.softplus(module.dt_weight[k] @ dt + module.dt_bias[k])[:, None]
                Bbar = (torch.exp(delta * A) - 1) / A * B if zoh else delta * B
                state = torch.exp(delta * A) * state + Bbar * u[:, None]
                total[r][c] = total[r][c] + state @ C + D * u
        result.append(torch.stack([torch.stack(row) for row in total]))
    return torch.stack(result)


@pytest.mark.parametrize("discretization", ["euler", "zoh"])
@pytest.mark.parametrize("scan", ["cross", "corners"])
def test_ss2d_is_four_independent_scans(scan: str, discretization: str, seed: int) -> None:
    module = SS2D(5, rank=2, d_state=3, scan=scan, discretization=discretization).double()
    for parameter in module.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    leaves = [x, *module.parameters()]
    found, expected = module(x), ss2d_by_loops(module, x, scan, discretization == "zoh")
    torch.testing.assert_close(found, expected)
    got = torch.autograd.grad((found * weights).sum(), leaves)
    wanted = torch.autograd.grad((expected * weights).sum(), leaves)
    torch.testing.assert_close(got, wanted)


def test_ss2d_takes_maps_of_any_memory_order(seed: int) -> None:
    module = SS2D(4, rank=1, d_state=2, scan="cross", discretization="euler")
    x = torch.randn(2, 4, 5, 3)
    torch.testing.assert_close(
        module(x.permute(0, 2, 3, 1)),
        module(x.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)),
    )


def test_stated_flops_are_projections_and_scan() -> None:
    module, tokens = SS2D(5, rank=2, d_state=3, scan="cross", discretization="euler"), 2 * 4 * 6
    x_proj, dt_proj = tokens * 4 * (2 + 3 + 3) * 5, tokens * 4 * 5 * 2
    assert module.stated_flops(torch.zeros(2, 4, 6, 5)) == 2 * (x_proj + dt_proj) + 9 * tokens * 4 * 5 * 3


@pytest.mark.parametrize("channels", [16, 48, 96])
def test_block_has_the_parameters_of_the_formula(channels: int) -> None:
    block = VSSBlock(channels)
    assert sum(p.numel() for p in block.parameters()) == 7 * channels**2 + 426 * channels


def test_mlp_adds_its_parameters() -> None:
    plain, with_mlp = (sum(p.numel() for p in VSSBlock(16, mlp_ratio=r).parameters()) for r in (0.0, 2.0))
    assert with_mlp - plain == 2 * 16 + (16 * 32 + 32) + (32 * 16 + 16)


def test_block_is_gated_after_its_norm(seed: int) -> None:
    block, x = VSSBlock(8, d_state=2), torch.randn(1, 3, 4, 8)
    assert not torch.equal(block(x), x)
    block.in_proj.weight.data[16:] = 0  # z = 0, SiLU(0) = 0: nothing is added to x
    assert torch.equal(block(x), x)


def test_mamba_start_survives_an_initialisation_of_all_layers(seed: int) -> None:
    encoder = VSSEncoder(3, 32, (1, 1, 1, 1))

    def kaiming(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Conv2d | nn.LayerNorm):
            for parameter in module.parameters():
                if parameter.ndim > 1:
                    nn.init.kaiming_normal_(parameter)
                else:
                    nn.init.zeros_(parameter)

    encoder.apply(kaiming)
    states = torch.arange(1.0, 17.0).log()
    for stage, rank in zip(encoder.stages, (2, 4, 8, 16), strict=True):
        core = stage[0].ss2d
        assert torch.equal(core.A_log, states.expand_as(core.A_log))
        assert torch.equal(core.D, torch.ones_like(core.D))
        steps = F.softplus(core.dt_bias)
        assert steps.min() > 0.999e-3
        assert steps.max() < 0.1001
        assert steps.log().mean().item() == pytest.approx(math.log(1e-2), abs=0.4)
        assert 0.8 * rank**-0.5 < core.dt_weight.abs().max() <= rank**-0.5


@pytest.mark.parametrize(("h", "w"), [(4, 6), (5, 6), (4, 3), (5, 7), (1, 1)])
def test_patch_merging_of_odd_maps(h: int, w: int, seed: int) -> None:
    merge, x = PatchMerging(3), torch.randn(2, h, w, 3)
    found = merge(x)
    assert found.shape == (2, (h + 1) // 2, (w + 1) // 2, 6)
    for i in range(found.shape[1]):
        for j in range(found.shape[2]):
            places = [(2 * i, 2 * j), (2 * i + 1, 2 * j), (2 * i, 2 * j + 1), (2 * i + 1, 2 * j + 1)]
            four = [x[:, r, c] if r < h and c < w else torch.zeros(2, 3) for r, c in places]
            expected = merge.reduction(merge.norm(torch.cat(four, dim=1)))
            torch.testing.assert_close(found[:, i, j], expected)


def test_encoder_maps_at_odd_sizes(seed: int) -> None:
    maps = small_encoder()(torch.randn(2, 3, 44, 28))
    assert [tuple(m.shape) for m in maps] == [(2, 8, 11, 7), (2, 16, 6, 4), (2, 32, 3, 2), (2, 64, 2, 1)]


def test_autocast_keeps_step_and_scan_in_float32(seed: int) -> None:
    core = SS2D(4, rank=1, d_state=2, scan="cross", discretization="euler")
    core.A_log.data.fill_(-6.0)  # a long memory: rounding would add up
    core.x_proj.data.zero_()
    core.x_proj.data[:, 1:, 0] = 1.0
    x = torch.randn(1, 12, 15, 4).bfloat16().float()
    x[..., 0] = 1.0  # B = C = 1 and dt = 0 in bfloat16 as in float32, so that only step and scan can differ
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = core(x)
    torch.testing.assert_close(rough.float(), core(x), rtol=1e-4, atol=1e-4)


def test_block_under_autocast(seed: int) -> None:
    block, x = VSSBlock(16, d_state=4), torch.randn(2, 6, 5, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = block(x)
    rough.float().sum().backward()
    torch.testing.assert_close(rough.float(), block(x), rtol=0.05, atol=0.05)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in block.parameters())
