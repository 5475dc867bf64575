"""Compile the Triton kernels as models launch them, for GPUs that need not be there; list what they spill.

    python benchmarks/spills.py [--states 1 16] [--gpus 80] [--forward] [--json FILE]

A value that finds no register is spilled: written to the GPU's memory and read again, step after step. The
launches are those of ``selective_scan_2d`` in training (four paths through a map, its channels innermost),
those of ``selective_scan`` without any option (time innermost, half precision), all cut into chunks of steps,
and the convolution of ``lti_scan``. Nothing runs: tensors have no memory, and Triton is told the GPU.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from triton import __version__, knobs
from triton.backends.compiler import GPUTarget
from triton.runtime import driver

from terramamba.ops import triton, triton_backward, triton_convolution, triton_forward, triton_launch

STATES = (1, 2, 4, 8, 16, 32, 64, 128)
DISCRETIZATIONS = ("euler", "zoh")
GPUS = (80, 90)
"""Compute capability times 10: A100, H100."""
KERNELS = {
    "chunk_states": triton_forward.chunk_states,
    "carry_states": triton_forward.carry_states,
    "outputs": triton_forward.outputs,
    "gradients": triton_backward.gradients,
    "convolve": triton_convolution.convolve,
    "kernel_gradient": triton_convolution.kernel_gradient,
}
BACKWARD = ", backward"
"""Ends the name of a kernel that runs in both directions, in the backward pass."""
SIDE, PATHS, CHANNELS, BATCH = 32, 4, 128, 2
STEPS = SIDE * SIDE
SPILLED = re.compile(r"(\d+) bytes spill stores")

Spills = dict[str, int]
"""Bytes that are spilled, by kernel."""


class Elsewhere:
    """What Triton asks of the driver of a GPU, without one."""

    def __init__(self, gpu: int) -> None:
        self.target = GPUTarget("cuda", gpu, 32)

    def get_current_target(self) -> GPUTarget:
        return self.target

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


@contextmanager
def compiling(gpu: int) -> Iterator[Spills]:
    """Compile what is launched, and do not run it; the most that each kernel spilled."""
    found: Spills = {}

    def compiled(name: str, kernel: Any) -> Callable[..., None]:
        def run(*arguments: Any, grid: Any, warmup: bool, **options: Any) -> None:
            log = StringIO()
            with redirect_stdout(log):
                type(kernel).run(kernel, *arguments, grid=grid, warmup=True, **options)
            spilled = [int(number) for number in SPILLED.findall(log.getvalue())]  # none: compiled before
            label = name + BACKWARD * options.get("BACKWARD", False)
            found[label] = max(found.get(label, 0), *spilled, 0)

        return run

    before = triton_launch.multiprocessors
    triton_launch.multiprocessors = lambda device: 10_000  # so that steps are cut into chunks
    driver.set_active(Elsewhere(gpu))  # type: ignore[arg-type]
    with TemporaryDirectory() as cache, knobs.cache.scope(), knobs.nvidia.scope():
        knobs.cache.dir, knobs.nvidia.dump_ptxas_log = cache, True
        try:
            for name, kernel in KERNELS.items():
                kernel.device_caches.clear()
                kernel.run = compiled(name, kernel)
            yield found
        finally:
            triton_launch.multiprocessors = before
            for kernel in KERNELS.values():
                del kernel.run


def empty(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def launch_map(n: int, *, zoh: bool, forward: bool) -> None:
    """The four paths through maps, as GLMamba trains."""
    d = PATHS * CHANNELS
    u, delta = empty(BATCH, STEPS, CHANNELS).mT, empty(BATCH, STEPS, d).mT
    B, C = (empty(BATCH, STEPS, PATHS, n).permute(0, 2, 3, 1) for _ in range(2))
    path_index = empty(PATHS, STEPS, dtype=torch.int32)
    given = (u, delta, empty(d, n), B, C, empty(d), empty(d), None, path_index, True, zoh)
    y, last, saved_states = triton.forward(*given, True)
    if not forward:
        triton.backward(y, last, saved_states, *given)


def launch_sequences(n: int, *, zoh: bool, forward: bool) -> None:
    """Sequences without any option, in half precision."""
    half = torch.bfloat16
    u, delta = (empty(BATCH, CHANNELS, STEPS, dtype=half) for _ in range(2))
    B, C = (empty(BATCH, 1, n, STEPS, dtype=half) for _ in range(2))
    given = (u, delta, empty(CHANNELS, n), B, C, None, None, None, None, False, zoh)
    triton.forward(*given, False)
    y, last, saved_states = triton.forward(*given, True)
    if not forward:
        triton.backward(y, last, saved_states, *given)


def launch_convolution() -> None:
    x, k = empty(BATCH, 49, CHANNELS), empty(49, CHANNELS).mT
    triton.convolution_backward(triton.convolution_forward(x, k), x, k)


LAUNCHES = {"map": launch_map, "sequences": launch_sequences}


def measure(
    gpu: int, states: Sequence[int], launches: Sequence[str], discretizations: Sequence[str], *, forward: bool
) -> dict[str, dict[str, Spills]]:
    """Spilled bytes by discretisation and n ("" for kernels that have neither), and kernel."""
    found: dict[str, dict[str, Spills]] = {}
    with compiling(gpu) as spills:
        launch_convolution()
        found[""] = {"": dict(spills)}
        for discretization in discretizations:
            for n in states:
                spills.clear()
                for name in launches:
                    LAUNCHES[name](n, zoh=discretization == "zoh", forward=forward)
                found.setdefault(discretization, {})[str(n)] = dict(spills)
                print(f"sm_{gpu}, {discretization}, n {n}: {spills}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--states", type=int, nargs="+", default=STATES, help="n, states of a channel")
    parser.add_argument("--gpus", type=int, nargs="+", default=GPUS, help="compute capability times 10")
    parser.add_argument("--launches", nargs="+", choices=LAUNCHES, default=list(LAUNCHES))
    parser.add_argument("--discretizations", nargs="+", choices=DISCRETIZATIONS, default=DISCRETIZATIONS)
    parser.add_argument(
        "--forward", action="store_true", help="without the backward pass, which takes longest"
    )
    parser.add_argument("--json", type=Path, help="file to write, for benchmarks/page.py")
    asked = parser.parse_args()
    found = {
        f"sm_{gpu}": measure(gpu, asked.states, asked.launches, asked.discretizations, forward=asked.forward)
        for gpu in asked.gpus
    }
    most = Counter[str]()
    for of_gpu in found.values():
        for by_n in of_gpu.values():
            for spills in by_n.values():
                most.update({name: max(0, number - most[name]) for name, number in spills.items()})
    print("most bytes spilled:", ", ".join(f"{name} {number}" for name, number in most.items()))
    if asked.json is not None:
        record = {"triton": __version__, "bytes": found}
        asked.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
