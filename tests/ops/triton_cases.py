"""What the Triton kernels must get right, on a GPU or, run as a program, in Triton's interpreter on a CPU.

    TRITON_INTERPRET=1 python tests/ops/triton_cases.py SEED GROUP ...

The interpreter takes milliseconds for a step of a program: cases are few, and each covers several sizes and
options. It must be chosen before anything imports Triton: hence the process of its own.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from scan_cases import Case, assert_close, disturbed, wave
from torch import Tensor

from terramamba.ops import reference, triton, triton_launch, triton_trial
from terramamba.ops.scan_paths import SCAN_PATHS

ARGUMENTS = ("u", "delta", "A", "B", "C", "D", "delta_bias", "initial_state")


@dataclass(frozen=True)
class ScanCase:
    """A scan, along ``paths`` through a map of (h, w) if given; ``chunk_steps``: of a chunk, 0 for all."""

    case: Case
    paths: str = ""
    map_shape: tuple[int, int] = (1, 1)
    chunk_steps: int = 0
    dtype: torch.dtype = torch.float32


GROUPS: dict[str, tuple[ScanCase, ...]] = {
    "sizes": (
        ScanCase(Case(l=1, d=1, n=1, b=2, D=False, bias=False, softplus=False, state=False)),
        ScanCase(Case(l=2, d=100, n=4, g=4, b=1, zoh=True, layout="strided")),
        ScanCase(Case(l=63, d=3, n=16, b=1, layout="time first")),
        ScanCase(Case(l=3, d=5, n=70, b=1, zoh=True)),
        ScanCase(Case(l=64, d=16, n=4, b=1, D=False), dtype=torch.bfloat16),
    ),
    "lengths": (
        ScanCase(Case(l=65, d=3, n=4, b=1, zoh=True, layout="expanded"), chunk_steps=16),
        ScanCase(Case(l=203, d=3, n=1, b=1, bias=False, softplus=False)),
    ),
    "maps": (
        ScanCase(Case(l=15, d=36, n=4, g=4, b=1, zoh=True), "cross", (3, 5)),
        ScanCase(Case(l=32, d=12, n=16, g=4, b=1, layout="time first"), "corners", (4, 8), chunk_steps=16),
        ScanCase(Case(l=7, d=4, n=1, g=4, b=2, D=False, bias=False, state=False), "corners", (7, 1)),
        ScanCase(Case(l=6, d=12, n=4, g=4, b=1), "cross", (2, 3), dtype=torch.float16),
    ),
    "trial": (),
}
CONVOLUTIONS = ((1, 1, 1), (5, 20, 33), (1, 40, 2))
"""Sequences, steps, channels."""


def run_group(group: str, device: str) -> None:
    """All checks of a group."""
    # Memory that nobody has written to is NaN. (Its other name imports the compiler.)
    torch.set_deterministic_debug_mode("error")
    for scan in GROUPS[group]:
        with chunks_of(scan.chunk_steps):
            check_scan(scan, device)
    if group == "sizes":
        check_extreme_steps(False, device)
        check_extreme_steps(True, device)
        check_empty_batch(device)
    if group == "trial":
        assert triton_trial.failure(torch.device(device)) == ""
    if group == "lengths":
        for sizes in CONVOLUTIONS:
            check_convolution(*sizes, device)


@contextmanager
def chunks_of(steps: int) -> Iterator[None]:
    """Cut the steps into chunks as if the GPU had room for all of them, with 0 as if it had room for none."""
    before = triton_launch.multiprocessors, triton_launch.CHUNK_STEPS
    triton_launch.multiprocessors = lambda device: 10_000 if steps else 0
    triton_launch.CHUNK_STEPS = steps or triton_launch.CHUNK_STEPS
    yield
    triton_launch.multiprocessors, triton_launch.CHUNK_STEPS = before


def check_scan(scan: ScanCase, device: str) -> None:
    """The kernels against the reference in float64."""
    print(scan)
    inputs, path_index = inputs_of(scan), path_index_of(scan)
    got = results_of(scan, inputs, path_index, device)
    single = {k: x.detach().float().requires_grad_() for k, x in inputs.items()}
    # Half types: everything inside is float32, so that only the rounding of the results is left, or in the
    # interpreter, which cuts digits off where a GPU rounds, twice that.
    eps = torch.finfo(scan.dtype).eps if scan.dtype != torch.float32 else 0.0
    half = eps if device == "cpu" else eps / 2
    assert_close(
        got,
        truth_of(scan, inputs, path_index),
        outputs=max(half, 1e-6),
        gradients=max(half, 1e-5),
        plain=disturbed(partial(truth_of, scan), single, path_index),
    )


def inputs_of(scan: ScanCase) -> dict[str, Tensor]:
    """Leaves of a graph in float64; with paths u is the map, whose channels all paths share."""
    inputs = {k: x.detach().double() for k, x in scan.case.inputs(scan.dtype).items()}
    for name in ("B", "C"):
        if inputs[name].ndim == 3:
            inputs[name] = inputs[name][:, None]
    if scan.paths:
        inputs["u"] = inputs["u"][:, : scan.case.d // scan.case.g]
    return {k: x.requires_grad_() for k, x in inputs.items()}


def path_index_of(scan: ScanCase) -> Tensor | None:
    """The row of the map that each path is at, at each step."""
    if not scan.paths:
        return None
    h, w = scan.map_shape
    pixels = torch.arange(h * w, dtype=torch.int32).view(1, 1, h, w)
    return SCAN_PATHS[scan.paths][0](pixels).view(4, h * w).t().contiguous().t()


def truth_of(scan: ScanCase, inputs: dict[str, Tensor], path_index: Tensor | None) -> dict[str, Tensor]:
    """Outputs, last state and gradients of the reference; every path is spread out as a sequence."""
    case, spread = scan.case, {k: inputs.get(k) for k in ARGUMENTS}
    if path_index is not None:
        maps = {k: inputs[k].unflatten(1, (case.g, -1)) for k in ("delta", "B", "C")}
        maps["u"] = inputs["u"][:, None].expand(-1, case.g, -1, -1)
        paths = {
            k: torch.stack([x[:, i][..., p] for i, p in enumerate(path_index.long())], 1)
            for k, x in maps.items()
        }
        spread |= {k: x.flatten(1, 2) for k, x in paths.items()}
    *tensors, state = spread.values()
    y, last = reference.selective_scan(*tensors, case.softplus, "zoh" if case.zoh else "euler", state)
    if path_index is not None:
        of_paths = y.unflatten(1, (case.g, -1)).unbind(1)
        y = sum(of_path[..., p.argsort()] for of_path, p in zip(of_paths, path_index, strict=True))
    loss = (y * wave(y)).sum() + (last * wave(last)).sum()
    gradients = torch.autograd.grad(loss, list(inputs.values()))
    return {"y": y, "last": last, **dict(zip(inputs, gradients, strict=True))}


def results_of(
    scan: ScanCase, inputs: dict[str, Tensor], path_index: Tensor | None, device: str
) -> dict[str, Tensor]:
    """The same from the kernels."""
    case = scan.case
    narrow = {k: memory_as(case.layout, x.detach().to(device, scan.dtype)) for k, x in inputs.items()}
    tensors = [narrow.get(k) for k in ARGUMENTS]
    tensors.append(None if path_index is None else path_index.to(device))
    y, last, saved_states = triton.forward(*tensors, case.softplus, case.zoh, True)
    assert (y.dtype, last.dtype) == (scan.dtype, torch.float32)
    assert saved_states.shape == triton.saved_shape(case.b, case.d, case.l, case.n)
    if case.l == 2:
        again, last_again, nothing = triton.forward(*tensors, case.softplus, case.zoh, False)
        assert torch.equal(y, again)
        assert torch.equal(last, last_again)
        assert nothing.shape == (0,)
    dy, dlast = (wave(x).to(device, x.dtype) for x in (y, last))
    gradients = triton.backward(dy, dlast, saved_states, *tensors, case.softplus, case.zoh)
    results = {"y": y, "last": last}
    for name, gradient in zip(ARGUMENTS, gradients, strict=True):
        if name in narrow:
            assert gradient.dtype == scan.dtype
            results[name] = gradient
        else:
            assert gradient.shape == (0,)
    return {k: x.cpu() for k, x in results.items()}


def memory_as(layout: str, x: Tensor) -> Tensor:
    """The same numbers, with gaps between them if the layout is "strided"."""
    if layout != "strided":
        return x
    return x.new_zeros(*x.shape[:-1], 2 * x.shape[-1] + 1)[..., 1::2].copy_(x)


def check_extreme_steps(zoh: bool, device: str) -> None:
    """Delta*A from -1e-6 to -80, and A = 0, at once."""
    scan = ScanCase(Case(l=5, d=16, n=17, b=1, zoh=zoh, softplus=False, bias=False))
    inputs = inputs_of(scan)
    A = -torch.logspace(-6, 1.90309, 16 * 17).view(16, 17)
    A[0, 0] = 0
    inputs |= {"A": A.double().requires_grad_(), "delta": torch.ones(1, 16, 5).double().requires_grad_()}
    got = results_of(scan, inputs, None, device)
    assert all(torch.isfinite(x).all() for x in got.values())
    assert_close(got, truth_of(scan, inputs, None), outputs=1e-6, gradients=1e-5)


def check_empty_batch(device: str) -> None:
    """Nothing is launched, and the parameters' gradients are 0."""
    scan = ScanCase(Case(l=6, d=8, n=4, b=0))
    got = results_of(scan, inputs_of(scan), None, device)
    assert not any(got[k].any() for k in ("A", "D", "delta_bias"))


