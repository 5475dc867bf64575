"""Imports go one way, heavy ones stay at the edges, and the models run on a bare GPU machine."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import terramamba

PACKAGE = Path(terramamba.__file__).parent
LEAVES = {"_version", "errors"}
SMALL = LEAVES | {"files", "progress", "scaling", "settings"}
TRAINING = {
    "batches",
    "checkpoint",
    "devices",
    "evaluation",
    "launcher",
    "leading",
    "loop",
    "losses",
    "objectives",
    "processes",
    "recipe",
    "training",
}

MAY_IMPORT = {
    "errors": set(),
    "files": LEAVES,
    "progress": LEAVES,
    "scaling": LEAVES,
    "settings": LEAVES,
    "ops": {"ops", "errors"},
    "models": {"ops", "models", "errors", "files"},
    "metrics": LEAVES,
    **dict.fromkeys(TRAINING, TRAINING | {"ops", "models", "metrics", "errors", "files"}),
    "raster": SMALL | {"raster"},
    "data": SMALL | {"raster", "data"},
    "runs": SMALL | {"models", "checkpoint"},
    "calibration": LEAVES | {"files", "metrics"},
    "inference": SMALL
    | {"raster", "data", "models", "metrics", "calibration", "devices", "processes", "runs", "inference"},
    "explain": SMALL
    | {"raster", "data", "models", "metrics", "devices", "evaluation", "runs", "inference", "pictures"}
    | {"classify", "classify_evaluation", "code_version", "explain"},
    "report": SMALL | {"raster", "inference", "pictures", "report"},
}
"""What each part may import of ours; parts that are not named may import all but the command line."""

ABOVE_EXPERIMENTS = {"experiments", "cli", "__main__"}
"""The parts that may import experiments."""

BARE = {"torch", "numpy", "einops", "jaxtyping", "safetensors"}
BARE_PARTS = {"ops", "models", "metrics", "errors", "files", *TRAINING}
BLOCKED = (
    "rasterio",
    "jsonargparse",
    "rich",
    "pooch",
    "beartype",
    "sklearn",
    "h5py",
    "accelerate",
    "triton",
)
EDGES = ("torch", "numpy", "rasterio", "jsonargparse", "rich", "matplotlib")


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, *, everywhere: bool) -> Iterator[str]:
    """Dotted names that a file imports, ``everywhere`` or when it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not everywhere and id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    part = part_of(path)
    ours = {name.split(".")[1] for name in imports(path, everywhere=True) if name.startswith("terramamba.")}
    if part in MAY_IMPORT:
        assert ours <= MAY_IMPORT[part]
    elif part not in ("cli", "__main__"):
        assert "cli" not in ours
    assert "experiments" not in ours or part in ABOVE_EXPERIMENTS
    if path.name == "grid.py":
        assert not ours, "grid is pure arithmetic"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_a_bare_machine_runs_needs_little(path):
    part, known = part_of(path), BARE | set(sys.stdlib_module_names) | {"terramamba"}
    if part in BARE_PARTS:
        if path.name.startswith("triton_"):
            known |= {"triton"}  # kernels, which are imported when the first one runs on a GPU
        assert {name.split(".")[0] for name in imports(path, everywhere=False)} <= known
    if part != "processes":
        assert not any(name.startswith("accelerate") for name in imports(path, everywhere=True))


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_models_and_training_import_on_a_bare_machine():
    code = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
import terramamba, terramamba.ops, terramamba.models, terramamba.scores.metrics, terramamba.training.fit
print(terramamba.create_model.__name__)
"""
    assert run_python(code) == "create_model\n"


def test_the_package_itself_imports_nothing_heavy():
    code = f"""
import sys, time
start = time.perf_counter()
import terramamba
seconds = time.perf_counter() - start
print([name for name in {EDGES!r} if name in sys.modules])
print(f"import terramamba: {{1000 * seconds:.1f}} ms", file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    print(done.stderr)
    assert done.stdout == "[]\n"
