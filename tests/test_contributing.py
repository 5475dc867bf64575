"""The lists of CONTRIBUTING.md, of what changes where something is added, name what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| \*\*(.+?)\*\* \| (.+) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
)
A_PATH = re.compile(r"`((?:[\w.]+/)+[\w.]*|[\w]+\.(?:py|md|json))`")


def test_each_thing_to_add_has_a_list():
    assert [what for what, _ in ROWS] == [
        "a reader",
        "a label format",
        "a data set",
        "a model",
        "a metric",
        "a loss",
        "a training option",
        "a check of two images",
        "a command",
        "a job",
    ]


@pytest.mark.parametrize(("what", "files"), ROWS, ids=[what for what, _ in ROWS])
def test_every_file_of_a_list_is_there(what, files):
    named = A_PATH.findall(files)
    assert named
    for name in named:
        new = "NAME" in name
        path = str(Path(name).parent) if new else name
        homes = [home for home in (ROOT, ROOT / "src" / "terramamba") if (home / path).exists()]
        assert homes, f"{what}: there is no {path}"


@pytest.mark.parametrize(("what", "files"), ROWS, ids=[what for what, _ in ROWS])
def test_the_commands_of_a_list_are_of_modules_that_are_there(what, files):
    for module in re.findall(r"python -m (terramamba[\w.]+)", files):
        path = ROOT / "src" / Path(*module.split("."))
        assert path.with_suffix(".py").is_file(), f"{what}: there is no {module}"
