"""Scores in a file: those that are written pass, and what is no number is named with its place."""

from typing import Any

import pytest

from terramamba.core.typed import FieldError
from terramamba.scores.scores_file import require_scores

WHOLE: dict[str, Any] = {
    "oa": 0.5,
    "aa": None,
    "kappa": {"mean": 0.3, "std": 0.1},
    "worst_class": {"name": "water", "recall": 0.0},
    "per_class": [{"name": "water", "recall": {"mean": 1, "std": 0}, "f1": None, "pixels": 3}],
    "calibration": {"ece": 0.2, "nll": None},
    "absent": ["wood"],
    "confusion": [[1, 2], [3, 4]],
    "f1_interval": [0.1, None],
    "pairs": 3,
}


def test_what_is_written_passes() -> None:
    require_scores(WHOLE, "test")
    require_scores({"worst_class": None}, "test")


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("oa", [["x"]], "test.oa"),
        ("oa", "<script>", "test.oa"),
        ("oa", float("inf"), "test.oa"),
        ("oa", 2**2000, "test.oa"),
        ("kappa", {"mean": 1}, "test.kappa"),
        ("kappa", {"mean": "1", "std": 0}, "test.kappa"),
        ("per_class", {}, "test.per_class"),
        ("per_class", [3], "test.per_class.0"),
        ("per_class", [{"name": 3, "pixels": 3}], "test.per_class.0"),
        ("per_class", [{"name": "a", "pixels": "many"}], "test.per_class.0"),
        ("worst_class", 3, "test.worst_class"),
        ("calibration", {"ece": []}, "test.calibration.ece"),
        ("absent", "wood", "test.absent"),
        ("absent", [3], "test.absent"),
        ("confusion", [["1"]], "test.confusion"),
    ],
)
def test_what_is_none_is_named(name: str, value: Any, place: str) -> None:
    with pytest.raises(FieldError) as caught:
        require_scores({**WHOLE, name: value}, "test")
    assert caught.value.field.startswith(place)
