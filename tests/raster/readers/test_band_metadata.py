"""What headers say: ENVI in every order of bytes and axes, wavelengths, bad bands, scale."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from rasterio.enums import ColorInterp

from terramamba.core.errors import InputError
from terramamba.raster.declared_scale import DeclaredScale
from terramamba.raster.geogrid import same_crs
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.wavelengths import band_fwhm, band_wavelength, nanometres, width_beside
from terramamba.raster.windows import Window

Make = Callable[..., Path]
ENVI = """ENVI
description = {{ made by hand }}
samples = 5
lines = 4
bands = 3
header offset = 0
file type = ENVI Standard
data type = 2
interleave = {interleave}
byte order = {order}
map info = {{UTM, 1, 1, 500000, 5800000, 30, 30, 33, North, WGS-84, units=Meters}}
data ignore value = -1
reflectance scale factor = 10000
wavelength units = {units}
wavelength = {{ {wavelengths} }}
fwhm = {{ {widths} }}
bbl = {{ 1, 0, 1 }}
"""
MICROMETRES = {"units": "Micrometers", "wavelengths": "0.45, 0.6, 2.2", "widths": "0.01, 0.012, 0.02"}
AXES = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}


@pytest.mark.parametrize("interleave", AXES)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("header", ["cube.HDR", "cube.hdr"])
def test_envi_in_every_order(tmp_path: Path, seed: int, interleave: str, order: int, header: str) -> None:
    values = np.random.default_rng(seed).integers(1, 200, (3, 4, 5)).astype(np.int16)
    values[1, 2, 3] = -1
    stored = values.transpose(AXES[interleave]).astype("<i2" if order == 0 else ">i2")
    (tmp_path / "cube").write_bytes(stored.tobytes())
    (tmp_path / header).write_text(ENVI.format(interleave=interleave, order=order, **MICROMETRES))
    scene = open_scene(tmp_path / "cube")
    read, valid = scene.read()
    assert np.array_equal(read, values)
    assert read.dtype == np.dtype("int16")
    assert np.array_equal(valid, values != -1)
    assert scene.format == "ENVI"
    assert scene.wavelengths == pytest.approx((450, 600, 2200))
    assert scene.fwhm == pytest.approx((10, 12, 20))
    assert scene.bad_bands == (False, True, False)
    assert scene.scale == pytest.approx(1e-4)
    assert same_crs(scene.crs, rasterio.CRS.from_epsg(32633))
    assert scene.transform == Affine(30, 0, 500_000, 0, -30, 5_800_000)
    assert np.array_equal(scene.read(Window(1, 2, 3, 2), [2, 0])[0], values[[2, 0], 1:4, 2:4])
    assert np.array_equal(open_scene(tmp_path / header).read()[0], values)


@pytest.mark.parametrize(
    ("units", "wavelengths", "expected"),
    [
        ("Nanometers", "450, 600, 2200", (450, 600, 2200)),
        ("Unknown", "450, 600, 2200", (450, 600, 2200)),
        ("Unknown", "0.45, 0.6, 2.2", (450, 600, 2200)),
        ("Index", "1, 2, 3", None),
    ],
)
def test_envi_wavelength_units(
    tmp_path: Path, units: str, wavelengths: str, expected: tuple[float, ...] | None
) -> None:
    (tmp_path / "cube.dat").write_bytes(np.zeros((3, 4, 5), np.int16).tobytes())
    text = ENVI.format(interleave="bsq", order=0, units=units, wavelengths=wavelengths, widths=wavelengths)
    (tmp_path / "cube.hdr").write_text(text)
    scene = open_scene(tmp_path / "cube.dat")
    assert scene.wavelengths == (None if expected is None else pytest.approx(expected))
    assert scene.fwhm == scene.wavelengths


def test_envi_data_that_end_early(tmp_path: Path) -> None:
    """GDAL would read zeros there."""
    data = np.ones((3, 4, 5), np.int16).tobytes()
    (tmp_path / "cube.hdr").write_text(ENVI.format(interleave="bip", order=0, **MICROMETRES))
    (tmp_path / "cube.dat").write_bytes(data)
    assert open_scene(tmp_path / "cube.dat").read()[0].all()
    (tmp_path / "cube.dat").write_bytes(data[:-2])
    with pytest.raises(
        InputError, match=r"cube\.dat: holds 118 bytes, its header describes 120; the file is damaged"
    ):
        open_scene(tmp_path / "cube.dat")


def test_envi_data_longer_than_described_are_noted(tmp_path: Path) -> None:
    """As of a header that was cut off in its number of lines."""
    (tmp_path / "cube.hdr").write_text(ENVI.format(interleave="bip", order=0, **MICROMETRES))
    (tmp_path / "cube.dat").write_bytes(np.ones((3, 4, 50), np.int16).tobytes())
    notes = open_scene(tmp_path / "cube.dat").notes
    assert any(note.startswith("holds 1,200 bytes, its header describes 120: check its") for note in notes)


def envi(folder: Path, *entries: str, encoding: str = "utf-8") -> Path:
    """A cube of 3 bands whose header has ``entries`` beside what it must have."""
    (folder / "cube.dat").write_bytes(np.ones((3, 4, 5), np.int16).tobytes())
    start = ENVI.format(interleave="bsq", order=0, **MICROMETRES).partition("wavelength units")[0]
    (folder / "cube.hdr").write_bytes("\n".join([start, *entries, ""]).encode(encoding))
    return folder / "cube.dat"


def test_headers_in_latin_1(tmp_path: Path) -> None:
    lines = ("wavelength units = \xb5m", "wavelength = {0.45, 0.6, 2.2}", "band names = {gr\xfcn, rot, blau}")
    scene = open_scene(envi(tmp_path, *lines, encoding="latin-1"))
    assert scene.wavelengths == pytest.approx((450, 600, 2200))
    assert scene.band_names == ("gr\xfcn", "rot", "blau")
    assert same_crs(scene.crs, rasterio.CRS.from_epsg(32633))


@pytest.mark.parametrize(
    "words", ["True , False , True", "yes, NO, yes", "1, 0, 1", "good, bad, ok", "2.0, 0, 1"]
)
def test_bad_bands_in_words(tmp_path: Path, words: str) -> None:
    assert open_scene(envi(tmp_path, f"bbl = {{ {words} }}")).bad_bands == (False, True, False)


def test_lists_that_cannot_be_used_are_noted(tmp_path: Path) -> None:
    scene = open_scene(envi(tmp_path, "wavelength = {450, 600, 700, 800}", "bbl = {0, 1}", "fwhm = {9}"))
    assert (scene.wavelengths, scene.fwhm, scene.bad_bands) == (None, None, (False,) * 3)
    assert scene.notes[-3:] == (
        "its header lists 4 entries of wavelength for 3 bands: not used",
        "its header lists 1 entries of fwhm for 3 bands: not used",
        "its header lists 2 entries of bbl for 3 bands: not used",
    )
    scene = open_scene(
        envi(tmp_path, "wavelength = {1, 2, 3}", "wavelength units = Index", "bbl = {x, 0, 1}")
    )
    assert (scene.wavelengths, scene.bad_bands) == (None, (False, True, False))
    assert scene.notes[-2:] == (
        "wavelengths are not used: their unit 'Index' is no length",
        "its header's bbl holds 'x', which is neither good nor bad: taken for good",
    )


@pytest.mark.parametrize(
    ("listed", "unit"),
    [
        ("400,5, 410,5, 2200,25", "Nanometers"),
        ("400,5,410,5,2200,25", "Nanometers"),
        ("400,5; 410,5; 2200,25", "Nanometers"),
        ("400.5;410.5;2200.25", "nm"),
        ("400,5,\n 410,5,\n 2200,25\n", "nm"),
        ("\n400.5,\n410.5, 2200.25\n", "nm"),
        ("0,4005, 0,4105, 2,20025", "Micrometers"),
        ("0.4005, 0.4105, 2.20025", "um"),
        ("4005, 4105, 22002.5", "Angstroms"),
        ("4005, 4105, 22002.5", "\u212b"),
        ("4.005e-7, 4.105e-7, 2.20025e-6", "Meters"),
        ("0.0004005, 0.0004105, 0.00220025", "mm"),
    ],
)
def test_lengths_in_any_unit_and_with_decimal_commas(tmp_path: Path, listed: str, unit: str) -> None:
    scene = open_scene(envi(tmp_path, f"wavelength = {{{listed}}}", f"wavelength units = {unit}"))
    assert scene.wavelengths == pytest.approx((400.5, 410.5, 2200.25))
    assert not any("wavelength" in note for note in scene.notes)


@pytest.mark.parametrize(
    ("listed", "guess"),
    [
        ("400.5, 410.5, 2200.25", "nanometres"),
        ("0.4005, 0.4105, 2.20025", "micrometres"),
        ("4.005e-7, 4.105e-7, 2.20025e-6", "metres"),
    ],
)
@pytest.mark.parametrize("unit", [(), ("wavelength units = Unknown",)])
def test_a_unit_that_is_not_named_is_guessed_by_size_and_said(
    tmp_path: Path, listed: str, guess: str, unit: tuple[str, ...]
) -> None:
    scene = open_scene(envi(tmp_path, f"wavelength = {{{listed}}}", *unit))
    assert scene.wavelengths == pytest.approx((400.5, 410.5, 2200.25))
    assert [note for note in scene.notes if f"are taken for {guess} by their size" in note]


@pytest.mark.parametrize(
    ("listed", "unit", "said"),
    [
        ("4000, 9000, 12000", "Wavenumber", "are wavenumbers (Wavenumber); a wavelength in nanometres is"),
        ("4000, 9000, 12000", "cm-1", "are wavenumbers (cm-1)"),
        ("4000, 9000, 12000", "1/cm", "are wavenumbers (1/cm)"),
        ("4000, 9000, 12000", "Unknown", "4000 to 12000 have no unit, and their size tells none"),
        ("0.45, 600, 2200", "", "0.45 to 2200 have no unit, and their size tells none"),
        ("450, 600, 2200", "Micrometers", "450 to 2200 Micrometers are none that an imager sees"),
        ("0.45, 0.6, 2.2", "Nanometers", "0.45 to 2.2 Nanometers are none that an imager sees"),
        ("450, 600, 2200", "GHz", "their unit 'GHz' is no length"),
        ("450, none, 2200", "nm", "'none' among them is no length"),
        ("450, -1, 2200", "nm", "'-1' among them is no length"),
        ("0.5, 0.5, 0.5", "um", "all 3 bands have the same, 500 nm"),
    ],
)
def test_what_are_no_wavelengths_is_not_used_and_said(
    tmp_path: Path, listed: str, unit: str, said: str
) -> None:
    scene = open_scene(envi(tmp_path, f"wavelength = {{{listed}}}", f"wavelength units = {unit}"))
    assert scene.wavelengths is None
    assert any("wavelengths are not used: " in note and said in note for note in scene.notes)


@pytest.mark.parametrize(
    ("listed", "kept"),
    [("0, 600, 2200", [1, 2]), ("450, 0.0, 2200", [0, 2]), ("450, 600, nan", [0, 1])],
)
def test_bands_without_a_wavelength_are_left_out_and_said(
    tmp_path: Path, listed: str, kept: list[int]
) -> None:
    path = envi(tmp_path, f"wavelength = {{{listed}}}", "wavelength units = nm", "fwhm = {9, 10, 11}")
    cube = np.arange(60, dtype="<i2").reshape(3, 4, 5)
    path.write_bytes(cube.tobytes())
    scene = open_scene(path)
    assert scene.wavelengths == tuple((450.0, 600.0, 2200.0)[band] for band in kept)
    assert scene.fwhm == tuple((9.0, 10.0, 11.0)[band] for band in kept)
    assert np.array_equal(scene.read()[0], cube[kept])
    (gone,) = {0, 1, 2} - set(kept)
    assert any(note.endswith(f"--bands does not count them: {gone + 1}") for note in scene.notes)


@pytest.mark.parametrize("listed", ["0, 0, 2200", "0, 0, 0", "0, -1, 2200"])
def test_lists_that_are_mostly_0_tell_no_wavelengths(tmp_path: Path, listed: str) -> None:
    scene = open_scene(envi(tmp_path, f"wavelength = {{{listed}}}", "wavelength units = nm"))
    assert (scene.bands, scene.wavelengths) == (3, None)
    assert any("wavelengths are not used: " in note for note in scene.notes)


def test_twice_as_many_numbers_are_no_decimals(tmp_path: Path) -> None:
    scene = open_scene(envi(tmp_path, "wavelength = {400,410,420,430,440,450}", "wavelength units = nm"))
    assert scene.wavelengths is None
    assert "its header lists 6 entries of wavelength for 3 bands: not used" in scene.notes


def test_lists_may_begin_on_the_next_line(tmp_path: Path) -> None:
    entries = (
        "wavelength =",
        "{",
        " 450,",
        " 600,",
        "",
        " 2200",
        "}",
        "wavelength units = nm",
        "bbl =",
        "{1,0,1}",
    )
    scene = open_scene(envi(tmp_path, *entries, "bbl =", "{1,0,1}"))
    assert scene.wavelengths == pytest.approx((450, 600, 2200))
    assert scene.bad_bands == (False, True, False)


def test_other_names_of_entries(tmp_path: Path) -> None:
    scene = open_scene(envi(tmp_path, "Wavelengths = {450,", " 600,", " 2200}", "wavelength units = nm"))
    assert scene.wavelengths == pytest.approx((450, 600, 2200))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_reference_system_without_positions_is_no_georeferencing(geotiff: Make, tmp_path: Path) -> None:
    path = geotiff(
        tmp_path / "a.tif",
        np.ones((1, 3, 3), np.uint8),
        crs=rasterio.CRS.from_epsg(32633),
        transform=Affine.identity(),
    )
    scene = open_scene(path)
    assert (scene.crs, scene.transform) == (None, None)
    assert any("EPSG:32633) but no positions: no georeferencing" in note for note in scene.notes)


def test_a_header_without_its_data_file(tmp_path: Path) -> None:
    (tmp_path / "cube.hdr").write_text(ENVI)
    with pytest.raises(
        InputError, match=r"cube\.hdr: a header whose data file cube is missing; give the data"
    ):
        open_scene(tmp_path / "cube.hdr")


def test_geotiff_wavelengths_from_tags_and_descriptions(geotiff: Make, tmp_path: Path) -> None:
    values = np.ones((2, 3, 3), np.float32)
    tagged = geotiff(tmp_path / "tags.tif", values)
    with rasterio.open(tagged, "r+") as file:
        file.update_tags(1, WAVELENGTH="0.5", WAVELENGTH_UNITS="Micrometers", fwhm="0.01", bbl="0")
        file.update_tags(2, WAVELENGTH="0.75", WAVELENGTH_UNITS="Micrometers", fwhm="0.02", bbl="1")
        file.scales = (0.0001, 0.0001)
        file.offsets = (-0.2, -0.2)
    scene = open_scene(tagged)
    assert scene.wavelengths == pytest.approx((500, 750))
    assert scene.bad_bands == (True, False)
    assert scene.fwhm == pytest.approx((10, 20))
    assert scene.declared == DeclaredScale((0.0001, 0.0001), (-0.2, -0.2), "float32")
    described = geotiff(tmp_path / "names.tif", values)
    with rasterio.open(described, "r+") as file:
        file.descriptions = ("band 1 (418.24 Nanometers)", "band 2 (423.874 Nanometers)")
    scene = open_scene(described)
    assert scene.wavelengths == pytest.approx((418.24, 423.874))
    assert scene.band_names[1] == "band 2 (423.874 Nanometers)"
    with rasterio.open(described, "r+") as file:
        file.descriptions = ("band 1 (418.24 Nanometers)", "19840301")
    assert open_scene(described).wavelengths is None


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("450.0", "550.0", "650.5", "860"), "numbers from 450.0 to 860 without a unit"),
        (("0.45", "0.55", "0.65", "2.2"), "numbers from 0.45 to 2.2 without a unit"),
        (("1984", "1985", "1990", "2021"), None),  # years
        (("2", "3", "4", "8"), None),  # they only count
        (("860", "650", "550", "450"), None),
        (("450", "550", "650", "nir"), None),
        (("450 nm", "550 nm", "650 nm", "860 nm"), None),
    ],
)
def test_numbers_without_a_unit_that_name_bands_are_said(
    geotiff: Make, tmp_path: Path, names: tuple[str, ...], said: str | None
) -> None:
    path = geotiff(tmp_path / "a.tif", np.ones((4, 3, 3), np.int16))
    with rasterio.open(path, "r+") as file:
        file.descriptions = names
    found = [note for note in open_scene(path).notes if "names of bands" in note]
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize(
    ("described", "centre"),
    [
        ("Band 1 (445 - 455 nm)", 450),
        ("445-455nm", 450),
        ("Blue (0.45-0.51 um)", 480),
        ("0,45 µm – 0,51 µm", 480),
        ("433 nm to 453 nm", 443),
        ("Panchromatic (0.50..0.68 micrometers)", 590),
        ("Band 2 - 450 nm", 450),
        ("Reflectance 450.0 (nm)", 450),
        ("0.45 [um]", 450),
        ("Band 200-1950 nm", 1950),
        ("Band 1, FWHM 10.5 nm, centre 450.0 nm", 450),
        ("width: 0.02 um, at 0.45 um", 450),
        ("450 nm (FWHM 10 nm)", 450),
    ],
)
def test_a_band_described_by_both_its_ends_or_with_its_width_lies_at_its_centre(
    described: str, centre: float
) -> None:
    assert band_wavelength({}, {}, described) == pytest.approx(centre)


@pytest.mark.parametrize(
    ("names", "centres"),
    [
        (["B2", "B3", "B4", "B8A"], (492.4, 559.8, 664.6, 864.7)),
        (["b8a", " B01"], (864.7, 442.7)),
        (["B2", "B3", "B4", "B8"], None),  # Landsat has them, too
        (["B2", "B8A", "QA60"], None),
        (["B8", "B8A", "B8"], None),
        (["B8A", "B13"], None),
        (["B2_median", "B8A_median"], (492.4, 864.7)),
        (["0_B02_10m", "0_B8A_20m"], (492.4, 864.7)),
        (["S2 2020 B11", "S2 2020 B8A"], (1613.7, 864.7)),
        (["20200101_B2", "20200201_B8A"], None),
        (["B2_min", "B8A_max"], None),
    ],
)
def test_bands_called_as_those_of_sentinel_2_lie_where_these_do(
    geotiff: Make, tmp_path: Path, names: list[str], centres: tuple[float, ...] | None
) -> None:
    path = geotiff(tmp_path / "a.tif", np.ones((len(names), 2, 2), np.uint16))
    with rasterio.open(path, "r+") as file:
        file.descriptions = names
    scene = open_scene(path)
    assert scene.wavelengths == centres
    assert any("taken for those of Sentinel-2" in note for note in scene.notes) == (centres is not None)


def test_wavelengths_of_one_band() -> None:
    assert band_wavelength({}, {"CENTRAL_WAVELENGTH_UM": "0.482"}, "") == pytest.approx(482)
    assert band_wavelength({}, {}, "B8A 864.7nm") == pytest.approx(864.7)
    assert band_wavelength({}, {}, "Band 8 at 0.84 µm") == pytest.approx(840)
    assert band_wavelength({}, {}, "B8A 864,7 nm") == pytest.approx(864.7)
    assert band_wavelength({"wavelength": "0,482", "wavelength_units": "um"}, {}, "") == pytest.approx(482)
    assert band_wavelength({}, {}, "band 3 of 12") is None
    assert band_fwhm({}, {"FWHM_UM": "0.0105"}) == pytest.approx(10.5)
    assert band_fwhm({"fwhm": "10"}, {}) is None
    assert width_beside("wide", "450", 450.0) is None
    assert nanometres("x") is None
    assert nanometres("-1", "nm") is None
    assert nanometres("2500", "cm-1") is None


def sixteen_bits(folder: Path, values: np.ndarray, more: str) -> Path:
    """An ENVI file of numbers of 16 bits whose header ends with ``more``."""
    values.astype("<i2").tofile(folder / "a.img")
    bands, lines, samples = values.shape
    (folder / "a.hdr").write_text(
        f"ENVI\nsamples = {samples}\nlines = {lines}\nbands = {bands}\ndata type = 2\ninterleave = bsq\n"
        f"byte order = 0\n{more}\n"
    )
    return folder / "a.img"


@pytest.mark.parametrize(
    ("written", "nodata", "said"),
    [
        ("-9999.0f", -9999, ""),
        ("{-9999}", -9999, ""),
        ('"-9999"', -9999, ""),
        ("None", None, "'None', which is no number: not used"),
        ("{ }", None, "'{ }', which is no number: not used"),
        ("0", 0, ""),
        ("-9999, 7", -9999, "-9999, 7, of which -9999 counts; --nodata names all"),
    ],
)
def test_the_value_that_a_header_ignores_is_the_number_that_it_writes_or_none(
    tmp_path: Path, written: str, nodata: float | None, said: str
) -> None:
    values = np.arange(1, 13).reshape(1, 3, 4)
    values[0, 0, :2] = 0, -9999
    scene = open_scene(sixteen_bits(tmp_path, values, f"data ignore value = {written}"))
    assert scene.nodata == nodata
    np.testing.assert_array_equal(scene.read()[1], values != nodata)
    assert said in "; ".join(scene.notes)
    assert ("ignore" in "; ".join(scene.notes)) == bool(said)


def test_bytes_between_lines_are_refused_and_not_read_as_pixels(tmp_path: Path) -> None:
    path = sixteen_bits(tmp_path, np.ones((1, 3, 4)), "major frame offsets = {0, 0}")
    assert open_scene(path).notes == ("no georeferencing; results will have none either",)
    for entry in ("major frame offsets = {0, 4}", "minor frame offsets = {2, 0}"):
        with pytest.raises(InputError, match=r"a\.img: its header has m[a-z]+ frame offsets \{.*; save"):
            open_scene(sixteen_bits(tmp_path, np.ones((1, 3, 4)), entry))


def test_a_header_with_a_mark_of_an_editor_is_named(tmp_path: Path) -> None:
    path = sixteen_bits(tmp_path, np.ones((1, 3, 4)), "")
    path.with_suffix(".hdr").write_bytes(b"\xef\xbb\xbf" + path.with_suffix(".hdr").read_bytes())
    with pytest.raises(InputError, match=r"its header a\.hdr does not begin with the word ENVI; save it as"):
        open_scene(path)


def test_a_header_that_turns_an_image_by_half_a_circle_is_said_to_be_read_as_gdal_writes_it(
    tmp_path: Path,
) -> None:
    place = "map info = {{UTM, 1, 1, 400000, 5800000, 10, 10, 33, North, WGS-84, rotation={}}}"
    path = sixteen_bits(tmp_path, np.ones((1, 3, 4)), place.format(180))
    assert any("rotation=180: read as rows from south to north" in note for note in open_scene(path).notes)
    assert open_scene(sixteen_bits(tmp_path, np.ones((1, 3, 4)), place.format(20.0))).notes == ()


def test_widths_that_no_imager_has_are_not_used_and_lengths_may_carry_their_unit(tmp_path: Path) -> None:
    lists = "wavelength = {{450 nm, 500 nm, 550.5 nm}}\nfwhm = {{{}}}"
    scene = open_scene(sixteen_bits(tmp_path, np.ones((3, 3, 4)), lists.format("0.01, 0.01, 0.01")))
    assert (scene.wavelengths, scene.fwhm) == ((450, 500, 550.5), None)
    assert "band widths are not used: 0.01 to 0.01 nm are none of bands at 450 to 550.5 nm" in scene.notes
    assert open_scene(sixteen_bits(tmp_path, np.ones((3, 3, 4)), lists.format("9, 9, 9"))).fwhm == (9, 9, 9)


@pytest.mark.parametrize(
    ("crs", "place", "said"),
    [
        (
            "EPSG:32633",
            Affine(1e-4, 0, 10, 0, -1e-4, 50),
            "like degrees, while EPSG:32633 counts in metres",
        ),
        ("EPSG:2263", Affine(1e-4, 0, -73, 0, -1e-4, 40), "look like degrees, while EPSG:2263 counts in"),
        ("EPSG:4326", Affine(10, 0, 400_000, 0, -10, 5_800_000), "are no degrees, which EPSG:4326 counts in"),
        ("EPSG:4326", Affine(0.1, 0, 359.9, 0, -0.1, 90), ""),
        ("EPSG:3857", Affine(10, 0, -20, 0, -10, 20), ""),
        ("EPSG:32733", Affine(30, 0, 400_000, 0, -30, -1_200_000), "beyond the pole in EPSG:32733"),
        ("EPSG:32733", Affine(30, 0, 400_000, 0, -30, 8_800_000), ""),
        ("EPSG:32633", Affine(30, 0, 400_000, 0, -30, -1_200_000), ""),  # as Landsat has it
    ],
)
def test_positions_that_are_none_of_the_reference_system_are_said(
    geotiff: Make, tmp_path: Path, crs: str, place: Affine, said: str
) -> None:
    values = np.ones((1, 3, 4), np.uint8)
    path = geotiff(tmp_path / "a.tif", values, crs=crs, transform=place)
    for scene in (open_scene(path), scene_from_array(values, crs=crs, transform=place)):
        assert said in "; ".join(scene.notes)
        assert bool(scene.notes) == bool(said)


@pytest.mark.parametrize("header", ["a.hdr", "a.img.hdr"])
def test_a_header_that_was_corrected_counts_when_the_file_is_opened_again(
    tmp_path: Path, header: str
) -> None:
    path = sixteen_bits(tmp_path, np.full((1, 3, 4), 258), "")
    text = path.with_suffix(".hdr").read_text()
    path.with_suffix(".hdr").rename(tmp_path / header)
    assert open_scene(path).read()[0].max() == 258
    (tmp_path / header).write_text(text.replace("byte order = 0", "byte order = 1"))
    assert open_scene(path).read()[0].max() == 513


@pytest.mark.parametrize("ending", [".raw", ".hyspex", ".bin", ".cube"])
def test_a_header_finds_its_data_file_whatever_its_ending(tmp_path: Path, ending: str) -> None:
    cube = envi(tmp_path).rename(tmp_path / f"cube{ending}")
    (tmp_path / "cube.png").touch()
    assert open_scene(tmp_path / "cube.hdr").path == str(cube)
    assert open_scene(tmp_path).bands == 3
    (tmp_path / "cube.other").touch()
    with pytest.raises(InputError, match=r"data file cube may be cube\.\w+ or cube\.\w+; give the data file"):
        open_scene(tmp_path / "cube.hdr")


def test_what_a_scanner_saw_of_its_references_is_no_scene(tmp_path: Path) -> None:
    envi(tmp_path)
    for name in ("DARKREF_cube", "WHITEREF_cube"):
        (tmp_path / f"{name}.dat").write_bytes((tmp_path / "cube.dat").read_bytes())
        (tmp_path / f"{name}.hdr").write_bytes((tmp_path / "cube.hdr").read_bytes())
    scene = open_scene(tmp_path)
    assert (scene.bands, scene.height) == (3, 4)
    assert scene.notes[-1] == "no bands, left out: DARKREF_cube.dat, WHITEREF_cube.dat"


@pytest.mark.parametrize(
    ("gains", "offsets", "said"),
    [("1, 1, 1", "0, 0, 0", False), ("2, 2, 2", "0, 0, 0", True), ("1, 1, 1", "0, 0.5, 0", True)],
)
def test_gains_to_reflectance_that_are_not_applied_are_said(
    tmp_path: Path, gains: str, offsets: str, said: bool
) -> None:
    entries = (f"data reflectance {of} values" for of in ("gain", "offset"))
    lines = [f"{entry} = {{{values}}}" for entry, values in zip(entries, (gains, offsets), strict=True)]
    notes = open_scene(envi(tmp_path, *lines)).notes
    assert any("reflectance gain and offset values are not applied" in note for note in notes) == said


def test_the_values_of_a_raster_of_r_are_told_their_description(tmp_path: Path) -> None:
    (tmp_path / "a.gri").write_bytes(bytes(100))
    (tmp_path / "a.grd").touch()
    with pytest.raises(InputError, match=r"a\.gri: holds the values alone of a raster of R; give a\.grd"):
        open_scene(tmp_path / "a.gri")


@pytest.mark.parametrize(
    "tags",
    [
        {"wavelength": "{450, 550, 650}", "wavelength_units": "nm"},
        {"Wavelengths": "[450.0, 550.0, 650.0]"},
        {"wavelength": "0.45,0.55,0.65", "wavelength units": "Micrometers"},
    ],
)
def test_lists_in_the_tags_of_a_whole_image_are_those_of_its_bands(
    geotiff: Make, tmp_path: Path, tags: dict[str, str]
) -> None:
    path = geotiff(tmp_path / "a.tif", np.ones((3, 4, 5), np.uint16))
    with rasterio.open(path, "r+") as image:
        image.update_tags(**tags, fwhm="[10, 10]")
    scene = open_scene(path)
    assert scene.wavelengths == pytest.approx((450, 550, 650))
    assert any("its header lists 2 entries of fwhm for 3 bands: not used" in note for note in scene.notes)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("X443.1", "X490.2", "X560.3", "X665.4"), True),
        (("wl_443", "wl_490", "wl_560", "wl_665"), True),
        (("B1", "B2", "B3", "B4"), False),
        (("ndvi_2001", "ndvi_2002", "ndvi_2003", "ndvi_2004"), False),
        (("a443", "b490", "a560", "b665"), False),
        (("Band 1 (443.1)", "Band 2 (490.2)", "Band 3 (560.3)", "Band 4 (665.4)"), True),
        (("ndvi (1)", "ndvi (2)", "ndvi (3)", "ndvi (4)"), False),
    ],
)
def test_names_that_are_numbers_behind_a_letter_are_no_wavelengths_and_said(
    geotiff: Make, tmp_path: Path, names: tuple[str, ...], said: bool
) -> None:
    path = geotiff(tmp_path / "a.tif", np.ones((4, 4, 5), np.uint16))
    with rasterio.open(path, "r+") as image:
        image.descriptions = names
    scene = open_scene(path)
    assert scene.wavelengths is None
    assert any("without a unit: not used as wavelengths" in note for note in scene.notes) == said


@pytest.mark.parametrize("interleave", ['"bil"', "{bil}", "band interleaved by line", "bop"])
def test_an_interleave_that_is_none_is_refused_and_not_taken_for_bsq(tmp_path: Path, interleave: str) -> None:
    path = envi(tmp_path)
    header = tmp_path / "cube.hdr"
    header.write_text(header.read_text("utf-8").replace("= bsq", f"= {interleave}"), encoding="utf-8")
    with pytest.raises(InputError, match=r"interleave is .*, which is none of bsq, bil, bip; correct it"):
        open_scene(path)


def test_a_file_of_the_reference_system_that_is_not_read_is_named(geotiff: Make, tmp_path: Path) -> None:
    path = geotiff(tmp_path / "a.tif", np.ones((1, 3, 4), np.uint8), crs=None)
    (plain,) = open_scene(path).notes
    (tmp_path / "a.prj").write_text(rasterio.CRS.from_epsg(32633).to_wkt(), encoding="utf-8")
    assert open_scene(path).notes == (f"{plain}; a.prj beside it is not read",)


@pytest.mark.parametrize(("lengths", "known"), [((492.4, 664.6, 864.7), True), ((492.4, 664.6, 0.0), False)])
def test_bands_of_a_geotiff_of_snap_have_the_names_in_its_tag(
    tmp_path: Path, lengths: tuple[float, ...], known: bool
) -> None:
    band = (
        "<Spectral_Band_Info><BAND_INDEX>{}</BAND_INDEX><BAND_NAME>{}</BAND_NAME>"
        "<BAND_WAVELEN>{}</BAND_WAVELEN></Spectral_Band_Info>"
    )
    names = ("blue &amp; green", "red", "nir")
    told = "".join(band.format(i, names[i], lengths[i]) for i in (2, 0, 1))
    texts = {"a": told, "b": told.replace("<BAND_INDEX>2<", "<BAND_INDEX>3<"), "c": "<xml>" * 9}
    for name, text in texts.items():
        tags = ImageFileDirectory_v2()
        tags[65000] = f"<Dimap_Document>{text}"
        Image.new("RGB", (5, 4)).save(tmp_path / f"{name}.tif", tiffinfo=tags)
    scene = open_scene(tmp_path / "a.tif")
    assert scene.band_names == ("blue & green", "red", "nir")
    assert scene.wavelengths == (lengths if known else None)
    for other in ("b", "c"):
        assert open_scene(tmp_path / f"{other}.tif").band_names == ("band 1", "band 2", "band 3")


def test_colours_in_another_order_are_said(geotiff: Make, tmp_path: Path) -> None:
    none = ColorInterp.undefined
    colours = (none, ColorInterp.blue, ColorInterp.green, ColorInterp.red)
    for order, said in ((colours, True), ((*colours[:0:-1], none), False), ((none, none, *colours), False)):
        path = geotiff(tmp_path / "a.tif", np.ones((len(order), 4, 5), np.uint8))
        with rasterio.open(path, "r+") as image:
            image.colorinterp = order
        notes = open_scene(path).notes
        assert any("red, green and blue are --bands 4,3,2" in note for note in notes) == said


def test_a_list_that_calls_all_bands_bad_says_nothing(tmp_path: Path) -> None:
    scene = open_scene(envi(tmp_path, "bbl = {0, 0, 0}"))
    assert not any(scene.bad_bands)
    assert "its header's bbl calls all bands bad, so that it is not used" in scene.notes


def test_names_as_r_writes_them_keep_their_unit(geotiff: Make, tmp_path: Path) -> None:
    path = geotiff(tmp_path / "a.tif", np.ones((3, 4, 5), np.uint16))
    with rasterio.open(path, "r+") as image:
        image.descriptions = ("Band.1..443.1.Nanometers.", "X490.2.Nanometers", "X560.nm")
    assert open_scene(path).wavelengths == pytest.approx((443.1, 490.2, 560))
