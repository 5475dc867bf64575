"""Write the tables of pairs that the weights `terramamba-change` learn from, one after the other.

    python examples/weights/change_pairs.py first FOLDER > first.csv

and so on for second to ninth, and `judged` to choose thresholds and to score. FOLDER holds the sets as
more/clcd_whole (512 x 512), more/levir_views and more/dsifn_views (256 x 256) to train on, and levir_cd,
dsifn_cd and clcd to train on from the second step on, to choose and to test on: each a folder of subsets with
A, B and label. Images of a test part are named for test alone. Large training images are listed by windows of
256 x 256 pixels.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

SIDE = 256
CLCD = ("train", "more/clcd_whole/train", "cropland", 512, 1)
LEVIR = ("train", "more/levir_views/train", "buildings", SIDE, 1)
DSIFN = ("train", "more/dsifn_views/train", "anything", SIDE, 1)
OWN_CLCD = ("train", "clcd/train", "cropland", SIDE, 2)
OWN_DSIFN = ("train", "dsifn_cd/train", "anything", SIDE, 3)
LEVIR_VAL = ("val", "levir_cd/val", "buildings", SIDE, 1)
CLCD_VAL = (("val", "clcd/val", "cropland", SIDE, 1), ("val", "more/clcd_whole/val", "cropland", 512, 1))
JUDGED = (
    ("val", "clcd/val", "cropland", SIDE, 1),
    LEVIR_VAL,
    ("val", "dsifn_cd/val", "anything", SIDE, 1),
    ("test", "clcd/test", "cropland", SIDE, 1),
    ("test", "more/levir_test/test", "buildings", 1024, 1),
    ("test", "dsifn_cd/test", "anything", SIDE, 1),
    ("unseen", "whu_cd/train", "buildings", SIDE, 1),
    ("unseen", "whu_cd/test", "buildings", SIDE, 1),
)


def own_levir(times: int) -> tuple[str, str, str, int, int]:
    """Return the crops of LEVIR-CD in their own colours, to count so many times."""
    return "train", "levir_cd/train", "buildings", SIDE, times


TABLES = {
    "first": (
        CLCD,
        LEVIR,
        DSIFN,
        ("val", "levir_cd/train", "buildings", SIDE, 1),
        ("val", "dsifn_cd/train", "anything", SIDE, 1),
        *JUDGED,
    ),
    "second": (CLCD, OWN_CLCD, LEVIR, own_levir(9), DSIFN, OWN_DSIFN, *JUDGED),
    "third": (LEVIR, own_levir(5), LEVIR_VAL),
    "fourth": (CLCD, OWN_CLCD, (*LEVIR[:-1], 2), own_levir(18), DSIFN, OWN_DSIFN, *JUDGED),
    "fifth": (CLCD, OWN_CLCD, DSIFN, OWN_DSIFN, *JUDGED),
    "sixth": (LEVIR, own_levir(8), LEVIR_VAL),
    "seventh": (LEVIR, own_levir(8), LEVIR_VAL),
    "eighth": (CLCD, OWN_CLCD, *CLCD_VAL),
    "ninth": (CLCD, OWN_CLCD, *CLCD_VAL),
    "judged": (CLCD, LEVIR, DSIFN, *JUDGED, CLCD_VAL[1]),
}
"""Subset, folder, what counts as changed in it, side of its images in pixels, how often each counts."""
KEPT = {**dict.fromkeys(("third", "sixth", "seventh"), (OWN_CLCD, OWN_DSIFN)), "fifth": (LEVIR,)}
"""Of what is not learnt in a step one pair stands in its table all the same, so that its decoder is kept."""
HELD = {"sixth": "test_7_"}
"""How training images begin that validate in a step: the other crops that do are nearly all of one image."""
WHOLE = ("",) * 4
HEAD = ("split", "before", "after", "label", "what", "row", "col", "height", "width", "times")


def rows(step: str, folder: Path) -> Iterator[tuple[str | int, ...]]:
    """Yield the rows of a table, with paths relative to ``folder``."""
    kept = [(*entry[:-1], 1) for entry in KEPT.get(step, ())]
    for entry in (*TABLES[step], *kept):
        split, own, what, side, times = entry
        for before in sorted((folder / own / "A").iterdir())[: 1 if entry in kept else None]:
            (label,) = (folder / own / "label").glob(f"{before.stem}.*")
            files = (before, folder / own / "B" / before.name, label)
            names = [path.relative_to(folder).as_posix() for path in files]
            held = step in HELD and before.name.startswith(HELD[step])
            part, count = ("val", 1) if held else (split, times)
            for window in windows(side) if part == "train" else [WHOLE]:
                yield (part, *names, what, *window, count)


def windows(side: int) -> list[tuple[int | str, ...]]:
    """Cut an image of so many pixels a side into windows of ``SIDE``."""
    if side == SIDE:
        return [WHOLE]
    return [(row, col, SIDE, SIDE) for row in range(0, side, SIDE) for col in range(0, side, SIDE)]


if __name__ == "__main__":
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(HEAD)
    table.writerows(rows(sys.argv[1], Path(sys.argv[2])))
