"""Large pairs are scored by the tiles of their map: the same counts as blending by hand, and as the map."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from rasterio.crs import CRS
from torch import Tensor, nn
from torch.nn import functional as F

from cards import change_card
from terramamba.api import map_change
from terramamba.change import scored_pairs
from terramamba.change.error_maps import error_maps
from terramamba.change.map_worker import ChangeDetector
from terramamba.change.objective import ChangeDetection
from terramamba.change.scored_pairs import ScoredPairs
from terramamba.change.scores import count_pairs
from terramamba.change.settings import ChangeConfig
from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.scaling import Scaling
from terramamba.models.model import Model
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window
from terramamba.runs.folder import Run
from terramamba.scores.thresholds import BINS, confusion_at, histogram
from terramamba.training.batches import EvaluationBatches, Shard
from terramamba.training.predict import change_counts, count_changes, evaluate_change, evaluating

NODATA = -1.0
TILE, OVERLAP = 24, 10
SCALING = Scaling("standard", (0, 1), (0.5, 0.4), (2.0, 3.0), (0.1, 0.0))


class Neighbours(Model):
    """Sees neighbours, so that a tile's edge differs from what the whole image would give."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Conv2d(2, 1, 7, padding=3)
        nn.init.normal_(self.mean.weight, std=0.2)
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(tuple(x.shape[-2:]))
        return self.mean(x[:, 1] - x[:, 0])


