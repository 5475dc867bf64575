"""Scale and offset that an image declares are applied, said, and missed where one date alone has them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from terramamba.core.errors import InputError
from terramamba.raster.checks.pair import check_pair
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene_files import files_of
from terramamba.raster.windows import Window

Make = Callable[..., Path]
PLACE = Affine(10, 0, 500_000, 0, -10, 5_800_000)


def stored(seed: int, bands: int = 3, side: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 10_000, (bands, side, side)).astype(np.uint16)


def declare(path: Path, scales: tuple[float, ...], offsets: tuple[float, ...]) -> Path:
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = scales, offsets
    return path


def test_scale_and_offset_of_each_band_are_applied_and_said(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = stored(seed)
    values[:, 0, 0] = 0
    path = geotiff(tmp_path / "a.tif", values, transform=PLACE, nodata=0)
    declare(path, (1e-4, 2e-4, 1e-4), (-0.1, 0, 0.5))
    scene = open_scene(path)
    read, valid = scene.read()
    expected = values * np.array([1e-4, 2e-4, 1e-4])[:, None, None] + np.array([-0.1, 0, 0.5])[:, None, None]
    assert (scene.dtype, read.dtype, scene.scale) == ("float32", np.float32, None)
    np.testing.assert_array_equal(valid, values != 0)
    np.testing.assert_allclose(read[valid], expected[valid], rtol=1e-6)
    window = Window(3, 4, 5, 6)
    np.testing.assert_array_equal(scene.read(window, [2, 0])[0], read[[2, 0], 3:8, 4:10])
    words = "values are the stored ones x 0.0001 to 0.0002 by band + -0.1 to 0.5 by band, as the file"
    assert any(note.startswith(words) for note in scene.notes)
    assert str(path) in files_of(scene)


def test_what_was_applied_before_is_applied_as_declared_and_the_remedy_is_named(
    geotiff: Make, tmp_path: Path, seed: int
) -> None:
    path = geotiff(tmp_path / "a.tif", stored(seed).astype(np.float32) * 1e-4, transform=PLACE)
    scene = open_scene(declare(path, (1e-4,) * 3, (0.0,) * 3))
    assert scene.read()[0].max() < 1e-3
    assert any("where that was done before, take it out of the file (gdal_edit.py" in n for n in scene.notes)


def test_a_scale_that_is_no_number_is_not_applied_and_said(geotiff: Make, tmp_path: Path, seed: int) -> None:
    path = geotiff(tmp_path / "a.tif", stored(seed), transform=PLACE)
    scene = open_scene(declare(path, (0.0,) * 3, (1.0,) * 3))
    assert scene.dtype == "uint16"
    assert "the scale 0 and offset 1 that the file declares cannot be applied" in scene.notes


def pair(geotiff: Make, folder: Path, seed: int, **after: Any) -> tuple[Path, Path]:
    values = stored(seed)
    before = declare(geotiff(folder / "a.tif", values, transform=PLACE), (1e-4,) * 3, (0.0,) * 3)
    moved = np.clip(values.astype(int) + 300, 1, 10_000).astype(np.uint16)
    return before, geotiff(folder / "b.tif", after.get("values", moved), transform=PLACE)


def test_a_scale_that_one_date_alone_declares_is_named(geotiff: Make, tmp_path: Path, seed: int) -> None:
    before, after = pair(geotiff, tmp_path, seed)
    report = check_pair(before, after)
    kinds = {finding.kind: finding.text for finding in report.findings}
    said = kinds["scale declared at one date"]
    assert f"{before} declares a scale (values are the stored ones x 0.0001), {after} none" in said
    assert "gdal_edit.py -scale" in said
    declare(after, (1e-4,) * 3, (0.0,) * 3)
    assert check_pair(before, after).findings == ()


def test_physical_values_at_the_other_date_need_no_scale(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = (stored(seed).astype(np.float32) + 30) * np.float32(1e-4)
    report = check_pair(*pair(geotiff, tmp_path, seed, values=values))
    assert report.findings == ()


def test_bands_in_files_of_their_own_keep_what_each_declares(
    geotiff: Make, tmp_path: Path, seed: int
) -> None:
    folder, values = tmp_path / "bands", stored(seed, bands=2)
    values[:, 0, 0] = 0
    folder.mkdir()
    for number, (band, scale) in enumerate(zip(values, (1e-4, 1e-3), strict=True), start=2):
        path = folder / f"LC08_L2SP_190024_20200101_20200113_02_T1_SR_B{number}.TIF"
        declare(geotiff(path, band[None], transform=PLACE), (scale,), (0.0,))
    scene = open_scene(folder)
    read, valid = scene.read()
    assert not valid[:, 0, 0].any()  # 0 is no data in bands of this satellite
    np.testing.assert_allclose(
        read[:, 1:], (values * np.array([1e-4, 1e-3])[:, None, None])[:, 1:], rtol=1e-6
    )
    assert sum(note.startswith("values are the stored ones x") for note in scene.notes) == 2


@pytest.mark.parametrize("declared", ["both", "one"])
def test_tiles_of_a_mosaic_are_of_one_kind(geotiff: Make, tmp_path: Path, seed: int, declared: str) -> None:
    values = stored(seed)
    (tmp_path / "tiles").mkdir()
    for number in range(2):
        place = PLACE @ Affine.translation(40 * number, 0)
        path = geotiff(tmp_path / "tiles" / f"{number}.tif", values, transform=place)
        if declared == "both" or number == 0:
            declare(path, (1e-4,) * 3, (0.0,) * 3)
    if declared == "both":
        read, _ = open_scene(tmp_path / "tiles").read()
        np.testing.assert_allclose(read[:, :, 40:], values * 1e-4, rtol=1e-6)
    else:
        said = r"holds uint16 values, .* float32 values by the scale that it declares"
        with pytest.raises(InputError, match=said):
            open_scene(tmp_path / "tiles")
