"""Fixtures for all tests: a fresh seed, and the real imagery when it is there."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

DATA = Path(os.environ.get("TERRAMAMBA_DATA", Path(__file__).parents[2] / "shared" / "data"))

# A shell that runs the tests in the background ignores SIGINT for all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A seed drawn anew for each test and shown when the test fails; TERRAMAMBA_SEED repeats one."""
    drawn = int(os.environ.get("TERRAMAMBA_SEED") or np.random.SeedSequence().generate_state(1)[0])
    print(f"TERRAMAMBA_SEED={drawn}")
    torch.manual_seed(drawn)
    return drawn


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """The path of a folder or file of real imagery; the test is skipped where it is not there."""

    def find(subpath: str) -> Path:
        path = DATA / subpath
        if not path.exists():
            pytest.skip(f"real imagery {subpath} is not there; set TERRAMAMBA_DATA to its folder")
        return path

    return find
