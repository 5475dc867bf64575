"""What makes two scenes a pair, and what is said where they are none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy.ndimage import gaussian_filter

from terramamba.core.errors import InputError
from terramamba.raster.checks.pair import check_pair, require_pair, warping_in_words
from terramamba.raster.readers.open import open_scene

Make = Callable[..., Path]


@pytest.fixture
def second(geotiff: Make, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """A scene of 2 x 6 x 8 pixels and another one as told."""

    def make(shape: tuple[int, int, int] = (2, 6, 8), **profile: object) -> tuple[Path, Path]:
        dtype = str(profile.pop("dtype", "uint8"))
        peak = profile.pop("peak", 100)
        first = np.linspace(0, 100, 2 * 6 * 8).reshape(2, 6, 8).astype(np.uint8)
        other = np.linspace(0, float(peak), int(np.prod(shape))).reshape(shape).astype(dtype)
        return geotiff(tmp_path / "before.tif", first), geotiff(tmp_path / "after.tif", other, **profile)

    return make


def test_a_pair(second: Callable[..., tuple[Path, Path]]) -> None:
    report = check_pair(*second())
    assert report.ok
    assert report.problems == ()
    assert report.notes == ()
    assert report.facts == {
        "grids": "the same: EPSG:32633 (WGS 84 / UTM zone 33N), 30 metres, 6 x 8 pixels",
        "overlap": "100 % of the first, 100 % of the second",
        "bands": "2, both",
        "types": "uint8, both",
        "values": "0 to 100, both",
        "no data": "0 % and 0 % of the pixels",
        "shift": "could not be estimated: the images are too small, or have too little data in common",
    }
    assert report.verdict.splitlines()[0] == "a pair of 6 x 8 pixels, 2 bands"
    assert report.before.path.endswith("before.tif")
    assert require_pair(report.before, report.after) == (report.before, report.after)


def test_hundredths_of_a_pixel_do_not_matter(second: Callable[..., tuple[Path, Path]]) -> None:
    assert check_pair(*second(transform=Affine(30.0001, 0, 500_000.5, 0, -30, 5_799_999.5))).ok


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"shape": (2, 7, 8)},
            "differ in size: 6 x 8 and 7 x 8 pixels; give --align bilinear \\(or cubic\\) to warp",
        ),
        ({"shape": (3, 6, 8)}, "differ in their number of bands: 2 and 3; choose the same bands of both"),
        (
            {"crs": "EPSG:32632", "transform": Affine(30, 0, 908_400, 0, -30, 5_817_000)},
            r"coordinate reference system: EPSG:32633 \(WGS 84 / UTM zone 33N\) and EPSG:32632 \(",
        ),
        (
            {"transform": Affine(30, 0, 500_015, 0, -30, 5_800_060)},
            "differ in place: the second begins 2 rows above and 0.5 columns right of the first; give",
        ),
        (
            {"transform": Affine(20, 0, 500_000, 0, -20, 5_800_000)},
            "in place: pixels of 30 metres and 20 metres",
        ),
        (
            {"transform": Affine(29.99, 0.8, 500_000, 0.8, -29.99, 5_800_000)},
            "in place: pixels of 30 metres and 30.0007 metres, rotated by 1.528 degrees",
        ),
        (
            {"transform": Affine(30, 0, 600_000, 0, -30, 5_800_000)},
            "show different places and do not overlap; give two images of one place",
        ),
        (
            {"crs": "EPSG:32651"},
            "show different places and do not overlap; give two images of one place",
        ),
    ],
)
def test_problems(second: Callable[..., tuple[Path, Path]], other: dict[str, object], message: str) -> None:
    paths = second(**other)
    report = check_pair(*paths)
    assert not report.ok
    assert report.verdict.startswith("not a pair: 1 problem\nproblem: ")
    with pytest.raises(InputError, match=message) as caught:
        require_pair(*paths)
    assert str(caught.value) == report.problems[0]
    assert str(caught.value).startswith(f"{paths[0]} and {paths[1]} ")
    assert "\n" not in str(caught.value)


def test_all_problems_are_listed(second: Callable[..., tuple[Path, Path]]) -> None:
    report = check_pair(*second(shape=(1, 5, 8), transform=Affine(30, 0, 500_030, 0, -30, 5_800_000)))
    assert len(report.problems) == 3
    assert report.verdict.startswith("not a pair: 3 problems\n")


def test_scenes_without_georeferencing(second: Callable[..., tuple[Path, Path]], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((6, 8, 2), np.uint8))
    np.save(tmp_path / "b.npy", np.ones((6, 9, 2), np.uint8))
    before, _ = second()
    bare, wider = (open_scene(tmp_path / name, axes="rows,cols,bands") for name in ("a.npy", "b.npy"))
    report = check_pair(before, bare)
    assert report.ok
    assert f"only {before} has georeferencing; pixels are taken to lie on the same places" in report.notes
    report = check_pair(bare, bare)
    assert "neither has georeferencing; pixels are taken to lie on the same places" in report.notes
    assert any(note.startswith("both are the same file, of which no change can be") for note in report.notes)
    with pytest.raises(
        InputError, match=r"differ in size: 6 x 8 and 6 x 9 pixels; crop both to the same area"
    ):
        require_pair(bare, wider)


def test_notes(second: Callable[..., tuple[Path, Path]]) -> None:
    paths = second(dtype="int16", peak=9000, crs=None, nodata=0)
    with rasterio.open(paths[1], "r+") as file:
        file.descriptions = ("500 nm", "620 nm")
        file.write(np.zeros((2, 3, 8), np.int16), window=rasterio.windows.Window(0, 0, 8, 3))
    with rasterio.open(paths[0], "r+") as file:
        file.descriptions = ("500 nm", "600 nm")
    report = check_pair(*paths)
    assert report.ok
    notes = " | ".join(report.notes)
    assert "only one of the two names its coordinate reference system" in notes
    assert "types of values differ: uint8 and int16; check that the units are the same" in notes
    assert "wavelengths differ by up to 20 nm" in notes
    assert "value ranges differ: 0 to 100 and" in notes
    assert "both dates are scaled by one rule" in notes
    assert report.facts["no data"] == "0 % and 50 % of the pixels"


def test_missing_files(second: Callable[..., tuple[Path, Path]], tmp_path: Path) -> None:
    before, _ = second()
    with pytest.raises(InputError, match=r"nothing\.tif: no such file"):
        check_pair(before, tmp_path / "nothing.tif")


def test_real_pairs(real_data: Callable[[str], Path]) -> None:
    folder = real_data("change/landsat_taizhou")
    assert check_pair(folder / "2000TM", folder / "2003TM").ok
    radar = real_data("change/sar")
    assert check_pair(radar / "bern" / "bern_1.bmp", radar / "bern" / "bern_2.bmp").ok
    with pytest.raises(InputError, match=r"differ in size: 301 x 301 and 350 x 290 pixels; crop both"):
        require_pair(radar / "bern" / "bern_1.bmp", radar / "ottawa" / "ottawa_1.bmp")


def test_one_system_spelled_in_two_ways(
    geotiff: Make, tmp_path: Path, real_data: Callable[[str], Path]
) -> None:
    envi = open_scene(real_data("change/landsat_taizhou/2000TM"))
    values = envi.read()[0]
    copy = geotiff(tmp_path / "a.tif", values, crs="EPSG:32651", transform=envi.transform)
    assert check_pair(envi, copy).ok


def test_aligned_pairs(geotiff: Make, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = gaussian_filter(rng.normal(size=(1, 150, 160)), (0, 1.5, 1.5)).astype(np.float32)
    before = geotiff(tmp_path / "before.tif", values[:, :128, :128])
    # The same ground from 4 rows and 6 columns on, but said to lie half a row and 2 columns further.
    place = Affine(30, 0, 500_000 + 30 * 8, 0, -30, 5_800_000 - 30 * 4.5)
    after = geotiff(tmp_path / "after.tif", values[:, 4:, 6:], transform=place)
    assert not check_pair(before, after).ok
    report = check_pair(before, after, align="cubic")
    assert report.ok
    assert report.after.grid == report.before.grid
    assert report.facts["grids"].endswith(
        "128 x 128 pixels and EPSG:32633 (WGS 84 / UTM zone 33N), 30 metres, 146 x 154 pixels"
    )
    assert report.facts["overlap"] == "90.45 % of the first, 65.91 % of the second"
    assert report.notes[0].startswith(f"{after} was warped onto {before} (cubic): was EPSG:32633 (")
    assert report.shift is not None
    assert report.shift.down == pytest.approx(0.5, abs=0.1)
    assert report.shift.right == pytest.approx(2, abs=0.1)
    assert "edges will show as change; `change map --correct-shift` moves it" in report.notes[1]
    assert report.facts["shift"].startswith("the second shows everything 0.")
    assert "(1 of 1 window)" in report.facts["shift"]
    aside = geotiff(
        tmp_path / "aside.tif", values, transform=Affine(30, 0, 500_000 + 30 * 120, 0, -30, 5_800_000)
    )
    (said,) = [note for note in check_pair(before, aside, align="cubic").notes if "hardly lie on" in note]
    assert said.startswith(f"of the pixels of {before}, 6.25 % have data of {aside}: they hardly lie on")
    assert not [note for note in report.notes if "hardly lie on" in note]
    first, second = require_pair(before, after, align="cubic")
    np.testing.assert_array_equal(second.read()[0], report.after.read()[0])
    assert warping_in_words(first, second) == report.notes[0]
    far = geotiff(tmp_path / "far.tif", values, transform=Affine(30, 0, 900_000, 0, -30, 5_800_000))
    with pytest.raises(InputError, match="show different places and do not overlap"):
        require_pair(before, far, align="bilinear")
