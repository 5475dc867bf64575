"""Reliability and temperature against scikit-learn and second computations, for any seed."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from terramamba.scores import calibration
from terramamba.scores.score import evaluated
from terramamba.scores.score_table import CALIBRATION_SCORES

PIXELS = 6000


def land_cover(seed: int, classes: int = 4, sharpness: float = 2.5) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that are ``sharpness`` times too sure of classes drawn by what they say."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (PIXELS, classes))
    likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (likely.cumsum(axis=1) < random.random((PIXELS, 1))).sum(axis=1).clip(max=classes - 1)
    return torch.tensor(sharpness * logits, dtype=torch.float32), torch.tensor(truth)


def change(seed: int, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for change: logits, truth, and the two counted."""
    random = np.random.default_rng(seed)
    logits = random.normal(-1, 1.5, PIXELS)
    truth = random.random(PIXELS) < 1 / (1 + np.exp(-logits))
    said = (sharpness * logits).astype(np.float32)
    return said, truth, calibration.logit_histogram(said, truth, np.ones(PIXELS, bool))


def test_reliability_is_that_of_scikit_learn_and_its_error_that_of_a_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    probability = random.beta(0.5, 0.5, 800)
    true = random.random(800) < probability**2
    curve = calibration.reliability(probability, true)
    there = curve.count > 0
    frequency, confidence = calibration_curve(true, probability, n_bins=15)
    assert curve.frequency[there] == pytest.approx(frequency)
    assert curve.confidence[there] == pytest.approx(confidence)
    assert curve.count.sum() == 800

    error = 0.0
    for place in range(15):
        inside = [i for i in range(800) if int(probability[i] * 15) == place]
        if inside:
            gap = sum(true[i] for i in inside) / len(inside) - sum(probability[i] for i in inside) / len(
                inside
            )
            error += len(inside) / 800 * abs(gap)
    assert curve.error == pytest.approx(error)


def test_weights_count_samples(seed: int) -> None:
    random = np.random.default_rng(seed)
    probability, true = random.random(50), random.random(50) < 0.5
    times = random.integers(0, 6, 50)
    weighted = calibration.reliability(probability, true, times)
    repeated = calibration.reliability(np.repeat(probability, times), np.repeat(true, times))
    assert np.array_equal(weighted.count, repeated.count)
    assert weighted.confidence == pytest.approx(repeated.confidence, nan_ok=True)
    assert weighted.frequency == pytest.approx(repeated.frequency, nan_ok=True)


def test_probabilities_that_hold_have_no_error_and_0_and_1_are_in_the_curve() -> None:
    curve = calibration.reliability(np.array([0.0, 1.0, 1.0]), np.array([False, True, True]))
    assert (curve.count[0], curve.count[-1], curve.error) == (1, 2, 0.0)
    wrong = calibration.reliability(np.array([0.0, 1.0]), np.array([True, False]))
    assert wrong.error == 1.0


def test_the_temperature_of_classes_is_that_of_gradient_descent(seed: int) -> None:
    logits, truth = land_cover(seed)
    exponent = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [exponent], max_iter=200, tolerance_grad=1e-10, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits.double() / exponent.exp(), truth)
        loss.backward()
        return loss

    optimizer.step(closure)
    found = calibration.class_temperature(logits, truth)
    assert found == pytest.approx(float(exponent.detach().exp()), rel=2e-3)
    wanted = torch.nn.functional.cross_entropy(logits.double() / found, truth)
    assert calibration.class_nll(logits, truth, found) == pytest.approx(float(wanted), rel=1e-5)


def test_the_temperature_of_change_is_that_of_logistic_regression(seed: int) -> None:
    logits, truth, counts = change(seed)
    regression = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-10).fit(logits[:, None], truth)
    found = calibration.change_temperature(counts)
    assert found == pytest.approx(1 / regression.coef_[0, 0], rel=2e-3)
    nll = np.logaddexp(0, np.where(truth, -1, 1) * logits.astype(np.float64) / found).mean()
    assert calibration.change_nll(counts, found) == pytest.approx(nll, rel=1e-3)


def test_sharper_logits_have_a_higher_temperature_in_the_same_measure(seed: int) -> None:
    logits, truth = land_cover(seed)
    factor = float(np.random.default_rng(seed).uniform(0.5, 3))
    first, second = (calibration.class_temperature(values, truth) for values in (logits, factor * logits))
    assert second == pytest.approx(factor * first, rel=2e-3)


