"""The files of one pair of dates, and the pair that they make."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from terramamba.raster.align import Method
from terramamba.raster.grid import Window
from terramamba.raster.masking import masked
from terramamba.raster.mosaic import IMAGE_SUFFIXES
from terramamba.raster.pair import require_pair
from terramamba.raster.scene import Scene

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
    onto the grid of ``before``, on which labels and window are. ``exchanged``: the dates change places, the
    grid stays.
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
    exchanged: bool = False

    def swapped(self) -> "PairFiles":
        """The pair with its dates exchanged."""
        return replace(self, exchanged=not self.exchanged)

    def open(self) -> tuple[Scene, Scene]:
        """The two dates on one grid, the earlier first unless exchanged, without what the masks mark.

        Looks at no pixels. Raises ``InputError`` where they are no pair, or a mask does not fit.
        """
        before, after = require_pair(self.before, self.after, align=self.align)
        dates = masked(before, self.masks), masked(after, self.masks)
        return dates[::-1] if self.exchanged else dates


def same_files(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[str]:
    """Images (before) that both have in common, also by links; windows of one image must overlap to count."""
    seen: dict[tuple[tuple[int, int], tuple[int, int]], list[PairFiles]] = {}
    for pair in first:
        seen.setdefault(_identity(pair), []).append(pair)
    return [
        pair.before
        for pair in second
        if any(_overlap(pair.window, other.window) for other in seen.get(_identity(pair), []))
    ]


def _identity(pair: PairFiles) -> tuple[tuple[int, int], tuple[int, int]]:
    before, after = Path(pair.before).stat(), Path(pair.after).stat()
    return (before.st_dev, before.st_ino), (after.st_dev, after.st_ino)


def _overlap(first: Window | None, second: Window | None) -> bool:
    if first is None or second is None:
        return True
    return max(first.row, second.row) < min(first.bottom, second.bottom) and max(first.col, second.col) < min(
        first.right, second.right
    )


def stem_of(path: Path) -> str:
    """The name without the extension of an image."""
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name
