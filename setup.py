"""Builds the CPU kernel, once for each instruction set, into one library; not without a compiler.

The library has no Python in it and is loaded by ctypes, so one wheel serves Python 3.11 and all that follow.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("terramamba needs Python 3.11 or newer; this is Python {}.{}".format(*sys.version_info[:2]))

import os
import platform
import re
import tomllib
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
SOURCE = "src/terramamba/ops/native/scan.cpp"
HEADERS = [str(path) for path in sorted(Path(SOURCE).parent.glob("*.h"))]
X86 = platform.machine().lower() in ("x86_64", "amd64")
LEVELS = {"plain": []}
if X86:
    LEVELS["avx2"] = ["-mavx2", "-mfma"]
    LEVELS["avx512"] = ["-mavx512f", "-mavx512dq", "-mfma", "-mprefer-vector-width=512"]
# On macOS nothing is linked: PyTorch has loaded its own OpenMP when the library is, and a second one in the
# same process would stop it. Untried.
OPENMP = ["-Xclang", "-fopenmp"] if sys.platform == "darwin" else ["-fopenmp"]
LINKED = [] if sys.platform == "darwin" else OPENMP
FLAGS = ["-std=c++17", "-O3", "-fno-math-errno", "-Wno-psabi", *OPENMP, *(["-DX86"] if X86 else [])]
MSVC_FLAGS = ["/std:c++17", "/O2", "/EHsc", "/openmp", "/wd4068", "/wd4244", "/wd4267"]
"""Untried. The compiler has no vectors as GCC and Clang have them: plain_vectors.h serves, at one level."""


class BuildLevels(build_ext):
    """Compiles the one source several times; the flags of CXXFLAGS come last, so that they win."""

    def build_extension(self, ext: Extension) -> None:
        """One object for each level and one that chooses among them, linked into one library."""
        own = os.environ.get("CXXFLAGS", "").split()
        msvc = self.compiler.compiler_type == "msvc"
        levels, shared = ({"plain": []}, MSVC_FLAGS) if msvc else (LEVELS, FLAGS)
        objects = []
        for level, flags in {**{k: [*v, f"-DLEVEL={k}"] for k, v in levels.items()}, "choose": []}.items():
            objects += self.compiler.compile(
                [SOURCE],
                output_dir=str(Path(self.build_temp) / level),
                extra_postargs=[*shared, *flags, *own],
            )
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        self.compiler.link_shared_object(
            objects, str(target), extra_postargs=[] if msvc else [*LINKED, *own], target_lang="c++"
        )


def readme() -> str:
    """Read README.md with links that hold outside of the repository, where a package index shows it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    version = re.search(r'__version__ = "(.+)"', (ROOT / "src/terramamba/_version.py").read_text("utf-8"))[1]
    home = f"{project['urls']['Source']}/blob/v{version}/"
    text = (ROOT / "README.md").read_text("utf-8")
    return re.sub(r"\]\((?!https?:|#)([^)]+)\)", rf"]({home}\1)", text)


setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    ext_modules=[
        Extension("terramamba.ops._scan", [SOURCE], depends=HEADERS, optional=True, py_limited_api=True)
    ],
    cmdclass={"build_ext": BuildLevels},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
