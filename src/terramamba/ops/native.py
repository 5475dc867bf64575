"""The CPU kernel in ``native/``: loading it, and calling it with tensors.

One library holds the kernel for several instruction sets. It works in float32 on as many threads as PyTorch
has; every sum is taken in an order that does not depend on their number.
"""

import ctypes
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from terramamba.ops.operator import like

LEVELS = ("plain", "avx2", "avx512")
"""Instruction sets by the kernel's numbers for them; "plain" is what every processor has: SSE2, NEON."""


class _Strided(ctypes.Structure):
    """A pointer and three strides, in numbers."""

    _fields_ = (("data", ctypes.c_void_p), ("strides", ctypes.c_int64 * 3))


class _Weights(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("strides", ctypes.c_int64 * 4))


def _fields(kind: Any, names: str) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names.split()]


class _Scan(ctypes.Structure):
    _fields_ = (
        *_fields(ctypes.c_int64, "b d length n groups softplus zoh threads"),
        *_fields(ctypes.c_void_p, "path_index"),
        *_fields(_Strided, "u delta y"),
        *_fields(_Weights, "B C"),
        *_fields(ctypes.c_void_p, "A D bias state last saved_states"),
        *_fields(_Strided, "du ddelta"),
        *_fields(ctypes.c_void_p, "dB dC dA dD dbias dstate"),
    )


class _Convolution(ctypes.Structure):
    _fields_ = (
        *_fields(ctypes.c_int64, "b length d threads"),
        *_fields(ctypes.c_void_p, "x k dy y dx dk"),
    )


class _Exponentials(ctypes.Structure):
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


