"""Write the tables of pairs that the weights `terramamba-change` learn from, one after the other.

    python examples/weights/change_pairs.py first FOLDER > first.csv
    python examples/weights/change_pairs.py second FOLDER > second.csv

FOLDER holds the sets as more/clcd_whole (512 x 512), more/levir_views and more/dsifn_views (256 x 256) to
train on, and levir_cd, dsifn_cd and clcd to train on in the second step, to choose and to test on: each a
folder of subsets with A, B and label. Images of a test part are named for test alone. Large training images
are listed by windows of 256 x 256 pixels.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

SIDE = 256
CLCD = ("train", "more/clcd_whole/train", "cropland", 512, 1)
LEVIR = ("train", "more/levir_views/train", "buildings", SIDE, 1)
DSIFN = ("train", "more/dsifn_views/train", "anything", SIDE, 1)
JUDGED = (
    ("val", "clcd/val", "cropland", SIDE, 1),
    ("val", "levir_cd/val", "buildings", SIDE, 1),
    ("val", "dsifn_cd/val", "anything", SIDE, 1),
    ("test", "clcd/test", "cropland", SIDE, 1),
    ("test", "more/levir_test/test", "buildings", 1024, 1),
    ("test", "dsifn_cd/test", "anything", SIDE, 1),
    ("unseen", "whu_cd/train", "buildings", SIDE, 1),
    ("unseen", "whu_cd/test", "buildings", SIDE, 1),
)
TABLES = {
    "first": (
        CLCD,
        LEVIR,
        DSIFN,
        ("val", "levir_cd/train", "buildings", SIDE, 1),
        ("val", "dsifn_cd/train", "anything", SIDE, 1),
        *JUDGED,
    ),
    "second": (
        CLCD,
        ("train", "clcd/train", "cropland", SIDE, 2),
        LEVIR,
        ("train", "levir_cd/train", "buildings", SIDE, 9),
        DSIFN,
        ("train", "dsifn_cd/train", "anything", SIDE, 3),
        *JUDGED,
    ),
}
"""Subset, folder, what counts as changed in it, side of its images in pixels, how often each counts."""
WHOLE = ("",) * 4
HEAD = ("split", "before", "after", "label", "what", "row", "col", "height", "width", "times")


def rows(step: str, folder: Path) -> Iterator[tuple[str | int, ...]]:
    """Yield the rows of a table, with paths relative to ``folder``."""
    for split, own, what, side, times in TABLES[step]:
        for before in sorted((folder / own / "A").iterdir()):
            (label,) = (folder / own / "label").glob(f"{before.stem}.*")
            files = (before, folder / own / "B" / before.name, label)
            names = [path.relative_to(folder).as_posix() for path in files]
            for window in windows(side) if split == "train" else [WHOLE]:
                yield (split, *names, what, *window, times)


def windows(side: int) -> list[tuple[int | str, ...]]:
    """Cut an image of so many pixels a side into windows of ``SIDE``."""
    if side == SIDE:
        return [WHOLE]
    return [(row, col, SIDE, SIDE) for row in range(0, side, SIDE) for col in range(0, side, SIDE)]


if __name__ == "__main__":
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(HEAD)
    table.writerows(rows(sys.argv[1], Path(sys.argv[2])))