@pytest.fixture
def pairs(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> list[PairFiles]:
    """A small pair, a large one, a large window of a larger one, and a small pair."""
    monkeypatch.setattr(scored_pairs, "WHOLE_PIXELS", 40 * 40)
    monkeypatch.setattr(scored_pairs, "TILE_SIZE", TILE)
    monkeypatch.setattr(scored_pairs, "OVERLAP", OVERLAP)
    rng = np.random.default_rng(seed)
    made = []
    for number, (height, width) in enumerate(((30, 30), (67, 49), (100, 90), (40, 40))):
        dates = rng.random((2, 2, height, width), dtype=np.float32)
        dates[0, 1, 5:9, 3] = dates[1, :, -4:, 10:14] = NODATA
        mask = (rng.random((height, width)) < 0.3).astype(np.uint8)
        mask[12, ::3] = 255  # not known
        place = Grid(height, width, CRS.from_epsg(32632), Affine(20, 0, 500_000, 0, -20, 5_000_000))
        files = [str(tmp_path / f"{name}_{number}.tif") for name in ("before", "after", "label")]
        for path, values in zip(files, (*dates, mask[None]), strict=True):
            write_geotiff(path, values, place, nodata=None if "label" in path else NODATA)
        window = Window(7, 11, 80, 55) if number == 2 else None
        made.append(PairFiles(*files, None, window, f"pair {number}", "test"))
    return made


def read(pair: PairFiles) -> tuple[np.ndarray, np.ndarray]:
    """Scaled dates (2, 2, h, w) and mask, 255 also where a date has no data."""
    dates, known = [], True
    fill = np.array(SCALING.fill, np.float32)[:, None, None]
    for path in (pair.before, pair.after):
        values, valid = open_scene(path).read(pair.window)
        offset, factor = (np.array(of, np.float32)[:, None, None] for of in (SCALING.offset, SCALING.factor))
        dates.append(np.where(valid.all(axis=0), (values - offset) * factor, fill))
        known &= valid.all(axis=0)
    (mask,), _ = open_scene(str(pair.label)).read(pair.window)
    return np.stack(dates), np.where(known, mask, 255)


def blended(model: Model, dates: np.ndarray) -> np.ndarray:
    """Probability of change from all tiles at once, each with less weight at its edges."""
    height, width = dates.shape[2:]

    def starts(length: int) -> list[int]:
        return [*range(0, length - TILE, TILE - OVERLAP), length - TILE]

    edge = np.minimum(np.arange(TILE) + 0.5, TILE - np.arange(TILE) - 0.5)
    ramp = np.sin(np.pi / 2 * np.minimum(edge / OVERLAP, 1)) ** 2
    weight = np.outer(ramp, ramp).astype(np.float32)
    total, weights = np.zeros((2, height, width), np.float32)
    for row in starts(height):
        for col in starts(width):
            part = np.s_[row : row + TILE, col : col + TILE]
            with torch.no_grad():
                logits = model(torch.from_numpy(dates[None, :, :, *part]))[0, 0]
            total[part] += weight * torch.sigmoid(logits).numpy()
            weights[part] += weight
    return np.minimum(total / weights, 1)


def test_counts_of_large_pairs_are_those_of_blended_tiles(pairs: list[PairFiles]) -> None:
    model = Neighbours()
    counts = change_counts(model, ScoredPairs(pairs, SCALING), device="cpu")
    for index in (1, 2):
        dates, mask = read(pairs[index])
        likely = blended(model, dates)
        expected = histogram(likely, mask == 1, mask != 255)
        np.testing.assert_array_equal(counts.histograms[index], expected)
    assert counts.logits.sum() == counts.histograms.sum()
    whole = torch.sigmoid(model(torch.from_numpy(read(pairs[1])[0])[None])).detach().numpy()[0, 0]
    assert np.abs(whole - blended(model, read(pairs[1])[0])).max() > 0.01  # it does matter


class Puzzled(Neighbours):
    """Gives no number where the later date is far brighter than any that it learnt."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.clamp(-9, 9)).masked_fill(x[:, 1, :1] > 100, torch.nan)


def brighten(path: str, pixels: list[tuple[int, int]]) -> None:
    with rasterio.open(path) as file:
        values, profile = file.read(), file.profile
    for row, col in pixels:
        values[0, row, col] = 1e6
    with rasterio.open(path, "w", **profile) as file:
        file.write(values)


@pytest.mark.parametrize("number", [0, 1])
def test_a_pair_for_which_the_model_gives_no_number_is_not_scored_but_named(
    pairs: list[PairFiles], number: int, tmp_path: Path
) -> None:
    pair, good = pairs[number], str(shutil.copy(pairs[number].before, tmp_path / "good.tif"))
    brighten(pair.after, [(20, 16), (20, 17), (12, 15)])  # tiles overlap there; the last has no reference
    several = [pairs[3], replace(pair, before=good, after=good, name="good"), pair]
    said = f"{re.escape(pair.before)}: the model gives no number for 2 of what is scored, as of"
    with pytest.raises(InputError, match=said):
        change_counts(Puzzled(), ScoredPairs(several, SCALING), batch_size=3, device="cpu")


def test_each_detected_window_keeps_what_had_no_number(pairs: list[PairFiles]) -> None:
    pair = pairs[0]
    brighten(pair.after, [(12, 1)])
    dates = open_scene(pair.before), open_scene(pair.after)
    detector = ChangeDetector(Puzzled(), SCALING, dates, torch.device("cpu"))
    (odd,), (whole,) = (detector.detect([Window(row, 0, 10, 10)]) for row in (10, 20))
    assert np.argwhere(odd.unanswered).tolist() == [[2, 1]]
    assert not whole.unanswered.any()


@pytest.mark.parametrize("number", [0, 1])
def test_pixels_without_a_reference_need_no_number(pairs: list[PairFiles], number: int) -> None:
    pair = pairs[number]
    brighten(pair.after, [(12, 0), (12, 15), (12, 18)])
    counts = change_counts(Puzzled(), ScoredPairs([pair], SCALING), device="cpu")
    assert counts.histograms.sum() == counts.logits.sum() == np.count_nonzero(read(pair)[1] != 255)


def test_the_score_of_a_large_pair_is_that_of_its_map(pairs: list[PairFiles], tmp_path: Path) -> None:
    model = Neighbours()
    run, pair = Run(tmp_path, model, change_card(scaling=SCALING)), pairs[1]
    map_change(run, pair.before, pair.after, tmp_path / "map.tif", tile_size=TILE, overlap=OVERLAP)
    changed, mask = open_scene(tmp_path / "map.tif").read()[0][0], read(pair)[1]
    known = mask != 255
    confusion = confusion_at(evaluate_change(model, ScoredPairs([pair], SCALING), device="cpu")[0], 0.5)
    by_map = [[((mask == a) & (changed == b) & known).sum() for b in (0, 1)] for a in (0, 1)]
    np.testing.assert_array_equal(confusion, by_map)


def test_small_pairs_go_through_whole_as_ever(
    pairs: list[PairFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Neighbours()
    mixed = evaluate_change(model, ScoredPairs(pairs, SCALING), device="cpu")
    assert [shape for shape in model.seen if shape != (TILE, TILE)] == [(30, 30), (40, 40)]
    monkeypatch.setattr(scored_pairs, "WHOLE_PIXELS", 10**9)
    whole = evaluate_change(model, ScoredPairs(pairs, SCALING), device="cpu")
    np.testing.assert_array_equal(mixed[[0, 3]], whole[[0, 3]])
    assert (mixed.sum(axis=(1, 2)) == whole.sum(axis=(1, 2))).all()
    assert not np.array_equal(mixed, whole)


def test_a_model_that_has_to_see_the_whole_image_does(pairs: list[PairFiles]) -> None:
    model = Neighbours()
    model.whole_image = True
    evaluate_change(model, ScoredPairs(pairs, SCALING), device="cpu")
    assert model.seen == [(30, 30), (67, 49), (80, 55), (40, 40)]


def test_dates_are_swapped_for_large_pairs_too(pairs: list[PairFiles]) -> None:
    model, swapped = Neighbours(), [pair.swapped() for pair in pairs]
    counts = count_pairs(model, ScoredPairs(pairs, SCALING), ScoredPairs(swapped, SCALING), device="cpu")
    dates, mask = read(pairs[1])
    expected = histogram(blended(model, dates[::-1].copy()), mask == 1, mask != 255)
    np.testing.assert_array_equal(counts.swapped[1], expected)


def test_validation_shared_by_processes_adds_up(pairs: list[PairFiles]) -> None:
    model, data = Neighbours(), ScoredPairs([*pairs, *pairs], SCALING)
    objective = ChangeDetection(ChangeConfig(epochs=1, batch_size=2, lr=1.0, loss="bce"))
    with evaluating(model, torch.device("cpu")) as place:
        alone = objective.validate(model, EvaluationBatches(data, objective.validated_at_once, place))
        all_of_it = count_changes(model, EvaluationBatches(data, 2, place), "32", objective._of_masks)
        parts = [
            count_changes(
                model, EvaluationBatches(data, 2, place, shard=Shard(rank, 2)), "32", objective._of_masks
            )
            for rank in range(2)
        ]
    assert sum(len(part.histograms) for part in parts) == 8
    total = sum(part.histograms.sum(axis=0) for part in parts)
    np.testing.assert_array_equal(total, all_of_it.histograms.sum(axis=0))
    np.testing.assert_array_equal(parts[0].logits + parts[1].logits, all_of_it.logits)
    assert sum(part.loss for part in parts) == pytest.approx(all_of_it.loss)
    assert alone.loss == pytest.approx(all_of_it.loss / 8)


def test_the_loss_of_a_large_pair_is_that_of_its_map(pairs: list[PairFiles]) -> None:
    model = Neighbours()
    objective = ChangeDetection(ChangeConfig(epochs=1, batch_size=1, lr=1.0, loss="bce"))
    data = ScoredPairs([pairs[1]], SCALING)
    with evaluating(model, torch.device("cpu")) as place:
        found = objective.validate(model, EvaluationBatches(data, objective.validated_at_once, place))
    dates, mask = read(pairs[1])
    likely, known = torch.from_numpy(blended(model, dates)), torch.from_numpy(mask != 255)
    truth = torch.from_numpy((mask == 1).astype(np.float32))
    expected = F.binary_cross_entropy(likely[known], truth[known])
    assert found.loss == pytest.approx(float(expected), rel=1e-4)


def test_a_pair_without_labels_or_data_counts_nothing(pairs: list[PairFiles]) -> None:
    bare = replace(pairs[1], label=None)
    assert not evaluate_change(Neighbours(), ScoredPairs([bare], SCALING), device="cpu").any()
    assert evaluate_change(Neighbours(), ScoredPairs([pairs[1]], SCALING), device="cpu").shape == (1, 2, BINS)


def test_maps_of_errors_are_written_as_pairs_are_scored(pairs: list[PairFiles], tmp_path: Path) -> None:
    """The model sees no pair again for them, and they hold what was counted."""
    scored, model = ScoredPairs(pairs, SCALING), Neighbours()
    plain = count_pairs(model, scored, scored.swapped())
    seen = list(model.seen)
    model.seen.clear()
    passing = error_maps(tmp_path, scored, [0.5] * len(pairs))
    counts = count_pairs(model, scored, scored.swapped(), passing=passing)
    assert model.seen == seen
    assert np.array_equal(counts.histograms, plain.histograms)
    for pair, histograms in zip(pairs, counts.histograms, strict=True):
        values, valid = open_scene(tmp_path / f"errors_{pair.name.replace(' ', '_')}.tif").read()
        right, hits, missed, alarms = np.bincount(values[valid], minlength=4)
        assert [[right, alarms], [missed, hits]] == confusion_at(histograms, 0.5).tolist()
