"""Time every backend of the two scans beside a plain loop over the tokens (the reference).

All backends of a case take turns in one process, so that a machine that slows down slows all of them down.
Printed: median milliseconds, the quartiles, and how many times faster than the loop.

    python benchmarks/scan.py [--seconds 8] [--threads 2]
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from terramamba.ops import available_backends, lti_scan, selective_scan

FEWEST_ROUNDS, MOST_ROUNDS = 3, 50


@dataclass(frozen=True)
class SelectiveCase:
    """A selective scan of b sequences, g groups of d/g channels."""

    note: str
    b: int
    d: int
    l: int  # noqa: E741
    n: int
    g: int
    time_first: bool
    op: str = "selective_scan"

    def __str__(self) -> str:
        order = "(l, b, d)" if self.time_first else "(b, d, l)"
        return f"{self.note}: b {self.b}, d {self.d}, l {self.l}, n {self.n}, g {self.g}, memory {order}"

    def inputs(self) -> dict[str, Tensor]:
        return {
            "u": self._sequence(self.b, self.d),
            "delta": self._sequence(self.b, self.d) * 0.3 - 4,
            "A": -torch.arange(1.0, self.n + 1).repeat(self.d, 1),
            "B": self._sequence(self.b, self.g, self.n),
            "C": self._sequence(self.b, self.g, self.n),
            "D": torch.ones(self.d),
            "delta_bias": torch.zeros(self.d),
        }

    def _sequence(self, *sizes: int) -> Tensor:
        if self.time_first:
            return torch.randn(self.l, *sizes).movedim(0, -1)
        return torch.randn(*sizes, self.l)

    def scan(self, inputs: dict[str, Tensor], backend: str) -> Tensor:
        return selective_scan(**inputs, delta_softplus=True, backend=backend)


@dataclass(frozen=True)
class LtiCase:
    """A time-invariant scan of b sequences of d channels."""

    note: str
    b: int
    l: int  # noqa: E741
    d: int
    n: int
    op: str = "lti_scan"

    def __str__(self) -> str:
        return f"{self.note}: b {self.b}, l {self.l}, d {self.d}, n {self.n}"

    def inputs(self) -> dict[str, Tensor]:
        A, B, C = -torch.rand(self.d, self.n), torch.randn(self.d, self.n), torch.randn(self.d, self.n)
        x = torch.randn(self.b, self.l, self.d)
        return {"x": x, "delta": torch.rand(self.d), "A": A, "B": B, "C": C, "D": torch.ones(self.d)}

    def scan(self, inputs: dict[str, Tensor], backend: str) -> Tensor:
        return lti_scan(**inputs, backend=backend)


CASES = (
    SelectiveCase("four directions of one map", b=1, d=512, l=4096, n=16, g=4, time_first=False),
    SelectiveCase("the same, channels innermost", b=1, d=512, l=4096, n=16, g=4, time_first=True),
    SelectiveCase("GLMamba nano, stage 1 of 8 pairs", b=16, d=128, l=4096, n=4, g=4, time_first=True),
    SelectiveCase("GLMamba nano, stage 2", b=16, d=256, l=1024, n=4, g=4, time_first=True),
    SelectiveCase("GLMamba nano, stage 3", b=16, d=512, l=256, n=4, g=4, time_first=True),
    SelectiveCase("GLMamba nano, stage 4", b=16, d=1024, l=64, n=4, g=4, time_first=True),
    LtiCase("SSA-Mamba paper, 64 patches", b=64, l=49, d=512, n=16),
    LtiCase("SSA-Mamba tiny, 16 patches", b=16, l=49, d=64, n=16),
)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def measure(case: SelectiveCase | LtiCase, seconds: float) -> dict[str, tuple[list[float], list[float]]]:
    """Times of forward without gradients and of forward + backward, for each backend that is there."""
    inputs = {k: x.requires_grad_() for k, x in case.inputs().items()}
    backends = [name for name, reason in available_backends(case.op).items() if not reason]
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in backends}
    weights = torch.randn_like(next(iter(inputs.values())))

    def forward(name: str) -> Tensor:
        with torch.no_grad():
            return case.scan(inputs, name)

    def both(name: str) -> tuple[Tensor, ...]:
        return torch.autograd.grad(case.scan(inputs, name), list(inputs.values()), weights)

    for name in backends:
        if name != "reference":
            both(name)
    start = time.perf_counter()
    for done in range(MOST_ROUNDS):
        if done >= FEWEST_ROUNDS and time.perf_counter() - start > seconds:
            break
        for name in backends:
            times[name][0].append(milliseconds(lambda name=name: forward(name)))
            times[name][1].append(milliseconds(lambda name=name: both(name)))
    return times


def summary(values: list[float], loop: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:8.1f}  {low:7.1f} ..{high:8.1f}  {statistics.median(loop) / middle:5.1f}x"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="time for each case (at least three rounds)"
    )
    parser.add_argument(
        "--threads", type=int, default=None, help="threads of PyTorch (its default: all cores)"
    )
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    capability = torch.backends.cpu.get_cpu_capability()
    threads = f"{torch.get_num_threads()} threads on {os.cpu_count()} cores"
    system = f"{platform.system()} {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    print(f"torch {torch.__version__}, {threads}, {capability}, {system}")
    for op in ("selective_scan", "lti_scan"):
        for name, reason in available_backends(op).items():
            if reason:
                print(f"{op} has no {name}: {reason}")
    for case in CASES:
        times = measure(case, arguments.seconds)
        rounds = len(times["reference"][0])
        print(f"\n{case.op}, {case} ({rounds} rounds)")
        print(f"{'':12s}{'forward ms, quartiles, ratio':>38s}{'forward + backward':>38s}")
        for name, (forward, both) in times.items():
            loops = times["reference"]
            label = "loop" if name == "reference" else name
            print(f"{label:12s}{summary(forward, loops[0]):>38s}{summary(both, loops[1]):>38s}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
