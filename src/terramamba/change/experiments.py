"""Change detectors in an experiment: which data are theirs, and how fast they map."""

import time
from collections.abc import Mapping
from typing import Any

from terramamba.change.scored_pairs import scored_pairs
from terramamba.change.settings import ChangeSettings, Dividing
from terramamba.change.subsets import labelled_pairs
from terramamba.core.errors import InputError
from terramamba.core.options import part_of
from terramamba.data.catalog.record import DataSet, SceneSet
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.experiments.task import Timed
from terramamba.runs.folder import Run
from terramamba.training.predict import evaluate_change

TIMED_PAIRS = 4
"""As much of the test set, at most, is mapped once more for the speed; the scores come from training."""


def reads_pairs(entry: Mapping[str, Any], known: DataSet | None) -> bool:
    """Tell whether the files are pairs, or pairs of the catalogue."""
    return "data" in entry and not isinstance(known, SceneSet)


def look_at_pairs(settings: ChangeSettings) -> None:
    """Open all pairs that ``settings`` name, and read their labels.

    Raises:
        InputError: a file cannot be opened, values of labels can be read in two ways, or training, validation
            or test pairs with labels are missing.
    """
    _labelled(settings)


def time_pairs(run: Run, settings: ChangeSettings) -> Timed:
    """Map whole test pairs."""
    pairs = _labelled(settings)["test"][:TIMED_PAIRS]
    evaluate_change(run.model, scored_pairs(run, pairs[:1]), device=settings.device)  # warm-up
    start = time.perf_counter()
    evaluate_change(run.model, scored_pairs(run, pairs), device=settings.device)
    seconds = time.perf_counter() - start
    windows = [pair.window or pair.open()[0].grid for pair in pairs]
    pixels = sum(window.height * window.width for window in windows)
    shape = (1, 2, len(run.scaling.bands), windows[0].height, windows[0].width)
    return Timed(pixels, seconds, shape)


def _labelled(settings: ChangeSettings) -> Mapping[str, list[PairFiles]]:
    """The pairs by subset, of which one is test."""
    pairs = labelled_pairs(
        settings.data,
        settings.root,
        chosen_on_test=False,
        align=settings.align,
        variable=settings.scene_variable,
        axes=settings.axes,
        stated=settings.stated_values(),
        shapes=settings.shape_values(),
        bands=settings.bands,
        how=part_of(settings, Dividing),
        seed=settings.seed,
    )
    if "test" not in pairs:
        raise InputError(f"{settings.data}: no test pairs; an experiment compares scores on test, add some")
    return pairs
