"""Masks that are shown the other way round than their numbers say are asked about; NaN has no reference."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning

from terramamba.core.errors import InputError
from terramamba.data.pairs.change_masks import read_mask
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import IGNORE, LabelValues, stated_values
from terramamba.data.pairs.settle_labels import Settled, settle_labels

CHANGED = np.zeros((8, 9), bool)
CHANGED[2:5, 3:7] = True
ONES = CHANGED.astype(np.uint8)
BLACK, WHITE, RED = (0, 0, 0), (255, 255, 255), (255, 0, 0)


def settled(
    *paths: Path, kept: LabelValues | None = None, changed: list[str] | None = None, name: str = "all"
) -> Settled:
    """What the values in the masks mean, as those of one data set."""
    pairs = []
    for number, path in enumerate(paths):
        before = path.with_name(f"{number}-image.bmp")
        Image.fromarray(np.zeros(CHANGED.shape, np.uint8)).save(before)
        pairs.append(PairFiles(str(before), str(before), str(path), None, None, str(number), name))
    return settle_labels({name: pairs}, stated_values(changed, None, None), kept)


def read(*paths: Path, changed: list[str] | None = None) -> np.ndarray:
    pair = settled(*paths, changed=changed).pairs["all"][0]
    assert pair.coding is not None
    return read_mask(pair.reference()[0], pair.coding)


def palette(path: Path, values: np.ndarray, *colours: tuple[int, int, int]) -> Path:
    image = Image.fromarray(values, "P")
    image.putpalette([level for colour in colours for level in colour])
    image.save(path)
    return path


def tiff(path: Path, values: np.ndarray, **options: object) -> Path:
    shape = {"height": values.shape[0], "width": values.shape[1], "count": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", dtype=values.dtype, **shape, **options) as file:
            file.write(values, 1)
    return path


FILLED = [WHITE, BLACK, *[(90, 90, 90)] * 254]
REVERSED: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "two colours": (lambda path: palette(path / "m.png", ONES, WHITE, BLACK), "1", "0"),
    "the majority is 1": (lambda path: palette(path / "m.png", 1 - ONES, WHITE, BLACK), "1", "0"),
    "many colours": (lambda path: palette(path / "m.png", ONES, *FILLED), "1", "0"),
    "all greys": (
        lambda path: palette(path / "m.bmp", ONES * 255, *[(255 - i,) * 3 for i in range(256)]),
        "255",
        "0",
    ),
    "one bit": (lambda path: tiff(path / "m.tif", ONES, nbits=1, photometric="MINISWHITE"), "1", "0"),
    "eight bits": (lambda path: tiff(path / "m.tif", ONES * 255, photometric="MINISWHITE"), "255", "0"),
    "bytes of 1": (lambda path: tiff(path / "m.tif", ONES, photometric="MINISWHITE"), "1", "0"),
}


@pytest.mark.parametrize("kind", REVERSED)
def test_change_that_is_shown_black_on_white_is_asked_about(tmp_path: Path, kind: str) -> None:
    write, black, white = REVERSED[kind]
    path = write(tmp_path)
    ask = rf"shows {white} white and {black} black, so that either .*--changed-values {black} .*{white} does"
    with pytest.raises(InputError, match=ask):
        read(path)
    stored = 1 - ONES if kind == "the majority is 1" else ONES
    np.testing.assert_array_equal(read(path, changed=[black]), stored)
    np.testing.assert_array_equal(read(path, changed=[white]), 1 - stored)


@pytest.mark.parametrize("colours", [(BLACK, WHITE), (BLACK, RED), (WHITE, RED), (BLACK, WHITE, BLACK)])
def test_other_colours_say_what_the_numbers_say(tmp_path: Path, colours: tuple) -> None:
    np.testing.assert_array_equal(read(palette(tmp_path / "m.png", ONES, *colours)), CHANGED)


def test_one_file_with_its_colours_reversed_is_enough_to_ask(tmp_path: Path) -> None:
    plain = palette(tmp_path / "a.png", ONES, BLACK, WHITE)
    quiet = palette(tmp_path / "b.png", np.ones_like(ONES), WHITE, BLACK)
    with pytest.raises(InputError, match=r"b\.png: shows 0 white and 1 black"):
        read(plain, quiet)


def test_colours_that_two_files_exchange_are_asked_about(tmp_path: Path) -> None:
    plain = palette(tmp_path / "a.png", ONES, BLACK, RED)
    other = palette(tmp_path / "b.png", 1 - ONES, RED, BLACK)
    with pytest.raises(InputError, match=r"b\.png: shows 0 in colour and 1 black, so that either may mean"):
        read(plain, other)


def test_what_was_stated_for_a_run_is_not_asked_again(tmp_path: Path) -> None:
    path = palette(tmp_path / "m.png", ONES, WHITE, BLACK)
    kept = settled(path, changed=["0"]).values
    again = settled(path, kept=kept)
    assert again.values is not None
    assert again.pairs["all"][0].coding == settled(path, changed=["0"]).pairs["all"][0].coding
    found = settled(palette(tmp_path / "plain.png", ONES, BLACK, WHITE)).values
    with pytest.raises(InputError, match="shows 0 white and 1 black"):
        settled(path, kept=found)


@pytest.mark.parametrize("nodata", [None, float("nan")])
def test_nan_has_no_reference_and_is_counted(tmp_path: Path, nodata: float | None) -> None:
    values = ONES.astype(np.float32)
    values[:, 0] = np.nan
    options = {} if nodata is None else {"nodata": nodata}
    path = tiff(tmp_path / "m.tif", values, **options)
    expected = ONES.copy()
    expected[:, 0] = IGNORE
    np.testing.assert_array_equal(read(path), expected)
    found = settled(path)
    assert found.pixels["all"].ignored == 8
    assert f"8 pixels of 1 mask are NaN, without reference; the first: {path}" in found.notes


def test_change_on_nan_is_refused_with_what_to_write(tmp_path: Path) -> None:
    path = tiff(tmp_path / "m.tif", np.where(CHANGED, 1, np.nan).astype(np.float32))
    with pytest.raises(InputError, match=r"hold 1 alone, so no pixel is unchanged \(60 are NaN, .* write 0"):
        read(path)


def test_masks_of_several_pages_are_said_to_be_read_by_their_first(tmp_path: Path) -> None:
    pages = [Image.fromarray(values * np.uint8(255)) for values in (ONES, 1 - ONES)]
    pages[0].save(tmp_path / "m.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "one.tif")
    found = settled(tmp_path / "m.tif", tmp_path / "one.tif")
    (said,) = (note for note in found.notes if "of several images" in note)
    assert said.startswith(f"1 mask of several images; the first: {tmp_path / 'm.tif'} holds 2 images")
