"""Intervals beside draws made one after the other."""

import numpy as np
import pytest

from terramamba.scores.bootstrap import bootstrap_interval
from terramamba.scores.metrics import change_f1, change_iou, class_counts, kappa, overall_accuracy


def test_an_interval_holds_the_score_and_grows_with_its_level(seed):
    random = np.random.default_rng(seed)
    pairs = class_counts(random.integers(1, 100, (1, 30, 2, 2)))
    for score in (change_f1, change_iou, kappa, overall_accuracy):
        low, high = bootstrap_interval(pairs, score, draws=700)
        assert low <= score(pairs[0].sum(axis=0)) <= high
        assert low < high
        narrower = bootstrap_interval(pairs, score, level=0.5, draws=700)
        assert low <= narrower[0] <= narrower[1] <= high
    same = np.repeat(pairs[:, :1], 5, axis=1)
    low, high = bootstrap_interval(same, change_f1, draws=50)
    assert low == high == pytest.approx(float(change_f1(pairs[0, 0])))
    again = [bootstrap_interval(pairs, change_f1, draws=200, seed=3) for _ in range(2)]
    assert again[0] == again[1]
    with pytest.raises(ValueError, match="at least one unit"):
        bootstrap_interval(pairs[:, :0], change_f1)


def test_an_interval_is_that_of_draws_by_hand_which_all_repeats_share():
    pairs = np.array([[[50, 3], [2, 9]], [[40, 0], [7, 5]], [[60, 1], [0, 0]]])
    repeats = class_counts(np.stack([pairs, pairs[:, ::-1]]))
    times = np.random.default_rng(5).multinomial(3, np.full(3, 1 / 3), size=800)
    drawn = [np.mean([change_f1(np.tensordot(t, one, 1)) for one in repeats]) for t in times]
    wanted = tuple(np.quantile(drawn, [0.025, 0.975]))
    assert bootstrap_interval(repeats, change_f1, draws=800, seed=5) == pytest.approx(wanted)
