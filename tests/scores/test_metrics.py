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
from terramamba.scores.score import evaluated
from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES

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
        nothing = metrics.class_counts(metrics.confusion_matrix(truth, prediction, CLASSES))
        with pytest.raises(ValueError, match="no pixel"):
            evaluated(LAND_COVER_SCORES, {"pixels": nothing})
        return
    confusion = metrics.confusion_matrix(truth, prediction, CLASSES)
    t, p = truth[counted], prediction[counted]
    labels = list(range(CLASSES))
    assert np.array_equal(confusion, oracle.confusion_matrix(t, p, labels=labels))

    counts = metrics.class_counts(confusion)
    assert metrics.overall_accuracy(counts) == pytest.approx(oracle.accuracy_score(t, p))
    present = np.unique(t)
    precision, recall, f1, support = oracle.precision_recall_fscore_support(
        t, p, labels=labels, zero_division=0
    )
    assert metrics.average_accuracy(counts) == pytest.approx(recall[present].mean())
    assert metrics.worst_recall(counts) == pytest.approx(recall[present].min())
    for ours, theirs in (
        (metrics.class_precision(counts), precision),
        (metrics.class_recall(counts), recall),
        (metrics.class_f1(counts), f1),
    ):
        assert ours[present] == pytest.approx(theirs[present])
        assert np.isnan(np.delete(ours, present)).all()
    assert counts[:, metrics.TRUTH].tolist() == support.tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kappa of a single class is not defined
        kappa = oracle.cohen_kappa_score(t, p)
    assert metrics.kappa(counts) == pytest.approx(0.0 if math.isnan(kappa) else kappa)


@settings(max_examples=200, deadline=None)
@given(squares)
def test_kappa_never_exceeds_overall_accuracy(confusion):
    counts = metrics.class_counts(confusion)
    assert metrics.kappa(counts) <= metrics.overall_accuracy(counts) <= 1


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.int64, (2, 2), elements=st.integers(0, 50)).filter(lambda cells: cells.sum() > 0))
def test_change_scores_are_those_of_scikit_learn(confusion):
    truth = np.repeat([0, 0, 1, 1], confusion.ravel())
    found = np.repeat([0, 1, 0, 1], confusion.ravel())
    counts = metrics.class_counts(confusion)
    empty = 1.0 if confusion.ravel()[1:].sum() == 0 else 0.0
    for ours, theirs in (
        (metrics.change_precision, oracle.precision_score),
        (metrics.change_recall, oracle.recall_score),
        (metrics.change_f1, oracle.f1_score),
        (metrics.change_iou, oracle.jaccard_score),
    ):
        assert ours(counts) == pytest.approx(theirs(truth, found, zero_division=empty)), theirs
    assert metrics.overall_accuracy(counts) == pytest.approx(oracle.accuracy_score(truth, found))


def test_nothing_changed_and_nothing_found_is_right():
    of_change = (metrics.change_precision, metrics.change_recall, metrics.change_f1, metrics.change_iou)
    nothing = metrics.class_counts(np.array([[9, 0], [0, 0]]))
    assert [float(score(nothing)) for score in of_change] == [1, 1, 1, 1]
    assert (metrics.overall_accuracy(nothing), metrics.kappa(nothing)) == (1, 0)
    alarm = metrics.class_counts(np.array([[8, 1], [0, 0]]))
    assert [float(score(alarm)) for score in of_change] == [0, 0, 0, 0]


def test_many_tables_are_scored_as_each_of_them(seed):
    """As one array of whole numbers, or of the sums that draws of a bootstrap are."""
    confusions = np.random.default_rng(seed).integers(0, 9, (4, 5, 3, 3))
    counts = metrics.class_counts(confusions)
    for score in (*LAND_COVER_SCORES, *CHANGE_SCORES):
        if score.source == "pixels":
            each = [[score.of(metrics.class_counts(one)) for one in row] for row in confusions]
            assert np.array_equal(score.of(counts), each, equal_nan=True), score.name
            assert np.array_equal(score.of(counts.astype(float)), each, equal_nan=True), score.name


def test_confusion_matrix_takes_tensors_and_refuses_what_does_not_fit():
    truth, found = torch.tensor([[0, 255], [1, 1]]), torch.tensor([[0, 1], [1, 0]])
    assert metrics.confusion_matrix(truth, found, 2, ignore=255).tolist() == [[1, 0], [1, 1]]
    with pytest.raises(ValueError, match="prediction has classes outside"):
        metrics.confusion_matrix(truth.numpy(), np.array([[0, 1], [1, 2]]), 2, ignore=255)
    with pytest.raises(ValueError, match="truth has classes outside"):
        metrics.confusion_matrix(truth, found, 2)
    with pytest.raises(ValueError, match="shape"):
        metrics.confusion_matrix(truth, found[0], 2)


def test_false_alarms_are_counted_where_nothing_changed():
    quiet, busy = np.array([[95, 5], [0, 0]]), np.array([[10, 80], [5, 5]])
    silent, unknown = np.array([[300, 0], [0, 0]]), np.zeros((2, 2), int)
    by_pair = metrics.class_counts(np.stack([quiet, busy, silent, unknown, silent]))
    assert len(metrics.quiet_pairs(by_pair)) == 3
    assert metrics.false_alarm_rate(by_pair) == 5 / 700
    assert metrics.false_alarm_pair_rate(by_pair) == 1 / 3
    changed_everywhere = metrics.class_counts(busy[None])
    assert np.isnan(metrics.false_alarm_rate(changed_everywhere))
    assert np.isnan(metrics.false_alarm_pair_rate(changed_everywhere))


def test_summary_of_repeats():
    mean, deviation = metrics.summarise([0.9, 0.8, 0.7])
    assert (mean, deviation) == (pytest.approx(0.8), pytest.approx(0.1))
    assert math.isnan(metrics.summarise([0.5])[1])
