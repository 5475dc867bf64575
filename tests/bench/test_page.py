"""The page of performance is made of the numbers, and of nothing else."""

import json
import re
import shutil
from pathlib import Path

import pytest

from programs import python, terramamba

HOME = Path(__file__).parents[2]
PAGE = HOME / "docs" / "performance.md"
PARTS = re.compile(r"<!-- begin ([\w-]+) -->\n(.*?)<!-- end \1 -->", re.DOTALL)
ONE_THREAD = ("--threads", "1")


def run(script: str, *words: object) -> str:
    done = python(HOME / "benchmarks" / script, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbers of everything at tiny sizes."""
    folder = tmp_path_factory.mktemp("results")
    small = ("--size", "small", "--seconds", "0.02", *ONE_THREAD)
    ways = {"scan": "sequence,loop,pytorch", "scene": "loop,pytorch", "train": "ssa_mamba,loop,pytorch"}
    for what, only in ways.items():
        done = terramamba("bench", what, *small, "--only", only, "--json", folder / f"{what}.json")
        assert done.returncode == 0, done.stderr
    written = ("--json", folder / "growth.json", "--plot", folder / "growth.png")
    run("growth.py", *small, "--backend", "pytorch", *written)
    maps = ("--json", folder / "maps.json", "--plot", folder / "maps.png")
    run("maps.py", "--small", "--only", "fast 1x", "--folder", folder, *maps)
    shutil.copy(
        HOME / "benchmarks" / "results" / "spills.json", folder
    )  # from a compiler that may not be here
    return folder


def test_the_growth_is_plotted(results: Path) -> None:
    content = (results / "growth.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 150_000


def test_memory_is_that_of_a_process_of_its_own(results: Path) -> None:
    (case,) = json.loads((results / "train.json").read_text(encoding="utf-8"))["cases"]
    for way in case["ways"].values():
        assert 0 < way["before_mib"] <= way["peak_mib"]


def test_every_part_is_filled_and_the_rest_is_left_alone(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_bytes(PAGE.read_bytes())
    run("page.py", "--results", results, "--page", page)
    once = page.read_text(encoding="utf-8")
    parts = dict(PARTS.findall(once))
    assert set(parts) == {"machine", "scan-forward", "scan-training", "roofline"} | {
        "scene",
        "train",
        "memory",
        "growth",
        "maps",
        "spills",
    }
    for name, content in parts.items():
        assert "| --- |" in content, name
    assert PARTS.sub("", once) == PARTS.sub("", PAGE.read_text(encoding="utf-8"))
    run("page.py", "--results", results, "--page", page)
    assert page.read_text(encoding="utf-8") == once


def test_a_page_without_a_part_is_refused(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- begin machine -->\n<!-- end machine -->\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="needs one part scan-forward, it has 0"):
        run("page.py", "--results", results, "--page", page)


def test_the_page_shows_the_numbers_that_lie_beside_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_bytes(PAGE.read_bytes())
    run("page.py", "--page", page)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
