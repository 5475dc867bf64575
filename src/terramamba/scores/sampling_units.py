"""Counts of a test set by unit (a pair of images, or a square of a scene), from which every score follows.

A unit is what may be drawn anew or exchanged as a whole: pixels beside each other are no independent
witnesses. Counts are those of ``metrics`` for each unit: int64 (units, classes, 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from terramamba.core.files import write_table
from terramamba.core.run_files import UNITS
from terramamba.scores.metrics import class_counts

SIDE = 16
"""Side in pixels of the squares of a scene that are units; the same for all patch sizes."""


@dataclass(frozen=True)
class Units:
    """The test set of a run by units, in the order of their names."""

    names: tuple[str, ...]
    counts: Int[np.ndarray, "u k three"]


def from_classes(
    pixels: Int[np.ndarray, "m 2"],
    truth: Int[np.ndarray, " m"],
    found: Int[np.ndarray, " m"],
    num_classes: int,
) -> Units:
    """Make units of the test pixels (row, col) of a scene: squares of ``SIDE`` pixels that hold any."""
    squares, place = np.unique(pixels // SIDE, axis=0, return_inverse=True)
    cells = (place.reshape(-1) * num_classes + truth) * num_classes + found
    confusions = np.bincount(cells, minlength=len(squares) * num_classes**2)
    names = [f"row {row * SIDE} col {col * SIDE}" for row, col in squares.tolist()]
    return from_confusions(names, confusions.reshape(-1, num_classes, num_classes))


def from_confusions(names: Sequence[str], confusions: Int[np.ndarray, "m k k"]) -> Units:
    """Make units with a confusion matrix (rows truth) each, such as the pairs of a test set."""
    return Units(tuple(names), class_counts(confusions))


def write_units(folder: Path, units: Units) -> None:
    """Write ``units.csv``: a row for each unit and class that occurs in it."""
    rows: list[list[Any]] = []
    for name, of_unit in zip(units.names, units.counts, strict=True):
        rows += [[name, index, *row] for index, row in enumerate(of_unit.tolist()) if any(row)]
    write_table(folder / UNITS, ["unit", "class", "truth", "predicted", "hits"], rows)


def counts_by_unit(rows: Sequence[Sequence[str]], num_classes: int) -> Units:
    """Make units of rows (unit, class, truth, predicted, hits)."""
    names = tuple(dict.fromkeys(row[0] for row in rows))
    place = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), num_classes, 3), np.int64)
    for name, index, *values in rows:
        counts[place[name], int(index)] = [int(value) for value in values]
    return Units(names, counts)
