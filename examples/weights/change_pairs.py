"""Write the table of pairs that the weights `terramamba-change` learn from.

    python examples/weights/change_pairs.py FOLDER > pairs.csv

FOLDER holds the sets as clcd_whole (512 x 512), levir_views and dsifn_views (256 x 256) to train on, levir_cd,
dsifn_cd and clcd to choose and to test on: each a folder of subsets with A, B and label. Images of a test
part are named for test alone. Large images are listed by windows of one size, so that a pixel of each set
counts alike.
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
)
"""Subset, folder, what counts as changed in it, side of its images in pixels."""
HEAD = ("split", "before", "after", "label", "what", "row", "col", "height", "width")


def rows(folder: Path) -> Iterator[tuple[str | int, ...]]:
    """Yield the rows of the table, with paths relative to ``folder``."""
    for split, own, what, side in SETS:
        for before in sorted((folder / own / "A").iterdir()):
            (label,) = (folder / own / "label").glob(f"{before.stem}.*")
            names = [path.relative_to(folder).as_posix() for path in (before, folder / own / "B" / before.name, label)]
            for row in range(0, side, SIDE) if split == "train" else [0]:
                for col in range(0, side, SIDE) if split == "train" else [0]:
                    window = (row, col, SIDE, SIDE) if split == "train" and side > SIDE else ("",) * 4
                    yield (split, *names, what, *window)


if __name__ == "__main__":
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(HEAD)
    table.writerows(rows(Path(sys.argv[1])))
