"""Charts of probabilities: what the files say, nothing where there are none, and damaged files named."""

import csv
import re
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree

import pytest

from report.conftest import Made
from terramamba.core.errors import InputError
from terramamba.report.charts import BOTTOM, HEIGHT, TOP
from terramamba.report.probabilities import probability_cards
from terramamba.runs.record import read_runs
from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES


def heights(card: str, place: int) -> list[float]:
    """Of the points of a curve."""
    paths = re.findall(rf'class="curve c{place}" stroke-dasharray="[^"]*" d="M([^"h]*)(?:h1)?"', card)
    return [float(pair.split()[1]) for path in paths if "H" not in path for pair in path.split("L")]


def rows_of(path: Path, part: str) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["part"] == part]


def test_a_classifier_has_its_reliability_with_counts(made: Made) -> None:
    (run,) = read_runs([made.cover])
    (card,) = probability_cards(run, "the class is right", LAND_COVER_SCORES)
    ElementTree.fromstring(card.replace("&nbsp;", " "))
    rows = rows_of(made.cover / "reliability.csv", "test")
    plain = [row for row in rows[:15] if row["frequency"]]
    assert len(heights(card, 0)) == len(plain)
    assert heights(card, 2) == sorted(heights(card, 2), reverse=True)
    assert all(f">{int(row['samples']):,}<" in card for row in rows)
    assert f"{100 * run.test['calibration']['ece']:.1f} %" in card
    assert "fitted on validation" in card


def test_a_detector_has_its_scores_over_thresholds_too(made: Made) -> None:
    (run,) = read_runs([made.change])
    reliability, thresholds = probability_cards(run, "there was change", CHANGE_SCORES)
    assert "how often there was change" in reliability.lower()
    rows = rows_of(made.change / "thresholds.csv", "test")
    found = heights(thresholds, 3)
    assert len(found) == len(rows)
    assert all(TOP <= y <= HEIGHT - BOTTOM for y in found)
    best = max(range(len(rows)), key=lambda place: float(rows[place]["f1"]))
    assert found[best] == min(found)
    assert f"upright line: threshold {run.metrics.threshold:g}, that of the run" in thresholds


def test_the_curves_over_thresholds_are_called_as_the_table_of_scores_says(made: Made) -> None:
    (run,) = read_runs([made.change])
    renamed = tuple(replace(score, title=f"{score.title}, renamed") for score in CHANGE_SCORES)
    thresholds = list(probability_cards(run, "there was change", renamed))[-1]
    names = re.findall(r"</svg>([^<]*)</span>", thresholds)
    drawn = [f"{score}, renamed, validation" for score in ("F1", "precision", "recall")]
    assert names == [*drawn, "F1, renamed, test"]


def test_an_earlier_run_has_none_and_a_damaged_file_is_named(made: Made, tmp_path: Path) -> None:
    copytree(made.change, tmp_path / "run")
    bad_row = "part,temperature,low,high,samples,frequency\ntest,1,0,0.1,many,0.5\n"
    for name, text in (
        ("thresholds.csv", "part,threshold\n"),
        ("reliability.csv", bad_row),
        ("reliability.csv", "part\ntest\n"),
    ):
        (tmp_path / "run" / name).write_text(text)
        with pytest.raises(InputError, match=f"{name}: is not as training wrote it"):
            read_runs([tmp_path / "run"])
        (tmp_path / "run" / name).unlink()
    (run,) = read_runs([tmp_path / "run"])
    assert list(probability_cards(run, "the class is right", LAND_COVER_SCORES)) == []
