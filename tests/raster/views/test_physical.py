"""Scale and offset that an image declares: found, applied or left, and followed through other views."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.shutil import copy

from terramamba.core.errors import InputError
from terramamba.raster.checks.describe import describe
from terramamba.raster.checks.pair import check_pair
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics
from terramamba.raster.views.band_subset import band_subset
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.raster.views.physical import in_units_of, physical
from terramamba.raster.windows import Window

Make = Callable[..., Path]
PLACE = Affine(10, 0, 500_000, 0, -10, 5_800_000)
SCALES, OFFSETS = (1e-4, 2e-4, 1e-4), (-0.1, 0.0, 0.5)


def stored(seed: int, bands: int = 3, side: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 10_000, (bands, side, side)).astype(np.uint16)


def declare(path: Path, scales: tuple[float, ...], offsets: tuple[float, ...]) -> Path:
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = scales, offsets
    return path


def expected(values: np.ndarray) -> np.ndarray:
    return values * np.array(SCALES)[:, None, None] + np.array(OFFSETS)[:, None, None]


@pytest.fixture
def declaring(geotiff: Make, tmp_path: Path, seed: int) -> Path:
    values = stored(seed)
    values[:, 0, 0] = 0
    return declare(geotiff(tmp_path / "a.tif", values, transform=PLACE, nodata=0), SCALES, OFFSETS)


def test_a_scene_is_as_stored_until_somebody_asks(declaring: Path, seed: int) -> None:
    scene, values = open_scene(declaring), stored(seed)
    assert (scene.dtype, scene.read()[0][0, 1, 1]) == ("uint16", values[0, 1, 1])
    assert describe(scene)["declared scale"].startswith(
        "physical value = value x 0.0001 to 0.0002 by band + -0.1 to 0.5 by band"
    )
    assert not [note for note in scene.notes if note.startswith("scale")]
    found = physical(scene)
    read, valid = found.read()
    assert (found.dtype, read.dtype) == ("float32", np.float32)
    assert np.isnan(found.nodata or 0)
    assert not valid[:, 0, 0].any()
    np.testing.assert_allclose(read[valid], expected(values)[valid], rtol=1e-6)
    assert physical(found) is found
    assert any("are applied: values are those stored x 0.0001 to 0.0002" in note for note in found.notes)


def test_bands_keep_what_they_declare_in_any_order_and_beside_missing_ones(
    declaring: Path, seed: int
) -> None:
    window = Window(3, 4, 5, 6)
    own = expected(stored(seed))[:, 3:8, 4:10]
    for view in (
        lambda scene: physical(band_subset(scene, (2, None, 0))),
        lambda scene: band_subset(physical(scene), (2, None, 0)),
    ):
        read, valid = view(open_scene(declaring)).read(window)
        np.testing.assert_allclose(read[[0, 2]], own[[2, 0]], rtol=1e-6)
        assert not valid[1].any()


def test_no_data_is_named_and_told_as_it_is_stored(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = stored(seed)
    values[:, :, :4] = 65_535
    scene = open_scene(declare(geotiff(tmp_path / "a.tif", values), SCALES, OFFSETS))
    for seen in (scene, physical(scene)):
        (fill,) = sample_statistics(seen).fill
        assert fill.value == 65_535
        require_held([seen], [65_535])
        with pytest.raises(InputError, match="values of the type uint16, none of which can be that"):
            require_held([seen], [-9999])
    for known in (without_values(physical(scene), [65_535]), physical(without_values(scene, [65_535]))):
        read, valid = known.read()
        assert not valid[:, :, :4].any()
        assert valid[:, :, 4:].all()
        np.testing.assert_allclose(read[:, :, 4:], expected(values)[:, :, 4:], rtol=1e-6)
        assert sample_statistics(known).fill == ()


def test_a_model_gets_the_units_that_it_learnt(
    declaring: Path, geotiff: Make, tmp_path: Path, seed: int
) -> None:
    scene = open_scene(declaring)
    left = in_units_of(scene, physical_values=False, whose="RUN")
    assert np.array_equal(left.read()[0], scene.read()[0])
    assert "are not applied: RUN learnt values as they are stored" in left.notes[-1]
    assert physical(left) is left
    applied = in_units_of(scene, physical_values=True, whose="RUN")
    np.testing.assert_array_equal(applied.read()[0], physical(scene).read()[0])
    bare = open_scene(geotiff(tmp_path / "b.tif", stored(seed), transform=PLACE))
    assert in_units_of(bare, physical_values=False, whose="RUN") is bare
    told = in_units_of(bare, physical_values=True, whose="RUN")
    assert "the file declares none, while RUN learnt physical values" in told.notes[-1]
    assert in_units_of(told, physical_values=True, whose="RUN") is told
    floats = replace(bare, dtype="float32")
    assert in_units_of(floats, physical_values=True, whose="RUN") is floats


def test_a_scale_that_means_nothing_is_not_applied_and_said(geotiff: Make, tmp_path: Path, seed: int) -> None:
    scene = open_scene(declare(geotiff(tmp_path / "a.tif", stored(seed)), (0.0,) * 3, (1.0,) * 3))
    assert scene.declared is None
    assert "scale and offset that the file declares (0 and 1) cannot be applied" in scene.notes


def test_a_virtual_raster_declares_what_its_source_does(declaring: Path, tmp_path: Path) -> None:
    with rasterio.open(declaring) as file:
        copy(file, tmp_path / "a.vrt", driver="VRT")
    assert open_scene(tmp_path / "a.vrt").declared == open_scene(declaring).declared


def pair(geotiff: Make, folder: Path, seed: int) -> tuple[Path, Path]:
    """The same ground with the offset of Sentinel-2 since baseline 04.00 at the later date alone."""
    values = stored(seed)
    before = geotiff(folder / "a.tif", values, transform=PLACE)
    return before, geotiff(folder / "b.tif", values + np.uint16(1_000), transform=PLACE)


def test_dates_of_unlike_offset_compare_where_both_declare_theirs(
    geotiff: Make, tmp_path: Path, seed: int
) -> None:
    before, after = pair(geotiff, tmp_path, seed)
    assert "offset between the dates" in {one.kind for one in check_pair(before, after).findings}
    declare(before, (1e-4,) * 3, (0.0,) * 3)
    declare(after, (1e-4,) * 3, (-0.1,) * 3)
    report = check_pair(before, after)
    assert report.findings == ()
    assert report.facts["declared scale"] == "applied: x 0.0001 and x 0.0001 + -0.1"


def test_a_scale_that_one_date_alone_declares_is_named(geotiff: Make, tmp_path: Path, seed: int) -> None:
    before, after = pair(geotiff, tmp_path, seed)
    declare(before, (1e-4,) * 3, (0.0,) * 3)
    kinds = {finding.kind: finding.text for finding in check_pair(before, after).findings}
    assert f"{before} declares a scale (x 0.0001), {after} none" in kinds["scale declared at one date"]
    values = stored(seed).astype(np.float32) * np.float32(1e-4)
    report = check_pair(before, geotiff(tmp_path / "c.tif", values, transform=PLACE))
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
    read, valid = physical(open_scene(folder)).read()
    assert not valid[:, 0, 0].any()  # 0 is no data in bands of this satellite
    np.testing.assert_allclose(
        read[:, 1:], (values * np.array([1e-4, 1e-3])[:, None, None])[:, 1:], rtol=1e-6
    )


@pytest.mark.parametrize("declared", ["both", "one"])
def test_tiles_of_a_mosaic_are_in_one_unit(geotiff: Make, tmp_path: Path, seed: int, declared: str) -> None:
    values = stored(seed)
    (tmp_path / "tiles").mkdir()
    for number in range(2):
        place = PLACE @ Affine.translation(40 * number, 0)
        path = geotiff(tmp_path / "tiles" / f"{number}.tif", values, transform=place)
        if declared == "both" or number == 0:
            declare(path, SCALES, OFFSETS)
    if declared == "both":
        read, _ = physical(open_scene(tmp_path / "tiles")).read()
        np.testing.assert_allclose(read[:, :, 40:], expected(values), rtol=1e-6)
    else:
        with pytest.raises(InputError, match=r"1\.tif: declares no scale, but .*0\.tif the scale x 0\.0001"):
            open_scene(tmp_path / "tiles")
