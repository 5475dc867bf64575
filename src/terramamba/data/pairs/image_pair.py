"""The files of one pair of dates, and the pair that they make."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from terramamba.core.number_ranges import parse_bands
from terramamba.data.file_facts import FileFacts, Key
from terramamba.data.pairs.label_values import ALL_CHANGE, Coding, ShapeValues, StatedValues
from terramamba.data.pairs.mask_facts import MaskFacts, mask_facts
from terramamba.data.pairs.shape_labels import open_shapes
from terramamba.raster.band_identity import WantedBands
from terramamba.raster.band_matching import match_bands
from terramamba.raster.checks.pair import require_pair
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.alpha import AlphaUse
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.scene_folders import IMAGE_SUFFIXES
from terramamba.raster.scene import ARRAY_SUFFIXES, Scene
from terramamba.raster.vector.vector_files import is_vector_file, stem_of_vector
from terramamba.raster.views.chosen_bands import find_bands
from terramamba.raster.views.grid_mapping import same_pixels
from terramamba.raster.views.masked import masked
from terramamba.raster.views.nodata import without_values
from terramamba.raster.views.on_grid import on_grid, without_nodata
from terramamba.raster.views.palette_colours import in_colours
from terramamba.raster.views.physical import physical
from terramamba.raster.views.warped import Method
from terramamba.raster.windows import Window

MASKS = ("mask", "masks", "mask_before", "mask_after")
"""Folders, beside one of labels, whose images mark pixels that are not to be used, whatever the date."""
WHOLE = "all"
"""Name of the subset when the files name none."""

SUBSETS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""How the subsets of a data set are called, in lower case."""


@dataclass(frozen=True)
class PairFiles:
    """One pair of images of the same ground.

    ``label`` marks changed pixels. Where there is an ``unchanged`` mask too, pixels in neither have no
    reference. ``window`` limits all of them to a rectangle of the image. ``name`` is unique within a subset.
    Non-zero pixels of any of ``masks`` are without data at both dates. With ``align``, ``after`` is warped
    onto the grid of ``before``, on which labels and window are. ``variable`` names the array or image of
    files that hold several, ``axes`` what the axes of bare arrays hold. ``wanted`` are the bands that both
    dates must have, ``chosen`` those of each that stand for them (as ``--bands`` has them), or all in their
    order where ``by_place``; ``alpha`` is what a band is that files call transparency: see ``pair_bands``.
    Values ``nodata`` are no data at either date. ``physical``: scale and offset that the dates declare are
    applied. ``exchanged``: the dates swap, the grid stays. ``stated``: what a table says of the values in the
    label, ``shapes``: what polygons in it mean; ``coding``: what its values mean, once ``settle_labels`` has
    settled it. ``what`` counts as changed in the label, by name, where pairs of several kinds come together.
    ``facts`` are what is known of the files; pairs of the same files share them.
    """

    before: str
    after: str
    label: str | None
    unchanged: str | None
    window: Window | None
    name: str
    split: str
    masks: tuple[str, ...] = ()
    align: Method | None = None
    variable: str | None = None
    axes: str | None = None
    wanted: WantedBands | None = None
    chosen: str | None = None
    by_place: bool = False
    alpha: AlphaUse | None = None
    exchanged: bool = False
    stated: StatedValues | None = None
    shapes: ShapeValues = ALL_CHANGE
    coding: Coding | None = None
    nodata: tuple[float, ...] = ()
    what: str | None = None
    physical: bool = False
    facts: FileFacts = field(default_factory=FileFacts, compare=False, repr=False)

    def swapped(self) -> "PairFiles":
        """Exchange the dates of the pair."""
        return replace(self, exchanged=not self.exchanged)

    def open(self) -> tuple[Scene, Scene]:
        """Open the two dates on one grid, the earlier first unless exchanged, without what the masks mark.

        Reads no pixels.

        Raises:
            InputError: they are no pair, or a mask does not fit.
        """
        dates = self.facts.once(("dates", *self.reading), self._dates)
        return dates[::-1] if self.exchanged else dates

    @property
    def reading(self) -> Key:
        """What decides the values of the dates, whichever is the earlier."""
        files = (self.before, self.after, self.masks, self.align, self.variable, self.axes, self.nodata)
        return (*files, self.wanted, self.chosen, self.by_place, self.alpha, self.physical)

    @property
    def grid(self) -> Grid:
        """The pixels of the images, on which labels are laid."""
        return self.open()[0].grid

    @property
    def is_drawn(self) -> bool:
        """Whether the label is a vector file."""
        label = self.label
        return label is not None and self.facts.once(("drawn", label), lambda: is_vector_file(label))

    def reference(self) -> tuple[Scene, Scene | None]:
        """Lay label and unchanged mask on the pixels of the images, to be read as ``read_mask`` does.

        Looks at no pixels. Raises ``InputError`` where there is no label, or one does not lie on the images.
        """
        assert self.label is not None
        opaque = self.coding is not None and self.coding.opaque
        label = self.facts.once(
            ("label", self.label, self._place, opaque, self.shapes), lambda: self._label(self.label, opaque)
        )
        unchanged = self.unchanged
        if unchanged is None:
            return label, None
        return label, self.facts.once(
            ("label", unchanged, self._place, None), lambda: self._laid(self.facts.scene(unchanged))
        )

    def label_facts(self) -> MaskFacts:
        """Count what the label holds on the images, which takes reading it; windows share the answer."""
        label, _ = self.reference()
        assert self.label is not None
        if self.is_drawn:
            return self.facts.once(
                ("values", self.label, self._place, self.shapes),
                lambda: replace(mask_facts(label), one_bit=True),
            )
        own = self.facts.scene(self.label)
        place = None if same_pixels(own.grid, self.grid) else self._place
        return self.facts.once(("values", self.label, place), lambda: mask_facts(label))

    @property
    def _place(self) -> Key:
        """What decides the grid of the pair."""
        return (self.before, self.variable)

    def _label(self, path: str | None, opaque: bool) -> Scene:
        assert path is not None
        if self.is_drawn:
            return open_shapes(path, self.grid, self.before, self.shapes)
        return self._laid(without_nodata(self.facts.scene(path), opaque=opaque))

    def _laid(self, mask: Scene) -> Scene:
        return on_grid(mask, replace(self.open()[0], path=self.before))

    def image(self, path: str) -> Scene:
        """Return one of the dates as its file has it, but for its alpha band; looks at no other pixels."""

        # what the axes of bare arrays are is settled by the label, which has the pixels of both dates
        bare = self.label is not None and Path(self.before).suffix.lower() in ARRAY_SUFFIXES
        label = self.facts.scene(self.label) if bare and self.label is not None else None
        shape = None if label is None else (label.height, label.width)

        def look(alpha: AlphaUse | None) -> Scene:
            how: dict[str, Any] = {
                "variable": self.variable,
                "axes": self.axes,
                "shape": shape,
                "alpha": alpha,
            }
            return self.facts.once(
                ("image", path, *how.values()), lambda: in_colours(open_scene(path, **how))
            )

        found = look(None)
        if self.alpha is None or found.alpha is None or found.alpha.use == self.alpha:
            return found
        return look(self.alpha)

    def _matched(self, scene: Scene) -> Scene:
        """Return a date with the bands that are wanted."""
        if self.wanted is None:
            return scene
        chosen = None if self.chosen is None else find_bands(scene, parse_bands(self.chosen))
        if self.by_place and scene.bands == self.wanted.count:
            chosen = tuple(range(scene.bands))
        return match_bands(scene, self.wanted, chosen)

    def _dates(self) -> tuple[Scene, Scene]:
        """The earlier and the later date."""
        stored = (
            without_values(self._matched(self.image(path)), self.nodata) for path in (self.before, self.after)
        )
        opened = (physical(date) if self.physical else date for date in stored)
        before, after = require_pair(*opened, align=self.align)
        return masked(before, self.masks), masked(after, self.masks)


