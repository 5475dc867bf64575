"""How sure a model is of what it names, and from which certainty on it is believed.

The certainty of a pixel is the probability, calibrated on validation, that what the map calls it is right: of
the class with the highest probability; of "changed" where a pixel is called so, else of "unchanged". A run
keeps how its certainties are spread over validation, so that a map can leave out the least sure: those below
the certainty that a given fraction of the validation samples do not reach.

Shapes: m samples, k classes, levels of logits.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float, Integer

from terramamba.core.typed import FieldError, Fraction, between
from terramamba.scores.calibration import calibrated_probability, logit_levels
from terramamba.scores.thresholds import changed

PER_CENT = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class CertaintyTable:
    """Percentiles of the certainty of validation samples, from the least to the highest: 101 of them."""

    percentiles: tuple[Fraction, ...]
    samples: Annotated[int, between(1, 10**18)]

    def __post_init__(self) -> None:
        if len(self.percentiles) != len(PER_CENT):
            raise FieldError("percentiles", self.percentiles, f"{len(PER_CENT)} fractions")
        if any(low > high for low, high in zip(self.percentiles, self.percentiles[1:], strict=False)):
            raise FieldError("percentiles", self.percentiles, "a list that never falls")

    def least(self, rate: float) -> float:
        """Return the certainty that the fraction ``rate`` of the validation samples do not reach.

        >>> table = CertaintyTable(tuple(i / 100 for i in range(101)), 1000)
        >>> round(table.least(0.055), 3)
        0.055
        """
        return float(np.interp(rate, PER_CENT, self.percentiles))


def class_certainty(probability: Float[np.ndarray, "m k"]) -> CertaintyTable:
    """Count the certainty of calibrated class probabilities of validation samples."""
    highest = probability.max(axis=1).astype(np.float64).clip(0, 1)
    return CertaintyTable(tuple(np.quantile(highest, PER_CENT).tolist()), len(highest))


def change_certainty(
    counts: Integer[np.ndarray, "2 levels"], threshold: float, temperature: float
) -> CertaintyTable:
    """Count the certainty of validation pixels, given by logit of change (``logit_histogram``).

    ``threshold`` is the least probability, before calibration, that counts as changed.
    """
    plain = 1 / (1 + np.exp(-logit_levels()))
    sure = called_certainty(calibrated_probability(plain, temperature), changed(plain, threshold))
    order = np.argsort(sure, kind="stable")
    seen = np.cumsum(counts.sum(axis=0)[order])
    places = np.searchsorted(seen, np.maximum(PER_CENT * seen[-1], 1))
    return CertaintyTable(tuple(sure[order][places].tolist()), int(seen[-1]))


def called_certainty(probability: Float[np.ndarray, "*n"], called: np.ndarray) -> Float[np.ndarray, "*n"]:
    """Return the certainty of what is ``called`` changed or not, of calibrated probabilities of change."""
    return np.where(called, probability, 1 - probability)
