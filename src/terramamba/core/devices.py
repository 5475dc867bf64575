"""From the name of a device to the device, ready to work."""

import ctypes
import sys

import torch

from terramamba.core.errors import InputError
from terramamba.core.words import meant

KINDS = ("auto", "cpu", "cuda", "mps")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of malloc.h."""
LARGEST_KEPT = 64 << 20
"""Bytes of the largest pieces of freed memory that are kept; with 1 GiB, fast mapping held a third more."""


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device called ``name``: cpu, cuda, cuda:1, mps, or auto (a GPU if any, else the CPU).

    For a CPU the process keeps its freed memory from then on: see ``keep_freed_memory``. Raises
    ``InputError`` when that device is not there.
    """
    device = _find(name)
    if device.type == "cpu":
        keep_freed_memory()
    return device


def keep_freed_memory() -> int:
    """Have the allocator keep memory that is freed, for the next tensor, in pieces of so many bytes at most.

    0: it cannot be told to.

    Left alone, the C library of Linux gives every larger piece back at once, and the kernel clears each page
    of the next one: 10 to 30 % of the time of mapping patch by patch on two cores.
    """
    if sys.platform != "linux":
        return 0
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries than glibc may have none
    if set_option is None or not set_option(M_TRIM_THRESHOLD, 2**31 - 1):
        return 0
    sizes = (LARGEST_KEPT, LARGEST_KEPT // 2)  # some versions take no more than 32 MiB
    return next((size for size in sizes if set_option(M_MMAP_THRESHOLD, size)), 0)


def use_threads(count: int) -> None:
    """Compute on so many threads from then on, NumPy's and SciPy's linear algebra included.

    Left alone, that starts a thread for every core in each of several processes side by side, and these wait
    for each other: the matrix products of ``raster.checks.shift`` took forty times as long beside others.
    """
    from threadpoolctl import threadpool_limits  # which a machine that only trains may lack

    torch.set_num_threads(count)
    threadpool_limits(count)


def _find(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda", "mps"):
        near = meant(name, KINDS)
        raise InputError(f"--device {name}: not one of auto, cpu, cuda, cuda:N, mps{near}")
    if device.type == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not found:
            raise InputError(
                f"--device {name}: PyTorch {torch.__version__} sees no CUDA device; use --device cpu"
            )
        if ":" not in name:
            return torch.device("cuda", torch.cuda.current_device())
        if device.index >= found:
            raise InputError(f"--device {name}: the last of {found} CUDA devices is cuda:{found - 1}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError(f"--device {name}: no Apple GPU is available; use --device cpu")
    return device
