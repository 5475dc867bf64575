"""The public names: the same to Python and to type checkers, which find a wrong keyword."""

import ast
import re
import sys
from pathlib import Path
from subprocess import run

import pytest

import programs
import terramamba

RIGHT = """
from pathlib import Path

import terramamba as tm
from terramamba.ops import lti_scan, selective_scan

settings = tm.ClassifySettings(scene="s.tif", labels="l.tif", out="run", epochs=2, preset="tiny")
result = tm.train_classifier(settings, progress=False)
accuracy = result.scores["test"]["oa"]
if isinstance(accuracy, tm.Spread):
    accuracy = accuracy.mean
rounded: float = round(accuracy, 3)
summary = tm.map_classes("run", Path("s.tif"), "m.tif", mask=["clouds.tif"], mode="fast")
array: tm.MapArray = tm.map_classes("run", "s.tif", mode="fast")
names: list[str] = [entry.name for entry in summary.classes]
scored: tm.EvaluationResult = tm.evaluate_classifier("run", device="cpu")
why: tm.ExplainedClasses = tm.explain_classes("run", out="why")
losses: list[float] = [group.oa_drop for group in why.importance.groups] if why.importance else []
scene: tm.Scene = tm.open_scene("s.tif", scene_variable="x")
run: tm.Run = tm.load_run("run")
decided: tm.ClassifySettings = tm.resolved(settings)
scan = tm.ops.selective_scan


def stop(done: float, total: float, what: str) -> None:
    if done > total / 2:
        raise tm.Cancelled


try:
    tm.map_change(run, "a.tif", scene, "c.tif", on_progress=stop)
except tm.InputError as error:
    print(error.where, error.value, error.what, error.remedy)
"""

WRONG = {
    'tm.train_classifier(tm.ClassifySettings(out="run"), sene="s.tif")': 'keyword argument "sene"',
    'tm.map_classes("run", "s.tif", "m.tif", masks=["c.tif"])': 'keyword argument "masks"',
    'tm.map_classes("run", "s.tif", "m.tif", mode="quick")': 'No overload variant of "map_classes"',
    'tm.ClassifySettings(out="run", epoch=3)': 'keyword argument "epoch"',
    'tm.ClassifySettings(out="run", epochs="3")': 'Argument "epochs"',
    'tm.evaluate_classifier("run", batch=3)': 'keyword argument "batch"',
    'tm.train_clasifier(tm.ClassifySettings(out="run"))': 'no attribute "train_clasifier"',
}

OURS = (
    "pipeline tasks models.* change.training change.map landcover.map report.page experiments.* *.explain.*"
)
LIBRARIES = (
    "torch numpy scipy sklearn jaxtyping matplotlib pandas PIL yaml h5py rasterio pyogrio shapely affine "
    "IPython prompt_toolkit rich dask distributed huggingface_hub pydantic onnx ml_dtypes optype portalocker"
)
# What stands behind the signatures is not followed, so that one run takes seconds.
CONFIG = f"""
[mypy]
strict = True
ignore_missing_imports = True
[mypy-{",".join(f"{name}.*" for name in LIBRARIES.split())}]
follow_imports = skip
follow_imports_for_stubs = True
[mypy-{",".join(f"terramamba.{name}" for name in OURS.split())}]
follow_imports = skip
[mypy-terramamba.*]
ignore_errors = True
"""

CACHE = Path(__file__).parents[2] / ".mypy_cache" / "of_users"
"""Kept from one run of the tests to the next: what has not changed is not looked at again."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What ``mypy --strict`` says of two users' files, by the name of the file."""
    home = tmp_path_factory.mktemp("typed")
    (home / "right.py").write_text(RIGHT)
    (home / "wrong.py").write_text("\n".join(["import terramamba as tm", *WRONG]))
    (home / "mypy.ini").write_text(CONFIG)
    source = str(Path(terramamba.__file__).parents[1])
    words = ["--strict", "--config-file", "mypy.ini", "--cache-dir", str(CACHE), "right.py", "wrong.py"]
    done = run(
        [sys.executable, "-m", "mypy", *words],
        cwd=home,
        env={"MYPYPATH": source, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if ": error: " in line]
    return {name: [line for line in lines if line.startswith(name)] for name in ("right.py", "wrong.py")}


def test_a_right_program_passes_a_strict_type_checker(found: dict[str, list[str]]) -> None:
    assert found["right.py"] == []


@pytest.mark.parametrize("number", range(len(WRONG)), ids=list(WRONG.values()))
def test_a_wrong_keyword_or_name_is_found(found: dict[str, list[str]], number: int) -> None:
    lines = [line for line in found["wrong.py"] if line.startswith(f"wrong.py:{number + 2}: ")]
    assert any(list(WRONG.values())[number] in line for line in lines), found


def test_typed_names_are_the_names_that_python_has() -> None:
    tree = ast.parse(Path(terramamba.__file__).read_text(encoding="utf-8"))
    (block,) = (n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    typed = {
        alias.name: node.module.removeprefix("terramamba").removeprefix(".")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name  # else it is not passed on
    }
    assert len(typed) == sum(len(node.names) for node in block.body)
    assert typed == terramamba._HOMES
    assert {*terramamba.__all__} == {*typed, "__version__"} == {*dir(terramamba)}


def test_every_public_name_is_there_and_explained() -> None:
    for name in terramamba.__all__:
        assert getattr(terramamba, name) is not None
        if not name.startswith("__"):
            assert getattr(terramamba, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        getattr(terramamba, "train")  # noqa: B009
    assert (Path(terramamba.__file__).parent / "py.typed").is_file()


def test_the_page_about_python_names_every_public_name() -> None:
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    stable = page.partition("## What is stable")[2]
    assert set(re.findall(r"`(\w+)`", stable)) >= {name for name in terramamba.__all__ if name[0] != "_"}


def test_operators_are_loaded_when_they_are_used() -> None:
    code = "import sys, terramamba as tm; print('torch' in sys.modules, tm.ops.lti_scan.__name__)"
    assert programs.python("-c", code, fresh=True).stdout == "False lti_scan\n"
