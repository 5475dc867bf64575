"""How sure a model is on validation, and the certainty that a fraction of it does not reach."""

import numpy as np
import pytest

from terramamba.core.typed import FieldError, typed
from terramamba.scores.calibration import calibrated_probability, logit_histogram
from terramamba.scores.certainty import CertaintyTable, change_certainty, class_certainty


@pytest.mark.parametrize("rate", [0.005, 0.05, 0.21, 0.9])
def test_the_fraction_that_is_asked_for_lies_below(rate: float, seed: int) -> None:
    probability = np.random.default_rng(seed).dirichlet([0.4] * 4, 20_000)
    table = class_certainty(probability)
    assert table.samples == 20_000
    assert np.mean(probability.max(axis=1) < table.least(rate)) == pytest.approx(rate, abs=0.003)


@pytest.mark.parametrize(("threshold", "temperature"), [(0.5, 1.0), (0.2, 2.5), (0.731, 0.6)])
def test_pixels_of_change_are_counted_by_the_certainty_of_what_they_are_called(
    threshold: float, temperature: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(-2, 3, 50_000)
    counts = logit_histogram(logits, rng.random(50_000) < 0.3, np.ones(50_000, bool))
    table = change_certainty(counts, threshold, temperature)
    called = 1 / (1 + np.exp(-logits)) >= threshold
    likely = 1 / (1 + np.exp(-logits / temperature))
    sure = np.where(called, likely, 1 - likely)
    for rate in (0.01, 0.1, 0.5):
        assert table.least(rate) == pytest.approx(np.quantile(sure, rate), abs=0.02)
        assert np.mean(sure < table.least(rate)) == pytest.approx(rate, abs=0.02)


def test_calibrating_twice_is_calibrating_by_the_product() -> None:
    likely = np.array([0.0, 0.01, 0.4, 0.99, 1.0])
    twice = calibrated_probability(calibrated_probability(likely, 2.0), 1.5)
    np.testing.assert_allclose(twice, calibrated_probability(likely, 3.0))


@pytest.mark.parametrize(
    "percentiles", [(0.5,) * 100, (*(0.5,) * 100, 0.4), (*(0.5,) * 100, 1.5), ("a",) * 101]
)
def test_a_table_that_cannot_be_is_refused(percentiles: tuple) -> None:
    with pytest.raises(FieldError):
        typed(CertaintyTable, {"percentiles": percentiles, "samples": 3})
