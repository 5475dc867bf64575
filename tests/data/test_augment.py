"""Augmentation: each function does what it says and nothing else."""

import numpy as np
import pytest
import torch

from terramamba.data.augment import (
    SYMMETRIES,
    draw_corner,
    draw_corner_around,
    draw_noise,
    draw_symmetry,
    draw_zoom,
    exchange_dates,
    jitter,
    resize,
    sample_seed,
    turn,
)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_eight_symmetries_are_different_and_keep_all_values() -> None:
    image = torch.arange(9).reshape(1, 3, 3)
    turned = [turn(image, symmetry) for symmetry in range(SYMMETRIES)]
    assert len({tuple(each.flatten().tolist()) for each in turned}) == SYMMETRIES
    assert all(sorted(each.flatten().tolist()) == list(range(9)) for each in turned)
    quarter = [np.rot90(image[0].numpy(), k) for k in range(4)]
    for expected in (*quarter, *(np.fliplr(each) for each in quarter)):
        assert any((each[0].numpy() == expected).all() for each in turned)


def test_rectangles_keep_their_sides(seed: int) -> None:
    drawn = {draw_symmetry(False, generator(seed + i)) for i in range(60)}
    assert drawn == {0, 1, 2, 3}
    assert {draw_symmetry(True, generator(seed + i)) for i in range(200)} == set(range(8))
    assert all(turn(torch.zeros(2, 3, 4), symmetry).shape == (2, 3, 4) for symmetry in drawn)


def test_sample_seeds_are_unrelated() -> None:
    seeds = {sample_seed(s, e, i) for s in range(10) for e in range(10) for i in range(100)}
    assert len(seeds) > 9_990  # of 10,000 drawn from 2**32
    assert all(0 <= value < 2**32 for value in seeds)
    assert sample_seed(1, 2, 3) == sample_seed(1, 2, 3)


def test_crops_reach_every_corner_and_stay_inside(seed: int) -> None:
    drawn = generator(seed)
    corners = [draw_corner(7, 5, (4, 5), drawn) for _ in range(200)]
    assert {row for row, _ in corners} == {0, 1, 2, 3}
    assert {col for _, col in corners} == {0}


@pytest.mark.parametrize(
    ("pixel", "rows", "cols"), [((0, 0), {0}, {0}), ((6, 2), {3}, {0, 1, 2}), ((3, 4), {0, 1, 2, 3}, {2})]
)
def test_crops_around_a_pixel_hold_it_and_stay_inside(
    seed: int, pixel: tuple[int, int], rows: set[int], cols: set[int]
) -> None:
    drawn = generator(seed)
    corners = [draw_corner_around(pixel, 7, 5, (4, 3), drawn) for _ in range(200)]
    assert {row for row, _ in corners} == rows
    assert {col for _, col in corners} == cols


def test_enlarging_is_as_likely_as_shrinking_by_the_same_factor(seed: int) -> None:
    drawn = generator(seed)
    zooms = np.array([draw_zoom(2.5, drawn) for _ in range(2_000)])
    assert 0.4 <= zooms.min() < 0.42
    assert 2.4 < zooms.max() <= 2.5
    quartiles = np.quantile(zooms, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [2.5**-0.5, 1, 2.5**0.5], rtol=0.1)
    assert draw_zoom(1.0, drawn) == 1


@pytest.mark.parametrize("size", [(20, 28), (5, 7), (17, 9)])
def test_what_is_resized_lies_where_it_lay_and_masks_keep_their_values(size: tuple[int, int]) -> None:
    rows, cols = torch.meshgrid(torch.arange(10.0), torch.arange(14.0), indexing="ij")
    mask = torch.where(rows < 5, 1, torch.where(cols < 7, 0, 255))
    image, labels = resize(torch.stack([rows, cols])[None], mask, size)
    inner = (slice(None), slice(2, -2), slice(2, -2))
    centres = [(torch.arange(n) + 0.5) * old / n - 0.5 for n, old in zip(size, (10, 14), strict=True)]
    expected = torch.stack(torch.meshgrid(*centres, indexing="ij"))
    torch.testing.assert_close(image[0][inner], expected[inner], atol=0.05, rtol=0)
    assert labels.dtype == mask.dtype
    assert set(labels.flatten().tolist()) == {0, 1, 255}
    assert bool((labels[expected[0] < 4.4] == 1).all())
    assert bool((labels[(expected[0] > 4.6) & (expected[1] > 6.6)] == 255).all())


@pytest.mark.parametrize(("probability", "share"), [(0.0, 0.0), (1.0, 1.0), (0.3, 0.3)])
def test_dates_are_exchanged_as_often_as_asked(seed: int, probability: float, share: float) -> None:
    pair = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    drawn = generator(seed)
    found = [float(exchange_dates(pair, probability, drawn)[0].mean()) for _ in range(800)]
    assert np.mean(found) == pytest.approx(share, abs=0.1)


def test_noise_has_the_asked_strength(seed: int) -> None:
    noise = draw_noise(20_000, 0.05, generator(seed))
    assert float(noise.std()) == pytest.approx(0.05, rel=0.05)


def test_jitter_is_a_gain_and_a_contrast_of_each_date(seed: int) -> None:
    image = torch.randn(2, 3, 8, 9, generator=generator(seed))
    black = torch.tensor([-2.0, -1.0, 0.0])
    changed = jitter(image, 0.2, black, generator(seed))
    assert not torch.equal(changed[0] - image[0], changed[1] - image[1])
    for date in range(2):
        for band in range(3):
            old, new = image[date, band].flatten().double(), changed[date, band].flatten().double()
            slope, _ = np.polyfit(old, new, 1)
            # linear, between the extremes of gain * band gain * contrast
            assert np.corrcoef(old, new)[0, 1] == pytest.approx(1.0, abs=1e-6)
            assert 0.8 * 0.9 * 0.8 <= slope <= 1.2 * 1.1 * 1.2
            gain = float((new.mean() - black[band]) / (old.mean() - black[band]))
            assert 0.8 * 0.9 - 1e-3 <= gain <= 1.2 * 1.1 + 1e-3


def test_no_jitter_changes_nothing(seed: int) -> None:
    image = torch.randn(2, 3, 4, 4, generator=generator(seed))
    torch.testing.assert_close(jitter(image, 0.0, torch.zeros(3), generator(seed)), image)