def test_scaling_helps_where_it_was_fitted_and_changes_no_class(seed: int) -> None:
    logits, truth = land_cover(seed)
    found = calibration.class_calibration(logits, truth, calibration.class_temperature(logits, truth))
    assert found.nll_scaled <= found.nll
    record = evaluated(CALIBRATION_SCORES, {"calibration": found})["calibration"]
    assert record["ece_scaled"] < record["ece"]
    assert (record["nll"], record["nll_scaled"]) == (found.nll, found.nll_scaled)
    # What is right does not change: only how sure it is.
    right = [
        float((curve.count * np.nan_to_num(curve.frequency)).sum()) for curve in (found.plain, found.scaled)
    ]
    assert right == pytest.approx([float((logits.argmax(1) == truth).sum())] * 2)
    _, _, counts = change(seed)
    pixels = calibration.change_calibration(counts, calibration.change_temperature(counts))
    assert pixels.nll_scaled <= pixels.nll
    assert pixels.scaled.error < pixels.plain.error


def test_counted_logits_tell_the_same_as_the_logits_themselves(seed: int) -> None:
    logits, truth, counts = change(seed)
    assert counts.sum() == PIXELS
    assert counts[1].sum() == truth.sum()
    for temperature in (1.0, 2.7):
        exact = calibration.reliability(1 / (1 + np.exp(-logits.astype(np.float64) / temperature)), truth)
        found = calibration.change_calibration(counts, temperature).scaled
        assert found.error == pytest.approx(exact.error, abs=5e-3)
        assert np.abs(np.cumsum(found.count - exact.count)).max() < 0.02 * PIXELS


def test_counting_logits_leaves_out_what_is_not_known_and_refuses_what_is_no_number() -> None:
    values, changed = np.array([1e9, -1e9, 0.009, math.nan]), np.array([True, False, True, True])
    counts = calibration.logit_histogram(values, changed, np.array([True, True, True, False]))
    levels = calibration.logit_levels()
    assert [levels[np.flatnonzero(row)].round(9).tolist() for row in counts] == [[-30.0], [0.0, 30.0]]
    with pytest.raises(ValueError, match="not a number"):
        calibration.logit_histogram(values, changed, np.ones(4, bool))


def test_a_validation_without_an_error_says_little_about_the_temperature() -> None:
    truth = torch.arange(30) % 3
    parted = torch.nn.functional.one_hot(truth, 3).float()
    assert calibration.at_limit(calibration.class_temperature(parted, truth))
    never = parted.clone()
    never[:, 0] = -math.inf
    assert math.isfinite(calibration.class_nll(never, truth))
    assert not calibration.at_limit(1.0)


def test_a_threshold_moves_with_the_probabilities(seed: int) -> None:
    random = np.random.default_rng(seed)
    logits, temperature = random.normal(0, 3, 500), float(random.uniform(0.3, 5))
    threshold = float(random.uniform(0.01, 0.99))
    plain, scaled = (1 / (1 + np.exp(-logits / t)) for t in (1, temperature))
    moved = calibration.calibrated_threshold(threshold, temperature)
    clear = np.abs(plain - threshold) > 1e-9
    assert np.array_equal((plain >= threshold)[clear], (scaled >= moved)[clear])
    assert calibration.calibrated_threshold(threshold, 1.0) == pytest.approx(threshold)
    assert calibration.calibrated_threshold(1.0, temperature) == 1.0


def test_the_written_curves_give_the_errors_again(tmp_path: Path, seed: int) -> None:
    logits, truth = land_cover(seed)
    found = calibration.class_calibration(logits, truth, 2.0)
    calibration.write_reliability(tmp_path / "reliability.csv", {"validation": found, "test": found})
    with (tmp_path / "reliability.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * calibration.CURVE_BINS
    for temperature, error in ((1.0, found.plain.error), (2.0, found.scaled.error)):
        curve = [row for row in rows if row["part"] == "test" and float(row["temperature"]) == temperature]
        there = [row for row in curve if row["samples"] != "0"]
        assert all(row["confidence"] == "" for row in curve if row["samples"] == "0")
        again = sum(
            int(row["samples"]) * abs(float(row["confidence"]) - float(row["frequency"])) for row in there
        )
        assert again / PIXELS == pytest.approx(error)
