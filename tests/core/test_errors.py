"""Refusals have parts, and speak to the shell and to Python, each in its own spelling."""

import copy
import pickle
from pathlib import Path

import pytest

import programs
from terramamba.core.documents import read_yaml
from terramamba.core.errors import InputError, in_python
from terramamba.landcover.settings import ClassifySettings
from terramamba.mapping.settings import Parallelism
from terramamba.raster.readers.open import open_scene
from terramamba.runs.folder import check_folder, load_run


def refusal(tmp_path: Path, number: int) -> InputError:
    """Real refusals from all over the house."""
    calls = [
        lambda: ClassifySettings(out="o", epochs=0),
        lambda: ClassifySettings(out="o", all_touched=True, min_coverage=0.3),
        lambda: Parallelism(shard="3/2"),
        lambda: open_scene(tmp_path / "none.tif"),
        lambda: load_run(tmp_path / "none"),
        lambda: check_folder(tmp_path),
        lambda: read_yaml(tmp_path / "none.yaml", "give another"),
    ]
    (tmp_path / "file").touch()
    with pytest.raises(InputError) as caught:
        calls[number]()
    return caught.value


@pytest.mark.parametrize(
    ("number", "where", "value", "what", "remedy"),
    [
        (0, "--epochs", 0, "at least 1 is needed", None),
        (1, None, None, "--all-touched takes any share of a pixel", "leave it or --min-coverage out"),
        (2, "--shard", "3/2", "give i/n with i from 1 to n, such as 2/5", None),
        (3, "{}/none.tif", None, "no such file", "check the path"),
        (4, None, None, "{}/none is not a folder", "give the run folder that training wrote"),
        (
            5,
            None,
            None,
            "{} is not empty",
            "give --resume to go on, --overwrite to start again, or another --out",
        ),
        (6, "{}/none.yaml", None, "cannot be read (No such file or directory)", "give another"),
    ],
)
def test_a_refusal_has_parts(
    tmp_path: Path, number: int, where: str | None, value: object, what: str, remedy: str | None
) -> None:
    error = refusal(tmp_path, number)
    assert error.where == (None if where is None else where.format(tmp_path))
    assert (error.value, error.what, error.remedy) == (value, what.format(tmp_path), remedy)


def test_parts_and_message_agree() -> None:
    error = InputError(where="--lr", value=-1.0, what="must be above 0", remedy="try 0.001")
    assert error.message == str(error) == "--lr -1.0: must be above 0; try 0.001"
    assert InputError(what="nothing is there").message == "nothing is there"
    with pytest.raises(TypeError, match="a message or what is wrong"):
        InputError("a: b", what="c")


def test_a_refusal_survives_the_way_between_processes() -> None:
    error = InputError(where="--lr", value=-1.0, what="must be above 0")
    error.add_note("2 parts are done")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (str(other), other.value, other.where) == (str(error), -1.0, "--lr")
        assert other.__notes__ == ["2 parts are done"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("--patch-size 4: an odd number is needed", "patch_size 4: an odd number is needed"),
        ("leave it or --no-augment out", "leave it or augment=False out"),
        ("use `terramamba join MAP --overwrite`", "use `terramamba join MAP --overwrite`"),
        ("/data/--odd/a--b.tif: -- x --1 lies there", "/data/--odd/a--b.tif: -- x --1 lies there"),
        ("with --split given, name (--train-labels)", "with split given, name (train_labels)"),
    ],
)
def test_flags_become_keywords_and_nothing_else_does(message: str, said: str) -> None:
    assert in_python(message) == said


def test_the_shell_reads_flags_and_python_keywords(tmp_path: Path) -> None:
    words = ["classify", "train", "--scene", "s.tif", "--out", tmp_path / "run", "--min-coverage", "7"]
    assert programs.terramamba(*words).stderr == (
        "error: --min-coverage 7.0: a share of a pixel above 0 and at most 1 is needed\n"
    )
    code = """
import terramamba as tm
try:
    tm.ClassifySettings(out="o", min_coverage=7)
except tm.InputError as error:
    print(error, error.where, repr(error.value), sep="\\n")
"""
    assert programs.python("-c", code).stdout.splitlines() == [
        "min_coverage 7.0: a share of a pixel above 0 and at most 1 is needed",
        "min_coverage",
        "7.0",
    ]


def test_a_colon_in_what_is_to_be_done_names_no_place() -> None:
    error = InputError("model 'glmambaa' is unknown; choose one of: glmamba, bit; did you mean glmamba?")
    assert (error.where, error.remedy) == (None, "did you mean glmamba?")
