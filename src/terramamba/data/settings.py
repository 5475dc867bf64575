"""What a command can be told of its data, in groups: the scene, its labels, how they are split; pairs."""

from dataclasses import dataclass
from math import isfinite
from typing import Annotated, ClassVar, Literal

from terramamba.core.errors import InputError
from terramamba.core.number_ranges import parse_bands
from terramamba.core.options import Options, at_least, options_of
from terramamba.core.typed import Bound
from terramamba.data.pairs.label_values import ShapeValues, StatedValues, shape_values, stated_values
from terramamba.data.splits.block_size import BlockSize
from terramamba.raster.readers.axes import ORDER

PIXEL_FRACTION = Bound("a share of a pixel above 0 and at most 1", lambda value: 0 < value <= 1)
FRACTION = Bound(
    "a share between 0 and 1, or a whole number from 2 on,",
    lambda value: 0 < value < 1 or (value > 1 and value == int(value)),
)
BLOCK_SIZE = Bound(
    "a length such as 500m, 1.5km or 50px (50: pixels)", lambda value: BlockSize.parse(value) is not None
)
Align = Literal["bilinear", "cubic"]
"""How a date is warped onto the grid of another."""
ScaleBy = Literal["training", "pair"]
"""Values of pairs are scaled by what training pairs hold, or each pair's by what it holds itself."""


@dataclass(frozen=True, kw_only=True)
class ImageArray(Options):
    """Which array of an image file, and which of its bands."""

    heading: ClassVar[str] = "images"

    scene_variable: str | None = None
    """Name of the array or image in files that hold several, one for all, such as scene.Data in structures of
    MATLAB (also FILE:NAME); None: the largest or only one that fits."""
    axes: Annotated[str | None, ORDER] = None
    """What the axes of a bare array hold, such as rows,cols,bands; None: as labels, the rest of the file or
    the model tell."""
    bands: str | None = None
    """Bands to use, in order, by their numbers in the file or their names, such as 1-4 or red,green,nir; for
    a trained run those that stand for its own, in its order. None: all; a run finds its own by wavelength,
    name or place."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where bands are no numbers or names, or named twice."""
        if self.bands is not None:
            parse_bands(self.bands)


@dataclass(frozen=True, kw_only=True)
class NoData(Options):
    """Which values are none."""

    heading: ClassVar[str] = "images"

    nodata: list[float] | None = None
    """Values of the images that are no data though their files do not say so, such as -9999 or 0,65535; None:
    what files declare (and, with a run, what it was trained with). NaN never is data."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where a value is no number."""
        for value in self.nodata or ():
            if not isfinite(value):
                raise InputError(f"--nodata {value}: give numbers; NaN and infinity are never data anyway")


@dataclass(frozen=True, kw_only=True)
class Masks(NoData):
    """What is not used of an image."""

    mask: list[str] | None = None
    """Clouds or other pixels to be left out: rasters (not 0), on the same grid or georeferenced on any, or
    vector files (inside their polygons), in any reference system. A raster's own no data, and what lies
    outside it, is not masked."""


@dataclass(frozen=True, kw_only=True)
class Alignment(Options):
    """What is done with a pair on two grids."""

    heading: ClassVar[str] = "images"

    align: Align | None = None
    """Warp the later date onto the grid of the earlier, interpolated so; None: other grids are refused."""


@dataclass(frozen=True, kw_only=True)
class ScoresOutput(Options):
    """Where the scores of an evaluation go, beside the terminal."""

    out: str | None = None
    """Folder to write: scores.json, confusion.csv and, for change, a map of hits, misses and false alarms of
    each pair."""
    overwrite: bool = False
    """Replace earlier scores in the folder."""


@dataclass(frozen=True, kw_only=True)
class LabelValueOptions(Options):
    """What the values in change masks mean, where the files do not say it."""

    heading: ClassVar[str] = "labels"

    changed_values: list[str] | None = None
    """Values in change masks that mean changed, such as 255 or 3,4 or 128-255; None: found from all masks."""
    unchanged_values: list[str] | None = None
    """Values in change masks that mean unchanged, such as 0,1; None: found, or all others."""
    ignore_values: list[str] | None = None
    """Values in change masks that mean no reference: neither learnt from nor scored; None: found."""
    changed_attribute: str | None = None
    """Attribute of labels drawn as polygons whose values the lists above are, or two, such as
    class_2018,class_2020, where those changed whose two differ; None: all are change."""
    area: str | None = None
    """Polygons of what was looked at, for labels drawn as polygons: outside there is no reference."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where a value is none or means two things, or an attribute has no values."""
        self.stated_values()
        self.shape_values()

    def stated_values(self) -> StatedValues | None:
        """Return what is said of the values in masks; None: nothing."""
        if self.changed_attribute is not None:
            return None
        return stated_values(self.changed_values, self.unchanged_values, self.ignore_values)

    def shape_values(self) -> ShapeValues | None:
        """Return what is said of polygons; None: nothing."""
        lists = (self.changed_values, self.unchanged_values, self.ignore_values)
        return shape_values(self.changed_attribute, *lists, self.area)


