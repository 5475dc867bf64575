"""The records of scores: how values are nested, printed and turned, and that the page says what they say."""

import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from terramamba.scores.calibration import change_calibration, logit_levels
from terramamba.scores.metrics import class_counts, kappa
from terramamba.scores.score import Score, columns, evaluated, followed, of_set, per_class
from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES, page

PAGE = Path(__file__).parents[2] / "docs" / "scores.md"
LOSS = Score("loss", "loss", kappa, "What is lost.", unit="nats", better="lower")


def named(scores, name):
    (score,) = (one for one in scores if one.name == name)
    return score


def test_the_page_of_scores_is_made_of_the_table():
    assert PAGE.read_text() == page(), "python -m terramamba.scores.score_table > docs/scores.md"


@pytest.mark.parametrize("scores", [LAND_COVER_SCORES, CHANGE_SCORES])
def test_names_are_unique_and_the_first_score_can_decide(scores):
    assert len({score.name for score in scores}) == len(scores)
    assert scores[0].ranked
    assert scores[0].column
    assert scores[0].followed
    again = pickle.loads(pickle.dumps(scores))
    assert [one.name for one in again] == [one.name for one in scores]


def test_values_are_nested_as_the_files_of_a_run_have_them(seed):
    random = np.random.default_rng(seed)
    counts = class_counts(random.integers(1, 50, (3, 3)))
    found = evaluated(LAND_COVER_SCORES, {"pixels": counts})
    assert {"oa", "aa", "kappa", "worst_class", "per_class"} <= set(found)
    assert found["worst_class"]["recall"] == min(found["per_class"]["recall"])
    by_pair = class_counts(np.stack([[[9, 1], [0, 0]], [[5, 0], [1, 4]]]))
    logits = random.integers(0, 5, (2, len(logit_levels())))
    made_of = {
        "pixels": by_pair.sum(axis=0),
        "pairs": by_pair,
        "swapped": by_pair[1],
        "calibration": change_calibration(logits, 2.0),
    }
    found = evaluated(CHANGE_SCORES, made_of)
    assert found["false_alarm_rate"] == 0.1
    assert found["f1_dates_swapped"] > found["f1"]
    assert list(found["calibration"]) == ["ece", "ece_scaled", "nll", "nll_scaled"]
    for score in CHANGE_SCORES:
        inner = found[score.within] if score.within else found
        assert score.value_in(found) == inner[score.key]


def test_what_is_not_defined_is_none_and_no_pixel_is_no_score():
    busy = class_counts(np.array([[[5, 0], [1, 4]]]))
    assert evaluated(CHANGE_SCORES, {"pairs": busy}) == {
        "false_alarm_rate": None,
        "false_alarm_pair_rate": None,
    }
    with pytest.raises(ValueError, match="no pixel"):
        evaluated(CHANGE_SCORES, {"pixels": np.zeros((2, 3), int)})


def test_values_are_shown_in_their_unit():
    accuracy = named(LAND_COVER_SCORES, "oa")
    assert accuracy.shown(0.98765) == "98.77"
    assert accuracy.shown(0.98765, coarse=True, sign=True) == "98.8 %"
    assert accuracy.shown({"mean": 0.5, "std": 0.0123}, sign=True) == "50.00 ± 1.23 %"
    assert accuracy.shown({"mean": 0.5, "std": math.nan}) == "50.00"
    assert accuracy.shown(None) == accuracy.shown(math.nan) == ""
    assert accuracy.difference(-0.1) == "-10.00"
    assert (accuracy.label, accuracy.heading) == ("overall accuracy", "OA")
    assert LOSS.shown(0.5, sign=True) == "0.5000 nats"
    assert LOSS.heading == "loss (nats)"


def test_less_of_a_loss_is_better():
    assert max((0.3, 0.1), key=LOSS.goodness) == 0.1
    assert LOSS.extreme == "lowest"
    assert named(CHANGE_SCORES, "f1").extreme == "highest"


def test_a_score_that_cannot_be_drawn_anew_cannot_be_ranked():
    with pytest.raises(ValueError, match="made of pixels"):
        Score("loss", "loss", kappa, "What is lost.", source="calibration", ranked=True)


def test_the_lists_of_a_job_are_as_they_are_told():
    """What users know by its place: columns, curves, classes, and what stands alone."""

    def names(scores):
        return [score.name for score in scores]

    assert names(columns(LAND_COVER_SCORES)) == ["oa", "aa", "kappa", "worst_class_recall"]
    assert names(followed(LAND_COVER_SCORES)) == ["oa", "aa", "kappa"]
    assert [score.key for score in per_class(LAND_COVER_SCORES)] == ["precision", "recall", "f1"]
    assert names(followed(CHANGE_SCORES)) == ["f1", "iou"]
    assert names(per_class(CHANGE_SCORES)) == ["f1", "iou", "precision", "recall"]
    assert names(of_set(CHANGE_SCORES))[-2:] == ["false_alarm_rate", "false_alarm_pair_rate"]
