"""Imports go down the floors of the house, heavy ones stay at the edges, models train on a bare machine."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import terramamba

PACKAGE = Path(terramamba.__file__).parent

FLOORS = (
    {"_version"},
    {"core"},
    {"ops"},
    {"models", "scores", "raster"},
    {"data", "training"},
    {"runs", "weights"},
    {"mapping"},
    {"report", "explain", "experiments", "assessment", "export"},
    {"landcover", "change"},
    {"pipeline"},
    {"tasks"},
    {"api", "bench"},
    {"demo"},
    {"cli"},
    {"__init__", "__main__"},
)
"""Each room imports rooms of lower floors, and itself."""

BARE = {"torch", "numpy", "einops", "jaxtyping", "safetensors"}
BARE_ROOMS = {"core", "ops", "models", "scores", "training"}
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

SOURCES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def room_named(module: str) -> str:
    return module.partition(".")[2].partition(".")[0] or "__init__"


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def statements(node: ast.AST, *, everywhere: bool) -> Iterator[ast.stmt]:
    """Statements in ``node`` but those for type checkers; ``everywhere``, or outside of functions alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.FunctionDef) and not everywhere:
            continue
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from statements(child, everywhere=everywhere)


def imports(path: Path, *, everywhere: bool) -> Iterator[str]:
    """Dotted names that a file imports, ``everywhere`` or when it is imported itself."""
    for node in statements(ast.parse(path.read_text(encoding="utf-8")), everywhere=everywhere):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_imported(known: set[str], path: Path) -> set[str]:
    """Files of ours that ``path`` imports anywhere in it, as modules."""
    found = set()
    for name in imports(path, everywhere=True):
        module = name if name in known else name.rpartition(".")[0]
        if module in known and module != module_of(path):
            found.add(module)
    return found


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Names that can never come first: what is left when files without open imports are taken away."""
    left = {name: {*needs} for name, needs in graph.items()}
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def test_imports_go_down_the_floors_and_no_file_is_in_a_circle():
    known = {module_of(path) for path in SOURCES}
    graph = {module_of(path): files_imported(known, path) for path in SOURCES}
    wrong = [
        f"{name} imports {other}"
        for name, others in graph.items()
        for other in sorted(others)
        if room_named(name) != room_named(other)
        if floor_of(room_named(other)) >= floor_of(room_named(name))
    ]
    inner = {
        name: {one for one in others if not name.startswith(f"{one}.")} for name, others in graph.items()
    }
    assert (wrong, circles(inner)) == ([], [])


def test_no_engine_or_command_asks_which_job_it_is_for():
    """They ask the job's record, so that a third job needs no line of theirs."""
    from terramamba.tasks import TASKS  # heavy, and docs/import_graph.py uses this file

    jobs = "|".join(TASKS)
    asked = re.compile(rf"""(?:[=!]==?|\bin)\s*\(?["'](?:{jobs})["']|["'](?:{jobs})["']\s*[=!]=""")
    known = [path for path in (*SOURCES, *PACKAGE.rglob("*.js")) if path.name != "tasks.py"]
    assert [str(path) for path in known if asked.search(path.read_text(encoding="utf-8"))] == []


def test_what_a_bare_machine_runs_needs_little():
    standard = BARE | set(sys.stdlib_module_names) | {"terramamba"}
    wrong = [
        f"{module_of(path)} imports {name}"
        for path in SOURCES
        if room_of(path) in BARE_ROOMS
        for name in imports(path, everywhere=False)
        # Triton's kernels are imported when the first one runs on a GPU.
        if name.split(".")[0] not in standard | ({"triton"} if path.name.startswith("triton_") else set())
    ]
    assert wrong == []


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
