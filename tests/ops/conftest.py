"""Fixtures of the operators' tests: a backend, and memory that shows what was never written."""

from collections.abc import Iterator

import pytest
import torch

from terramamba.ops import native


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a backend, from one of ``scan_ways.ways``; the native kernel runs at the level it names."""
    name, _, level = request.param.partition("-")
    before = native.use_level(level) if level else ""
    yield name
    if level:
        native.use_level(before)


@pytest.fixture
def poison() -> Iterator[None]:
    """Memory that nobody has written to is NaN."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
