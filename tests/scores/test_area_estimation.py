"""Accuracies and areas of a stratified sample: the published example, and simulations that nobody derived."""

import numpy as np
import pytest

from terramamba.scores.area_estimation import estimate_areas

COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
MAPPED = np.array([200_000, 150_000, 3_200_000, 6_450_000], float) * 0.09


def test_the_example_of_the_article_comes_out_as_printed():
    """Olofsson et al. 2014, section 5: deforestation, forest gain, stable forest, stable non-forest."""
    found = estimate_areas(COUNTS, MAPPED)
    assert [round(e.value, 2) for e in (found.overall, *found.users)] == [0.95, 0.88, 0.73, 0.93, 0.96]
    assert [round(e.margin, 2) for e in (found.overall, *found.users)] == [0.02, 0.07, 0.10, 0.04, 0.02]
    assert [round(e.value, 2) for e in found.producers] == [0.75, 0.85, 0.93, 0.96]
    assert found.areas[0].value == pytest.approx(21_158, abs=1)
    assert found.areas[0].margin == pytest.approx(6_158, abs=2)


def test_margins_are_the_spread_of_samples_drawn_again(seed):
    random = np.random.default_rng(seed)
    fractions = np.array([[0.8, 0.2, 0.0], [0.1, 0.85, 0.05], [0.0, 0.3, 0.7]])
    mapped, points = np.array([100.0, 600.0, 300.0]), (200, 500, 300)
    expected = estimate_areas(np.round(fractions * np.array(points)[:, None]).astype(int), mapped)
    drawn = [
        estimate_areas(
            np.stack([random.multinomial(n, row) for n, row in zip(points, fractions, strict=True)]), mapped
        )
        for _ in range(1500)
    ]
    for kind in ("users", "producers", "areas"):
        for j in range(3):
            spread = np.std([getattr(found, kind)[j].value for found in drawn])
            assert getattr(expected, kind)[j].margin == pytest.approx(1.96 * spread, rel=0.1)
    spread = np.std([found.overall.value for found in drawn])
    assert expected.overall.margin == pytest.approx(1.96 * spread, rel=0.1)


def test_intervals_hold_the_truth_as_often_as_they_say(seed):
    random = np.random.default_rng(seed)
    truth_of = np.array([[0.8, 0.2, 0.0], [0.1, 0.85, 0.05], [0.0, 0.3, 0.7]])
    mapped = np.array([100.0, 600.0, 300.0])
    truth = mapped @ truth_of
    held = []
    for _ in range(400):
        counts = np.stack([random.multinomial(120, row) for row in truth_of])
        found = estimate_areas(counts, mapped)
        held.append([abs(e.value - t) <= e.margin for e, t in zip(found.areas, truth, strict=True)])
    assert (np.mean(held, axis=0) > 0.9).all()


def test_a_class_that_only_the_reference_has_gets_an_area_and_one_that_nobody_saw_no_accuracy():
    found = estimate_areas(np.array([[8, 0, 2], [10, 0, 0], [0, 0, 0]]), np.array([50.0, 50.0, 0.0]))
    assert found.areas[2].value == pytest.approx(10)
    assert found.users[2].value is None
    assert found.producers[1].value is None
    assert sum(e.value for e in found.areas) == pytest.approx(100)


@pytest.mark.parametrize("counts", [[[1, 0], [5, 5]], [[0, 0], [5, 5]]])
def test_a_class_with_fewer_than_two_points_is_refused(counts):
    with pytest.raises(ValueError, match="2 points"):
        estimate_areas(np.array(counts), np.array([1.0, 1.0]))
