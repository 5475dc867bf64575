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


HOUSE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PACKAGE = ROOT / "src" / "terramamba"


def test_every_file_that_the_walk_through_the_house_names_is_there():
    named = set(re.findall(r"`([\w/.]+\.py|[\w/]+/)[`:]", HOUSE))
    assert len(named) > 80
    for name in named:
        inside = name if "/" in name.rstrip("/") else f"**/{name}"
        homes = [*ROOT.glob(inside.rstrip("/")), *PACKAGE.glob(inside.rstrip("/"))]
        assert homes, f"docs/architecture.md: there is no {name}"


def test_both_lists_of_what_wings_have_alike_are_complete():
    wings = [{path.stem for path in (PACKAGE / wing).glob("[a-z]*")} for wing in ("landcover", "change")]
    (told,) = re.findall(r"Files of both, under the same names: (.+?);", HOUSE)
    assert set(re.findall(r"\w+", re.sub(r" \(.+?\)", "", told))) == set.intersection(*wings)
    job = dict(ROWS)["a job"]
    (listed,) = re.findall(r"what its record names \((.+?)\)", job)
    assert set(listed.split(", ")) <= set.intersection(*wings)


def test_what_is_made_of_the_code_is_made_by_one_command():
    (recipe,) = re.findall(r"^renew:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    modules = re.findall(r"python -m (terramamba[\w.]+)", recipe)
    scripts = re.findall(r"python ([\w/]+\.py)", recipe)
    assert len(modules) + len(scripts) == len(recipe.splitlines())
    for path in [*(f"src/{module.replace('.', '/')}.py" for module in modules), *scripts]:
        assert '__name__ == "__main__"' in (ROOT / path).read_text("utf-8"), path
    made_so = {"a reader", "a data set", "a model", "a metric", "a loss", "a training option", "a job"}
    assert {what for what, files in ROWS if "`make renew`" in files} == made_so