@dataclass(frozen=True, kw_only=True)
class Pairs(NoData, Alignment, ImageArray, LabelValueOptions):
    """Image pairs with change masks, by their subsets."""

    heading: ClassVar[str] = "files and results"

    data: str
    """Folder of image pairs in a known layout, or a CSV with split, before, after and label columns; a folder
    or column `mask` beside `label` marks clouds and other pixels not to be used. Or the name of a set of the
    catalogue (see `terramamba datasets`), whose files in --root are verified first."""
    root: str | None = None
    """Folder that holds the set which --data names, or that the paths in a CSV are relative to; None: the
    CSV's own."""


@dataclass(frozen=True, kw_only=True)
class VectorOptions(Options):
    """How the shapes of a vector file become labelled pixels."""

    heading: ClassVar[str] = "labels"

    class_attribute: str | None = None
    """Attribute of a vector file that says the class, in text or whole numbers; None: the only one that
    fits."""
    layer: str | None = None
    """Layer of a vector file; None: the only one with shapes."""
    labels_crs: str | None = None
    """Reference system of labels whose file states none, such as EPSG:32633 for a table of points; None: WGS
    84 for columns lon and lat, else the scene's."""
    all_touched: bool = False
    """A polygon labels every pixel that it covers any part of."""
    min_coverage: Annotated[float, PIXEL_FRACTION] = 0.5
    """Share of a pixel that a polygon must cover to label it, above 0 and at most 1."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where two coverages of a pixel are asked for."""
        if self.all_touched and self.min_coverage != VectorOptions.min_coverage:
            raise InputError("--all-touched takes any share of a pixel; leave it or --min-coverage out")

    def flags(self) -> tuple[str, ...]:
        """List the flags of what differs from the defaults."""
        options = options_of(VectorOptions)
        return tuple(option.flag for option in options if getattr(self, option.name) != option.default)


@dataclass(frozen=True, kw_only=True)
class LabelOptions(VectorOptions):
    """How labels are read from their file."""

    ignore_classes: list[int | str] | None = None
    """Codes or names of classes that are left out as unlabelled, such as 255,Background; none: nothing is
    left out, so that 0 is a class too (none,255: but 255). None: 0 is a class where another value is declared
    as no data, and what is in doubt is asked for."""
    label_variable: str | None = None
    """Name of the array in a .mat or .npz label file (also FILE:NAME); None: the only one that fits."""


@dataclass(frozen=True, kw_only=True)
class Splitting(Options):
    """Which labelled pixels train, validate and test."""

    heading: ClassVar[str] = "training, validation and test"

    split: Literal["block", "random", "polygon", "given"] = "block"
    """block: spatially separate subsets (for judging); polygon: whole polygons of a vector file train,
    validate or test; random: the papers' protocol, which leaks; given: the label files named below."""
    block_size: Annotated[str | None, BLOCK_SIZE] = None
    """With --split block: cut the scene into square blocks of this side, each of which trains, validates or
    tests as a whole; 500m or 1.5km where the scene is georeferenced, 50 or 50px in pixels. None: blocks are
    pieces of connected labels."""
    train_labels: str | None = None
    """With --split given: labels of the training pixels."""
    val_labels: str | None = None
    """With --split given: labels of the validation pixels; None: --val-fraction of the training pixels, drawn
    at random."""
    test_labels: str | None = None
    """With --split given: labels of the test pixels."""
    train_fraction: Annotated[float, FRACTION] = 0.1
    """Share of each class's labelled pixels (with --split polygon: of its polygons) for training; 2 or
    more: a number of them."""
    val_fraction: Annotated[float, FRACTION] = 0.1
    """Share of each class's labelled pixels (with --split polygon: of its polygons) for validation; 2 or
    more: a number of them."""
    min_per_class: Annotated[int, at_least(0)] = 20
    """Least training pixels of a class, but never more than half of it."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where blocks have a side, but the split deals none."""
        if self.block_size is not None and self.split not in ("block", None):  # None: of `check` alone
            raise InputError(
                f"--block-size {self.block_size}: goes with --split block, not --split {self.split}; leave "
                "one of them out"
            )
