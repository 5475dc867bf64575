"""Labels from ENVI's regions of interest, saved as text.

    ; ENVI Output of ROIs (4.8) [Mon Feb 11 09:00:00 2013]
    ; Number of ROIs: 2
    ; File Dimension: 1905 x 349
    ;
    ; ROI name: healthy grass
    ; ROI rgb value: {0, 205, 0}
    ; ROI npts: 198
    ;
    ; ROI name: ...
    ;   ID    X    Y    Lat    Lon   B1 ...
        1  1311   12  ...

The dimension is columns x rows; X and Y are the column and row of a pixel, counted from 1. The pixels of the
regions follow one another in the order of the names.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from scipy.ndimage import label

from terramamba.core.documents import read_text
from terramamba.core.errors import InputError
from terramamba.data.labels.class_names import merged_in_words, one_spelling
from terramamba.data.labels.class_raster import ClassRaster, OverlapResolver
from terramamba.data.labels.palette import Colour
from terramamba.data.labels.unlabelled import CodeCounts
from terramamba.data.pixel_list import PixelList
from terramamba.raster.scene import Scene

FIRST_LINE = "; ENVI Output of ROIs"
ROI_SUFFIXES = (".txt", ".roi", ".asc")


def is_roi_file(path: str) -> bool:
    """Tell whether ``path`` is named as a region file is, and, where other files are too, begins as one."""
    suffix = Path(path).suffix.lower()
    if suffix not in ROI_SUFFIXES or not Path(path).is_file():
        return False
    if suffix == ".roi":
        return True
    with Path(path).open("rb") as file:
        return file.read(len(FIRST_LINE)) == FIRST_LINE.encode()


def roi_shape(path: str) -> tuple[int, int] | None:
    """Read rows and columns of the image that the regions were drawn on; None where the file does not say."""
    match = re.search(r"^; *File Dimension: *(\d+) *x *(\d+)", _text(path), re.MULTILINE)
    return (int(match[2]), int(match[1])) if match else None


def read_rois(path: str, scene: Scene) -> ClassRaster:
    """Read regions on ``scene``'s pixels: each name is a class, each connected piece of a class a feature.

    Pixels in regions of two names are unlabelled and counted in the notes.

    Raises:
        InputError: regions of an image of another size, or a file that does not say its pixels.
    """
    text = _text(path)
    size = roi_shape(path) or (scene.height, scene.width)
    if size != (scene.height, scene.width):
        raise InputError(
            f"{path}: regions of an image of {size[0]} x {size[1]} pixels, but {scene.path} has "
            f"{scene.height} x {scene.width}; give the regions of this scene"
        )
    regions = re.findall(r"^; *ROI (name|rgb value|npts): *(.*?) *$", text, re.MULTILINE)
    names = [value for key, value in regions if key == "name"]
    counts = [int(value) for key, value in regions if key == "npts" and value.isdecimal()]
    pixels = _pixels(path, text, size)
    if not names or len(counts) != len(names) or sum(counts) != len(pixels):
        raise InputError(
            f"{path}: names {len(names)} regions of {sum(counts)} pixels in all, but lists {len(pixels)} "
            "pixels; the file is cut short or was edited, save the regions as text again"
        )
    spelling = one_spelling(names)
    names = [spelling[name] for name in names]
    code_of = {name: code for code, name in enumerate(dict.fromkeys(names), start=1)}
    drawn = Counter({code_of[name]: 0 for name in names})
    overlaps = OverlapResolver(scene.height, scene.width)
    for name, own in zip(names, np.split(pixels, np.cumsum(counts)[:-1]), strict=True):
        overlaps.add(np.unique(own, axis=0), code_of[name], feature=1, order=0)
        drawn[code_of[name]] += len(own)
    labelled, codes, _, disputed = overlaps.resolve()
    merged = merged_in_words(spelling)
    notes: tuple[str, ...] = () if merged is None else (f"{path}: {merged}",)
    if disputed:
        notes += (f"{path}: {disputed} pixels are in regions of two classes and left unlabelled",)
    colours = [_colour(value) for key, value in regions if key == "rgb value"]
    shown: dict[int, Colour] = {}
    if len(colours) == len(names):
        shown = {code_of[name]: colour for name, colour in zip(names, colours, strict=True) if colour}
    names_of = {code: name for name, code in code_of.items()}
    found = CodeCounts(drawn, names_of)
    return ClassRaster(labelled, codes, found, names_of, shown, True, _pieces(labelled, codes), notes)


def _text(path: str) -> str:
    text = read_text(Path(path), "save fewer regions", errors="replace")
    if not text.startswith(FIRST_LINE):
        raise InputError(
            f"{path}: these regions are not text (the first line must be {FIRST_LINE!r}); in ENVI, export "
            "them as ASCII"
        )
    return text


def _pixels(path: str, text: str, size: tuple[int, int]) -> Int64[np.ndarray, "m 2"]:
    """Rows and columns, from 0, in the order of the file."""
    head = re.search(r"^; *((?:ID +)?X +Y\b.*)$", text, re.MULTILINE)
    if head is None:
        raise InputError(
            f"{path}: does not list the place of its pixels; save the regions as text with ID and X, Y"
        )
    x = head[1].split().index("X")
    rows = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith(";"):
            words = line.split()
            try:
                rows.append((int(float(words[x + 1])), int(float(words[x]))))
            except (ValueError, IndexError, OverflowError) as error:
                raise InputError(f"{path}: the line {line.strip()[:60]!r} has no pixel X, Y") from error
    pixels = np.array(rows, object).reshape(-1, 2)  # numbers of any length, as the file has them
    wrong = np.flatnonzero(((pixels < 1) | (pixels > size)).any(axis=1))
    if len(wrong):
        row, col = pixels[wrong[0]]
        raise InputError(
            f"{path}: pixel X {col}, Y {row} lies outside the {size[1]} columns and {size[0]} rows, which "
            "count from 1; give the regions of this scene"
        )
    return pixels.astype(np.int64) - 1


def _colour(text: str) -> Colour | None:
    levels = [int(level) for level in re.findall(r"\d+", text)]
    return (levels[0], levels[1], levels[2]) if len(levels) == 3 and max(levels) <= 255 else None


def _pieces(pixels: PixelList, codes: Int64[np.ndarray, " m"]) -> Int64[np.ndarray, " m"]:
    """The connected piece of one class that each pixel is in, from 1; diagonal neighbours connect."""
    ground = pixels.squeezed(1)
    pieces = np.zeros(codes.shape, np.int64)
    last = 0
    for code in np.unique(codes):
        numbered, count = label(ground.draw(codes == code), structure=np.ones((3, 3)))
        pieces[codes == code] = numbered.ravel()[ground.keys[codes == code]] + last
        last += count
    return pieces
