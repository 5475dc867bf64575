"""Scans of maps along four paths against float64 scans of the paths written out: outputs and gradients."""

import numpy as np
import pytest
import torch
from scan_cases import assert_close, disturbed, laid_out, wave
from scan_ways import FLOAT32, bounds, is_double, ways
from torch import Tensor

from terramamba.ops import SCAN_PATHS, selective_scan, selective_scan_2d

BACKENDS = pytest.mark.parametrize("backend", ways(), indirect=True)
ALL_BACKENDS = pytest.mark.parametrize("backend", [*ways(), "reference"], indirect=True)
EVERY_PATH = pytest.mark.parametrize("paths", SCAN_PATHS)
MAPS = ((1, 1), (1, 7), (5, 3), (9, 8))


def make_inputs(b: int, h: int, w: int, d: int, n: int, optional: bool = True) -> dict[str, Tensor]:
    """Leaves in float64 numbers that float32 can hold."""
    tensors = {
        "x": torch.randn(b, h, w, d),
        "delta": torch.randn(b, h, w, 4, d) - 1,
        "A": -torch.rand(4 * d, n) * 2,
        "B": torch.randn(b, h, w, 4, n),
        "C": torch.randn(b, h, w, 4, n),
    }
    if optional:
        tensors |= {"D": torch.randn(4 * d), "delta_bias": 0.1 * torch.rand(4 * d)}
    return {k: x.double().requires_grad_() for k, x in tensors.items()}


def cast(inputs: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    return {k: x.detach().to(dtype).requires_grad_() for k, x in inputs.items()}


def with_gradients(y: Tensor, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    gradients = torch.autograd.grad(
        (y.double() * wave(y)).sum(), list(inputs.values()), materialize_grads=True
    )
    return {"y": y, **dict(zip(inputs, gradients, strict=True))}


def by_paths(inputs: dict[str, Tensor], paths: str, discretization: str) -> dict[str, Tensor]:
    """Every tensor as four sequences, scanned as four groups by the reference, and added up on the map."""
    (b, h, w, d), (to_paths, merge) = inputs["x"].shape, SCAN_PATHS[paths]

    def sequences(z: Tensor) -> Tensor:
        """Path k of the channels of path k, of maps (b, h, w, 4, c): (b, 4, c, l)."""
        each = (to_paths(z[..., k, :].permute(0, 3, 1, 2))[:, k] for k in range(4))
        return torch.stack(list(each), dim=1)

    y = selective_scan(
        to_paths(inputs["x"].permute(0, 3, 1, 2)).flatten(1, 2),
        sequences(inputs["delta"]).flatten(1, 2),
        inputs["A"],
        *(sequences(inputs[name]) for name in ("B", "C")),
        inputs.get("D"),
        delta_bias=inputs.get("delta_bias"),
        delta_softplus=True,
        discretization=discretization,
        backend="reference",
    )
    return with_gradients(merge(y.unflatten(1, (4, d)), h, w).mT.view(b, h, w, d), inputs)


def results(inputs: dict[str, Tensor], paths: str, discretization: str, backend: str) -> dict[str, Tensor]:
    options = {"discretization": discretization, "paths": paths, "backend": backend}
    return with_gradients(selective_scan_2d(**inputs, delta_softplus=True, **options), inputs)


@ALL_BACKENDS
@EVERY_PATH
@pytest.mark.parametrize("discretization", ["euler", "zoh"])
def test_backends_scan_the_paths(seed, poison, discretization, paths, backend):
    rng = np.random.default_rng(seed)
    for h, w in MAPS:
        b, d, n = (int(rng.choice(sizes)) for sizes in ([1, 3], [1, 3, 16, 37], [1, 4, 17]))
        inputs = make_inputs(b, h, w, d, n, optional=bool(rng.integers(2)))
        truth = by_paths(inputs, paths, discretization)
        single = cast(inputs, torch.float32)
        plain = disturbed(by_paths, single, paths, discretization)
        assert_close(results(single, paths, discretization, backend), truth, **FLOAT32, plain=plain)
        assert_close(
            results(inputs, paths, discretization, backend),
            truth,
            **bounds("selective_scan_2d", backend, outputs=1e-11, gradients=1e-8),
            plain=None if is_double("selective_scan_2d", backend) else plain,
        )


@BACKENDS
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_inputs(seed, dtype, backend):
    halves = cast(make_inputs(2, 5, 3, 8, 4), dtype)
    got = results(halves, "cross", "euler", backend)
    truth = by_paths(cast(halves, torch.float64), "cross", "euler")
    assert {x.dtype for x in got.values()} == {dtype}
    # Sums of four paths are rounded once by a kernel, path by path otherwise.
    eps = torch.finfo(dtype).eps
    assert_close(got, truth, outputs=eps, gradients=eps)


@BACKENDS
def test_autocast_keeps_float32_inside(seed, backend):
    inputs = cast(make_inputs(2, 5, 3, 8, 4), torch.float32)
    plain = results(inputs, "corners", "zoh", backend)
    with torch.autocast("cpu", torch.bfloat16):
        under = results(inputs, "corners", "zoh", backend)
    assert under["y"].dtype == torch.float32
    assert all(torch.equal(plain[k], under[k]) for k in plain)


@ALL_BACKENDS
def test_memory_order_does_not_matter_and_inputs_are_left_alone(seed, backend):
    inputs = cast(make_inputs(2, 5, 3, 8, 4), torch.float32)
    before = {k: x.detach().clone() for k, x in inputs.items()}
    want = results(inputs, "cross", "euler", backend)
    assert all(torch.equal(inputs[k], x) for k, x in before.items())
    for layout in ("time first", "strided"):  # channels first, gaps between channels
        others = {k: laid_out(x.detach(), layout).requires_grad_() for k, x in inputs.items()}
        assert not others["x"].is_contiguous()
        got = results(others, "cross", "euler", backend)
        for name, x in want.items():
            torch.testing.assert_close(got[name], x)


@ALL_BACKENDS
@EVERY_PATH
def test_no_maps_give_no_maps_and_gradients_of_zero(seed, poison, backend, paths):
    inputs = cast(make_inputs(0, 5, 3, 8, 4), torch.float32)
    got = results(inputs, paths, "euler", backend)
    assert got["y"].shape == (0, 5, 3, 8)
    for name, x in inputs.items():
        assert torch.equal(got[name], torch.zeros_like(x)), name


@ALL_BACKENDS
def test_nothing_is_kept_without_gradients(seed, backend):
    inputs = cast(make_inputs(1, 4, 3, 8, 4), torch.float32)
    want = selective_scan_2d(**inputs, backend=backend).detach()
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            y = selective_scan_2d(**inputs, backend=backend)
        assert torch.equal(y, want)
        assert not y.requires_grad
