"""Samples of many spectra: every class is heard, and nothing is drawn where all fit."""

import numpy as np

from terramamba.models.baselines.sampling import sample_by_class


def test_all_are_kept_where_they_fit(seed):
    targets = np.random.default_rng(seed).integers(0, 4, 50)
    np.testing.assert_array_equal(sample_by_class(targets, 50, 0), np.arange(50))


def test_rare_classes_stay_and_common_ones_keep_their_shares(seed):
    counts = np.array([3, 40, 4000, 16_000])
    targets = np.random.default_rng(seed).permutation(np.repeat(np.arange(4), counts))
    drawn = sample_by_class(targets, 1000, seed)
    assert len(np.unique(drawn)) == len(drawn)
    assert 990 <= len(drawn) <= 1000
    found = np.bincount(targets[drawn], minlength=4)
    assert found[0] == 3
    assert found[1] >= 40 * 0.9
    assert found[2] >= 125
    assert 3 < (found[3] - 125) / (found[2] - 125) < 5
    np.testing.assert_array_equal(drawn, sample_by_class(targets, 1000, seed))
    assert not np.array_equal(drawn, sample_by_class(targets, 1000, seed + 1))


def test_no_more_than_asked_for_of_many_small_classes():
    targets = np.repeat(np.arange(300), 2)
    assert len(sample_by_class(targets, 100, 0)) <= 100
