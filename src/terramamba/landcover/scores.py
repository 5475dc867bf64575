"""Every score of a land-cover classifier on a set of pixels, by the names of the classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from terramamba.core.files import write_table
from terramamba.scores.calibration import Calibration
from terramamba.scores.metrics import TRUTH, class_counts, class_recall
from terramamba.scores.score import Source, evaluated, per_class
from terramamba.scores.score_table import LAND_COVER_SCORES


def scores_by_name(
    confusion: Int[np.ndarray, "k k"], names: Sequence[str], calibration: Calibration | None = None
) -> dict[str, Any]:
    """Return every score of ``confusion`` as plain numbers, per class with its name.

    Absent classes are listed. With ``calibration`` the scores of probabilities are there too. Raises
    ``ValueError`` when the matrix counts no pixel.
    """
    counts = class_counts(confusion)
    made_of: dict[Source, Any] = {"pixels": counts}
    if calibration is not None:
        made_of["calibration"] = calibration
    found = evaluated(LAND_COVER_SCORES, made_of)
    support = counts[:, TRUTH].tolist()
    classes = zip(names, zip(*found["per_class"].values(), strict=True), support, strict=True)
    worst = int(np.nanargmin(class_recall(counts)))
    return found | {
        "worst_class": {"name": names[worst], **found["worst_class"]},
        "per_class": [
            {"name": name, **dict(zip(found["per_class"], values, strict=True)), "pixels": pixels}
            for name, values, pixels in classes
        ],
        "absent": [name for name, pixels in zip(names, support, strict=True) if not pixels],
    }


def write_class_table(path: Path, subsets: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the scores of each class as CSV, for the scores of each subset ("validation", "test").

    Columns: ``part``; ``class``; ``pixels`` of the truth; the scores of single classes (``precision``,
    ``recall``, which is the class's accuracy, ``f1``), empty for a class without a pixel in the subset.
    """
    columns = [score.key for score in per_class(LAND_COVER_SCORES)]
    rows = [
        [
            subset,
            entry["name"],
            entry["pixels"],
            *(entry[name] if entry["pixels"] else "" for name in columns),
        ]
        for subset, scores in subsets.items()
        for entry in scores["per_class"]
    ]
    write_table(path, ["part", "class", "pixels", *columns], rows)
