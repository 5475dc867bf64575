"""Pairs as samples: scaling shared by both dates, crops, missing pixels, augmentation."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from terramamba.change.samples import PairDataset
from terramamba.core.errors import InputError
from terramamba.data.augment import SYMMETRIES, turn
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.statistics import fit_pair_scaling, fit_pairs
from terramamba.data.scaling import Scaling
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.windows import Window

AS_STORED = Scaling("standard", (0, 1, 2), (0.0,) * 3, (1.0,) * 3, (7.0,) * 3)


def make_pairs(root: Path, seed: int, sizes: list[tuple[int, int]]) -> list[PairFiles]:
    rng = np.random.default_rng(seed)
    for number, size in enumerate(sizes):
        for folder in ("A", "B"):
            (root / "train" / folder).mkdir(parents=True, exist_ok=True)
            values = rng.integers(0, 256, (*size, 3), np.uint8)
            Image.fromarray(values).save(root / "train" / folder / f"{number}.png")
        (root / "train" / "label").mkdir(exist_ok=True)
        mask = (rng.random(size) < 0.3).astype(np.uint8) * 255
        Image.fromarray(mask).save(root / "train" / "label" / f"{number}.png")
    return find_pairs(root)["train"]


def stored(path: str | None) -> np.ndarray:
    assert path is not None
    values = np.array(Image.open(path))
    return values.transpose(2, 0, 1) if values.ndim == 3 else values


def test_scaling_is_that_of_all_pixels_of_both_dates(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terramamba.data.pairs.statistics.VALUES_PER_READ", 100)
    pairs = make_pairs(tmp_path, seed, [(8, 9), (5, 7), (6, 6)])
    pixels = [stored(path).reshape(3, -1) for pair in pairs for path in (pair.before, pair.after)]
    values = np.concatenate(pixels, axis=1)
    scaling = fit_pair_scaling(pairs, 3)
    expected = Scaling.fit(lambda: [values.T.astype(np.float64)], (0, 1, 2), "standard")
    np.testing.assert_allclose(scaling.offset, expected.offset, rtol=1e-12)
    np.testing.assert_allclose(scaling.factor, expected.factor, rtol=1e-12)
    assert (scaling.kind, scaling.bands, scaling.fill) == ("standard", (0, 1, 2), (0.0, 0.0, 0.0))


def georeferenced(root: Path, before: np.ndarray, after: np.ndarray, **options: float) -> PairFiles:
    for name, array in (("before", before), ("after", after)):
        write_geotiff(root / f"{name}.tif", array, Grid(*array.shape[1:]), **options)
    mask = np.zeros(before.shape[1:], np.uint8)
    mask[:, 0] = 1
    write_geotiff(root / "mask.tif", mask[None], Grid(*mask.shape))
    files = (str(root / f"{name}.tif") for name in ("before", "after", "mask"))
    return PairFiles(*files, unchanged=None, window=None, name="one", split="train")


def test_missing_pixels_do_not_count_and_are_filled_and_ignored(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, after = rng.normal(500, 50, (2, 2, 6, 5)).astype(np.float32)
    before[1, 2, 3], after[0, 4, 1] = -3.4e38, -3.4e38
    pair = georeferenced(tmp_path, before, after, nodata=-3.4e38)
    scaling = fit_pair_scaling([pair], 2)
    both = np.stack([before, after])
    for band in range(2):
        values = both[:, band][both[:, band] > -1e30]
        assert scaling.offset[band] == pytest.approx(values.mean(dtype=np.float64))
        assert scaling.factor[band] == pytest.approx(1 / values.std(dtype=np.float64))
    for jitter in (0.0, 0.5):
        data = PairDataset([pair], scaling, crop_size=None, augment=jitter > 0, jitter=jitter, seed=seed)
        sample = data[0]
        holes = sample["image"] == 0
        assert int(holes.sum()) == 4  # both bands of a pixel, at its date
        assert int((sample["mask"] == 255).sum()) == 2
        assert bool((sample["mask"][holes.any(dim=(0, 1))] == 255).all())
        assert bool(sample["image"].isfinite().all())


def test_undeclared_nan_is_counted_and_ignored(tmp_path: Path) -> None:
    before = np.arange(40, dtype=np.float32).reshape(2, 4, 5)
    before[1, 3, 2] = np.nan
    pair = georeferenced(tmp_path, before, np.ones_like(before))
    fitted = fit_pairs([pair], 2)
    expected = [np.r_[band[np.isfinite(band)], np.ones(20)].mean() for band in before]
    np.testing.assert_allclose(fitted.scaling.offset, expected)
    assert fitted.notes == (
        "1 pixels of the training dates are NaN or infinite: no data, ignored at both dates of their pair",
    )
    scaling = Scaling("standard", (0, 1), (0.0, 0.0), (1.0, 1.0), (9.0, 9.0))
    sample = PairDataset([pair], scaling, crop_size=None, augment=False, seed=0)[0]
    assert sample["image"][0, :, 3, 2].tolist() == [9.0, 9.0]
    assert int(sample["mask"][3, 2]) == 255


def test_a_band_without_data_or_another_number_of_bands_is_refused(tmp_path: Path) -> None:
    before = np.ones((2, 4, 5), np.float32)
    before[0] = -1
    pair = georeferenced(tmp_path, before, before, nodata=-1.0)
    with pytest.raises(InputError, match="band 1 has no data in any of the 1 training pairs"):
        fit_pair_scaling([pair], 2)
    before[1] = -1
    (tmp_path / "empty").mkdir()
    empty = georeferenced(tmp_path / "empty", before, before, nodata=-1.0)
    with pytest.raises(InputError, match=r"no pixel of any of the 1 training pairs has data; correct nodata"):
        fit_pair_scaling([empty], 2)
    for wrong in (lambda: fit_pair_scaling([pair], 3), lambda: PairDataset([pair], AS_STORED, **PLAIN)):
        with pytest.raises(InputError, match=r"before\.tif: has 2 bands, the others 3"):
            wrong()


PLAIN = {"crop_size": None, "augment": False, "seed": 0}


def test_whole_images_are_what_is_stored(tmp_path: Path, seed: int) -> None:
    pairs = make_pairs(tmp_path, seed, [(8, 9), (5, 7)])
    data = PairDataset(pairs, AS_STORED, **PLAIN)
    assert len(data) == 2
    for pair, sample in zip(pairs, (data[0], data[1]), strict=True):
        assert sample["image"].dtype == torch.float32
        assert sample["mask"].dtype == torch.int64
        np.testing.assert_array_equal(sample["image"][0], stored(pair.before))
        np.testing.assert_array_equal(sample["image"][1], stored(pair.after))
        np.testing.assert_array_equal(sample["mask"], stored(pair.label) > 0)


def test_one_rule_scales_both_dates(tmp_path: Path, seed: int) -> None:
    pairs = make_pairs(tmp_path, seed, [(8, 9)])
    scaling = fit_pair_scaling(pairs, 3)
    sample = PairDataset(pairs, scaling, **PLAIN)[0]["image"]
    offset, factor = (np.array(part)[:, None, None] for part in (scaling.offset, scaling.factor))
    for date, path in enumerate((pairs[0].before, pairs[0].after)):
        np.testing.assert_allclose(sample[date], (stored(path) - offset) * factor, atol=1e-5)


@pytest.mark.parametrize("cache_bytes", [0, 400, 2**20])
def test_crops_are_parts_of_the_image_with_their_mask(tmp_path: Path, seed: int, cache_bytes: int) -> None:
    pairs = make_pairs(tmp_path, seed, [(8, 9), (7, 12)])
    data = PairDataset(
        pairs, AS_STORED, crop_size=4, crops_per_pair=3, augment=False, seed=seed, cache_bytes=cache_bytes
    )
    assert len(data) == 6
    corners = set()
    for epoch in range(6):
        data.set_epoch(epoch)
        for index in range(len(data)):
            sample = data[index]
            before, mask = stored(pairs[index // 3].before), stored(pairs[index // 3].label) > 0
            windows = np.lib.stride_tricks.sliding_window_view(before, (4, 4), axis=(1, 2))
            hits = np.argwhere(
                (windows.transpose(1, 2, 0, 3, 4) == sample["image"][0].numpy()).all((2, 3, 4))
            )
            ((row, col),) = hits
            np.testing.assert_array_equal(sample["mask"], mask[row : row + 4, col : col + 4])
            corners.add((index // 3, row, col))
    assert len(corners) > 20


@pytest.mark.parametrize("cache_bytes", [0, 10_000])
def test_crops_hold_what_changed_as_often_as_asked(tmp_path: Path, seed: int, cache_bytes: int) -> None:
    pairs = make_pairs(tmp_path, seed, [(30, 31), (30, 31)])
    for number, changed in enumerate((1, 0)):
        mask = np.zeros((30, 31), np.uint8)
        mask[3, 20] = 255 * changed
        Image.fromarray(mask).save(tmp_path / "train" / "label" / f"{number}.png")
    options = {"crop_size": 6, "augment": False, "seed": seed, "cache_bytes": cache_bytes}
    everywhere, changed = (
        PairDataset(pairs, AS_STORED, changed_crops=share, **options) for share in (0.0, 1.0)
    )
    held = {0.0: 0, 1.0: 0}
    for epoch in range(20):
        for share, data in ((0.0, everywhere), (1.0, changed)):
            data.set_epoch(epoch)
            held[share] += int((data[0]["mask"] == 1).sum())
            assert data[1]["mask"].shape == (6, 6)  # of a pair in which nothing changed
    assert held[1.0] == 20
    assert held[0.0] < 10


def test_zoomed_crops_show_more_or_less_of_a_pair_and_their_mask_fits(tmp_path: Path, seed: int) -> None:
    (pair,) = make_pairs(tmp_path, seed, [(40, 50)])
    rows, cols = np.indices((40, 50), np.uint8)
    place = np.stack([5 * rows, 5 * cols, 0 * rows])
    for file in (pair.before, pair.after):
        Image.fromarray(place.transpose(1, 2, 0)).save(file)
    Image.fromarray(255 * (cols >= 25).astype(np.uint8)).save(pair.label)
    data = PairDataset([pair], AS_STORED, crop_size=16, augment=True, zoom=4.0, seed=seed)
    factors = []
    for epoch in range(60):
        data.set_epoch(epoch)
        sample = data[0]
        assert sample["image"].shape == (2, 3, 16, 16)
        row, col = (sample["image"][0, band] / 5 for band in (0, 1))
        span = float(col.max() - col.min() + row.max() - row.min()) / 2
        factors.append(15 / span)
        assert 0 <= float(row.min()) <= float(row.max()) <= 39
        far = (col - 24.5).abs() > 1.5
        assert torch.equal(sample["mask"][far], (col > 24.5).long()[far])
    assert min(factors) < 0.5
    assert max(factors) > 2
    assert min(factors) > 0.35  # 16 of the 40 rows that there are


def test_crops_are_as_small_as_the_smallest_image(tmp_path: Path, seed: int) -> None:
    pairs = make_pairs(tmp_path, seed, [(8, 9), (5, 20)])
    data = PairDataset(pairs, AS_STORED, crop_size=7, augment=True, seed=seed)
    (batch,) = DataLoader(data, batch_size=2)
    assert batch["image"].shape == (2, 2, 3, 5, 7)
    assert batch["mask"].shape == (2, 5, 7)
    with pytest.raises(InputError, match="--crop-size 0"):
        PairDataset(pairs, AS_STORED, crop_size=0, augment=True, seed=seed)


def test_a_sample_depends_on_seed_epoch_and_index_alone(tmp_path: Path, seed: int) -> None:
    pairs = make_pairs(tmp_path, seed, [(9, 9)] * 3)
    options = {"crop_size": 6, "augment": True, "jitter": 0.2, "exchange_dates": 0.5, "seed": seed}
    data, again = PairDataset(pairs, AS_STORED, **options), PairDataset(pairs, AS_STORED, **options)
    data.set_epoch(4)
    first = [data[index] for index in range(3)]
    again.set_epoch(3)
    assert not torch.equal(again[1]["image"], first[1]["image"])
    again.set_epoch(4)
    for index in (2, 0, 1):
        assert torch.equal(again[index]["image"], first[index]["image"])
        assert torch.equal(again[index]["mask"], first[index]["mask"])


def test_image_and_mask_turn_together_and_dates_are_exchanged(tmp_path: Path, seed: int) -> None:
    pairs = make_pairs(tmp_path, seed, [(6, 6)])
    plain = PairDataset(pairs, AS_STORED, **PLAIN)[0]
    data = PairDataset(pairs, AS_STORED, crop_size=6, augment=True, exchange_dates=0.5, seed=seed)
    seen = set()
    for epoch in range(60):
        data.set_epoch(epoch)
        sample = data[0]
        ((symmetry, exchanged),) = (
            (s, flip)
            for s in range(SYMMETRIES)
            for flip in (False, True)
            if torch.equal(turn(plain["image"].flip(0) if flip else plain["image"], s), sample["image"])
        )
        assert torch.equal(turn(plain["mask"], symmetry), sample["mask"])
        seen.add((symmetry, exchanged))
    assert len(seen) > 10


def test_windows_and_pairs_without_label(tmp_path: Path, seed: int) -> None:
    (pair,) = make_pairs(tmp_path, seed, [(8, 9)])
    window = Window(2, 3, 4, 5)
    part = PairFiles(pair.before, pair.after, None, None, window, "part", "all")
    sample = PairDataset([part], AS_STORED, **PLAIN)[0]
    np.testing.assert_array_equal(sample["image"][1], stored(pair.after)[:, 2:6, 3:8])
    assert bool((sample["mask"] == 255).all())


def test_jitter_changes_each_date_its_own_way(tmp_path: Path, seed: int) -> None:
    pairs = make_pairs(tmp_path, seed, [(16, 16)])
    scaling = fit_pair_scaling(pairs, 3)
    plain = PairDataset(pairs, scaling, **PLAIN)[0]["image"]
    data = PairDataset(pairs, scaling, crop_size=16, augment=True, jitter=0.3, seed=seed)
    changed = data[0]["image"]
    means = (changed - plain.mean(dim=(-2, -1), keepdim=True)).mean(dim=(-2, -1))
    assert float(means.abs().max()) > 1e-3
    assert not torch.allclose(means[0], means[1], atol=1e-3)
    assert float(means.abs().max()) < 4 * (1.3 * 1.15 - 1)
