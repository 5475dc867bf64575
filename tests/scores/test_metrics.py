"""Scores against scikit-learn, and the properties that no score may lose."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as oracle

from terramamba.scores import metrics

CLASSES = 4
maps = st.integers(1, 60).flatmap(
    lambda size: st.tuples(
        arrays.arrays(np.int64, size, elements=st.integers(-1, CLASSES - 1)),
        arrays.arrays(np.int64, size, elements=st.integers(0, CLASSES - 1)),
    )
)
squares = (
    st.integers(1, 6)
    .flatmap(lambda k: arrays.arrays(np.int64, (k, k), elements=st.integers(0, 10**9)))
    .filter(lambda cells: cells.sum() > 0)
)


@settings(max_examples=60, deadline=None)
@given(maps)
def test_land_cover_scores_are_those_of_scikit_learn(pair):
    truth, prediction = pair
    counted = truth >= 0
    if not counted.any():
        with pytest.raises(ValueError, match="no pixel"):
            metrics.class_scores(metrics.confusion_matrix(truth, prediction, CLASSES))
        return
    confusion = metrics.confusion_matrix(truth, prediction, CLASSES)
    t, p = truth[counted], prediction[counted]
    labels = list(range(CLASSES))
    assert np.array_equal(confusion, oracle.confusion_matrix(t, p, labels=labels))

    scores = metrics.class_scores(confusion)
    assert scores.oa == pytest.approx(oracle.accuracy_score(t, p))
    present = np.unique(t)
    precision, recall, f1, support = oracle.precision_recall_fscore_support(
        t, p, labels=labels, zero_division=0
    )
    assert scores.aa == pytest.approx(recall[present].mean())
    for ours, theirs in ((scores.precision, precision), (scores.recall, recall), (scores.f1, f1)):
        assert np.array(ours)[present] == pytest.approx(theirs[present])
        assert all(math.isnan(ours[k]) for k in scores.absent)
    assert scores.support == tuple(support)
    assert scores.absent == tuple(sorted(set(labels) - set(present.tolist())))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kappa of a single class is not defined
        kappa = oracle.cohen_kappa_score(t, p)
    assert scores.kappa == pytest.approx(0.0 if math.isnan(kappa) else kappa)


@settings(max_examples=200, deadline=None)
@given(squares)
def test_kappa_never_exceeds_overall_accuracy(confusion):
    scores = metrics.class_scores(confusion)
    assert scores.kappa <= scores.oa <= 1


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.int64, (2, 2), elements=st.integers(0, 50)).filter(lambda cells: cells.sum() > 0))
def test_change_scores_are_those_of_scikit_learn(confusion):
    truth = np.repeat([0, 0, 1, 1], confusion.ravel())
    found = np.repeat([0, 1, 0, 1], confusion.ravel())
    scores = metrics.change_scores(confusion)
    empty = 1.0 if confusion.ravel()[1:].sum() == 0 else 0.0
    for name, function in (
        ("precision", oracle.precision_score),
        ("recall", oracle.recall_score),
        ("f1", oracle.f1_score),
        ("iou", oracle.jaccard_score),
    ):
        assert getattr(scores, name) == pytest.approx(function(truth, found, zero_division=empty)), name
    assert scores.oa == pytest.approx(oracle.accuracy_score(truth, found))
    assert scores.kappa <= scores.oa
    assert scores.kappa == pytest.approx(metrics.class_scores(confusion).kappa)


def test_nothing_changed_and_nothing_found_is_right():
    scores = metrics.change_scores(np.array([[9, 0], [0, 0]]))
    assert (scores.precision, scores.recall, scores.f1, scores.iou, scores.oa) == (1, 1, 1, 1, 1)
    assert scores.kappa == 0
    alarm = metrics.change_scores(np.array([[8, 1], [0, 0]]))
    assert (alarm.precision, alarm.recall, alarm.f1, alarm.iou) == (0, 0, 0, 0)


def test_confusion_matrix_takes_tensors_and_refuses_what_does_not_fit():
    truth, found = torch.tensor([[0, 255], [1, 1]]), torch.tensor([[0, 1], [1, 0]])
    assert metrics.confusion_matrix(truth, found, 2, ignore=255).tolist() == [[1, 0], [1, 1]]
    with pytest.raises(ValueError, match="prediction has classes outside"):
        metrics.confusion_matrix(truth.numpy(), np.array([[0, 1], [1, 2]]), 2, ignore=255)
    with pytest.raises(ValueError, match="truth has classes outside"):
        metrics.confusion_matrix(truth, found, 2)
    with pytest.raises(ValueError, match="shape"):
        metrics.confusion_matrix(truth, found[0], 2)


@pytest.mark.parametrize("bins", [2, 10, 1000])
def test_a_histogram_knows_the_confusion_at_every_edge(seed, bins):
    random = np.random.default_rng(seed)
    probability = random.random(500).astype(np.float32)
    probability[:bins] = np.linspace(0, 1, bins, dtype=np.float32)[:500]  # on the edges too
    changed, valid = random.random(500) < probability, random.random(500) < 0.9
    counts = metrics.histogram(probability, changed, valid, bins)
    halves = [
        metrics.histogram(probability[s], changed[s], valid[s], bins) for s in (slice(200), slice(200, None))
    ]
    assert np.array_equal(counts, sum(halves))
    for edge in range(bins + 1):
        found = probability.astype(np.float64) * bins >= edge
        if edge == bins:  # probability 1 is in the last bin
            found[:] = False
        wanted = metrics.confusion_matrix(changed[valid].astype(int), found[valid].astype(int), 2)
        assert np.array_equal(metrics.confusion_at(counts, edge / bins), wanted), edge


def test_best_threshold_is_the_best_of_all_and_prefers_the_middle(seed):
    random = np.random.default_rng(seed)
    counts = random.integers(0, 20, (2, 50))
    threshold, scores = metrics.best_threshold(counts)
    every = [metrics.change_scores(metrics.confusion_at(counts, edge / 50)).f1 for edge in range(1, 50)]
    assert scores.f1 == max(every)
    assert scores == metrics.change_scores(metrics.confusion_at(counts, threshold))
    parted = np.zeros((2, 10), int)
    parted[0, 0], parted[1, 9] = 5, 5
    assert metrics.best_threshold(parted) == (0.5, metrics.change_scores(np.array([[5, 0], [0, 5]])))
    quiet = np.zeros((2, 10), int)
    quiet[0, 2] = 5
    assert metrics.best_threshold(quiet)[1].f1 == 1


def test_histogram_refuses_what_is_no_probability():
    everywhere = np.ones(2, bool)
    for wrong in (1.5, -0.1, math.nan):
        with pytest.raises(ValueError, match="probability"):
            metrics.histogram(np.array([0.5, wrong]), everywhere, everywhere)
    only_first = np.array([True, False])
    assert metrics.histogram(np.array([0.5, math.nan]), everywhere, only_first).sum() == 1


def test_bootstrap_interval(seed):
    random = np.random.default_rng(seed)
    pairs = random.integers(1, 100, (30, 2, 2))
    whole = metrics.change_scores(pairs.sum(axis=0))
    for score in ("f1", "iou", "kappa", "oa"):
        low, high = metrics.bootstrap_interval(pairs, score, draws=500)
        assert low <= getattr(whole, score) <= high
        assert low < high
        narrower = metrics.bootstrap_interval(pairs, score, level=0.5, draws=500)
        assert low <= narrower[0] <= narrower[1] <= high
    same = np.repeat(pairs[:1], 5, axis=0)
    low, high = metrics.bootstrap_interval(same, "f1", draws=50)
    assert low == high == pytest.approx(metrics.change_scores(pairs[0]).f1)
    again = [metrics.bootstrap_interval(pairs, draws=200, seed=3) for _ in range(2)]
    assert again[0] == again[1]


def test_bootstrap_is_one_draw_after_the_other_by_hand():
    pairs = np.array([[[50, 3], [2, 9]], [[40, 0], [7, 5]], [[60, 1], [0, 0]]])
    times = np.random.default_rng(5).multinomial(3, np.full(3, 1 / 3), size=400)
    values = [metrics.change_scores(np.tensordot(t, pairs, 1)).f1 for t in times]
    wanted = np.quantile(values, [0.025, 0.975])
    assert metrics.bootstrap_interval(pairs, draws=400, seed=5) == pytest.approx(tuple(wanted))


def test_false_alarms_are_counted_where_nothing_changed():
    quiet, busy = np.array([[95, 5], [0, 0]]), np.array([[10, 80], [5, 5]])
    silent, unknown = np.array([[300, 0], [0, 0]]), np.zeros((2, 2), int)
    found = metrics.false_alarms(np.stack([quiet, busy, silent, unknown, silent]))
    assert found == metrics.FalseAlarms(3, 5 / 700, 1 / 3)
    assert metrics.false_alarms(busy[None]) == metrics.FalseAlarms(0, None, None)


def test_summary_of_repeats():
    mean, deviation = metrics.summarise([0.9, 0.8, 0.7])
    assert (mean, deviation) == (pytest.approx(0.8), pytest.approx(0.1))
    assert math.isnan(metrics.summarise([0.5])[1])
