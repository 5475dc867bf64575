"""Intervals and tests beside second computations."""

import itertools

import numpy as np
import pytest

from terramamba.core.run_files import UNITS
from terramamba.core.tables import read_rows
from terramamba.experiments.statistics import Comparison, compare, holm, interval, verdict
from terramamba.scores.bootstrap import bootstrap_interval
from terramamba.scores.metrics import change_f1, class_counts, confusion_matrix
from terramamba.scores.sampling_units import (
    Units,
    counts_by_unit,
    from_classes,
    from_confusions,
    write_units,
)
from terramamba.scores.score import Score
from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES

F1 = CHANGE_SCORES[0]


def f1(cells):
    return float(change_f1(class_counts(cells)))


def confusions(random, units, classes=2):
    return random.integers(0, 50, (units, classes, classes))


def of_pairs(cells):
    return from_confusions([f"{index:03d}" for index in range(len(cells))], cells)


def better(random, cells, share):
    """Some of the wrong pixels put right, so that the truth stays the same."""
    moved = random.binomial(cells, share)
    right = np.einsum("uij->ui", moved) - np.einsum("uii->ui", moved)
    changed = cells - moved * (1 - np.eye(cells.shape[1], dtype=int))
    changed[:, range(cells.shape[1]), range(cells.shape[1])] += right
    return changed


def test_scores_from_units_are_those_of_the_confusion_matrix(seed, tmp_path):
    random = np.random.default_rng(seed)
    pixels = np.argwhere(random.random((60, 45)) < 0.3)
    truth, found = random.integers(0, 4, (2, len(pixels)))  # class 4 occurs in no pixel
    units = from_classes(pixels, truth, found, 5)
    write_units(tmp_path, units)
    again = counts_by_unit(read_rows(tmp_path / UNITS, "")[1:], 5)
    assert again.names == units.names
    assert np.array_equal(again.counts, units.counts)
    expected = class_counts(confusion_matrix(truth, found, 5))
    for score in (one for one in LAND_COVER_SCORES if one.ranked):
        assert score.of(again.counts.sum(axis=0)) == score.of(expected)
    cells = confusions(random, 7)
    assert F1.of(of_pairs(cells).counts.sum(axis=0)) == f1(cells.sum(axis=0))


def test_the_interval_of_one_seed_is_that_of_the_metrics(seed):
    cells = confusions(np.random.default_rng(seed), 30)
    assert interval([of_pairs(cells)], F1) == bootstrap_interval(class_counts(cells)[None], change_f1)
    assert interval([of_pairs(cells[:1])], F1) is None


def test_p_is_that_of_all_exchanges_counted(seed):
    random = np.random.default_rng(seed)
    seeds, units = 2, 9
    first = [confusions(random, units) for _ in range(seeds)]
    second = [better(random, cells, random.uniform(0, 0.3)) for cells in first]
    found = compare([of_pairs(c) for c in first], [of_pairs(c) for c in second], F1)

    def difference(a, b):
        return np.mean([f1(x.sum(0)) - f1(y.sum(0)) for x, y in zip(a, b, strict=True)])

    seen, extreme = difference(first, second), 0
    for swap in itertools.product((False, True), repeat=units):
        where = np.array(swap)[:, None, None]
        a = [np.where(where, y, x) for x, y in zip(first, second, strict=True)]
        b = [np.where(where, x, y) for x, y in zip(first, second, strict=True)]
        extreme += abs(difference(a, b)) >= abs(seen) - 1e-12
    exact = extreme / 2**units
    assert found.difference == pytest.approx(seen)
    assert found.p == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 10_000) + 2e-4)


def test_a_clear_gain_is_shown_and_none_is_not(seed):
    random = np.random.default_rng(seed)
    cells = [confusions(random, 40) + 50 for _ in range(3)]
    plain, gained = [of_pairs(c) for c in cells], [of_pairs(better(random, c, 0.5)) for c in cells]
    found = compare(gained, plain, F1)
    assert verdict(found, found.p) == "ahead"
    behind = compare(plain, gained, F1)
    assert verdict(behind, behind.p) == "behind"
    same = compare(plain, plain, F1)
    assert (same.difference, same.p) == (0, 1)
    assert verdict(same, same.p) == "not shown"


def test_other_test_pixels_are_not_paired(seed):
    random = np.random.default_rng(seed)
    cells = confusions(random, 5) + 1
    other = cells.copy()
    other[0, 0, 0] += 1
    assert compare([of_pairs(cells)], [of_pairs(other)], F1) is None
    renamed = Units(tuple("abcde"), of_pairs(cells).counts)
    assert compare([of_pairs(cells)], [renamed], F1) is None


def test_holm_as_its_definition_says(seed):
    values = np.random.default_rng(seed).random(6) ** 3
    for index, corrected in enumerate(holm(list(values))):
        smaller = [j for j in range(6) if values[j] <= values[index]]
        steps = [(6 - np.sum(values < values[j])) * values[j] for j in smaller]
        assert corrected == pytest.approx(min(1, max(steps)))


@pytest.mark.parametrize(
    ("seeds", "units", "agree", "p", "said"),
    [
        (3, 10, True, 0.049, "ahead"),
        (3, 10, True, 0.05, "not shown"),
        (2, 10, True, 0.001, "not shown: 2 of 3 seeds"),
        (5, 9, True, 0.001, "not shown: too few units (9)"),
        (5, 10, False, 0.001, "not shown: the seeds disagree"),
    ],
)
def test_a_verdict_needs_seeds_units_and_agreement(seeds, units, agree, p, said):
    assert verdict(Comparison(0.1, p, seeds, units, agree, F1), p) == said


def test_who_has_less_of_a_loss_is_ahead():
    loss = Score("loss", "loss", change_f1, "What is lost.", better="lower")
    assert verdict(Comparison(-0.1, 0.001, 3, 10, True, loss), 0.001) == "ahead"
    assert verdict(Comparison(0.1, 0.001, 3, 10, True, loss), 0.001) == "behind"
