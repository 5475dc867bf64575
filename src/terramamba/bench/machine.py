"""What the times were measured on, and what it can do at best."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from terramamba._version import __version__
from terramamba.bench.timing import take_turns
from terramamba.ops import native_library

MATRIX = {"full": 1536, "small": 64}
"""Side of the matrices that are multiplied."""
COPIED = {"full": 64 * 2**20, "small": 2**10}
"""Numbers that are copied: far more than a cache holds."""


def describe() -> dict[str, Any]:
    """Return processor, threads, instruction sets and versions."""
    levels = native_library.levels()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "instruction set of PyTorch": torch.backends.cpu.get_cpu_capability(),
        "instruction set of the native kernel": levels[0] if levels else f"none: {native_library.REASON}",
        "native kernel on several threads": native_library.threaded(),
        "load at the start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": {
            "terramamba": __version__,
            "python": platform.python_version(),
            **{name: found for name in ("torch", "mambapy", "transformers") if (found := _version(name))},
        },
    }


def roofline(seconds: float, size: str) -> dict[str, float]:
    """Measure a float32 matrix product, and copying memory (bytes read and bytes written both count)."""
    side, numbers = MATRIX[size], COPIED[size]
    left, right = torch.randn(2, side, side)
    source, target = torch.randn(numbers), torch.empty(numbers)
    works = {"sgemm": lambda: torch.mm(left, right), "copy": lambda: target.copy_(source)}
    times = take_turns(works, seconds)
    return {
        "sgemm_gflops": 2 * side**3 / times["sgemm"].median / 1e9,
        "copy_gbytes": 2 * 4 * numbers / times["copy"].median / 1e9,
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        named = re.search(r"^model name\s*: (.*)", information.read_text(encoding="utf-8"), re.MULTILINE)
        if named:
            return named[1]
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
