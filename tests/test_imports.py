"""Imports go one way, heavy ones stay at the edges, and the models run on a bare GPU machine."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import terramamba
from programs import python

PACKAGE = Path(terramamba.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


ALL = set(map(part_of, SOURCES))
LEAVES = {"_version", "errors"}
SMALL = LEAVES | {"files", "progress", "scaling", "settings"}
TRAINING = {
    "batches",
    "checkpoint",
    "devices",
    "evaluation",
    "loop",
    "losses",
    "objectives",
    "processes",
    "recipe",
    "training",
}

MAY_IMPORT = dict.fromkeys(ALL, ALL - {"cli", "experiments"}) | {
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
    "experiments": ALL - {"cli"},
    "cli": ALL,
    "__main__": ALL,
    "raster/grid.py": set(),
}
"""What a part, or one file of it, may import of ours; a part that is not named here, all but the ends."""

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
    "pytorch_lightning",
    "triton",
)
EDGES = ("torch", "numpy", "rasterio", "jsonargparse", "rich", "matplotlib")


@cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """Dotted names that a file imports, and whether a function does; a relative one begins with a dot."""

    def below(node: ast.AST, lazy: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{'.' * node.level}{node.module}.{alias.name}", lazy) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            yield from below(child, lazy or isinstance(node, ast.FunctionDef))

    return list(below(ast.parse(path.read_text(encoding="utf-8")), False))


def test_imports_go_one_way():
    wrong = []
    for path in SOURCES:
        file = path.relative_to(PACKAGE).as_posix()
        allowed = MAY_IMPORT.get(file, MAY_IMPORT[part_of(path)])
        for name, _ in imports(path):
            package, _, ours = name.partition(".")
            if not package or (package == "terramamba" and ours.split(".")[0] not in allowed):
                wrong.append(f"{file} imports {name}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_a_bare_machine_runs_needs_little():
    wrong = []
    for path in SOURCES:
        part, known = part_of(path), BARE | sys.stdlib_module_names | {"terramamba"}
        if path.name.startswith("triton_"):
            known |= {"triton"}  # kernels, which are imported when the first one runs on a GPU
        for name, lazy in imports(path):
            package = name.partition(".")[0]
            needs = part in BARE_PARTS and not lazy and package not in known
            if needs or (package == "pytorch_lightning" and part != "training"):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_models_and_training_import_on_a_bare_machine():
    code = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
import terramamba, terramamba.ops, terramamba.models, terramamba.scores.metrics, terramamba.training.fit
print(terramamba.create_model.__name__)
"""
    done = python("-c", code, fresh=True, timeout=250)
    assert (done.returncode, done.stdout) == (0, "create_model\n"), done.stderr


def test_the_package_itself_imports_nothing_heavy():
    code = f"""
import sys, time
start = time.perf_counter()
import terramamba
seconds = time.perf_counter() - start
print([name for name in {EDGES!r} if name in sys.modules])
print(f"import terramamba: {{1000 * seconds:.1f}} ms", file=sys.stderr)
"""
    done = python("-c", code, fresh=True, timeout=60)
    print(done.stderr)
    assert done.stdout == "[]\n"
