"""Change masks of every kind, read as unchanged, changed and without reference."""

import re
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
from PIL import Image

from terramamba.core.errors import InputError
from terramamba.data.pairs.change_masks import read_mask
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import IGNORE, ONE_BIT, Coding, stated_values
from terramamba.data.pairs.settle_labels import Settled, code_labels
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window

CHANGED = np.array([[0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0]], bool)


def save(path: Path, array: np.ndarray | Image.Image) -> str:
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(path)
    return str(path)


def settled(*paths: str, **lists: list[str] | None) -> Settled:
    """What the values in the masks ``paths`` mean, as those of one data set."""
    pairs = []
    for number, path in enumerate(paths):
        grid = open_scene(path).grid
        before = Path(path).with_name(f"{number}-image.png")
        Image.fromarray(np.zeros((grid.height, grid.width), np.uint8)).save(before)
        pairs.append(PairFiles(str(before), str(before), path, None, None, str(number), "all"))
    said = {"changed": None, "unchanged": None, "ignored": None} | lists
    return code_labels({"all": pairs}, stated_values(**said))


def read(path: str, *others: str, **lists: list[str] | None) -> np.ndarray:
    """The first of the masks of a data set."""
    pair = settled(path, *others, **lists).pairs["all"][0]
    assert pair.coding is not None
    return read_mask(pair.reference()[0], pair.coding)


def in_words(*paths: str, **lists: list[str] | None) -> str:
    values = settled(*paths, **lists).values
    assert values is not None
    return values.in_words()


@pytest.mark.parametrize("value", [1, 255, 7])
@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_the_only_value_beside_0_is_changed(tmp_path: Path, value: int, suffix: str) -> None:
    path = save(tmp_path / f"mask.{suffix}", CHANGED.astype(np.uint8) * value)
    np.testing.assert_array_equal(read(path), CHANGED)
    coding = Coding((value,), (0,))
    found = read_mask(open_scene(path), coding, Window(1, 1, 3, 2))
    np.testing.assert_array_equal(found, CHANGED[1:4, 1:3])
    assert in_words(path) == f"0 unchanged, {value} changed (found from 1 file)"


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_masks_of_one_bit_are_of_one_set_with_masks_of_0_and_255(tmp_path: Path, suffix: str) -> None:
    bits = save(tmp_path / f"mask.{suffix}", Image.fromarray(CHANGED.astype(np.uint8) * 255).convert("1"))
    bytes_ = save(tmp_path / "bytes.png", CHANGED.astype(np.uint8) * 255)
    np.testing.assert_array_equal(read(bits), CHANGED)
    np.testing.assert_array_equal(read(bits, bytes_), CHANGED)
    np.testing.assert_array_equal(read(bytes_, bits), CHANGED)
    words = "0 unchanged, 255 changed; in one-bit masks 0 unchanged, 1 changed (found from 2 files)"
    assert in_words(bytes_, bits) == words
    # flags speak of the numbers, unless one of them is a bit
    np.testing.assert_array_equal(read(bits, bytes_, changed=["255"]), CHANGED)
    np.testing.assert_array_equal(read(bits, changed=["0"]), ~CHANGED)


