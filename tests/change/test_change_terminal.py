"""What a terminal shows of a change detector, as values."""

from math import nan

import pytest

from terramamba.change.terminal import shown_explanation, shown_scores
from terramamba.scores.score_table import CHANGE_SCORES

TEST = {"pairs": 3, "unchanged_pairs": 1, "f1": 0.5, "f1_interval": [0.25, 0.75], "f1_swap_difference": 0.01}


@pytest.mark.parametrize(
    ("source", "said"),
    [("validation", "0.35, chosen on validation"), ("given", "0.35, as given"), (None, "0.35")],
)
def test_scores_stand_with_their_intervals_and_where_the_threshold_is_from(source, said):
    shown = shown_scores({"test": TEST, "threshold": 0.35, "threshold_from": source}, CHANGE_SCORES)
    (table,) = shown.tables
    assert table.title == "changed pixels of 3 pairs, %"
    one = shown_scores({"validation": TEST | {"pairs": 1}, "threshold": 0.35}, CHANGE_SCORES).tables[0]
    assert one.title == "changed pixels of 1 validation pair (nothing was tested), %"
    assert [row[1:] for row in table.rows] == [("50.00", "25.00 to 75.00")]
    assert shown.facts == {
        "threshold": said,
        "pairs without change": "1",
        "dates swapped": "F1 changes by 1.00 percentage points",
    }


def test_an_explanation_shows_each_layer_and_the_window():
    shown = shown_explanation(
        {
            "layers": [{"layer": "CSAM 1", "cell_pixels": 2, "activation_auc": 0.875, "cam_auc": nan}],
            "window": {"row": 5, "col": 6, "height": 40, "width": 30},
            "window_chosen": "as given",
            "marked_pixels": 12,
            "usable_pixels": 1200,
            "threshold": 0.5,
            "explained": "the logits of the marked pixels",
            "notes": ["bands matched by name"],
        }
    )
    assert shown.tables[0].rows == (("CSAM 1", "2", "0.88", ""),)
    assert shown.facts == {
        "window": "rows 5-44, columns 6-35: as given",
        "marked": "12 pixels, 1.00 %, at threshold 0.5",
        "Grad-CAM explains": "the logits of the marked pixels",
        "note": "bands matched by name",
    }
