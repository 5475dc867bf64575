"""Scales that are declared of values to which they were applied before."""

import numpy as np
import pytest

from terramamba.raster.checks.scaled_twice import probably_scaled_twice
from terramamba.raster.declared_scale import DeclaredScale


@pytest.mark.parametrize(
    ("dtype", "high", "scale", "said"),
    [
        ("float32", 0.4, 1e-4, True),
        ("float64", 1.3, 2.75e-5, True),
        ("float32", 4000, 1e-4, False),  # whole numbers that were saved so
        ("int16", 1, 1e-4, False),
        ("float32", 0.4, 0.1, False),
        ("float32", 0.4, 10, False),
    ],
)
def test_fractions_that_a_scale_would_make_once_more_are_told(
    dtype: str, high: float, scale: float, said: bool, seed: int
) -> None:
    values = np.random.default_rng(seed).uniform(0, high, (3, 20, 20)).astype(dtype)
    values[:, :2] = -9999
    known = values != -9999
    found = probably_scaled_twice(DeclaredScale((scale,) * 3, (0.0,) * 3, dtype), [(values, known)])
    assert (found is not None) == said
    if found is not None:
        assert "are probably physical ones already, and the scale that is declared (x" in found


def test_without_data_nothing_is_said() -> None:
    declared = DeclaredScale((1e-4,), (0.0,), "float32")
    assert (
        probably_scaled_twice(declared, [(np.zeros((1, 4, 4), np.float32), np.ones((1, 4, 4), bool))]) is None
    )
