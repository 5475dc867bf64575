"""Two dates whose values cannot be compared are named with the remedy; real change and seasons are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from terramamba.raster.checks.date_order import days_in_name, order_of_dates
from terramamba.raster.checks.pair import PairReport, check_pair

Make = Callable[..., Path]


def ground(bands: int, seed: int) -> np.ndarray:
    """Reflectance x 10,000 of fields of four kinds, light and noise on them."""
    rng = np.random.default_rng(seed)
    kinds = np.argmax([gaussian_filter(rng.normal(size=(96, 96)), 5) for _ in range(4)], axis=0)
    spectra = rng.uniform(300, 3500, (4, bands))
    light = 1 + 0.15 * gaussian_filter(rng.normal(size=(96, 96)), 2) * 5
    return (spectra[kinds].transpose(2, 0, 1) * light + rng.normal(0, 30, (bands, 96, 96))).clip(1, 10_000)


def later(values: np.ndarray, seed: int) -> np.ndarray:
    """The same ground in another season: each band darker or brighter in its way, a tenth built over."""
    rng = np.random.default_rng(seed + 1)
    seen = values * rng.uniform(0.8, 1.25, (len(values), 1, 1)) + rng.normal(0, 30, values.shape)
    seen[:, 20:50, 30:60] = rng.uniform(1500, 3000, (len(values), 1, 1)) + rng.normal(0, 50, (30, 30))
    return seen.clip(1, 10_000)


@pytest.fixture
def report(geotiff: Make, tmp_path: Path) -> Callable[..., PairReport]:
    def make(before: np.ndarray, after: np.ndarray, names: tuple[str, str] = ("a", "b")) -> PairReport:
        paths = [tmp_path / f"{name}.tif" for name in names]
        return check_pair(*(geotiff(path, date) for path, date in zip(paths, (before, after), strict=True)))

    return make


def kinds(found: PairReport) -> list[str]:
    assert [finding.text for finding in found.findings] == [
        note for note in found.notes if note in {finding.text for finding in found.findings}
    ]
    return [finding.kind for finding in found.findings]


@pytest.mark.parametrize("bands", [1, 3, 4, 12])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_change_and_seasons_are_no_findings(
    report: Callable[..., PairReport], bands: int, dtype: str, seed: int
) -> None:
    before = ground(bands, seed)
    found = report(before.astype(dtype), later(before, seed).astype(dtype))
    assert kinds(found) == []
    assert found.facts["medians"].startswith("(")


@pytest.mark.parametrize(
    ("colour", "remedy"), [((0, 0, 0), "--nodata 0"), ((128, 128, 128), "a mask"), ((12, 40, 90), "a mask")]
)
def test_one_colour_that_stands_apart_at_one_date_is_no_data(
    report: Callable[..., PairReport], colour: tuple[int, ...], remedy: str, seed: int
) -> None:
    """As between the scan lines of Landsat 7, or where a basemap has nothing: not in one piece."""
    full = ground(3, seed)
    before, after = ((date / 20).clip(1, 254).astype(np.uint8) for date in (full, later(full, seed)))
    assert kinds(report(before, after)) == []
    after[:, ::5] = np.array(colour)[:, None, None]
    found = report(before, after)
    assert kinds(found) == ["one colour at one date"]
    assert "b.tif: 20.83 % of the pixels " in found.findings[0].text
    assert f"{remedy} (--mask) leaves them out".replace("0 (--mask)", "0") in found.findings[0].text
    before[:, ::5] = after[:, ::5]
    assert kinds(report(before, after)) == []


@pytest.mark.parametrize(("bands", "band"), [(3, 1), (1, 0)])
def test_gaps_of_a_single_band_are_no_data(
    report: Callable[..., PairReport], bands: int, band: int, seed: int
) -> None:
    """As between the scan lines of Landsat 7, which are not at the same places in all bands."""
    full = ground(bands, seed)
    before, after = ((date / 20).clip(10, 254).astype(np.uint8) for date in (full, later(full, seed)))
    after[band, ::5] = 0
    (finding,) = report(before, after).findings
    where = "all bands" if bands == 1 else "band 2"
    assert f"b.tif: 20.83 % of the pixels are 0 in {where}, which no others are near to" in finding.text
    before[band, ::5] = after[band, ::5]
    assert "one colour at one date" not in kinds(report(before, after))


@pytest.mark.parametrize(
    ("bands", "words"),
    [({2: 0}, "band 3 holds one value all over"), ({1: None}, "band 2 holds the values of another band")],
)
def test_a_band_that_was_not_written_at_one_date_is_said(
    report: Callable[..., PairReport], bands: dict[int, int | None], words: str, seed: int
) -> None:
    before = ground(4, seed).astype(np.int16)
    after = later(before, seed).astype(np.int16)
    for band, value in bands.items():
        after[band] = after[0] if value is None else value
    said = [one for one in report(before, after).findings if one.kind == "a band without values of its own"]
    assert [words in one.text for one in said] == [True]
    before[list(bands)] = after[list(bands)] if None not in bands.values() else before[:1]
    assert "a band without values of its own" not in kinds(report(before, after))


@pytest.mark.parametrize(
    ("value", "kind"), [(7, "one value all over at one date"), (255, "white at one date")]
)
def test_a_date_that_shows_nothing_has_no_offset(
    report: Callable[..., PairReport], value: int, kind: str, seed: int
) -> None:
    before = (ground(3, seed) / 20).clip(1, 254).astype(np.uint8)
    found = report(before, np.full_like(before, value))
    assert kinds(found) == [kind]
    assert "b.tif: " in found.findings[0].text


def test_edges_beside_nan_are_compared_and_a_date_of_nan_alone_is_said(
    geotiff: Make, tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    before = rng.normal(10, 1, (1, 256, 256)).astype(np.float32)
    after = rng.normal(10, 1, before.shape).astype(np.float32)
    after[:, :50] = np.nan
    paths = [geotiff(tmp_path / f"{name}.tif", date) for name, date in (("a", before), ("b", after))]
    with np.errstate(invalid="raise"):
        assert "hardly an edge in common" in kinds(check_pair(*paths))
    assert kinds(check_pair(paths[0], geotiff(tmp_path / "c.tif", after * np.nan))) == ["no data at all"]


@pytest.mark.parametrize("times", [2, 5])
def test_a_date_whose_pixels_are_repeated_is_coarser(
    report: Callable[..., PairReport], times: int, seed: int
) -> None:
    before = ground(3, seed)
    after = later(before, seed)[:, ::times, ::times].repeat(times, 1).repeat(times, 2)[:, :96, :96]
    (finding,) = report(before.astype(np.int16), after.astype(np.int16)).findings
    assert finding.kind == "pixels of two sizes"
    assert f"b.tif holds every pixel {times} x {times} times" in finding.text
    assert kinds(report(after.astype(np.int16), (after * 1.1).astype(np.int16))) == []


def test_a_part_of_one_date_in_the_other_is_said(report: Callable[..., PairReport], seed: int) -> None:
    before = ground(3, seed).astype(np.int16)
    after = later(before, seed).astype(np.int16)
    after[:, :40] = before[:, :40]
    (finding,) = report(before, after).findings
    assert finding.kind == "a part of one date in the other"
    assert finding.text.startswith("41.67 % of the pixels of ")


@pytest.mark.parametrize("names", [("S1A_VV_1", "S1A_VV_2"), ("s1_alos_1", "s1_alos_2")])
def test_intensity_beside_amplitude_is_radar_of_two_kinds(
    report: Callable[..., PairReport], names: tuple[str, str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scene = ground(1, seed).clip(300) / 3000
    dates = [(scene * rng.gamma(4, 0.25, scene.shape)).astype(np.float32) for _ in range(2)]
    assert "radar of two kinds" not in kinds(report(*dates, names=names))
    found = report(np.sqrt(dates[0]), dates[1], names=names)
    radar = [finding for finding in found.findings if finding.kind == "radar of two kinds"]
    assert len(radar) == (names[0] == "S1A_VV_1")
    assert all(f"pixels of {found.after.path} differ " in one.text for one in radar)
    filtered = (scene * rng.gamma(400, 1 / 400, scene.shape)).astype(np.float32)
    larger = (10 * scene * rng.gamma(100, 0.01, scene.shape)).astype(np.float32)
    assert "gain between the dates" in kinds(report(filtered, larger, names=names))


def test_the_same_image_twice(report: Callable[..., PairReport], seed: int) -> None:
    before = ground(4, seed).astype(np.float32)
    found = report(before, before)
    assert kinds(found) == ["the same image twice"]
    assert "b.tif holds the values of" in found.findings[0].text
    after = before.copy()
    after[0, 5, 5] += 1
    assert kinds(report(before, after)) == []


@pytest.mark.parametrize("quality", [95, 80])
def test_an_image_that_was_compressed_anew_is_no_other_date(tmp_path: Path, quality: int) -> None:
    picture = Image.fromarray((ground(3, 7) / 16).clip(0, 255).astype(np.uint8).transpose(1, 2, 0))
    picture = picture.resize((192, 192), Image.Resampling.BICUBIC)  # as smooth as cameras see
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.jpg", quality=quality)
    (finding,) = check_pair(tmp_path / "a.png", tmp_path / "b.jpg").findings
    assert finding.kind == "the same image twice"
    assert "b.jpg holds nearly the values of" in finding.text


def test_a_grey_date_beside_one_in_colour(report: Callable[..., PairReport], seed: int) -> None:
    before = ground(3, seed).astype(np.float32)
    grey = np.repeat(later(before, seed).mean(axis=0, keepdims=True), 3, axis=0).astype(np.float32)
    found = report(before, grey)
    assert kinds(found) == ["grey beside colour"]
    assert found.findings[0].text.startswith(f"the bands of {found.after.path} are all alike")
    assert kinds(report(grey, np.repeat(before[:1], 3, axis=0))) == []  # both are grey
    before = ground(1, seed) + 2000
    darker = before - 700 + np.random.default_rng(seed).normal(0, 60, before.shape)
    darker[:, :40] = np.random.default_rng(seed).uniform(
        500, 4000, (1, 40, 96)
    )  # so that quantiles say nothing
    greys = [np.repeat(date, 3, axis=0).astype(np.float32) for date in (before, darker)]
    assert kinds(report(*greys)) == []  # as of one band, no offset of all bands is told
    assert kinds(report(before[:1], grey[:1])) == []


@pytest.mark.parametrize(
    ("side", "dtype", "said"), [(48, "uint8", True), (30, "uint8", False), (48, "uint16", False)]
)
def test_white_of_one_date_in_one_piece(
    report: Callable[..., PairReport], side: int, dtype: str, said: bool, seed: int
) -> None:
    before = (ground(4, seed) / 50).clip(1, 250).astype(dtype)
    after = (later(ground(4, seed), seed) / 50).clip(1, 250).astype(dtype)
    after[:, np.add(*np.indices((96, 96))) < side] = 255  # a roof may be as large as 30 rows make it
    found = [one.text for one in report(before, after).findings if one.kind == "white at one date"]
    assert len(found) == said
    if said:
        assert "b.tif: 12.76 % of the pixels are 255 in all bands, in one piece, where" in found[0]
        assert "no data (or saturated), which would count as change; --nodata 255 leaves them out" in found[0]


@pytest.mark.parametrize("offset", [1000, -700])
def test_an_offset_of_all_bands(report: Callable[..., PairReport], offset: int, seed: int) -> None:
    before = ground(4, seed) + 2000
    after = before + np.random.default_rng(seed).normal(0, 40, before.shape) + offset
    after[:, 20:50, 30:60] = np.random.default_rng(seed).uniform(1000, 4000, (4, 30, 30))
    found = report(before.astype(np.int16), after.astype(np.int16))
    assert kinds(found) == ["offset between the dates"]
    text = found.findings[0].text
    assert "b.tif are higher than" in text if offset > 0 else "b.tif are lower than" in text
    assert ("baseline 04.00" in text) == (offset == 1000)
    assert ("subtract it from them" if offset > 0 else "add it to them") in text


def test_the_offset_of_a_processing_baseline_in_spite_of_seasons(
    report: Callable[..., PairReport], seed: int
) -> None:
    before = ground(4, seed)
    before[:, :10] = np.random.default_rng(seed).uniform(100, 300, (4, 10, 96))  # a lake
    after = later(before, seed) + 1000
    found = report(before.astype(np.int16), after.astype(np.int16))
    assert kinds(found) == ["offset between the dates"]
    assert "baseline 04.00" in found.findings[0].text


@pytest.mark.parametrize(("gain", "words"), [(2, "2"), (1e-4, "10,000"), (2.55, "2.55"), (257, "257")])
def test_a_gain_of_all_bands(report: Callable[..., PairReport], gain: float, words: str, seed: int) -> None:
    before = ground(5, seed)
    after = before * gain * (1 + np.random.default_rng(seed).normal(0, 0.02, before.shape))
    found = report(before.astype(np.float32), after.astype(np.float32))
    assert kinds(found) == ["gain between the dates"]
    way = "larger" if gain > 1 else "smaller"
    assert f"about {words} times {way} than" in found.findings[0].text


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize(("gain", "offset", "said"), [(2, 0, 0), (1, 800, 0), (50, 0, 1)])
def test_light_of_a_single_band_or_grey_is_told_from_units(
    report: Callable[..., PairReport], bands: int, gain: int, offset: int, said: int, seed: int
) -> None:
    before = ground(1, seed).clip(400).repeat(bands, axis=0)
    found = report(before.astype(np.float32), (before * gain + offset).astype(np.float32))
    assert kinds(found) == ["gain between the dates"] * said


@pytest.mark.parametrize(("types", "said"), [(("uint16", "uint8"), 1), (("uint8", "uint8"), 0)])
def test_other_units_are_told_whatever_the_colours(
    report: Callable[..., PairReport], types: tuple[str, str], said: int, seed: int
) -> None:
    before = (ground(3, seed) / 20).clip(10, 254)
    after = before * np.array([0.5, 1.3, 0.9]).reshape(3, 1, 1)
    found = report(
        *(
            date.clip(1, 250).astype(kind) * (257 if kind == "uint16" else 1)
            for date, kind in zip((before, after), types, strict=True)
        )
    )
    assert kinds(found) == ["gain between the dates"] * said


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("bands", [1, 3])
def test_zeros_of_one_date_in_one_piece(
    report: Callable[..., PairReport], dtype: str, bands: int, seed: int
) -> None:
    before = (ground(bands, seed) / 50).clip(1, 250).astype(dtype)
    after = before.copy()
    after[:, np.add(*np.indices((96, 96))) < 40] = 0
    found = report(before, after)
    assert kinds(found) == ["zeros at one date"]
    assert "b.tif: 8.898 % of the pixels are 0" in found.findings[0].text
    assert "--nodata 0" in found.findings[0].text
    fill = ["probable fill"] * 2 if bands == 3 else []
    assert kinds(report(after, after)) == [*fill, "the same image twice"]


@pytest.mark.parametrize(("order", "said"), [([2, 1, 0], "3, 2, 1"), ([0, 2, 1], "1, 3, 2")])
def test_bands_in_another_order(
    report: Callable[..., PairReport], order: list[int], said: str, seed: int
) -> None:
    before = ground(3, seed)
    after = later(before, seed)
    found = report(before.astype(np.int16), after[order].astype(np.int16))
    assert kinds(found) == ["order of bands"]
    assert f"far better in the order {said}:" in found.findings[0].text


@pytest.mark.parametrize("bands", [1, 2])
def test_decibels_beside_linear_backscatter(report: Callable[..., PairReport], bands: int, seed: int) -> None:
    before = (ground(bands, seed) / 20_000).astype(np.float32)
    decibels = 10 * np.log10(before)
    assert kinds(report(before, decibels)) == ["decibels at one date"]
    assert "bring both into one unit" in report(decibels, before).findings[0].text
    assert kinds(report(decibels, decibels + before)) == []


def test_the_later_date_first(report: Callable[..., PairReport], seed: int) -> None:
    values = ground(3, seed).astype(np.int16)
    names = ("T32_20230611T1010", "T32_2019-06-02")
    found = report(values, values + 1, names)
    assert kinds(found) == ["dates"]
    assert "was taken on 2023-06-11, after" in found.findings[0].text
    assert "exchange the two" in found.findings[0].text
    assert kinds(report(values, values + 1, names[::-1])) == []


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("LC08_L2SP_190024_20200613.tif", ["2020-06-13"]),
        ("2020_06_13.tif", ["2020-06-13"]),
        ("LC08_20200613_20200823.tif", ["2020-06-13", "2020-08-23"]),
        ("17.06.2021.tif", ["2021-06-17"]),
        ("town17062021.tif", ["2021-06-17"]),
        ("MOD09A1.A2021168.h18v04.tif", ["2021-06-17"]),
        ("LE71870581999273EDC00.tif", ["1999-09-30"]),
        ("LC81870582020366.tif", ["2020-12-31"]),
        ("MOD09A1.A2021366.tif", []),
        ("scene_12020061399.tif", []),
        ("before.tif", []),
    ],
)
def test_days_in_names(name: str, days: list[str]) -> None:
    assert [day.isoformat() for day in days_in_name(f"/nowhere/{name}")] == days


@pytest.mark.parametrize(
    "names", [("05032019.tif", "06022019.tif"), ("05_03_2019/a.tif", "06_02_2019/a.tif")]
)
def test_days_that_may_be_months_do_not_tell_an_order_of_their_own(names: tuple[str, str]) -> None:
    """The fifth of March and the sixth of February, or May the third and June the second."""
    for first, second in (names, names[::-1]):
        assert order_of_dates(f"/nowhere/{first}", f"/nowhere/{second}") is None


@pytest.mark.parametrize(
    ("earlier", "later", "said"),
    [
        ("LC08_123032_20180101_20200901_T1.tif", "LC08_123032_20200101_20200824_T1.tif", "on 2020-01-01"),
        ("town_2018.tif", "town_2022.tif", "in 2022"),
        ("2018/town.tif", "2022/town.tif", "in 2022"),
        ("mosaic_2018-06.tif", "mosaic_201811.tif", "in 2018-11"),
        ("quake_pre_disaster.png", "quake_post_disaster.png", "'post'"),
        ("before/before.tif", "after/after.tif", "'after'"),
        ("site_t1.tif", "site_t2.tif", "'t2'"),
        ("site_t02.tif", "site_t10.tif", "'t10'"),
        ("time0/1.tif", "time1/1.tif", "'time1'"),
        ("May_2021.tif", "June 2021.tif", "in 2021-06"),
        ("dec2019.tif", "jan2020.tif", "in 2020-01"),
        ("vor.tif", "nach.tif", "'nach'"),
        ("A/0.png", "B/0.png", "'b'"),
        ("05.03.2019.tif", "17.02.2020.tif", "on 2020-02-17"),
        ("05.03.2019.tif", "06.04.2019.tif", "on 2019-04-06"),
    ],
)
def test_names_tell_which_date_is_the_later(earlier: str, later: str, said: str) -> None:
    assert said in order_of_dates(f"/nowhere/{later}", f"/nowhere/{earlier}")
    assert order_of_dates(f"/nowhere/{earlier}", f"/nowhere/{later}") is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("plot_b.tif", "plot_a.tif"),
        ("img_12.tif", "img_9.tif"),
        ("t3_4.tif", "t3_2.tif"),
        ("marble2021x.tif", "marble2019x.tif"),
        ("crop_2048_1024.tif", "crop_1024_1024.tif"),
        ("x20221.tif", "x20181.tif"),
        ("2018-2022_new_roof.tif", "2018-2022_old_wall.tif"),
        ("made_20200101/post_a.tif", "made_20200101/pre_b.tif"),
        ("2022.tif", "2022-03.tif"),
    ],
)
def test_other_words_and_numbers_in_names_tell_nothing(first: str, second: str) -> None:
    assert order_of_dates(f"/nowhere/{first}", f"/nowhere/{second}") is None


@pytest.mark.parametrize(("orientation", "turned"), [(3, True), (8, True), (1, False)])
def test_a_photograph_that_viewers_turn_is_a_finding(tmp_path: Path, orientation: int, turned: bool) -> None:
    pixels = np.random.default_rng(orientation).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x112] = orientation
    picture.save(tmp_path / "a.jpg", exif=exif)
    picture.save(tmp_path / "b.png")
    found = check_pair(tmp_path / "a.jpg", tmp_path / "b.png")
    assert ("shown turned" in kinds(found)) == turned


def test_what_begins_at_zero_marks_clouds_or_shows_a_flat_square_is_no_fault(
    report: Callable[..., PairReport], seed: int
) -> None:
    random = np.random.default_rng(seed)
    heights = random.normal(4, 3, (2, 1, 64, 64)).clip(0).astype(np.float32)  # of buildings: 0 is ground
    heights[0, :, :30] = 0
    clouds = random.integers(0, 200, (2, 3, 64, 64)).astype(np.uint8)
    clouds[0, :, 10:20, 10:30] = 255
    marked = random.normal(1000, 200, (2, 4, 64, 64)).astype(np.uint16)
    marked[:, 3] = 0
    marked[1, 3, 5:20] = 1
    flat = random.normal(1000, 200, (2, 1, 32, 32)).astype(np.uint16)
    flat[0] = 1000
    flat[0, :, 8:24, 8:24] = 3000
    for dates in (heights, clouds, marked, flat):
        told = " ".join(finding.text for finding in report(*dates).findings)
        assert "which no others are near to" not in told
        assert "holds one value all over" not in told
        assert "pixel 8 x 8 times" not in told


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        ("HSV", "other colours at one date"),
        ("YCbCr", "other colours at one date"),
        ("inverted", "inverted colours"),
        ("RGB", None),
    ],
)
def test_pictures_that_hold_other_than_colours_are_named(
    report: Callable[..., PairReport], stored: str, kind: str | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    light = gaussian_filter(rng.normal(size=(96, 96)), 3)
    hue = np.stack([gaussian_filter(rng.normal(size=(96, 96)), 5) for _ in range(3)])
    before = (120 + 250 * light + 120 * hue).clip(1, 254).astype(np.uint8)
    after = (before + rng.normal(0, 20, before.shape)).clip(1, 254).astype(np.uint8)
    if stored == "inverted":
        after = 255 - after
    elif stored != "RGB":
        after = np.moveaxis(np.asarray(Image.fromarray(np.moveaxis(after, 0, -1)).convert(stored)), -1, 0)
    expected = [] if kind is None else [kind]
    assert kinds(report(before, after)) == expected
    assert kinds(report(after, before)) == expected
