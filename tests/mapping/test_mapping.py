"""Maps of scenes and pairs against brute force; what they need, what they refuse, what they leave behind."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import torch
from affine import Affine
from jaxtyping import Bool, Shaped
from rasterio.crs import CRS
from torch import Tensor, nn

from cards import change_card, cover_card, land_cover_classes, save_run
from terramamba.api import map_change, map_classes
from terramamba.change import map as change_module
from terramamba.change import map_output as change_recipe
from terramamba.core.errors import InputError
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.scaling import Scaling
from terramamba.mapping import windows as plan
from terramamba.mapping.blend import MappedWindow, blend
from terramamba.models.model import Model
from terramamba.models.registry import create_model
from terramamba.pipeline import maps
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window, tiles
from terramamba.runs.folder import Run
from terramamba.runs.model_card import ModelCard, PatchShape

UTM = CRS.from_epsg(32632)
NODATA = -1.0
PATCH, BANDS, USED, CLASSES = 5, 4, (3, 0, 2), 3
SCALING = Scaling("minmax", USED, (0.1, -0.2, 0.3), (1.5, 0.5, 2.0), (0.4, 0.2, 0.6))
PAIR_SCALING = Scaling("standard", (0, 1), (0.5, 0.5), (2.0, 2.0), (0.0, 0.0))
CLASS_TABLE = ClassTable(
    (1, 2, 3), ("class 1", "class 2", "class 3"), ((200, 0, 0), (0, 200, 0), (0, 0, 200))
)


def grid(height: int, width: int, crs: CRS | None = UTM) -> Grid:
    return Grid(height, width, crs, Affine(20, 0, 500_000, 0, -20, 5_000_000) if crs else None)


def class_card(**changes: Any) -> ModelCard:
    return cover_card(**({"source_bands": BANDS, "scaling": SCALING, "classes": CLASS_TABLE} | changes))


def pair_card(**changes: Any) -> ModelCard:
    return change_card(**({"scaling": PAIR_SCALING} | changes))


class PatchModel(Model):
    """Looks at every value of a patch, each with a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(len(USED) * PATCH * PATCH, CLASSES)
        nn.init.normal_(self.linear.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


class Difference(Model):
    """Change where a weighted mean of the difference in a square of 2 ``reach`` + 1 pixels is large."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.mean = nn.Conv2d(2, 1, 2 * reach + 1, padding=reach)
        nn.init.normal_(self.mean.weight)
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(tuple(x.shape))
        return self.mean(x[:, 1] - x[:, 0])


@dataclass(frozen=True)
class Watched:
    """A source that notes which windows are read."""

    source: Source
    windows: list[Window] = field(default_factory=list)

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        self.windows.append(window)
        return self.source.read(window, bands, shape)


def watched(path: Path) -> tuple[Scene, list[Window]]:
    scene = open_scene(path)
    source = Watched(scene.source)
    return replace(scene, source=source), source.windows


def mapping_alone(monkeypatch: pytest.MonkeyPatch, windows: list[Window]) -> None:
    """Have ``windows`` hold what is read while a map is made, not what its values are judged by before."""
    carry_out = maps.carry_out

    def begun(*args: Any, **options: Any) -> Any:
        windows.clear()
        return carry_out(*args, **options)

    monkeypatch.setattr(maps, "carry_out", begun)


def make_scene(path: Path, seed: int, height: int = 23, width: int = 17, crs: CRS | None = UTM) -> np.ndarray:
    """A scene with pixels that lack one used band, an unused one, or a whole strip; and with NaN and inf."""
    values = np.random.default_rng(seed).random((BANDS, height, width), dtype=np.float32)
    values[USED[0], 2, 3] = values[1, 4, 4] = NODATA
    values[:, 9:15] = NODATA
    values[:, 20, 12:] = NODATA
    values[USED[1], 0, 0] = np.nan
    values[USED[2], 7, 9] = np.inf
    write_geotiff(path, values, grid(height, width, crs), nodata=NODATA)
    return values


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def by_hand(values: np.ndarray, model: nn.Module, border: str) -> tuple[np.ndarray, np.ndarray]:
    """Classes (0: no data) and probabilities, one patch after another from the whole scene."""
    column = (slice(None), None, None)
    used = values[list(USED)].astype(np.float64)
    usable = ((used != NODATA) & np.isfinite(used)).all(axis=0)
    scaled = (used - np.array(SCALING.offset)[column]) * np.array(SCALING.factor)[column]
    scaled = np.where(usable, scaled, np.array(SCALING.fill)[column])
    half = PATCH // 2
    around = ((0, 0), (half, half), (half, half))
    padded = np.pad(scaled, around, mode="reflect") if border == "reflect" else np.pad(scaled, around)
    classes = np.zeros(usable.shape, int)
    probability = np.full((CLASSES, *usable.shape), np.nan)
    for row, col in np.argwhere(usable):
        patch = torch.from_numpy(padded[None, :, row : row + PATCH, col : col + PATCH]).float()
        with torch.no_grad():
            found = torch.softmax(model(patch)[0].double(), 0).numpy()
        classes[row, col] = 1 + found.argmax()
        probability[:, row, col] = found
    return classes, probability


@pytest.mark.parametrize("border", ["reflect", "zeros"])
def test_a_class_map_agrees_with_one_patch_at_a_time(tmp_path: Path, seed: int, border: str) -> None:
    values = make_scene(tmp_path / "scene.tif", seed)
    run = Run(tmp_path, PatchModel(), class_card(patches=PatchShape(PATCH, border)))
    summary = map_classes(
        run,
        tmp_path / "scene.tif",
        tmp_path / "map.tif",
        probabilities=tmp_path / "p.tif",
        strip_rows=4,
        batch_size=7,
    )
    classes, probability = by_hand(values, run.model, border)
    # Two classes may be equal to the last bit of float32; there either is right.
    clear = np.diff(np.sort(np.nan_to_num(probability), axis=0)[-2:], axis=0)[0] > 1e-5
    found = read(tmp_path / "map.tif")[0]
    np.testing.assert_array_equal(found == 0, classes == 0)
    np.testing.assert_array_equal(found[clear], classes[clear])
    stored = read(tmp_path / "p.tif")
    np.testing.assert_array_equal(stored == 255, np.isnan(probability))
    np.testing.assert_allclose(
        stored[:, classes > 0] / 254, probability[:, classes > 0], atol=0.5 / 254 + 1e-5
    )

    assert found[4, 4] > 0, "a band that the model does not use may lack data"
    assert summary.pixels == 23 * 17
    assert summary.nodata_pixels == np.count_nonzero(classes == 0)
    assert summary.not_finite_pixels == 2
    for entry in summary.classes:
        assert entry.pixels == np.count_nonzero(found == entry.value)
        assert entry.hectares == pytest.approx(entry.pixels * 0.04 / 0.9996**2, rel=1e-6)
    with rasterio.open(tmp_path / "p.tif") as file:
        assert file.descriptions == ("class 1", "class 2", "class 3")
        assert file.scales == (1 / 254,) * 3
        assert file.nodata == 255
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.crs == UTM
        assert file.nodata == 0
        assert file.colormap(1)[2] == (0, 200, 0, 255)
        assert file.tags(1)["CLASS_3"] == "class 3"


def test_a_scene_that_is_replaced_once_its_header_is_known_gives_no_map(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, opened = tmp_path / "scene.tif", maps.open_for
    make_scene(scene, seed)

    def replaced(*given: Any) -> Scene:
        found = opened(*given)
        os.utime(scene, (1, 1))
        return found

    monkeypatch.setattr(maps, "open_for", replaced)
    run = Run(tmp_path, PatchModel(), class_card(patches=PatchShape(PATCH, "reflect")))
    with pytest.raises(InputError, match=r"scene\.tif: was changed, cut or replaced while it was in use"):
        map_classes(run, scene, tmp_path / "map.tif")
    assert not (tmp_path / "map.tif").exists()


class Silent(Model):
    """Gives ``model``'s logits, but no number at the one pixel that has this value at the centre."""

    def __init__(self, model: Model, value: float) -> None:
        super().__init__()
        self.model, self.value = model, value

    def forward(self, x: Tensor) -> Tensor:
        centre = x[:, :, PATCH // 2, PATCH // 2] if x.ndim == 4 else x[:, :1, 0]
        logits = self.model(x)
        at = (centre[:, 0] - self.value).abs() < 1e-6
        return logits.masked_fill(at.reshape(len(x), 1, *at.shape[1:]), torch.nan)


def test_what_a_model_has_no_answer_for_is_no_data(tmp_path: Path, seed: int) -> None:
    """Of NaN, argmax would make the first class, and a threshold "unchanged"."""
    values = make_scene(tmp_path / "scene.tif", seed)
    learnt = (float(values[USED[0], 5, 6]) - SCALING.offset[0]) * SCALING.factor[0]
    model, out, likely = PatchModel(), tmp_path / "map.tif", tmp_path / "p.tif"
    expected = by_hand(values, model, "reflect")[0]
    expected[5, 6] = 0
    run = Run(tmp_path, Silent(model, learnt), class_card(patches=PatchShape(PATCH, "reflect")))
    summary = map_classes(run, tmp_path / "scene.tif", out, probabilities=likely, strip_rows=4)
    assert np.count_nonzero(read(out)[0] != expected) <= 1  # classes that are equal to the last bit
    assert read(out)[0, 5, 6] == 0
    np.testing.assert_array_equal(read(likely)[0] == 255, expected == 0)
    assert summary.not_finite_pixels == 3

    before, _ = make_pair(tmp_path, seed, 40, 40)
    pixel = (20, 14)  # in two tiles
    silent = Silent(Difference(reach=0), (float(before[0][pixel]) - 0.5) * 2)
    named = (tmp_path / "before.tif", tmp_path / "after.tif", tmp_path / "c.tif")
    found = map_change(Run(tmp_path, silent, pair_card()), *named, tile_size=16, overlap=5)
    assert read(tmp_path / "c.tif")[0][pixel] == 255
    assert found.not_finite_pixels == 2


def test_what_one_of_two_tiles_has_no_answer_for_is_no_data() -> None:
    sound, nothing = np.ones((2, 4), bool), np.zeros((2, 4), bool)
    silent = sound.copy()
    silent[0, 2] = False
    tiles = [
        MappedWindow(Window(0, 0, 2, 4), np.full((2, 4), 0.5, np.float32), silent, ~silent),
        MappedWindow(Window(0, 2, 2, 4), np.full((2, 4), 0.5, np.float32), sound, nothing),
    ]
    (rows,) = blend(tiles, 2, 6, 2)
    assert np.argwhere(~rows.usable).tolist() == np.argwhere(rows.not_finite).tolist() == [[0, 2]]


def test_strips_and_batches_do_not_change_a_class_map(tmp_path: Path, seed: int) -> None:
    make_scene(tmp_path / "scene.tif", seed)
    model = create_model("ssa_mamba", preset="tiny", in_channels=len(USED), num_classes=CLASSES)
    run = Run(tmp_path, model, class_card())
    maps = []
    for strip_rows, batch_size in ((1, 256), (3, 5), (None, 1000), (23, 64)):
        out = tmp_path / f"{strip_rows}-{batch_size}.tif"
        map_classes(run, tmp_path / "scene.tif", out, strip_rows=strip_rows, batch_size=batch_size)
        maps.append(read(out))
    for other in maps[1:]:
        np.testing.assert_array_equal(other, maps[0])


def test_a_class_map_has_the_codes_of_the_training_labels(tmp_path: Path, seed: int) -> None:
    make_scene(tmp_path / "scene.tif", seed)
    run, codes = Run(tmp_path, PatchModel(), class_card()), {0: 0, 1: 3, 2: 70, 3: 300}
    map_classes(run, tmp_path / "scene.tif", tmp_path / "plain.tif")
    coded = replace(CLASS_TABLE, codes=(3, 70, 300))
    summary = map_classes(
        replace(run, card=class_card(classes=coded)), tmp_path / "scene.tif", tmp_path / "coded.tif"
    )
    plain, coded = read(tmp_path / "plain.tif"), read(tmp_path / "coded.tif")
    np.testing.assert_array_equal(coded, np.vectorize(codes.get)(plain))
    assert [entry.value for entry in summary.classes] == [3, 70, 300]
    with rasterio.open(tmp_path / "coded.tif") as file:
        assert file.dtypes == ("uint16",)
        assert file.colormap(1)[70] == (0, 200, 0, 255)
        assert file.tags(1)["CLASS_300"] == "class 3"


def test_mapping_needs_weights_and_card_alone(tmp_path: Path, seed: int) -> None:
    make_scene(tmp_path / "scene.tif", seed, crs=None)
    model = create_model("ssa_mamba", preset="tiny", in_channels=len(USED), num_classes=CLASSES)
    save_run(model, tmp_path / "run", class_card())
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["model.json", "model.safetensors"]
    summary = map_classes(tmp_path / "run", str(tmp_path / "scene.tif"), tmp_path / "a.tif", precision="bf16")
    assert [entry.hectares for entry in summary.classes] == [None] * CLASSES
    assert sum(entry.pixels for entry in summary.classes) + summary.nodata_pixels == summary.pixels


def test_class_mapping_reads_small_windows_however_large_the_scene(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plan.PIXELS_PER_WINDOW, "exact", 36)
    for height, width in ((40, 17), (120, 17), (40, 51)):
        name = f"{height} x {width}.tif"
        make_scene(tmp_path / name, seed, height=height, width=width)
        scene, windows = watched(tmp_path / name)
        mapping_alone(monkeypatch, windows)
        map_classes(Run(tmp_path, PatchModel(), class_card()), scene, tmp_path / f"map {name}")
        assert max(window.height for window in windows) == 6 + PATCH - 1
        assert max(window.width for window in windows) == 6 + PATCH - 1


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, seed: int) -> None:
    make_scene(tmp_path / "scene.tif", seed)
    model = PatchModel()
    calls = iter(range(100))

    def fail(*_: object) -> None:
        if next(calls) == 5:
            raise KeyboardInterrupt

    model.register_forward_hook(fail)
    with pytest.raises(KeyboardInterrupt):
        map_classes(
            Run(tmp_path, model, class_card()),
            tmp_path / "scene.tif",
            tmp_path / "new" / "map.tif",
            probabilities=tmp_path / "p.tif",
            batch_size=10,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["scene.tif"]


def refused(call: Any, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_what_a_class_map_refuses(tmp_path: Path, seed: int) -> None:
    make_scene(tmp_path / "scene.tif", seed)
    scene, out = tmp_path / "scene.tif", tmp_path / "map.tif"
    run = Run(tmp_path / "run", PatchModel(), class_card())

    def mapped(card: ModelCard | None = None, out: Path = out, **options: Any) -> None:
        map_classes(replace(run, card=card or run.card), scene, out, **options)

    refused(lambda: mapped(class_card(source_bands=9)), "scene.tif", "4 bands", "trained on 9")
    refused(lambda: mapped(class_card(task="change")), "this run is for change")
    refused(lambda: mapped(class_card(classes=land_cover_classes(2))), "3 classes", "names 2")
    refused(lambda: mapped(mode="fast"), "--mode fast", "exact")
    refused(lambda: mapped(batch_size=0), "--batch-size 0")
    refused(lambda: mapped(out=tmp_path / "map.png"), "map.png", ".tif")
    refused(lambda: mapped(probabilities=out), "map.tif", "two outputs")
    refused(lambda: mapped(out=scene, overwrite=True), "scene.tif", "its own input")
    far = replace(open_scene(scene), wavelengths=(400.0, 500.0, 600.0, 732.0))
    card = class_card(wavelengths=(400.0, 555.0, 601.0, 700.0))
    refused(
        lambda: map_classes(replace(run, card=card), far, out),
        "no band within 20 nm of 700 nm",
        "band 4 at 732 nm",
    )
    near = replace(far, wavelengths=(400.0, 500.0, 600.0, 702.0))
    map_classes(replace(run, card=card), near, out)
    refused(mapped, "map.tif", "exists already")
    mapped(overwrite=True)


def make_pair(folder: Path, seed: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    before, after = rng.random((2, 2, height, width), dtype=np.float32)
    before[0, 5, 6] = after[1, -3:, :4] = NODATA
    after[0, 8, 9] = np.nan
    for name, values in (("before.tif", before), ("after.tif", after)):
        write_geotiff(folder / name, values, grid(height, width), nodata=NODATA)
    return before, after


def change_by_hand(before: np.ndarray, after: np.ndarray, model: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Probability of change in one window, and which pixels are usable."""
    dates, usable = [], np.ones(before.shape[1:], bool)
    for date in (before, after):
        whole = ((date != NODATA) & np.isfinite(date)).all(axis=0)
        usable &= whole
        dates.append(np.where(whole, (date - 0.5) * 2, 0))
    with torch.no_grad():
        logits = model(torch.from_numpy(np.stack(dates)[None]).float())
    return torch.sigmoid(logits[0, 0]).numpy(), usable


def test_a_pixelwise_model_is_mapped_by_tiles_as_in_one_window(tmp_path: Path, seed: int) -> None:
    before, after = make_pair(tmp_path, seed, 70, 53)
    run = Run(tmp_path, Difference(reach=0), pair_card())
    probability, usable = change_by_hand(before, after, run.model)
    summary = map_change(
        run,
        tmp_path / "before.tif",
        tmp_path / "after.tif",
        tmp_path / "c.tif",
        probabilities=tmp_path / "p.tif",
        tile_size=16,
        overlap=5,
        batch_size=3,
        threshold=0.6,
    )
    changed, stored = read(tmp_path / "c.tif")[0], read(tmp_path / "p.tif")[0]
    np.testing.assert_array_equal(changed == 255, ~usable)
    clear = usable & (abs(probability - 0.6) > 1e-5)
    np.testing.assert_array_equal(changed[clear], probability[clear] >= 0.6)
    np.testing.assert_array_equal(stored == 255, ~usable)
    np.testing.assert_allclose(stored[usable] / 254, probability[usable], atol=0.5 / 254 + 1e-5)
    assert summary.nodata_pixels == np.count_nonzero(~usable)
    assert summary.not_finite_pixels == 1
    assert summary.threshold == 0.6
    unchanged, found = summary.classes
    assert (unchanged.name, found.name) == ("unchanged", "changed")
    assert found.pixels == np.count_nonzero(changed == 1)
    assert found.hectares == pytest.approx(found.pixels * 0.04 / 0.9996**2, rel=1e-6)
    with rasterio.open(tmp_path / "c.tif") as file:
        assert (file.nodata, file.crs, file.tags(1)["CLASS_1"]) == (255, UTM, "changed")


def test_a_place_known_from_the_second_date_is_kept(tmp_path: Path, seed: int) -> None:
    before, _ = make_pair(tmp_path, seed, 30, 40)
    write_geotiff(tmp_path / "bare.tif", before, Grid(30, 40), nodata=NODATA)
    run = Run(tmp_path, Difference(reach=0), pair_card())
    map_change(run, tmp_path / "bare.tif", tmp_path / "after.tif", tmp_path / "c.tif")
    with rasterio.open(tmp_path / "c.tif") as file:
        assert (file.crs, file.transform) == (UTM, grid(30, 40).transform)


def test_tiles_leave_no_seams(tmp_path: Path, seed: int) -> None:
    before, after = make_pair(tmp_path, seed, 150, 110)
    run = Run(tmp_path, Difference(reach=2), pair_card())
    probability, usable = change_by_hand(before, after, run.model)
    map_change(
        run,
        tmp_path / "before.tif",
        tmp_path / "after.tif",
        tmp_path / "c.tif",
        probabilities=tmp_path / "p.tif",
        tile_size=64,
        overlap=32,
    )
    found = read(tmp_path / "p.tif")[0][usable] / 254
    # Only two pixels at a tile's edge see the padding, and there the tile has less than 1.4 % of the vote.
    assert abs(found - probability[usable]).max() < 0.014 + 0.5 / 254


def test_one_row_of_tiles_is_held_however_long_the_pair(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for height in (64, 256):
        folder = tmp_path / str(height)
        make_pair(folder, seed, height, 40)
        (before, seen), (after, _) = watched(folder / "before.tif"), watched(folder / "after.tif")
        mapping_alone(monkeypatch, seen)
        model = Difference(reach=1)
        map_change(
            Run(tmp_path, model, pair_card()),
            before,
            after,
            folder / "c.tif",
            tile_size=24,
            overlap=8,
            batch_size=2,
        )
        assert {window.shape for window in seen} == {(24, 24)}
        assert {shape[1:] for shape in model.seen} == {(2, 2, 24, 24)}

    plan = tiles(256, 40, 24, 8)
    taken: list[Window] = []

    def parts() -> Any:
        for window in plan:
            taken.append(window)
            yield MappedWindow(
                window,
                np.ones(window.shape, np.float32),
                np.ones(window.shape, bool),
                np.zeros(window.shape, bool),
            )

    top = 0
    for rows in blend(parts(), 256, 40, 8):
        assert rows.window.row == top
        top = rows.window.bottom
        np.testing.assert_allclose(rows.probability, 1, rtol=1e-6)
        assert taken[-1].row <= top, "no further tile is asked for than the first of the next row"
    assert top == 256


def test_tiles_without_data_do_not_reach_the_model(tmp_path: Path, seed: int) -> None:
    before, _ = make_pair(tmp_path, seed, 80, 40)
    before[:, 30:] = NODATA
    write_geotiff(tmp_path / "before.tif", before, grid(80, 40), nodata=NODATA, overwrite=True)
    model = Difference(reach=1)
    map_change(
        Run(tmp_path, model, pair_card()),
        tmp_path / "before.tif",
        tmp_path / "after.tif",
        tmp_path / "c.tif",
        tile_size=20,
        overlap=0,
        batch_size=4,
    )
    assert sum(shape[0] for shape in model.seen) == 4
    changed = read(tmp_path / "c.tif")[0]
    assert (changed[30:] == 255).all()


def test_a_whole_image_model_gets_it_whole_or_not_at_all(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pair(tmp_path, seed, 60, 40)
    model = Difference(reach=1)
    model.whole_image = True
    run = Run(tmp_path, model, pair_card())
    paths = tmp_path / "before.tif", tmp_path / "after.tif", tmp_path / "c.tif"
    map_change(run, *paths, tile_size=20, overlap=4)
    assert model.seen == [(1, 2, 2, 60, 40)]
    monkeypatch.setattr(change_module, "WHOLE_IMAGE_VALUES", 4 * 60 * 40 - 1)
    refused(lambda: map_change(run, *paths, overwrite=True), "60 x 40 pixels", "2399 pixels")


@pytest.mark.parametrize("keep", [False, True])
def test_polygons_are_those_of_the_map(tmp_path: Path, seed: int, keep: bool) -> None:
    make_pair(tmp_path, seed, 60, 50)
    model = create_model("glmamba", preset="nano", in_channels=2).eval()
    save_run(model, tmp_path / "run", pair_card())
    outputs = [tmp_path / "out" / name for name in ("c.gpkg", "c.geojson")]
    paths = tmp_path / "run", tmp_path / "before.tif", tmp_path / "after.tif"
    map_change(*paths, tmp_path / "c.tif", probabilities=tmp_path / "p.tif", tile_size=32, overlap=8)
    stored = read(tmp_path / "p.tif")[0]
    # An untrained model is sure of nothing: half of the pixels change at the median, at 0.5 perhaps none.
    threshold = float(np.floor(1000 * np.median(stored[stored < 255]) / 254) / 1000)
    summary = map_change(
        *paths,
        tmp_path / "out" / "c.tif",
        probabilities=tmp_path / "out" / "p.tif" if keep else None,
        polygons=outputs,
        min_area=800,
        tile_size=32,
        overlap=8,
        threshold=threshold,
    )
    assert summary.areas > 0
    assert summary.polygons == tuple(outputs)
    kept = ["p.tif", "p.qml"] if keep else []
    found = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert found == sorted(["c.geojson", "c.gpkg", "c.qml", "c.tif", "c.tif.aux.xml", *kept])
    for path in outputs:
        about, _, _, columns = pyogrio.raw.read(path)
        table = dict(zip(about["fields"], columns, strict=True))
        area, mean, highest = (table[name] for name in ("area_m2", "mean_probability", "max_probability"))
        assert len(area) == summary.areas
        assert (area >= 800).all()
        assert ((mean >= threshold - 0.5 / 254) & (mean <= highest + 1e-12)).all()


def test_a_failure_while_writing_polygons_loses_no_tile(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pair(tmp_path, seed, 30, 30)
    model = Difference(reach=1)

    def mapped() -> None:
        map_change(
            Run(tmp_path, model, pair_card()),
            tmp_path / "before.tif",
            tmp_path / "after.tif",
            tmp_path / "c.tif",
            probabilities=tmp_path / "p.tif",
            polygons=tmp_path / "c.gpkg",
        )

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(change_recipe, "write_drafts", fail)
        with pytest.raises(KeyboardInterrupt):
            mapped()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".c.tif.parts", "after.tif", "before.tif"]
    mapped()
    assert len(model.seen) == 1
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["after.tif", "before.tif", "c.gpkg", "c.qml", "c.tif", "c.tif.aux.xml", "p.qml", "p.tif"]


def test_what_a_change_map_refuses(tmp_path: Path, seed: int) -> None:
    make_pair(tmp_path, seed, 30, 30)
    run = Run(tmp_path / "run", Difference(reach=0), pair_card())
    before, after, out = (tmp_path / name for name in ("before.tif", "after.tif", "c.tif"))

    def mapped(after: Path = after, card: ModelCard | None = None, **options: Any) -> None:
        map_change(replace(run, card=card or run.card), before, after, out, **options)

    write_geotiff(tmp_path / "small.tif", np.zeros((2, 20, 30), np.float32), grid(20, 30))
    write_geotiff(tmp_path / "rgb.tif", np.zeros((3, 30, 30), np.float32), grid(30, 30))
    refused(lambda: mapped(tmp_path / "small.tif"), "small.tif", "20 x 30")
    refused(lambda: mapped(tmp_path / "rgb.tif"), "rgb.tif", "3 bands", "trained on 2")
    refused(lambda: mapped(tmp_path / "none.tif"), "none.tif", "no such file")
    refused(lambda: mapped(card=pair_card(source_bands=6)), "before.tif", "2 bands", "trained on 6")
    refused(lambda: mapped(card=class_card()), "this run is for classify")
    refused(lambda: mapped(tile_size=64, overlap=64), "--overlap 64", "--tile-size 64")
    refused(lambda: mapped(threshold=1.5), "--threshold 1.5")
    refused(lambda: mapped(min_area=-1), "--min-area -1")
    refused(lambda: mapped(min_area=3), "--min-area 3", "--polygons")
    refused(lambda: mapped(simplify=1), "--simplify 1", "--polygons")
    refused(lambda: mapped(polygons=tmp_path / "c.shp"), "c.shp", ".gpkg")
    for date in (before, after):
        write_geotiff(tmp_path / f"bare_{date.name}", open_scene(date).read()[0], Grid(30, 30, None, None))
    bare = [tmp_path / f"bare_{date.name}" for date in (before, after)]
    for name in ("c.geojson", "c.json"):
        with pytest.raises(InputError, match=rf"{name}: GeoJSON is .*WGS 84.* ends in \.gpkg"):
            map_change(run, *bare, out, polygons=[tmp_path / "c.gpkg", tmp_path / name])
    assert run.model.seen == []
    assert not list(tmp_path.glob(".c.tif*"))
    refused(lambda: mapped(polygons=[tmp_path / "c.gpkg"] * 2), "c.gpkg", "two outputs")
    shutil.copy(before, tmp_path / "c.gpkg")
    refused(lambda: mapped(polygons=tmp_path / "c.gpkg"), "c.gpkg", "exists already")
    assert not out.exists()
