"""Fitting classifiers of scikit-learn with several options and keeping the one that validation prefers."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from terramamba.core.errors import InputError


def best_on_validation(
    name: str,
    chosen: str,
    candidates: Iterable[Any],
    train: tuple[Float[np.ndarray, "m c"], Int[np.ndarray, " m"]],
    val: tuple[Float[np.ndarray, "m2 c"], Int[np.ndarray, " m2"]],
) -> tuple[Any, float]:
    """Fit each of ``candidates`` on ``train`` and return the most accurate on ``val``, with its accuracy.

    Equal accuracies go to the earlier candidate; no more than two are held at a time.

    Args:
        name: of the model, for messages.
        chosen: what the candidates differ in, for messages.
        candidates: classifiers with scikit-learn's ``fit`` and ``score``, not yet fitted.
        train: spectra (m, c) and their classes (m).
        val: spectra (m2, c) and their classes (m2).

    Raises:
        InputError: training spectra of fewer than two classes, or no validation spectra.
    """
    present = len(np.unique(train[1]))
    if present < 2:
        raise InputError(f"{name}: the training pixels are of {present} class; give pixels of two or more")
    if len(val[1]) == 0:
        raise InputError(
            f"{name}: no validation pixels to choose {chosen} by; give a validation fraction above 0"
        )
    best, accuracy = None, -1.0
    for candidate in candidates:
        of_this = float(candidate.fit(*train).score(*val))
        if of_this > accuracy:
            best, accuracy = candidate, of_this
    return best, accuracy
