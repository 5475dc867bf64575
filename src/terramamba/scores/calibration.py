"""Whether probabilities can be believed: reliability curves, their error, and a temperature that mends it.

A network's probabilities are often too sure of themselves. Dividing its logits by one temperature T, fitted
on validation by the least negative log-likelihood, changes no ranking and so no class, and brings them near
to how often they come true (Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2). What is
judged:

- land cover: the probability of the class that is named, beside how often that class is right;
- change: the probability of change, beside how often there was one.

Logits of change are counted by level (``logit_histogram``), so that any number of images fits in memory.

Shapes: m samples, k classes, bins of the curve, levels of logits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor

from terramamba.core.files import write_table
from terramamba.core.typed import Text, between
from terramamba.scores.metrics import as_array

CURVE_BINS = 15
"""Bins of equal width, as in Guo et al."""

RANGE = (0.05, 20.0)
"""Temperatures that are looked at; logits that part validation without an error would ask for ever less."""

LEAST_LOG = -100.0
"""Logarithm of the least probability: a model may say "never" of a class that it did not train on."""

LOGIT_STEP, LOGIT_LIMIT = 0.02, 30.0
"""Logits are counted in steps of this from -30 to 30; at the ends a probability is 1e-13 from 0 or 1."""


@dataclass(frozen=True)
class TemperatureFit:
    """A temperature and what it was fitted on."""

    temperature: Annotated[float, between(1e-6, 1_000_000)]
    """By which logits are divided to make probabilities that hold."""
    fitted_on: Text
    """Subset of the data, "validation"."""
    samples: Annotated[int, between(0, 10**18)]
    at_limit: bool
    """Whether the fit ran to an end of ``RANGE``."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """Samples by probability, in bins of equal width from 0 to 1; means of a bin without a sample are nan."""

    count: Int[np.ndarray, " bins"]
    confidence: Float[np.ndarray, " bins"]
    """Mean probability."""
    frequency: Float[np.ndarray, " bins"]
    """Share of the samples for which it came true."""

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of the two, weighted by samples (Guo et al., Eq. 3)."""
        there = self.count > 0
        distance = np.abs(self.confidence[there] - self.frequency[there])
        return float((distance * self.count[there]).sum() / self.count.sum())


@dataclass(frozen=True, eq=False)
class Calibration:
    """What probabilities are worth on one set of samples, as they are and at ``temperature``."""

    temperature: float
    plain: Reliability
    scaled: Reliability
    nll: float
    """Mean negative log-likelihood, nats."""
    nll_scaled: float


def logit_histogram(
    logit: Float[np.ndarray, "..."] | Float[Tensor, "..."],
    changed: Bool[np.ndarray, "..."] | Bool[Tensor, "..."],
    valid: Bool[np.ndarray, "..."] | Bool[Tensor, "..."],
) -> Int[np.ndarray, "2 levels"]:
    """Count valid pixels by logit of change, rounded to the nearest of ``logit_levels``.

    Row 0 has those without change, row 1 those with; probabilities near 0 and 1 are told apart. Raises
    ``ValueError`` when a valid logit is not a number.
    """
    counted = as_array(valid)
    level = as_array(logit)[counted].astype(np.float64)
    if np.isnan(level).any():
        raise ValueError("a logit is not a number")
    levels = len(logit_levels())
    place = np.rint((level.clip(-LOGIT_LIMIT, LOGIT_LIMIT) + LOGIT_LIMIT) / LOGIT_STEP).astype(np.int64)
    place += levels * as_array(changed)[counted].astype(np.int64)
    return np.bincount(place, minlength=2 * levels).reshape(2, levels).astype(np.int64)


def logit_levels() -> Float[np.ndarray, " levels"]:
    """Return the logits that ``logit_histogram`` rounds to."""
    steps = round(LOGIT_LIMIT / LOGIT_STEP)
    return np.arange(-steps, steps + 1) * LOGIT_STEP


def reliability(
    probability: Float[np.ndarray, " m"],
    true: Bool[np.ndarray, " m"],
    weight: Integer[np.ndarray, " m"] | None = None,
    bins: int = CURVE_BINS,
) -> Reliability:
    """Compute the curve of ``probability`` in [0, 1] that came ``true`` or not, each ``weight`` times.

    Bin i holds i / bins <= probability < (i + 1) / bins, the last one also probability 1.
    """
    likely = probability.astype(np.float64)
    times = np.ones(len(likely), np.int64) if weight is None else weight
    place = np.minimum((likely * bins).astype(np.int64), bins - 1)
    count, confidence, frequency = (
        np.bincount(place, times * values, minlength=bins) for values in (1, likely, true)
    )
    divisor = np.where(count > 0, count, np.nan)
    return Reliability(count.astype(np.int64), confidence / divisor, frequency / divisor)


def class_calibration(
    logits: Float[Tensor, "m k"], truth: Integer[Tensor, " m"], temperature: float
) -> Calibration:
    """Calibrate the class that is named; ``truth`` counts from 0."""
    plain, scaled = (_top_label(logits, truth, t) for t in (1.0, temperature))
    nll, nll_scaled = (class_nll(logits, truth, t) for t in (1.0, temperature))
    return Calibration(temperature, plain, scaled, nll, nll_scaled)


