"""Run folders that cannot be used: cards of later versions, runs of the first format with a file missing."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import copytree

import pytest

from terramamba.cli import main

KEPT = Path(__file__).parents[1] / "runs" / "first_format"

Refused = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the runs of the first format; the settings of the land-cover run name its scene from here."""
    for job in ("cover", "change"):
        copytree(KEPT / job, tmp_path / job)
    monkeypatch.chdir(tmp_path / "cover")
    return tmp_path


@pytest.fixture
def refused(home: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs a command that must fail with one line and write nothing; returns the line."""

    def check(*words: object) -> str:
        before = sorted(home.rglob("*"))
        assert main([str(word) for word in words]) == 1
        said = capsys.readouterr().err.strip()
        assert said.startswith("error: ")
        assert len(said.splitlines()) == 1
        assert sorted(home.rglob("*")) == before
        return said

    return check


COVER_MAP = ("classify", "map", "run", "scene.tif", "--out", "new.tif")
CHANGE_MAP = (
    "change",
    "map",
    "../change/run",
    "../change/before.tif",
    "../change/after.tif",
    "--out",
    "new.tif",
)
EVALUATE = ("classify", "evaluate", "run")
ELSEWHERE = (*EVALUATE, "--scene", "scene.tif", "--labels", "labels.tif")
REPORT = ("report", "run", "--out", "new.html")
EXPLAIN = ("explain", "run", "--out", "why")


@pytest.mark.parametrize(
    ("missing", "words", "parts"),
    [
        ("run/model.json", COVER_MAP, ("run: no model.json in it", "train first, or name another")),
        ("run/model.json", EVALUATE, ("no model.json in it, so it is no finished run", "train first")),
        ("run/model.json", REPORT, ("run: no model.json in it", "train first, or name another")),
        ("run/model.safetensors", COVER_MAP, ("run/model.safetensors does not exist", "training has ended")),
        ("run/model.safetensors", EXPLAIN, ("run/model.safetensors does not exist", "training has ended")),
        ("../change/run/model.safetensors", CHANGE_MAP, ("model.safetensors does not exist", "training")),
        ("run/metrics.json", REPORT, ("run: no metrics.json in it", "train first, or name another")),
        ("run/config.yaml", EVALUATE, ("run: no config.yaml in it", "restore it, or train the run anew")),
        ("run/config.yaml", EXPLAIN, ("run: no config.yaml in it", "restore it, or train the run anew")),
        ("run/split.tif", ELSEWHERE, ("run: split.json without split.tif", "restore it or train again")),
    ],
)
def test_a_run_of_the_first_format_with_a_file_missing(
    home: Path, refused: Refused, missing: str, words: Sequence[str], parts: Sequence[str]
) -> None:
    (home / "cover" / missing).unlink()
    said = refused(*words)
    for part in parts:
        assert part in said


@pytest.mark.parametrize("words", [COVER_MAP, EVALUATE, REPORT, EXPLAIN])
def test_a_card_of_a_later_version(home: Path, refused: Refused, words: Sequence[str]) -> None:
    (home / "cover" / "run" / "model.json").write_text(json.dumps({"format": 2, "task": "classify"}))
    said = refused(*words)
    assert "run/model.json is a model card of format 2, and this terramamba knows format 1" in said
    assert "use the version of terramamba that wrote it, or a newer one" in said


def test_a_field_out_of_its_bounds(home: Path, refused: Refused) -> None:
    card = home / "cover" / "run" / "model.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"patch_size": 6}))
    said = refused(*COVER_MAP)
    assert "run/model.json: patch_size is 6, not an odd number from 1 to 9,999; restore it" in said


@pytest.mark.parametrize(
    ("run", "other", "missing"), [("cover/run", "change", "pairs"), ("change/run", "classify", "per_class")]
)
def test_a_page_about_a_card_and_scores_of_different_jobs(
    home: Path, refused: Refused, run: str, other: str, missing: str
) -> None:
    card = home / run / "model.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"task": other}))
    said = refused("report", home / run, "--out", "new.html")
    assert f"metrics.json: test.{missing} is missing; train the run anew" in said


def test_a_card_without_what_its_job_needs(home: Path, refused: Refused) -> None:
    card = home / "cover" / "run" / "model.json"
    kept = json.loads(card.read_text())
    card.write_text(json.dumps({name: kept[name] for name in kept if name not in ("patch_size", "border")}))
    assert "run/model.json has no 'patches'; train the model anew" in refused(*COVER_MAP)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("metrics.json", '{"test": {}, "minutes": "few"}', ("metrics.json: minutes is 'few', not a number",)),
        (
            "metrics.json",
            '{"test": {"per_class": [], "worst_class": {"recall": 0}}}',
            ("metrics.json: test.worst_class.name is None, not text",),
        ),
        ("metrics.json", "\xff", ("metrics.json: is no JSON (byte 0",)),
        ("history.csv", "epoch\xff\n", ("history.csv: is no table",)),
        (
            "thresholds.csv",
            "part,threshold,precision,recall,f1,chosen\nvalidation,1e400,,,,0\n",
            ("thresholds.csv: is not as training wrote it (threshold is inf, not a number from 0 to 1)",),
        ),
    ],
)
def test_scores_that_are_not_as_they_were_written(
    home: Path, refused: Refused, name: str, content: str, parts: Sequence[str]
) -> None:
    (home / "cover" / "run" / name).write_bytes(content.encode("latin-1"))
    said = refused(*REPORT)
    for part in (*parts, "train the run anew"):
        assert part in said
