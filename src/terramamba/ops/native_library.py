"""The library of the CPU kernel in ``native/``: loading it, its instruction sets, structs and functions.

One file holds the kernel for several instruction sets.
"""

import ctypes
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

LEVELS = ("plain", "avx2", "avx512")
"""Instruction sets by the kernel's numbers for them; "plain" is what every processor has: SSE2, NEON."""


class Strided(ctypes.Structure):
    """A pointer and three strides, in numbers of values."""

    _fields_ = (("data", ctypes.c_void_p), ("strides", ctypes.c_int64 * 3))


class Weights(ctypes.Structure):
    """A pointer and four strides."""

    _fields_ = (("data", ctypes.c_void_p), ("strides", ctypes.c_int64 * 4))


def _fields(kind: Any, names: str) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names.split()]


class Scan(ctypes.Structure):
    """What a scan is called with, forward or back."""

    _fields_ = (
        *_fields(ctypes.c_int64, "b d length n groups softplus zoh threads"),
        *_fields(ctypes.c_void_p, "path_index"),
        *_fields(Strided, "u delta y"),
        *_fields(Weights, "B C"),
        *_fields(ctypes.c_void_p, "A D bias state last saved_states"),
        *_fields(Strided, "du ddelta"),
        *_fields(ctypes.c_void_p, "dB dC dA dD dbias dstate"),
    )


class Convolution(ctypes.Structure):
    """What a causal convolution is called with."""

    _fields_ = (
        *_fields(ctypes.c_int64, "b length d threads"),
        *_fields(ctypes.c_void_p, "x k dy y dx dk"),
    )


class Exponentials(ctypes.Structure):
    """What a sum of exponentials is called with."""

    _fields_ = (
        *_fields(ctypes.c_int64, "d n length threads"),
        *_fields(ctypes.c_void_p, "z w D dk k dz dw"),
    )


def _load() -> tuple[Any, str]:
    """The library, or None and the reason why there is none."""
    home = Path(__file__).parent
    # The last suffixes come first: what builds of before left under a name with Python's version is old.
    names = [home / f"_scan{suffix}" for suffix in reversed(EXTENSION_SUFFIXES)]
    found = [name for name in names if name.is_file()]
    if not found:
        return None, (
            "it was not built when terramamba was installed; install a C++ compiler (gcc, clang or MSVC) and "
            "then terramamba again"
        )
    try:
        library = ctypes.CDLL(str(found[0]))
    except OSError as error:
        return None, f"{found[0]} cannot be loaded: {error}"
    library.terramamba_shares.restype = ctypes.c_int64
    return library, ""


_library, REASON = _load()
"""REASON says why the kernel cannot run here, "" if it can."""


def levels() -> tuple[str, ...]:
    """List the instruction sets that are built in and that this processor has, the fastest first."""
    if _library is None:
        return ()
    return tuple(name for i, name in reversed(list(enumerate(LEVELS))) if _library.terramamba_has(i))


def threaded() -> bool:
    """Tell whether the kernel was built with OpenMP; otherwise it runs on one thread."""
    return _library is not None and bool(_library.terramamba_threaded())


_level = LEVELS.index(levels()[0]) if levels() else 0


def level() -> str:
    """Name the instruction set that the kernel runs on."""
    return LEVELS[_level]


def use_level(name: str) -> str:
    """Run the kernel with this instruction set from now on; returns the one before (for tests and timing).

    Raises:
        ValueError: it is not built in, or this processor does not have it.
    """
    global _level
    if name not in levels():
        raise ValueError(f"the kernel has no level {name!r} here; there are: {', '.join(levels()) or 'none'}")
    before, _level = level(), LEVELS.index(name)
    return before


def run(name: str, call: ctypes.Structure, back: bool) -> None:
    """Call one of the kernel's functions, forward or ``back``, on the instruction set in use.

    Raises:
        MemoryError: there is too little memory for it.
    """
    if getattr(_library, f"terramamba_{name}")(_level, ctypes.byref(call), int(back)):
        raise MemoryError(f"not enough memory for the CPU kernel ({name})")


def shares(scan: Scan) -> int:
    """Return into how many parts the gradients of B and C are summed up."""
    return int(_library.terramamba_shares(_level, ctypes.byref(scan)))


EVERY = _library.terramamba_block() if _library is not None else 1
"""Steps between the states that are saved for the backward pass, a tile of the kernel's."""
SEQUENCES_A_CHUNK = _library.terramamba_sequences_a_chunk() if _library is not None else 1
"""Sequences over which the gradient of a convolution's kernel is summed up at once."""