def same_pairs(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[tuple[PairFiles, PairFiles]]:
    """Find the pairs of ``second`` whose images ``first`` has, too, each with the pair that has them.

    Also as links, copies or with their dates exchanged. Windows of one image must overlap to count, and
    copies must show something: empty tiles are all alike. Files are read only where both have some of the
    same size.
    """
    sizes = {_of_dates(pair, FileFacts.size) for pair in first}
    sizes &= {_of_dates(pair, FileFacts.size) for pair in second}
    alike = [
        [pair for pair in pairs if _of_dates(pair, FileFacts.size) in sizes] for pairs in (first, second)
    ]
    seen: dict[Key, list[PairFiles]] = {}
    for pair in alike[0]:
        seen.setdefault(_of_dates(pair, FileFacts.content), []).append(pair)
    places = {
        key: np.array([window_bounds(pair.window) for pair in pairs], np.float64)
        for key, pairs in seen.items()
    }
    twins = [(pair, _twin(pair, seen, places)) for pair in alike[1]]
    return [(pair, twin) for pair, twin in twins if twin is not None]


def _twin(
    pair: PairFiles, seen: Mapping[Key, Sequence[PairFiles]], places: Mapping[Key, Float[np.ndarray, "n 4"]]
) -> PairFiles | None:
    """The one of those ``seen``, which are by content, that shows the same ground as a pair."""
    key = _of_dates(pair, FileFacts.content)
    if key not in seen:
        return None
    near = [seen[key][place] for place in overlapping(places[key], pair.window)]
    own = next((other for other in near if _same_files(pair, other)), None)
    return near[0] if own is None and near and not _empty(pair) else own


def _of_dates(pair: PairFiles, key: Callable[[FileFacts, str], Key]) -> Key:
    """``key`` of both dates, the same whichever comes first."""
    return tuple(sorted((key(pair.facts, pair.before), key(pair.facts, pair.after)), key=repr))


def _same_files(first: PairFiles, second: PairFiles) -> bool:
    return _of_dates(first, FileFacts.file) == _of_dates(second, FileFacts.file)


def _empty(pair: PairFiles) -> bool:
    """Whether both dates have one value a band all over."""
    images = (scene.read(pair.window)[0] for scene in pair.open())
    return all(bool((values == values[:, :1, :1]).all()) for values in images)


def overlapping(bounds: Float[np.ndarray, "n 4"], window: Window | None) -> list[int]:
    """List which of ``bounds``, as ``window_bounds`` gives them, share ground with a window."""
    top, left, bottom, right = bounds.T
    own_top, own_left, own_bottom, own_right = window_bounds(window)
    shared = (top < own_bottom) & (own_top < bottom) & (left < own_right) & (own_left < right)
    return np.flatnonzero(shared).tolist()


def window_bounds(window: Window | None) -> tuple[float, float, float, float]:
    """Return top, left, bottom and right; None stands for all there is."""
    if window is None:
        return -inf, -inf, inf, inf
    return window.row, window.col, window.bottom, window.right


def subset_named(name: str) -> str:
    """Return what a subset called ``name`` is called here; capitals make no difference for those known."""
    return SUBSETS.get(name.strip().lower(), name)


def stem_of(path: Path) -> str:
    """Return the name without the extension of an image, or of a file of polygons.

    An umlaut may be one character or two: files that passed a Mac have two.
    """
    stem = path.stem if path.suffix.lower() in IMAGE_SUFFIXES else stem_of_vector(path.name)
    return unicodedata.normalize("NFC", stem)
