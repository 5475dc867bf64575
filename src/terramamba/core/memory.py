"""How much memory this process has taken, and whether an error says that there is no more."""

from pathlib import Path

NO_MORE = "DefaultCPUAllocator: can't allocate memory"
"""How PyTorch says so of the main memory, by no error of its own."""


def is_of_memory(error: BaseException) -> bool:
    """Tell whether ``error`` says that memory ran out, of the machine or of a GPU."""
    return (
        isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or NO_MORE in str(error)
    )


def most_resident() -> float:
    """Return the most MiB of memory that this process has held at once."""
    status = Path("/proc/self/status")
    if status.is_file():
        # On Linux getrusage would count the parent in, as it was when it started this process.
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
    from resource import RUSAGE_SELF, getrusage

    return getrusage(RUSAGE_SELF).ru_maxrss / 2**20
