"""Seconds until training can begin: a table of windows of one large pair, and a folder of many small pairs.

    windows  7,000 windows of 256 x 256 pixels of a pair with a mask of 15,000 x 32,000 pixels
    pairs    10,000 pairs of 32 x 32 pixels in a folder of three parts

Images are made up and written by this script (all but some blocks of the large ones are left out of the
file). What is timed is everything before the first epoch that looks at all pairs: finding them, what parts
share, and the data sets of all parts, two of them with dates swapped too, as training makes them. Scaling is
fitted on 8 pairs, as reading the pixels of all is no matter of opening.

    python benchmarks/pair_tables.py --folder DIR [--only pairs] [--profile]
"""

import argparse
import cProfile
import pstats
import time
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from PIL import Image
from rasterio.crs import CRS
from rasterio.windows import Window

HEIGHT, WIDTH, SIDE = 15_000, 32_000, 256
PARTS = {"train": 5_000, "val": 1_000, "test": 1_000}
SMALL, SMALL_PARTS = 32, {"train": 8_000, "val": 1_000, "test": 1_000}


def large(path: Path, bands: int, random: np.random.Generator) -> None:
    options = {"tiled": True, "blockxsize": SIDE, "blockysize": SIDE, "compress": "deflate", "zlevel": 1}
    place = {"crs": CRS.from_epsg(32633), "transform": Affine(1, 0, 500_000, 0, -1, 5_800_000)}
    size = {"height": HEIGHT, "width": WIDTH, "count": bands, "dtype": "uint8"}
    with rasterio.open(path, "w", "GTiff", sparse_ok=True, **size, **options, **place) as file:
        for number in range(400):
            row, col = (int(random.integers(end // SIDE)) * SIDE for end in (HEIGHT, WIDTH))
            values = random.integers(1, 200, (bands, SIDE, SIDE)).astype(np.uint8)
            if bands == 1:
                values = np.where(np.indices((SIDE, SIDE))[0] > number % SIDE, 255, 0)[None].astype(np.uint8)
            file.write(values, window=Window(col, row, SIDE, SIDE))


def make_windows(folder: Path) -> Path:
    random = np.random.default_rng(1)
    for name, bands in (("before", 3), ("after", 3), ("label", 1)):
        large(folder / f"{name}.tif", bands, random)
    lines = ["split,before,after,label,row,col,height,width"]
    places = [(row, col) for row in range(0, HEIGHT - SIDE, SIDE) for col in range(0, WIDTH - SIDE, SIDE)]
    chosen = iter(random.permutation(len(places)))
    for part, number in PARTS.items():
        for _ in range(number):
            row, col = places[next(chosen)]
            lines.append(f"{part},before.tif,after.tif,label.tif,{row},{col},{SIDE},{SIDE}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "table.csv"


def make_pairs(folder: Path) -> Path:
    random = np.random.default_rng(1)
    for part, number in SMALL_PARTS.items():
        for name in ("A", "B", "label"):
            (folder / part / name).mkdir(parents=True)
        for index in range(number):
            for name in ("A", "B"):
                values = random.integers(0, 256, (SMALL, SMALL, 3), np.uint8)
                Image.fromarray(values).save(folder / part / name / f"{index:05d}.png", compress_level=1)
            changed = (random.random((SMALL // 8, SMALL // 8)) < 0.1).repeat(8, 0).repeat(8, 1)
            label = Image.fromarray(changed.astype(np.uint8) * 255)
            label.save(folder / part / "label" / f"{index:05d}.png", compress_level=1)
    return folder


def open_all(data: Path) -> None:
    from terramamba.change.samples import PairDataset
    from terramamba.change.scored_pairs import ScoredPairs
    from terramamba.change.subsets import labelled_pairs
    from terramamba.data.pairs.statistics import fit_pair_scaling

    start = time.perf_counter()

    def said(what: str) -> None:
        print(f"    {what:<30} {time.perf_counter() - start:6.1f} s so far", flush=True)

    pairs = labelled_pairs(str(data), None, chosen_on_test=False)
    said("found, nothing shared")
    scaling = fit_pair_scaling(pairs["train"][:8], 3)
    PairDataset(pairs["train"], scaling, crop_size=64, augment=True, seed=0)
    said("training pairs open")
    for part in ("val", "test"):
        ScoredPairs(pairs[part], scaling)
        ScoredPairs([pair.swapped() for pair in pairs[part]], scaling)
    said("validation and test open")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--only", choices=("windows", "pairs"))
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    for name, make in (("windows", make_windows), ("pairs", make_pairs)):
        if given.only not in (None, name):
            continue
        folder = given.folder / name
        if not folder.exists():
            folder.mkdir(parents=True)
            make(folder)
        data = folder / "table.csv" if name == "windows" else folder
        print(name)
        profile = cProfile.Profile()
        if given.profile:
            profile.enable()
        open_all(data)
        profile.disable()
        if given.profile:
            pstats.Stats(profile).sort_stats("cumtime").print_stats(35)


if __name__ == "__main__":
    main()
