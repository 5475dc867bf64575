"""What counts as changed is the same to a map, to counts and to the choice of a threshold."""

import doctest
import math

import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.scores import thresholds
from terramamba.scores.metrics import change_f1, class_counts, confusion_matrix
from terramamba.scores.thresholds import (
    BINS,
    STEPS,
    best_threshold,
    changed,
    checked_threshold,
    confusion_at,
    histogram,
)


def test_the_examples_are_true():
    assert doctest.testmod(thresholds) == (0, 2)


def test_a_map_and_the_counts_part_the_numbers_beside_every_threshold_alike():
    """The float32 nearest to each thousandth, and those before and after it, are told apart as one."""
    nearest = (np.arange(BINS) / STEPS).astype(np.float32)
    beside = [nearest, *(np.nextafter(nearest, np.float32(end)) for end in (0, 1))]
    probability = np.unique(np.stack(beside))
    truth, everywhere = np.zeros(len(probability), bool), np.ones(len(probability), bool)
    counts = histogram(probability, truth, everywhere)
    for step in range(BINS):
        marked = changed(probability, step / STEPS)
        assert confusion_at(counts, step / STEPS)[0, 1] == np.count_nonzero(marked), step
        # In whole numbers, whatever float64 makes of step / 1000.
        exact = [p[0] * STEPS >= step * p[1] for p in map(float.as_integer_ratio, probability.tolist())]
        assert marked.tolist() == exact, step


@pytest.mark.parametrize("steps", [2, 10, 1000])
def test_a_histogram_knows_the_confusion_at_every_edge(seed, steps):
    random = np.random.default_rng(seed)
    probability = random.random(500).astype(np.float32)
    probability[: steps + 1] = np.linspace(0, 1, steps + 1, dtype=np.float32)[:500]  # on the edges too
    truth, valid = random.random(500) < probability, random.random(500) < 0.9
    counts = histogram(probability, truth, valid, steps)
    halves = [histogram(probability[s], truth[s], valid[s], steps) for s in (slice(200), slice(200, None))]
    assert np.array_equal(counts, sum(halves))
    for edge in range(steps + 1):
        marked = changed(probability, edge / steps)
        wanted = confusion_matrix(truth[valid].astype(int), marked[valid].astype(int), 2)
        assert np.array_equal(confusion_at(counts, edge / steps), wanted), edge


def test_best_threshold_is_the_best_of_all_and_prefers_the_middle(seed):
    counts = np.random.default_rng(seed).integers(0, 20, (2, 51))

    def f1(of, threshold):
        return change_f1(class_counts(confusion_at(of, threshold)))

    assert f1(counts, best_threshold(counts)) == max(f1(counts, edge / 50) for edge in range(1, 50))
    parted = np.zeros((2, 11), int)
    parted[0, 0], parted[1, 9] = 5, 5
    assert best_threshold(parted) == 0.5
    quiet = np.zeros((2, 11), int)
    quiet[0, 2] = 5
    assert f1(quiet, best_threshold(quiet)) == 1


def test_histogram_refuses_what_is_no_probability():
    everywhere = np.ones(2, bool)
    for wrong in (1.5, -0.1, math.nan):
        with pytest.raises(ValueError, match="probability"):
            histogram(np.array([0.5, wrong]), everywhere, everywhere)
    only_first = np.array([True, False])
    assert histogram(np.array([0.5, math.nan]), everywhere, only_first).sum() == 1


def test_a_threshold_inside_a_bin_is_refused():
    with pytest.raises(ValueError, match=r"threshold 0\.3005 is no whole number of steps of 1 / 1000"):
        confusion_at(np.zeros((2, BINS), int), 0.3005)


@pytest.mark.parametrize("value", [0.1 + 0.2, 0.3, 300 / 1000])
def test_arithmetic_leaves_a_threshold_the_thousandth_that_it_is(value):
    assert checked_threshold(value) == 0.3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.12345, "--threshold 0.12345: is no whole number of thousandths, .*; give --threshold 0.123"),
        (0.0004, "give --threshold 0.001"),
        (0.9999, "give --threshold 1$"),
        (0.0, "--threshold 0: a probability above 0 and at most 1 is needed"),
        (1.001, "--threshold 1.001: a probability above 0"),
        (math.nan, "--threshold nan: a probability above 0"),
    ],
)
def test_other_thresholds_are_refused_in_one_line(value, said):
    with pytest.raises(InputError, match=said) as refused:
        checked_threshold(value)
    assert "\n" not in str(refused.value)
