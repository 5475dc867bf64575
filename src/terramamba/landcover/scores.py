"""Every score of a land-cover classifier on a set of pixels, by the names of the classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from terramamba.core.files import write_table
from terramamba.scores.metrics import class_scores


def scores_by_name(confusion: Int[np.ndarray, "k k"], names: Sequence[str]) -> dict[str, Any]:
    """Every score of ``confusion`` as plain numbers, per class with its name; absent classes are listed."""
    scores = class_scores(confusion)
    per_class: list[dict[str, Any]] = [
        {"name": name, "precision": p, "recall": r, "f1": f, "pixels": n}
        for name, p, r, f, n in zip(
            names, scores.precision, scores.recall, scores.f1, scores.support, strict=True
        )
    ]
    present = [entry for entry in per_class if entry["pixels"] > 0]
    worst = min(present, key=lambda entry: entry["recall"])
    return {
        "oa": scores.oa,
        "aa": scores.aa,
        "kappa": scores.kappa,
        "worst_class": {"name": worst["name"], "recall": worst["recall"]},
        "per_class": per_class,
        "absent": [names[index] for index in scores.absent],
    }


def write_class_table(path: Path, parts: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the scores of each class as CSV, for the scores of each part ("validation", "test").

    Columns: ``part``; ``class``; ``pixels`` of the truth; ``precision``; ``recall`` (the class's accuracy);
    ``f1``; the scores are empty for a class without a pixel in the part.
    """
    columns = ("precision", "recall", "f1")
    rows = [
        [part, entry["name"], entry["pixels"], *(entry[name] if entry["pixels"] else "" for name in columns)]
        for part, scores in parts.items()
        for entry in scores["per_class"]
    ]
    write_table(path, ["part", "class", "pixels", *columns], rows)