def _empty(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _pointer(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()


class _Call:
    """A call of the kernel: its struct, and the tensors that the pointers in it point into."""

    def __init__(
        self,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        delta_bias: Tensor | None,
        state: Tensor | None,
        path_index: Tensor | None,
        softplus: bool,
        zoh: bool,
    ) -> None:
        self.b, self.d, self.length = delta.shape
        self.n, self.groups = A.shape[1], B.shape[1]
        self.strided = [x.detach().float() for x in (u, delta, B, C)]
        self.plain = [
            None if x is None else x.detach().float().contiguous() for x in (A, D, delta_bias, state)
        ]
        self.path_index = None if path_index is None else path_index.to(torch.int32).contiguous()
        self.scan = _Scan(
            *(self.b, self.d, self.length, self.n, self.groups, softplus, zoh, torch.get_num_threads()),
            path_index=_pointer(self.path_index),
        )
        for name, x in zip(("u", "delta", "B", "C"), self.strided, strict=True):
            self.point(name, x)
        for name, y in zip(("A", "D", "bias", "state"), self.plain, strict=True):
            setattr(self.scan, name, _pointer(y))

    def point(self, name: str, x: Tensor) -> None:
        """Enter a tensor and its strides."""
        kind = _Strided if x.ndim == 3 else _Weights
        setattr(self.scan, name, kind(x.data_ptr(), x.stride()))

    def run(self, back: bool) -> None:
        if self.b and self.d and _library.terramamba_scan(_level, ctypes.byref(self.scan), int(back)):
            raise MemoryError("not enough memory for the scan")


def saved_shape(b: int, d: int, length: int, n: int) -> tuple[int, ...]:
    """Give the shape of the states that the forward pass saves: one before every ``EVERY`` steps."""
    return -(-length // EVERY), b, n, d


def forward(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    state: Tensor | None,
    path_index: Tensor | None,
    softplus: bool,
    zoh: bool,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Scan: outputs, last state and what the backward pass needs; see ``operator``."""
    call = _Call(u, delta, A, B, C, D, delta_bias, state, path_index, softplus, zoh)
    y = like(u, torch.float32)
    last = _empty(call.b, call.d, call.n)
    saved_states = _empty(*(saved_shape(call.b, call.d, call.length, call.n) if keep else (0,)))
    call.point("y", y)
    call.scan.last, call.scan.saved_states = last.data_ptr(), saved_states.data_ptr() if keep else None
    call.run(back=False)
    return _as_type(y, u), last, saved_states


def backward(
    dy: Tensor,
    dlast: Tensor,
    saved_states: Tensor,
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    state: Tensor | None,
    path_index: Tensor | None,
    softplus: bool,
    zoh: bool,
) -> tuple[Tensor, ...]:
    """Work out the gradients of the tensors from u to state; see ``operator``."""
    call = _Call(u, delta, A, B, C, D, delta_bias, state, path_index, softplus, zoh)
    b, d, n, scan = call.b, call.d, call.n, call.scan
    dy, dlast = dy.detach().float(), dlast.detach().float().contiguous()
    du, ddelta = (like(x, torch.float32) for x in (u, delta))
    for name, x in (("y", dy), ("du", du), ("ddelta", ddelta)):
        call.point(name, x)
    shares = _library.terramamba_shares(_level, ctypes.byref(scan))
    dB, dC = (_empty(shares, b, call.length, call.groups, n) for _ in range(2))
    dA, dD, dbias, dstate = (_empty(b, d, *rest) for rest in ((n,), (), (), (n,)))
    parts = {
        "last": dlast,
        "saved_states": saved_states,
        "dB": dB,
        "dC": dC,
        "dA": dA,
        "dD": dD,
        "dbias": dbias,
        "dstate": dstate,
    }
    for name, x in parts.items():
        setattr(scan, name, x.data_ptr())
    call.run(back=True)
    weights = (_total(x).permute(0, 2, 3, 1) for x in (dB, dC))
    found = (du, ddelta, _total(dA), *weights, _total(dD), _total(dbias), dstate)
    given = (u, delta, A, B, C, D, delta_bias, state)
    return tuple(A.new_empty(0) if x is None else _as_type(dx, x) for x, dx in zip(given, found, strict=True))


def convolution_forward(x: Tensor, k: Tensor) -> Tensor:
    """Convolve every channel, y_t = sum over j <= t of k_j x_{t-j}, in the type of x; summed in float32."""
    y = _empty(*x.shape)
    _convolve(x, k, y=y)
    return _as_type(y, x)


def convolution_backward(dy: Tensor, x: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Work out the gradients of x and k from that of y."""
    b, length, d = x.shape
    dy = dy.detach().float().contiguous()
    dx, dk = _empty(*x.shape), _empty(-(-b // SEQUENCES_A_CHUNK), length, d)
    _convolve(x, k, dy=dy, dx=dx, dk=dk)
    return _as_type(dx, x), _as_type(_total(dk).t().contiguous(), k)


def _convolve(x: Tensor, k: Tensor, **others: Tensor) -> None:
    """Write the outputs or, where there is a dy, the gradients."""
    b, length, d = x.shape
    x, k = (z.detach().float().contiguous() for z in (x, k.t()))
    pointers = {name: z.data_ptr() for name, z in others.items()}
    call = _Convolution(b, length, d, torch.get_num_threads(), x.data_ptr(), k.data_ptr(), **pointers)
    if x.numel() and _library.terramamba_convolution(_level, ctypes.byref(call), int("dy" in others)):
        raise MemoryError("not enough memory for the convolution")


def exponentials_forward(z: Tensor, w: Tensor, D: Tensor | None, length: int) -> Tensor:
    """Sum k_t = sum over n of w_n e^(t z_n), D more at t = 0, for t < length; float32, channels innermost."""
    k = _empty(length, len(z))
    _sum_exponentials(z, w, length, D=D, k=k)
    return k.t()


def exponentials_backward(dk: Tensor, z: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Work out the gradients of z and w from that of k."""
    dz, dw = _empty(*z.shape), _empty(*w.shape)
    _sum_exponentials(z, w, dk.shape[1], dk=dk.t(), dz=dz, dw=dw)
    return _as_type(dz, z), _as_type(dw, w)


def _sum_exponentials(z: Tensor, w: Tensor, length: int, **others: Tensor | None) -> None:
    """Write k or, where there is a dk, the gradients."""
    given = {"z": z, "w": w, **others}
    held = {name: None if x is None else x.detach().float().contiguous() for name, x in given.items()}
    pointers = {name: _pointer(x) for name, x in held.items()}
    call = _Exponentials(*z.shape, length, torch.get_num_threads(), **pointers)
    if len(z) and _library.terramamba_exponentials(_level, ctypes.byref(call), int("dk" in others)):
        raise MemoryError("not enough memory for the kernel of a scan")


def _total(parts: Tensor) -> Tensor:
    """The first part, in which the kernel has added up all of them; without any the sum is 0."""
    if len(parts) == 0:
        return parts.new_zeros(parts.shape[1:])
    return parts[0] if len(parts) == 1 else parts[0].clone()


def _as_type(x: Tensor, model: Tensor) -> Tensor:
    return x.to(model.dtype)


EVERY = _library.terramamba_block() if _library is not None else 1
"""Steps between the states that are saved for the backward pass, a tile of the kernel's."""
SEQUENCES_A_CHUNK = _library.terramamba_sequences_a_chunk() if _library is not None else 1
"""Sequences over which the gradient of a convolution's kernel is summed up at once."""
