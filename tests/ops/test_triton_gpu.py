"""The Triton kernels on a GPU: the interpreter's cases, larger ones, and their speed (``make test-gpu``).

Needs torch, numpy, einops, jaxtyping and pytest alone.
"""

import statistics
from collections.abc import Callable

import pytest
import torch
from scan_cases import Case, assert_close
from torch import Tensor
from triton_cases import (
    ARGUMENTS,
    CONVOLUTIONS,
    GROUPS,
    ScanCase,
    check_convolution,
    check_scan,
    inputs_of,
    path_index_of,
    results_of,
    run_group,
)

from terramamba.ops import reference, triton

if not torch.cuda.is_available():
    pytest.skip("there is no CUDA device", allow_module_level=True)

DEVICE = "cuda"
SCAN = torch.ops.terramamba.triton_scan.default
CONVOLUTION = torch.ops.terramamba.triton_convolution.default
LARGE = (
    ScanCase(Case(l=500, d=100, n=16, b=3)),
    ScanCase(Case(l=203, d=40, n=70, b=2, zoh=True)),
    ScanCase(Case(l=203, d=40, n=128, b=2)),
    ScanCase(Case(l=4096, d=32, n=16, g=4, b=1, zoh=True, layout="time first"), "cross", (64, 64)),
    ScanCase(Case(l=1023, d=96, n=17, g=4, b=2, layout="time first"), "corners", (31, 33)),
)
MAP_SIDE, PATHS, CHANNELS, STATES = 64, 4, 128, 16
ROUNDS = 30


@pytest.fixture(autouse=True)
def usual_algorithms():
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("group", GROUPS)
def test_cases_of_the_interpreter(seed, group):
    run_group(group, DEVICE)


@pytest.mark.parametrize("scan", LARGE, ids=str)
def test_large_scans_fill_the_gpu_in_chunks(seed, scan):
    check_scan(scan, DEVICE)
    inputs, path_index = inputs_of(scan), path_index_of(scan)
    once, again = (results_of(scan, inputs, path_index, DEVICE) for _ in range(2))
    assert all(torch.equal(once[k], again[k]) for k in once)


@pytest.mark.parametrize("zoh", [False, True])
def test_the_public_function_runs_them(seed, zoh):
    case = Case(l=65, d=16, g=4, n=16, zoh=zoh)
    inputs = {k: x.detach().to(DEVICE).requires_grad_() for k, x in case.inputs().items()}
    narrow = {k: x.detach().float().requires_grad_() for k, x in inputs.items()}
    results = []
    for given, backend in ((narrow, "auto"), (inputs, "reference")):
        y, last = case.scan(given, backend)
        gradients = torch.autograd.grad(y.sin().sum() + last.sin().sum(), list(given.values()))
        results.append({"y": y, "last": last, **dict(zip(given, gradients, strict=True))})
    assert_close(*results, outputs=1e-6, gradients=1e-5)


def test_they_are_operators_of_pytorch(seed):
    case = Case(l=20, d=8, g=2)
    tensors = [case.inputs(torch.float32).get(k) for k in ARGUMENTS]
    tensors = [None if x is None else x.detach().to(DEVICE).requires_grad_() for x in tensors]
    torch.library.opcheck(SCAN, (*tensors, None, True, False, True))
    x, k = (torch.randn(2, 20, 8, device=DEVICE), torch.randn(8, 20, device=DEVICE))
    torch.library.opcheck(CONVOLUTION, (x.requires_grad_(), k.requires_grad_()))


@pytest.mark.parametrize("sizes", [*CONVOLUTIONS, (64, 49, 512), (3, 300, 40)], ids=str)
def test_convolutions(seed, sizes):
    check_convolution(*sizes, DEVICE)


@pytest.mark.parametrize("batch", [1, 16])
def test_time_beside_the_loop_and_the_memory(seed, batch, capsys):
    """Milliseconds of the four paths of a 64 x 64 map of 128 channels, n 16, float32, channels innermost.

    "floor": the bytes of all inputs and outputs, each moved once, over the speed at which the GPU copies a
    large tensor. "loop": the plain recurrence, step after step, forward alone. Medians of runs after a
    warm-up, so that the compiler's time is not in them. No speed is asserted: the GPU may be shared.
    """
    length, d = MAP_SIDE**2, PATHS * CHANNELS
    scan = ScanCase(Case(l=length, d=d, g=PATHS, n=STATES, b=batch), "cross", (MAP_SIDE, MAP_SIDE))
    path_index = path_index_of(scan).to(DEVICE)
    u, dy = (torch.randn(batch, length, CHANNELS, device=DEVICE).mT for _ in range(2))
    delta = torch.randn(batch, length, d, device=DEVICE).mT * 0.3 - 4
    B, C = (torch.randn(batch, length, PATHS, STATES, device=DEVICE).permute(0, 2, 3, 1) for _ in range(2))
    A = -torch.arange(1.0, STATES + 1, device=DEVICE).repeat(d, 1)
    D, bias = torch.ones(2, d, device=DEVICE)
    given = (u, delta, A, B, C, D, bias, None, path_index, True, False)
    y, last, saved_states = triton.forward(*given, True)

    spread = u.repeat(1, PATHS, 1), delta, A, B, C, D, bias, True, "euler", None
    copied = torch.empty(1 << 28, device=DEVICE)
    speed = 2 * size(copied) / milliseconds(lambda: copied.clone())
    loop = milliseconds(lambda: reference.selective_scan(*spread), rounds=3)
    rows = {
        "forward": (lambda: triton.forward(*given, False), size(u, delta, B, C, y)),
        "backward": (
            lambda: triton.backward(dy, last, saved_states, *given),
            size(u, delta, B, C, dy) + size(u, delta, B, C, saved_states),
        ),
    }
    lines = [
        f"{torch.cuda.get_device_name()}, batch {batch}: copies {speed / 1e6:.0f} GB/s, loop {loop:.1f} ms"
    ]
    for name, (run, moved) in rows.items():
        time, floor = milliseconds(run), moved / speed
        lines.append(
            f"{name}: {time:.3f} ms, {time / floor:.1f}x the floor, {loop / time:.0f}x the loop's speed"
        )
    with capsys.disabled():
        print("", *lines, sep="\n")


def size(*tensors: Tensor) -> int:
    """Bytes."""
    return sum(x.numel() * x.element_size() for x in tensors)


def milliseconds(run: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median time on the GPU."""
    times = []
    for _ in range(rounds + 2):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times[2:])