def check_convolution(b: int, length: int, d: int, device: str) -> None:
    """y, dx and dk against the convolution's sum in float64."""
    dy, k = torch.randn(b, length, d), torch.randn(d, length)
    x = torch.randn(length, b, d).transpose(0, 1)
    wide = [t.double().requires_grad_() for t in (x, k)]
    lags = torch.arange(length)[:, None] - torch.arange(length)
    matrix = torch.where(lags >= 0, wide[1][:, lags.clamp(min=0)], 0.0)
    y = torch.einsum("dts,bsd->btd", matrix, wide[0])
    truth = dict(zip(("y", "x", "k"), (y, *torch.autograd.grad(y, wide, dy.double())), strict=True))
    on_device = [t.to(device) for t in (dy, x, k)]
    got = (triton.convolution_forward(*on_device[1:]), *triton.convolution_backward(*on_device))
    got = {name: t.cpu() for name, t in zip(truth, got, strict=True)}
    assert_close(got, truth, outputs=1e-6, gradients=1e-5)


def patch_once() -> None:
    """Have functions that kernels call find the interpreter's operations where the kernel has put them.

    Triton puts them there anew at every call, which is a third of the time.
    """
    from triton.runtime import interpreter

    language, anew = interpreter.tl, interpreter.InterpretedFunction.__call__

    def call(function: interpreter.InterpretedFunction, *given: object, **options: object) -> object:
        modules = (x for x in function.fn.__globals__.values() if x is language or x is language.core)
        if any(language.core.is_builtin(module.load) for module in modules):
            return anew(function, *given, **options)
        return function.rewrite()(*given, **options)

    interpreter.InterpretedFunction.__call__ = call


if __name__ == "__main__":
    patch_once()
    for group in sys.argv[2:]:
        torch.manual_seed(int(sys.argv[1]))
        run_group(group, "cpu")