def change_calibration(counts: Integer[np.ndarray, "2 levels"], temperature: float) -> Calibration:
    """Calibrate the probability of change, from logits counted without (row 0) and with change (row 1)."""
    plain, scaled = (_change_reliability(counts, t) for t in (1.0, temperature))
    nll, nll_scaled = (change_nll(counts, t) for t in (1.0, temperature))
    return Calibration(temperature, plain, scaled, nll, nll_scaled)


def class_temperature(logits: Float[Tensor, "m k"], truth: Integer[Tensor, " m"]) -> float:
    """Fit the temperature with the least negative log-likelihood; give validation samples."""
    exact = logits.double()
    return _best_temperature(lambda temperature: class_nll(exact, truth, temperature))


def change_temperature(counts: Integer[np.ndarray, "2 levels"]) -> float:
    """Fit the temperature with the least negative log-likelihood; give counts of validation pixels."""
    return _best_temperature(lambda temperature: change_nll(counts, temperature))


def class_nll(logits: Float[Tensor, "m k"], truth: Integer[Tensor, " m"], temperature: float = 1.0) -> float:
    """Compute the mean negative logarithm (nats) of the true class's probability."""
    named = torch.log_softmax(logits / temperature, dim=1).gather(1, truth[:, None])
    return -float(named.clamp(min=LEAST_LOG).double().mean())


def change_nll(counts: Integer[np.ndarray, "2 levels"], temperature: float = 1.0) -> float:
    """Compute the mean negative logarithm (nats) of the probability of what is true, changed or not."""
    level = logit_levels() / temperature
    surprise = np.stack([np.logaddexp(0, level), np.logaddexp(0, -level)])
    return float((counts * surprise).sum() / counts.sum())


def at_limit(temperature: float) -> bool:
    """Tell whether the fit ran to an end of ``RANGE``, where the temperature says little."""
    return temperature in RANGE


def calibrated_threshold(threshold: float, temperature: float) -> float:
    """Return the probability at ``temperature`` of what had the probability ``threshold``; 0 and 1 stay."""
    return float(calibrated_probability(np.array(threshold), temperature))


def calibrated_probability(
    probability: Float[np.ndarray, "*n"], temperature: float
) -> Float[np.ndarray, "*n"]:
    """Return the probabilities at ``temperature`` of what had these before; 0 and 1 stay.

    >>> calibrated_probability(np.array([0.0, 0.5, 0.8, 1.0]), 2).round(3).tolist()
    [0.0, 0.5, 0.667, 1.0]
    """
    likely = probability.astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (1 + ((1 - likely) / likely) ** (1 / temperature)))


def temperature_fit(fitted: Calibration) -> TemperatureFit:
    """Return what a run keeps of ``fitted``, the calibration of its validation samples."""
    samples = int(fitted.plain.count.sum())
    return TemperatureFit(fitted.temperature, "validation", samples, at_limit(fitted.temperature))


def write_reliability(path: Path, subsets: Mapping[str, Calibration]) -> None:
    """Write the curves as CSV: 15 rows for each subset ("validation", "test") and each of two temperatures.

    Columns: ``part``; ``temperature`` (1: probabilities as they are); ``low``, ``high`` (the bin);
    ``samples``; ``confidence`` (mean probability) and ``frequency`` (share that came true), both empty in a
    bin without a sample.
    """
    rows: list[list[Any]] = []
    for subset, found in subsets.items():
        for temperature, curve in ((1.0, found.plain), (found.temperature, found.scaled)):
            bins = len(curve.count)
            rows += [
                [subset, temperature, place / bins, (place + 1) / bins, int(count), *means]
                for place, (count, *values) in enumerate(
                    zip(curve.count, curve.confidence, curve.frequency, strict=True)
                )
                for means in [["", ""] if count == 0 else [float(value) for value in values]]
            ]
    write_table(path, ["part", "temperature", "low", "high", "samples", "confidence", "frequency"], rows)


def _top_label(logits: Tensor, truth: Tensor, temperature: float) -> Reliability:
    confidence, named = torch.softmax(logits / temperature, dim=1).max(dim=1)
    return reliability(confidence.numpy(), (named == truth).numpy())


def _change_reliability(counts: Integer[np.ndarray, "2 levels"], temperature: float) -> Reliability:
    probability = 1 / (1 + np.exp(-logit_levels() / temperature))
    true = np.repeat([False, True], len(probability))
    return reliability(np.tile(probability, 2), true, counts.reshape(-1))


def _best_temperature(nll: Callable[[float], float]) -> float:
    """The likelihood is convex in 1 / T, so that it has one lowest point in ``RANGE``."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda exponent: nll(float(np.exp(exponent))),
        bounds=(log(RANGE[0]), log(RANGE[1])),
        method="bounded",
        options={"xatol": 1e-4},
    )
    # An end that is as good is the answer: the search stops short of it, and anywhere where all is level.
    return min((*RANGE, float(np.exp(found.x))), key=nll)
