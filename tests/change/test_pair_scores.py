"""Scores of pairs against scikit-learn on the pixels themselves: thresholds, swapped dates, false alarms."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle
from torch.utils.data import Dataset

from terramamba.change.scores import count_pairs, pair_scores, write_thresholds
from terramamba.models.model import Model
from terramamba.scores.calibration import change_calibration
from terramamba.scores.thresholds import STEPS
from toys import Pairs


class Brighter(Model):
    """Says how much brighter the later date is, and so something else when the dates are swapped."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 3 * (x[:, 1] - x[:, 0]).mean(dim=1, keepdim=True)


class Swapped(Dataset):
    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        sample = self.pairs[index]
        return {**sample, "image": sample["image"].flip(0)}


def known_pixels(pairs: Dataset) -> list[tuple[np.ndarray, np.ndarray]]:
    """Truth and probability of the pixels of each pair whose change is known, to a thousandth."""
    found = []
    for index in range(len(pairs)):
        sample = pairs[index]
        known = sample["mask"] != 255
        likely = torch.sigmoid(Brighter()(sample["image"][None]))[0, 0][known].double()
        found.append((sample["mask"][known].numpy(), (likely * STEPS).floor().numpy() / STEPS))
    return found


@pytest.fixture
def pairs(seed: int) -> Pairs:
    return Pairs(9, seed, sizes=(16, 20))


def test_scores_are_those_of_all_pixels_with_dates_as_given_and_swapped(pairs: Pairs, seed: int) -> None:
    threshold = int(np.random.default_rng(seed).integers(300, 700)) / STEPS
    counts = count_pairs(Brighter(), pairs, Swapped(pairs), device="cpu")
    scores = pair_scores(counts, threshold, change_calibration(counts.logits, 2.0))
    for dataset, names in (
        (pairs, ("f1", "iou")),
        (Swapped(pairs), ("f1_dates_swapped", "iou_dates_swapped")),
    ):
        truth, likely = (np.concatenate(part) for part in zip(*known_pixels(dataset), strict=True))
        marked = likely >= threshold
        assert scores[names[0]] == pytest.approx(oracle.f1_score(truth, marked))
        assert scores[names[1]] == pytest.approx(oracle.jaccard_score(truth, marked))
    assert scores["f1_swap_difference"] == scores["f1_dates_swapped"] - scores["f1"]
    assert scores["f1_swap_difference"] < 0  # what got brighter gets darker

    quiet = [likely >= threshold for truth, likely in known_pixels(pairs) if not truth.any()]
    assert scores["unchanged_pairs"] == len(quiet) == 3
    assert scores["false_alarm_rate"] == pytest.approx(np.concatenate(quiet).mean())
    assert scores["false_alarm_pair_rate"] == pytest.approx(np.mean([marks.any() for marks in quiet]))

    truth, likely = (np.concatenate(part) for part in zip(*known_pixels(pairs), strict=True))
    assert counts.logits.sum() == len(truth)
    nll = oracle.log_loss(truth, np.clip(likely + 0.5 / STEPS, 0, 1))
    assert scores["calibration"]["nll"] == pytest.approx(nll, abs=5e-3)


def test_the_curve_over_thresholds_is_that_of_the_pixels(pairs: Pairs, tmp_path: Path, seed: int) -> None:
    chosen = (10 * int(np.random.default_rng(seed).integers(1, 99)) + 7) / STEPS
    counts = count_pairs(Brighter(), pairs, Swapped(pairs), device="cpu")
    write_thresholds(tmp_path / "thresholds.csv", {"validation": counts, "test": counts}, chosen)
    with (tmp_path / "thresholds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["part"] for row in rows] == ["validation"] * 100 + ["test"] * 100
    assert [float(row["threshold"]) for row in rows if row["chosen"] == "1"] == [chosen, chosen]
    truth, likely = (np.concatenate(part) for part in zip(*known_pixels(pairs), strict=True))
    for row in rows[100:]:
        marked = likely >= float(row["threshold"]) - 1e-9
        for name, score in (
            ("precision", oracle.precision_score),
            ("recall", oracle.recall_score),
            ("f1", oracle.f1_score),
            ("iou", oracle.jaccard_score),
        ):
            assert float(row[name]) == pytest.approx(score(truth, marked, zero_division=0)), row


def test_a_threshold_among_the_steps_is_not_doubled(pairs: Pairs, tmp_path: Path) -> None:
    counts = count_pairs(Brighter(), pairs, Swapped(pairs), device="cpu")
    write_thresholds(tmp_path / "t.csv", {"test": counts}, 0.5)
    assert (tmp_path / "t.csv").read_text().count("\n") == 1 + 99
