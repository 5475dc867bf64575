"""Write the table of pairs that the weights `terramamba-change` learn from.

    python examples/weights/change_pairs.py FOLDER > pairs.csv

FOLDER holds the sets as more/clcd_whole (512 x 512), more/levir_views and more/dsifn_views (256 x 256) to
train on, and levir_cd, dsifn_cd and clcd to choose and to test on: each a folder of subsets with A, B and
label. Images of a test part are named for test alone. Large training images are listed by windows of
256 x 256 pixels.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

SIDE = 256
SETS = (
    ("train", "more/clcd_whole/train", "cropland", 512),
    ("train", "more/levir_views/train", "buildings", SIDE),
    ("train", "more/dsifn_views/train", "anything", SIDE),
    ("val", "clcd/val", "cropland", SIDE),
    ("val", "levir_cd/train", "buildings", SIDE),
    ("val", "levir_cd/val", "buildings", SIDE),
    ("val", "dsifn_cd/train", "anything", SIDE),
    ("val", "dsifn_cd/val", "anything", SIDE),
    ("test", "clcd/test", "cropland", SIDE),
    ("test", "more/levir_test/test", "buildings", 1024),
    ("test", "dsifn_cd/test", "anything", SIDE),
    ("unseen", "whu_cd/train", "buildings", SIDE),
    ("unseen", "whu_cd/test", "buildings", SIDE),
)
"""Subset, folder, what counts as changed in it, side of its images in pixels."""
WHOLE = ("",) * 4
HEAD = ("split", "before", "after", "label", "what", "row", "col", "height", "width")


def rows(folder: Path) -> Iterator[tuple[str | int, ...]]:
    """Yield the rows of the table, with paths relative to ``folder``."""
    for split, own, what, side in SETS:
        for before in sorted((folder / own / "A").iterdir()):
            (label,) = (folder / own / "label").glob(f"{before.stem}.*")
            files = (before, folder / own / "B" / before.name, label)
            names = [path.relative_to(folder).as_posix() for path in files]
            for window in windows(side) if split == "train" else [WHOLE]:
                yield (split, *names, what, *window)


def windows(side: int) -> list[tuple[int | str, ...]]:
    """Cut an image of so many pixels a side into windows of ``SIDE``."""
    if side == SIDE:
        return [WHOLE]
    return [(row, col, SIDE, SIDE) for row in range(0, side, SIDE) for col in range(0, side, SIDE)]


if __name__ == "__main__":
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(HEAD)
    table.writerows(rows(Path(sys.argv[1])))
