"""The most memory that a way of running a case takes, measured in a process of its own.

    python -m terramamba.bench.memory train full "glmamba-base training" native 2

prints, in MiB, what the process held before the first run and the most that it has held after.
"""

import subprocess
import sys
import time
from importlib import import_module

from terramamba.core.memory import most_resident

RUNS, SECONDS = 2, 5.0
"""Runs (the first step makes Adam's state, the second holds it throughout), fewer after so many seconds."""


def peak(what: str, size: str, key: str, way: str, threads: int) -> dict[str, float]:
    """Measure MiB before the first run, and at most; raises ``RuntimeError`` if the process fails."""
    command = [sys.executable, "-m", "terramamba.bench.memory", what, size, key, way, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise RuntimeError(f"measuring the memory of {way} failed: {reason[0]}")
    before, most = map(float, done.stdout.split())
    return {"before_mib": before, "peak_mib": most}


def _measure(what: str, size: str, key: str, way: str, threads: int) -> tuple[float, float]:
    import torch

    from terramamba.bench.loops import loop_backends
    from terramamba.core.devices import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()
    with loop_backends():
        cases = import_module(f"terramamba.bench.{what}").cases(size, True)
        work = next(case for case in cases if case.key == key).works()[way]
        before = most_resident()
        start = time.perf_counter()
        for _ in range(RUNS):
            work()
            if time.perf_counter() - start > SECONDS:
                break
    return before, most_resident()


if __name__ == "__main__":
    what, size, key, way, threads = sys.argv[1:]
    print(*_measure(what, size, key, way, int(threads)))
