"""Builds the CPU kernel, once for each instruction set, into one library; not without a compiler."""

import os
import platform
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = "src/terramamba/ops/native/scan.cpp"
HEADERS = [str(path) for path in sorted(Path(SOURCE).parent.glob("*.h"))]
X86 = platform.machine().lower() in ("x86_64", "amd64")
LEVELS = {"plain": []}
if X86:
    LEVELS["avx2"] = ["-mavx2", "-mfma"]
    LEVELS["avx512"] = ["-mavx512f", "-mavx512dq", "-mfma", "-mprefer-vector-width=512"]
OPENMP = [] if sys.platform == "darwin" else ["-fopenmp"]
FLAGS = ["-std=c++17", "-O3", "-fno-math-errno", "-Wno-psabi", *OPENMP, *(["-DX86"] if X86 else [])]


class BuildLevels(build_ext):
    """Compiles the one source several times; the flags of CXXFLAGS come last, so that they win."""

    def build_extension(self, ext: Extension) -> None:
        """One object for each level and one that chooses among them, linked into one library."""
        own = os.environ.get("CXXFLAGS", "").split()
        objects = []
        for level, flags in {**{k: [*v, f"-DLEVEL={k}"] for k, v in LEVELS.items()}, "choose": []}.items():
            objects += self.compiler.compile(
                [SOURCE],
                output_dir=str(Path(self.build_temp) / level),
                extra_postargs=[*FLAGS, *flags, *own],
            )
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        self.compiler.link_shared_object(
            objects, str(target), extra_postargs=[*OPENMP, *own], target_lang="c++"
        )


setup(
    ext_modules=[Extension("terramamba.ops._scan", [SOURCE], depends=HEADERS, optional=True)],
    cmdclass={"build_ext": BuildLevels},
)
