"""Fixtures for all tests: seeds, the programs that they run, and the real imagery when it is there.

All random inputs follow from TERRAMAMBA_SEED and the names of the tests; without it they are always the same.
"""

import gc
import os
import shutil
import signal
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from programs import SERVER

DATA = Path(os.environ.get("TERRAMAMBA_DATA", Path(__file__).parents[2] / "shared" / "data"))
SEED = os.environ.get("TERRAMAMBA_SEED", "")
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 4 << 30
"""Where files lie in memory, and what must be free there: containers often have 64 MB."""
LONGEST = "test_demo.py"

# A shell that runs the tests in the background ignores SIGINT for all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Hypothesis draws by names too, or anew; then a failure is shown with the line that repeats it.
hypothesis.settings.register_profile("of this run", derandomize=not SEED, print_blob=True)
hypothesis.settings.load_profile("of this run")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fresh-programs", action="store_true", help="run each program in a new interpreter")


def pytest_configure(config: pytest.Config) -> None:
    SERVER.fresh |= config.getoption("--fresh-programs")
    # What tests write is synced thousands of times: milliseconds each on a disk, none in memory.
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection() -> None:
    """What is loaded from here on stays: half a million objects, which nobody need search for garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: no process works on it alone at the end."""
    items.sort(key=lambda item: item.path.name != LONGEST)


@pytest.fixture(scope="session")
def seed_of() -> Callable[[str], int]:
    """The seed of a name; TERRAMAMBA_SEED is shown when a test fails for which one was drawn."""

    def draw(name: str) -> int:
        print(f"TERRAMAMBA_SEED={SEED}")
        return zlib.crc32(f"{SEED} {name}".encode())

    return draw


@pytest.fixture(autouse=True)
def seed(request: pytest.FixtureRequest, seed_of: Callable[[str], int]) -> int:
    """The seed of the test, which PyTorch's random numbers begin with."""
    import torch  # not where the workers' work is handed out

    drawn = seed_of(request.node.nodeid)
    torch.default_generator.manual_seed(drawn)  # as torch.manual_seed, which takes milliseconds without CUDA
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(drawn)
    return drawn


@pytest.fixture(scope="session", autouse=True)
def messages_as_in_the_shell() -> Iterator[None]:
    """Tests of functions read refusals as they were raised; programs of tests speak to whom they speak to."""
    from terramamba.core.errors import speaking_to_shell  # not earlier: pytest hooks what is imported later

    with speaking_to_shell():
        yield


@pytest.fixture(scope="session", autouse=True)
def programs_end() -> Iterator[None]:
    """The process that runs the tests' programs ends with the session."""
    yield
    SERVER.stop()


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """The path of a folder or file of real imagery; the test is skipped where it is not there."""

    def find(subpath: str) -> Path:
        path = DATA / subpath
        if not path.exists():
            pytest.skip(f"real imagery {subpath} is not there; set TERRAMAMBA_DATA to its folder")
        return path

    return find
