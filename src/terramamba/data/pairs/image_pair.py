"""The files of one pair of dates, and the pair that they make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from terramamba.data.pairs.same_file import file_key, same_content_key, size_key
from terramamba.raster.checks.pair import require_pair
from terramamba.raster.readers.mosaic import IMAGE_SUFFIXES
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked
from terramamba.raster.views.warped import Method
from terramamba.raster.windows import Window

Key = tuple[object, ...]

MASKS = ("mask", "masks", "mask_before", "mask_after")
"""Folders, beside one of labels, whose images mark pixels that are not to be used, whatever the date."""
WHOLE = "all"
"""Name of the part when the files name none."""

PARTS = {"validation": "val", "valid": "val", "training": "train", "testing": "test"}
"""Other names of the parts of a data set."""


@dataclass(frozen=True)
class PairFiles:
    """One pair of images of the same ground.

    ``label`` marks changed pixels. Where there is an ``unchanged`` mask too, pixels in neither have no
    reference. ``window`` limits all of them to a part of the image. ``name`` is unique within a part.
    Non-zero pixels of any of ``masks`` are without data at both dates. With ``align``, ``after`` is warped
    onto the grid of ``before``, on which labels and window are. ``variable`` names the array or image of
    files that hold several. ``exchanged``: the dates change places, the grid stays.
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
    exchanged: bool = False

    def swapped(self) -> "PairFiles":
        """The pair with its dates exchanged."""
        return replace(self, exchanged=not self.exchanged)

    def open(self) -> tuple[Scene, Scene]:
        """The two dates on one grid, the earlier first unless exchanged, without what the masks mark.

        Looks at no pixels. Raises ``InputError`` where they are no pair, or a mask does not fit.
        """
        opened = (open_scene(path, variable=self.variable) for path in (self.before, self.after))
        before, after = require_pair(*opened, align=self.align)
        dates = masked(before, self.masks), masked(after, self.masks)
        return dates[::-1] if self.exchanged else dates


def same_files(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[str]:
    """Images (before) that both have in common, also as links, copies or with their dates exchanged.

    Windows of one image must overlap to count, and copies must show something: empty tiles are all alike.
    Files are read only where both have some of the same size.
    """
    sizes = {_of_dates(pair, size_key) for pair in first} & {_of_dates(pair, size_key) for pair in second}
    alike = [[pair for pair in pairs if _of_dates(pair, size_key) in sizes] for pairs in (first, second)]
    seen: dict[Key, list[PairFiles]] = {}
    for pair in alike[0]:
        seen.setdefault(_of_dates(pair, same_content_key), []).append(pair)
    return [
        pair.before
        for pair in alike[1]
        if any(_same(pair, other) for other in seen.get(_of_dates(pair, same_content_key), []))
    ]


def _of_dates(pair: PairFiles, key: Callable[[str], Key]) -> Key:
    """``key`` of both dates, the same whichever comes first."""
    return tuple(sorted((key(pair.before), key(pair.after)), key=repr))


def _same(first: PairFiles, second: PairFiles) -> bool:
    """Whether two pairs with the same bytes are one and the same ground."""
    if not _overlap(first.window, second.window):
        return False
    return _of_dates(first, file_key) == _of_dates(second, file_key) or not _empty(first)


def _empty(pair: PairFiles) -> bool:
    """Whether both dates have one value a band all over."""
    images = (scene.read(pair.window)[0] for scene in pair.open())
    return all(bool((values == values[:, :1, :1]).all()) for values in images)


def _overlap(first: Window | None, second: Window | None) -> bool:
    if first is None or second is None:
        return True
    return max(first.row, second.row) < min(first.bottom, second.bottom) and max(first.col, second.col) < min(
        first.right, second.right
    )


def stem_of(path: Path) -> str:
    """The name without the extension of an image."""
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name