def test_arrays_of_yes_and_no_settle_themselves(tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", CHANGED)
    bytes_ = save(tmp_path / "bytes.png", CHANGED.astype(np.uint8) * 255)
    np.testing.assert_array_equal(read(str(tmp_path / "mask.npy"), bytes_), CHANGED)


def test_a_black_mask_of_one_bit_still_knows_what_1_means(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", Image.fromarray(CHANGED * False))
    assert settled(path).values.one_bit == ONE_BIT


def test_one_bit_that_shows_0_white_is_refused_unless_stated(tmp_path: Path) -> None:
    image = Image.fromarray(CHANGED.astype(np.uint8), "P")
    image.putpalette([255, 255, 255, 0, 0, 0])
    path = save(tmp_path / "mask.png", image)
    with pytest.raises(
        InputError, match=r"mask\.png: shows 0 white and 1 black.*--changed-values 0 where 0 does"
    ):
        read(path)
    np.testing.assert_array_equal(read(path, changed=["1"]), CHANGED)


def test_colour_images_with_equal_bands(tmp_path: Path) -> None:
    grey = CHANGED.astype(np.uint8) * 255
    for name, mode in (("rgb.png", "RGB"), ("rgb.bmp", "RGB"), ("rgba.png", "RGBA"), ("la.png", "LA")):
        path = save(tmp_path / name, Image.fromarray(grey).convert(mode))
        np.testing.assert_array_equal(read(path), CHANGED)
    path = save(tmp_path / "unequal.png", np.dstack([grey, grey, grey + 1]))
    with pytest.raises(InputError, match=r"unequal\.png: its 3 bands differ"):
        read(path)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_transparent_background_is_unchanged_and_a_line_says_so(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(CHANGED.astype(np.uint8) * 255)
    image = grey.convert(mode)
    image.putalpha(grey)
    path = save(tmp_path / "mask.png", image)
    np.testing.assert_array_equal(read(path), CHANGED)
    assert settled(path).values.numbers == Coding((255,), (0,), opaque=True)
    (note,) = settled(path).notes
    assert "is transparent where it is 0" in note
    # with other unchanged pixels in the set, transparency is missing data
    other = save(tmp_path / "other.png", CHANGED.astype(np.uint8) * 255)
    np.testing.assert_array_equal(read(path, other), np.where(CHANGED, 1, IGNORE))
    (note,) = settled(path, other).notes
    assert "7 pixels of 1 mask are transparent" in note


def test_a_mask_that_is_all_in_its_transparency_is_refused(tmp_path: Path) -> None:
    image = Image.fromarray(np.full(CHANGED.shape, 255, np.uint8)).convert("LA")
    image.putalpha(Image.fromarray(CHANGED.astype(np.uint8) * 255))
    with pytest.raises(InputError, match=r"mask\.png: is transparent where it is not 255"):
        read(save(tmp_path / "mask.png", image))
    image = Image.fromarray(np.zeros(CHANGED.shape, np.uint8)).convert("LA")
    image.putalpha(Image.fromarray(CHANGED.astype(np.uint8) * 255))
    with pytest.raises(
        InputError, match=r"mask\.png: is transparent in part, and all masks of the set are 0"
    ):
        read(save(tmp_path / "mask.png", image))


@pytest.mark.parametrize("quality", [60, 90])
def test_greys_near_the_ends_are_cut_and_a_line_says_so(tmp_path: Path, quality: int) -> None:
    truth = np.zeros((64, 64), bool)
    truth[10:31, 20:47] = True
    Image.fromarray(truth.astype(np.uint8) * 255).save(tmp_path / "mask.jpg", quality=quality)
    path = str(tmp_path / "mask.jpg")
    np.testing.assert_array_equal(read(path), truth)
    (note,) = settled(path).notes
    assert "mask.jpg: a grey mask" in note
    assert "128 and above counts as changed" in note
    assert in_words(path) == "below 128 unchanged, 128 and above changed (found from 1 file)"


def grey_levels(values: list[int], shares: list[float]) -> np.ndarray:
    counts = (np.array(shares) * 10_000).astype(int)
    return np.repeat(values, counts).astype(np.uint8).reshape(100, -1)


@pytest.mark.parametrize(
    "mask",
    [
        grey_levels([0, 1, 3], [0.6, 0.3, 0.1]),  # intact, destroyed
        grey_levels([0, 1, 2, 3, 4], [0.6, 0.1, 0.1, 0.1, 0.1]),
        grey_levels([0, 1, 2, 3, 4, 255], [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]),
        grey_levels([0, 128, 255], [0.9, 0.01, 0.09]),
        grey_levels([0, 1, 2, 3, 4, 5, 6, 7, 8, 255], [0.5] + [0.05] * 8 + [0.1]),
        np.arange(10_000, dtype=np.uint8).reshape(100, 100),
        np.arange(10_000, dtype=np.uint16).reshape(100, 100),
    ],
    ids=["levels", "damage", "damage and 255", "three greys", "many levels", "all greys", "wide"],
)
def test_more_than_two_levels_are_refused_unless_stated(tmp_path: Path, mask: np.ndarray) -> None:
    write_geotiff(tmp_path / "mask.tif", mask[None], Grid(*mask.shape))
    path = str(tmp_path / "mask.tif")
    with pytest.raises(
        InputError, match=r"mask\.tif: .* which of them mean changed is not known.*--changed-"
    ):
        read(path)
    changed = int(mask[mask != 255].max())
    stated = read(path, changed=[str(changed)])
    np.testing.assert_array_equal(stated == 1, mask == changed)
    np.testing.assert_array_equal(stated == IGNORE, mask == 255 if mask.max() == 255 else mask < 0)


def test_masks_that_number_what_changed_are_told_how_to_say_it(tmp_path: Path) -> None:
    for values, said in (([0, 1, 2, 3], "unchanged then; 1-3 where they number"), ([0, 1, 3], "then), and")):
        mask = np.repeat(np.uint8(values), 9)[None]
        write_geotiff(tmp_path / f"{len(values)}.tif", mask[None], Grid(*mask.shape))
        with pytest.raises(InputError, match=re.escape(said)):
            read(str(tmp_path / f"{len(values)}.tif"))


def test_greys_can_be_cut_elsewhere(tmp_path: Path) -> None:
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = save(tmp_path / "mask.png", mask)
    np.testing.assert_array_equal(read(path, changed=["200-255"]), mask >= 200)
    np.testing.assert_array_equal(
        read(path, changed=["100-120", "7"]) == 1, ((mask >= 100) & (mask <= 120)) | (mask == 7)
    )


def test_255_is_no_reference_where_1_is_changed_beside_it(tmp_path: Path) -> None:
    three = CHANGED.astype(np.uint8)
    three[2] = 255
    first = save(tmp_path / "a.png", three)
    second = save(tmp_path / "b.png", np.where(CHANGED, 255, 0).astype(np.uint8))
    np.testing.assert_array_equal(read(first, second), three)
    np.testing.assert_array_equal(read(second, first), np.where(CHANGED, IGNORE, 0))
    np.testing.assert_array_equal(read(second), CHANGED)
    assert in_words(first, second) == "0 unchanged, 1 changed, 255 no reference (found from 2 files)"


@pytest.mark.parametrize(("one", "other"), [(1, 255), (1, 2), (128, 255)])
def test_two_codings_in_one_set_are_refused_with_a_file_of_each(tmp_path: Path, one: int, other: int) -> None:
    first = save(tmp_path / "a.png", CHANGED.astype(np.uint8) * one)
    second = save(tmp_path / "b.png", CHANGED.astype(np.uint8) * other)
    black = save(tmp_path / "c.png", np.zeros((4, 3), np.uint8))
    both = (
        rf"a\.png: marks with {one}, and .*b\.png with {other},.*--changed-values {one},{other} .*--ignore-"
    )
    with pytest.raises(InputError, match=both):
        read(black, second, first)
    for path in (first, second):
        np.testing.assert_array_equal(read(path, second, first, changed=[str(one), str(other)]), CHANGED)
    ignored = read(second, first, ignored=[str(other)])
    np.testing.assert_array_equal(ignored, np.where(CHANGED, IGNORE, 0))
    np.testing.assert_array_equal(read(second, black), CHANGED)


def test_masks_without_0_are_refused_unless_stated(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", CHANGED.astype(np.uint8) + 1)
    with pytest.raises(InputError, match=r"mask\.png: the masks of this set hold 1, 2, without 0, and which"):
        read(path)
    for lists in ({"changed": ["2"]}, {"unchanged": ["1"]}, {"changed": ["2"], "unchanged": ["1"]}):
        np.testing.assert_array_equal(read(path, **lists), CHANGED)


@pytest.mark.parametrize("value", [1, 255])
def test_a_set_without_an_unchanged_pixel_is_refused(tmp_path: Path, value: int) -> None:
    path = save(tmp_path / "mask.png", np.full((3, 3), value, np.uint8))
    with pytest.raises(
        InputError, match=rf"mask\.png: the masks hold {value} alone, so no pixel is unchanged"
    ):
        read(path)


def test_black_masks_are_unchanged(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", np.zeros((3, 3), np.uint8))
    assert not read(path).any()
    assert not read(path, changed=["255"]).any()


def tiff(path: Path, values: np.ndarray, **options: object) -> str:
    write_geotiff(path, values[None], Grid(*values.shape), **options)
    return str(path)


def test_nodata_has_no_reference(tmp_path: Path) -> None:
    floats, huge = CHANGED.astype(np.float32), CHANGED.astype(np.float32)
    floats[0], huge[0] = np.nan, -3.4e38
    codes = CHANGED.astype(np.uint8)
    codes[0] = 9
    expected = CHANGED.astype(np.uint8)
    expected[0] = IGNORE
    np.testing.assert_array_equal(read(tiff(tmp_path / "nan.tif", floats)), expected)
    np.testing.assert_array_equal(read(tiff(tmp_path / "huge.tif", huge, nodata=-3.4e38)), expected)
    np.testing.assert_array_equal(read(tiff(tmp_path / "nine.tif", codes, nodata=9.0)), expected)


@pytest.mark.parametrize("value", [1, 255])
def test_nodata_0_is_unchanged_where_nothing_else_is(tmp_path: Path, value: int) -> None:
    path = tiff(tmp_path / "mask.tif", CHANGED.astype(np.uint8) * value, nodata=0.0)
    plain = save(tmp_path / "plain.png", CHANGED.astype(np.uint8) * value)
    for others in ((), (plain,)):
        np.testing.assert_array_equal(read(path, *others), CHANGED)
        (note,) = settled(path, *others).notes
        assert (
            f"mask.tif: declares 0 as nodata, which is the only value beside {value} and is read as" in note
        )
    np.testing.assert_array_equal(read(path, changed=[str(value)]), CHANGED)
    with pytest.raises(InputError, match=f"hold {value} alone, so no pixel is unchanged"):
        read(path, ignored=["0"])


def test_nodata_0_beside_two_values_is_refused_unless_stated(tmp_path: Path) -> None:
    codes = CHANGED.astype(np.uint8) + 1
    codes[0] = 0
    path = tiff(tmp_path / "mask.tif", codes, nodata=0.0)
    with pytest.raises(InputError, match=r"mask\.tif: declares 0 as nodata and holds 1, 2 beside it"):
        read(path)
    expected = CHANGED.astype(np.uint8)
    expected[0] = IGNORE
    np.testing.assert_array_equal(read(path, changed=["2"]), expected)
    np.testing.assert_array_equal(read(path, unchanged=["1"]), expected)
    np.testing.assert_array_equal(read(path, changed=["2"], unchanged=["1"]), expected)


def test_nodata_that_swallows_all_change_is_refused_unless_stated(tmp_path: Path) -> None:
    path = tiff(tmp_path / "mask.tif", CHANGED.astype(np.uint8) * 255, nodata=255.0)
    words = r"declares 255 as nodata, the only value beside 0; say --changed-values 255 .*--ignore-values 255"
    with pytest.raises(InputError, match=words):
        read(path)
    np.testing.assert_array_equal(read(path, changed=["255"]), CHANGED)
    np.testing.assert_array_equal(read(path, ignored=["255"]), np.where(CHANGED, IGNORE, 0))


@pytest.mark.parametrize(
    ("names", "coding"),
    [
        ({1: "no change", 2: "changed"}, Coding((2,), (1,))),
        ({1: "Changed", 2: "Unchanged"}, Coding((1,), (2,))),
        ({1: "non-change", 2: "change"}, Coding((2,), (1,))),
        ({1: "keine Veränderung", 2: "Veränderung"}, Coding((2,), (1,))),
        ({1: "cambio", 2: "sin cambio"}, Coding((1,), (2,))),
        ({1: "no data", 2: "changed"}, None),
    ],
)
def test_what_a_file_calls_its_values_counts(tmp_path: Path, names: dict, coding: Coding | None) -> None:
    path = tiff(tmp_path / "mask.tif", CHANGED.astype(np.uint8) + 1, class_names=names)
    if coding is not None:
        assert settled(path).values.numbers == coding
        np.testing.assert_array_equal(read(path), CHANGED if coding.changed == (2,) else ~CHANGED)
    else:
        assert settled(path).values.numbers == Coding((2,), (), (1,))


def test_names_that_say_nothing_of_change_are_said(tmp_path: Path) -> None:
    names = {0: "muutunut", 1: "ei muutosta"}
    path = tiff(tmp_path / "mask.tif", CHANGED.astype(np.uint8), class_names=names)
    (note,) = settled(path).notes
    assert "calls 0 'muutunut', 1 'ei muutosta', which does not say what changed; by their numbers" in note
    np.testing.assert_array_equal(read(path), CHANGED)


def test_category_names_of_gdal_count_too(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", CHANGED.astype(np.uint8) + 1)
    Path(f"{path}.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><CategoryNames><Category></Category><Category>changed</Category>'
        "<Category>unchanged</Category></CategoryNames></PAMRasterBand></PAMDataset>"
    )
    np.testing.assert_array_equal(read(path), ~CHANGED)
    np.testing.assert_array_equal(read(path, changed=["2"]), CHANGED)


def test_names_in_attribute_tables_count_too(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", CHANGED.astype(np.uint8) + 1)
    pyogrio.raw.write(
        tmp_path / "mask.dbf",
        None,
        [np.array([1, 2]), np.array(["changed", "no change"], object)],
        ["Value", "Class"],
        geometry_type=None,
        driver="ESRI Shapefile",
    )
    (tmp_path / "mask.dbf").rename(tmp_path / "mask.png.vat.dbf")
    np.testing.assert_array_equal(read(path), ~CHANGED)
    (tmp_path / "mask.png.vat.dbf").unlink()
    Path(f"{path}.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable>'
        '<FieldDefn index="0"><Name>Value</Name><Type>0</Type></FieldDefn>'
        '<FieldDefn index="1"><Name>Class</Name><Type>2</Type></FieldDefn>'
        '<Row index="0"><F>1</F><F>intact</F></Row><Row index="1"><F>2</F><F>changed</F></Row>'
        "</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
    )
    np.testing.assert_array_equal(read(path), CHANGED)


def test_names_that_contradict_are_refused(tmp_path: Path) -> None:
    one = tiff(tmp_path / "a.tif", CHANGED.astype(np.uint8), class_names={0: "unchanged", 1: "changed"})
    other = tiff(tmp_path / "b.tif", CHANGED.astype(np.uint8), class_names={1: "unchanged", 2: "changed"})
    with pytest.raises(InputError, match=r"b\.tif: calls 1 'unchanged', which is changed in .*a\.tif"):
        read(one, other)
    with pytest.raises(
        InputError, match=r"b\.tif: calls its values so: 1 unchanged; by their numbers .*--ch"
    ):
        read(other)


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        ({"changed": ["2"]}, r"--changed-values 2: no mask holds 2; they hold 0, 1, 3"),
        ({"unchanged": ["7"]}, r"--unchanged-values 7: no mask holds 7"),
        (
            {"changed": ["3"], "unchanged": ["0"]},
            r"mask\.png: holds 1, of which --changed-values 3 --unch.* nothing",
        ),
    ],
)
def test_what_is_stated_must_fit_the_masks(tmp_path: Path, lists: dict, words: str) -> None:
    path = save(tmp_path / "mask.png", np.array([[0, 1, 3]], np.uint8))
    with pytest.raises(InputError, match=words):
        read(path, **lists)


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        ({"changed": ["1"], "ignored": ["1"]}, "--changed-values and --ignore-values: both list 1"),
        ({"changed": ["x"]}, "--changed-values: 'x' is no whole number from 0"),
        ({"changed": ["-1"]}, "'-1' is no whole number"),
        ({"unchanged": ["9-3"]}, "'9-3' is no range"),
        ({"ignored": []}, "--ignore-values: lists no value"),
    ],
)
def test_lists_of_values_are_checked(lists: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        stated_values(**({"changed": None, "unchanged": None, "ignored": None} | lists))


def test_pixels_in_neither_mask_have_no_reference(tmp_path: Path) -> None:
    changed = save(tmp_path / "changed.bmp", CHANGED.astype(np.uint8) * 255)
    certain = np.zeros_like(CHANGED)
    certain[:, 0] = True
    unchanged = save(tmp_path / "unchanged.bmp", certain.astype(np.uint8) * 255)
    found = read_mask(open_scene(changed), Coding((255,), (0,)), None, open_scene(unchanged))
    np.testing.assert_array_equal(found, np.where(CHANGED, 1, np.where(certain, 0, IGNORE)))


def test_a_value_without_a_meaning_is_refused_when_it_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", np.array([[0, 1, 7]], np.uint8))
    with pytest.raises(InputError, match=r"mask\.png: holds 7, and the masks of this set are read as 0 unch"):
        read_mask(open_scene(path), Coding((1,), (0,)))


@pytest.mark.parametrize("value", [0.3, -9999, 1.0000002])
def test_fractions_and_negative_numbers_are_refused(tmp_path: Path, value: float) -> None:
    write_geotiff(tmp_path / "mask.tif", np.array([[[0, 1, value]]], np.float32), Grid(1, 3))
    with pytest.raises(InputError, match=rf"mask\.tif: holds {value}; a mask has whole numbers"):
        read(str(tmp_path / "mask.tif"))
