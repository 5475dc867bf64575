"""Builds of the package in a temporary copy: without a compiler, and with the compiler's flags of a user."""

import os
import shutil
from pathlib import Path

import pytest

from programs import python
from terramamba.ops.native_library import LEVELS, levels

ROOT = Path(__file__).parents[2]
NEEDED = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "src")

needs_a_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="there is no C++ compiler"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what the package is built from."""
    pytest.importorskip("setuptools", reason="setuptools is not installed")
    folder = tmp_path / "source"
    folder.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def build(source: Path, **environment: str) -> Path:
    """The folder that Python can import the built package from."""
    words = ("setup.py", "-q", "build", "--build-base", "base", "--build-lib", "lib")
    done = python(*words, cwd=source, env=environment, fresh=True)  # setuptools changes its process
    assert done.returncode == 0, done.stdout + done.stderr
    return source / "lib"


def use(folder: Path, *levels: str) -> None:
    """The build works in a fresh interpreter, and its kernel has these levels."""
    path = os.pathsep.join(map(str, (folder, ROOT / "tests" / "ops")))
    program = Path(__file__).with_name("use_build.py")
    done = python(program, folder, *levels, env={"PYTHONPATH": path}, fresh=True)
    assert done.returncode == 0, done.stderr


def libraries(folder: Path) -> list[str]:
    return [path.stem.partition(".")[0] for path in (folder / "terramamba" / "ops").glob("_scan.*")]


def test_without_a_compiler_it_is_built_without_the_kernel(source, tmp_path):
    nowhere = str(tmp_path / "no-such-compiler")
    folder = build(source, PATH=str(tmp_path), CC=nowhere, CXX=nowhere)
    assert libraries(folder) == []
    use(folder)


@needs_a_compiler
@pytest.mark.skipif(len(levels()) < 2, reason="the kernel has no levels to choose from here")
@pytest.mark.parametrize("left_out", ["avx512", "avx2"])
def test_flags_of_the_user_win(source, left_out):
    flags = {"avx512": "-O1 -mno-avx512f", "avx2": "-O1 -mno-avx512f -mno-avx2"}[left_out]
    folder = build(source, CXXFLAGS=flags)
    assert libraries(folder) == ["_scan"]
    use(
        folder,
        *(x for x in levels() if LEVELS.index(x) < LEVELS.index(left_out)),
    )
