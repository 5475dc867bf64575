"""The ways to run an operator on a CPU beside the reference, and how exact each is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from terramamba.ops.backends import BACKENDS
from terramamba.ops.native_library import REASON, levels, use_level

FLOAT32 = {"outputs": 1e-6, "gradients": 1e-5}
"""Bounds of relative errors where everything is computed in float32."""

NATIVE = [f"native-{level}" for level in levels()]
"""The native kernel at every instruction set that this processor has."""


def ways() -> list[Any]:
    """For the fixture ``backend``; the native kernel is skipped where it cannot run."""
    missing = pytest.param("native", marks=pytest.mark.skip(reason=f"no native kernel: {REASON}"))
    return ["pytorch", *(NATIVE or [missing])]


@contextmanager
def at_level(level: str) -> Iterator[None]:
    """The native kernel runs on this instruction set."""
    before = use_level(level)
    try:
        yield
    finally:
        use_level(before)


def is_double(op: str, backend: str) -> bool:
    """Whether float64 inputs are computed with in float64."""
    return BACKENDS[op][backend].widest == torch.float64


def bounds(op: str, backend: str, **of_double: float) -> dict[str, float]:
    """Bounds for float64 inputs: those given, or those of float32 where the backend computes in that."""
    return of_double if is_double(op, backend) else FLOAT32
