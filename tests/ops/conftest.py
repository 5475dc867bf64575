"""Fixtures of the operators' tests."""

from collections.abc import Iterator
from contextlib import nullcontext

import jaxtyping
import pytest
import torch
from scan_ways import at_level


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a backend, from one of ``scan_ways.ways``; the native kernel runs at the level it names."""
    name, _, level = request.param.partition("-")
    with at_level(level) if level else nullcontext():
        yield name


@pytest.fixture
def poison() -> Iterator[None]:
    """Memory that nobody has written to is NaN."""
    torch.set_deterministic_debug_mode("error")
    yield
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Annotations are not checked, as when the package is used."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
