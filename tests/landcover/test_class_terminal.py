"""What a terminal shows of a classifier, as values."""

from math import nan

from terramamba.landcover.terminal import shown_explanation, shown_scores
from terramamba.scores.score_table import LAND_COVER_SCORES

TEST = {
    "oa": 0.9,
    "aa": {"mean": 0.8, "std": 0.01},
    "absent": ["snow"],
    "per_class": [{"name": "water", "precision": None, "recall": 0.5, "f1": 0.4, "pixels": 12}],
}


def test_scores_stand_by_class_and_in_all_with_what_the_test_lacks():
    shown = shown_scores({"test": TEST}, LAND_COVER_SCORES)
    (table,) = shown.tables
    assert table.columns[0] == "class"
    assert table.columns[-1] == "pixels"
    (row,) = table.rows
    assert row == ("water", "", "50.00", "40.00", "12")
    assert shown.facts["overall accuracy"] == "90.00 %"
    assert shown.facts["average accuracy"] == "80.00 ± 1.00 %"
    assert shown.facts["not in the test"] == "snow"
    assert "not in the test" not in shown_scores({"test": TEST | {"absent": []}}, LAND_COVER_SCORES).facts


def group(name: str, lost: float) -> dict[str, object]:
    return {"name": name, "oa_drop": lost, "oa_drop_std": nan, "aa_drop": lost / 2, "aa_drop_std": 0.01}


FOUND = {
    "model": "ssa_mamba",
    "pixels": {"count": 40, "which": "40 pixels drawn at random"},
    "notes": [],
    "attention": [{"map": "block 1", "tokens_asked_by_centre": 49.0, "tokens": 49}],
    "importance": {"oa": 0.9, "aa": 0.8, "groups": [group(f"bands {i}", i / 100) for i in range(12)]},
    "named_pixels": [{"pixel": (3, 4), "class": "water", "probability": {"water": 0.75, "crop": 0.25}}],
}


def test_an_explanation_shows_the_largest_losses_first():
    shown = shown_explanation(FOUND)
    (table,) = shown.tables
    assert [row[0] for row in table.rows] == [f"bands {i}" for i in range(11, 3, -1)]
    assert table.rows[0] == ("bands 11", "11.00", "5.50 ± 1.00")
    assert shown.facts == {
        "pixels": "40 pixels drawn at random",
        "as they are": "overall accuracy 90.00 %, average 80.00 %",
        "attention": "block 1: the centre asks 49.0 of 49 pixels in effect: all alike, so it is a plain mean",
        "row 3, column 4": "water, probability 75.00 %",
    }


def test_what_a_model_or_scene_has_not_is_said():
    shown = shown_explanation(FOUND | {"attention": None, "importance": None, "notes": ["one", "two"]})
    assert shown.tables == ()
    assert shown.facts["attention"] == "ssa_mamba has none"
    assert "--labels" in shown.facts["band importance"]
    assert shown.facts["note"] == "one\ntwo"
