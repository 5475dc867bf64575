"""Change masks of every kind."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from terramamba.core.errors import InputError
from terramamba.data.pairs import change_masks as masks
from terramamba.data.pairs.change_masks import IGNORE, MaskRule, mask_values
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window

CHANGED = np.array([[0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0]], bool)


def save(path: Path, array: np.ndarray | Image.Image) -> str:
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(path)
    return str(path)


def find_rule(paths: list[str]) -> MaskRule:
    return masks.find_rule(paths, lambda path: mask_values(open_scene(path)))


def read_mask(
    path: str, rule: MaskRule, window: Window | None = None, unchanged: str | None = None
) -> np.ndarray:
    certain = None if unchanged is None else open_scene(unchanged)
    return masks.read_mask(open_scene(path), rule, window, certain)


def read(path: str) -> np.ndarray:
    return read_mask(path, find_rule([path]))


@pytest.mark.parametrize("value", [1, 255, 7])
@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_non_zero_is_changed(tmp_path: Path, value: int, suffix: str) -> None:
    path = save(tmp_path / f"mask.{suffix}", CHANGED.astype(np.uint8) * value)
    np.testing.assert_array_equal(read(path), CHANGED)
    np.testing.assert_array_equal(read_mask(path, MaskRule.NON_ZERO, Window(1, 1, 3, 2)), CHANGED[1:4, 1:3])


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_one_bit(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"mask.{suffix}", Image.fromarray(CHANGED.astype(np.uint8) * 255).convert("1"))
    np.testing.assert_array_equal(read(path), CHANGED)


def test_colour_images_with_equal_bands(tmp_path: Path) -> None:
    grey = CHANGED.astype(np.uint8) * 255
    for name, mode in (("rgb.png", "RGB"), ("rgb.bmp", "RGB"), ("rgba.png", "RGBA"), ("la.png", "LA")):
        path = save(tmp_path / name, Image.fromarray(grey).convert(mode))
        np.testing.assert_array_equal(read(path), CHANGED)
    path = save(tmp_path / "unequal.png", np.dstack([grey, grey, grey + 1]))
    with pytest.raises(InputError, match=r"unequal\.png: its 3 bands differ"):
        read(path)


def test_greys_are_cut_with_a_warning_of_one_line(tmp_path: Path) -> None:
    grey = np.where(CHANGED, 250, 3).astype(np.uint8)
    grey[0, 0], grey[0, 1] = 127, 128
    path = save(tmp_path / "grey.png", grey)
    with pytest.warns(UserWarning, match=r"grey\.png: a grey mask with 4 values; 128 and above") as warned:
        found = read(path)
    assert len(warned) == 1
    assert "\n" not in str(warned[0].message)
    expected = CHANGED.copy()
    expected[0, 1] = True
    np.testing.assert_array_equal(found, expected)


def test_255_is_no_reference_where_1_is_changed_anywhere_in_the_set(tmp_path: Path) -> None:
    three = CHANGED.astype(np.uint8)
    three[2] = 255
    first = save(tmp_path / "a.png", three)
    second = save(tmp_path / "b.png", np.where(CHANGED, 255, 0).astype(np.uint8))
    rule = find_rule([second, first])
    assert rule is MaskRule.IGNORE_255
    np.testing.assert_array_equal(read_mask(first, rule), three)
    np.testing.assert_array_equal(read_mask(second, rule), np.where(CHANGED, IGNORE, 0))
    assert find_rule([second]) is MaskRule.NON_ZERO


def test_several_small_codes_are_kinds_of_change(tmp_path: Path) -> None:
    path = save(tmp_path / "kinds.png", np.array([[0, 1, 2], [3, 0, 0]], np.uint8))
    np.testing.assert_array_equal(read(path), [[0, 1, 1], [1, 0, 0]])


@pytest.mark.parametrize("value", [0, 1, 255])
def test_masks_of_one_value(tmp_path: Path, value: int) -> None:
    path = save(tmp_path / "mask.png", np.full((3, 3), value, np.uint8))
    assert (read(path) == (value > 0)).all()


def test_nodata_has_no_reference(tmp_path: Path) -> None:
    floats = CHANGED.astype(np.float32)
    floats[0] = np.nan
    write_geotiff(tmp_path / "nan.tif", floats[None], Grid(4, 3))
    codes = CHANGED.astype(np.uint8)
    codes[0] = 9
    write_geotiff(tmp_path / "nine.tif", codes[None], Grid(4, 3), nodata=9.0)
    expected = CHANGED.astype(np.uint8)
    expected[0] = IGNORE
    for name in ("nan.tif", "nine.tif"):
        np.testing.assert_array_equal(read(str(tmp_path / name)), expected)


def test_pixels_in_neither_mask_have_no_reference(tmp_path: Path) -> None:
    changed = save(tmp_path / "changed.bmp", CHANGED.astype(np.uint8) * 255)
    certain = np.zeros_like(CHANGED)
    certain[:, 0] = True
    unchanged = save(tmp_path / "unchanged.bmp", certain.astype(np.uint8) * 255)
    found = read_mask(changed, MaskRule.NON_ZERO, None, unchanged)
    np.testing.assert_array_equal(found, np.where(CHANGED, 1, np.where(certain, 0, IGNORE)))


@pytest.mark.parametrize("value", [0.3, -9999.0])
def test_fractions_and_negative_numbers_are_refused(tmp_path: Path, value: float) -> None:
    write_geotiff(tmp_path / "mask.tif", np.array([[[0, 1, value]]], np.float32), Grid(1, 3))
    with pytest.raises(InputError, match=rf"mask\.tif: holds {value:g}; a mask has whole numbers"):
        read(str(tmp_path / "mask.tif"))
