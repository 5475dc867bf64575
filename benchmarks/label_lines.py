"""Most memory of a training epoch where few pixels of much ground are labelled.

    lines  12,000 x 700 pixels, 425 bands (14 GB of float32), every pixel of 64 rows labelled
    tiles  two tiles of 1,000 x 1,000 pixels of 1 m, 100 bands, 30 km apart: 491 megapixels around both

Scenes and labels are made up and written by this script; each run is a process of its own.

    python benchmarks/label_lines.py --folder DIR [--only lines] [--model ssa_mamba]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

CLASSES = 8
LINES, ROWS, COLUMNS, LINE_BANDS = 64, 12_000, 700, 425
SIDE, TILE_BANDS, APART = 1_000, 100, 21_213
AROUND = 8
"""Rows beside a labelled line that hold values too; all others are left out of the file."""

GRID = {"crs": CRS.from_epsg(32633), "transform": Affine(1, 0, 500_000, 0, -1, 5_800_000)}


def spectra(random: np.random.Generator, bands: int, classes: np.ndarray) -> np.ndarray:
    """Bands of the pixels of ``classes`` (h, w): a spectrum for each class, and noise."""
    means = np.random.default_rng(0).uniform(0.1, 0.8, (bands, CLASSES + 1)).astype(np.float32)
    return means[:, classes] + random.normal(0, 0.05, (bands, *classes.shape)).astype(np.float32)


def writer(path: Path, height: int, width: int, bands: int, dtype: str, **place: object):
    options = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate", "zlevel": 1}
    return rasterio.open(
        path,
        "w",
        "GTiff",
        height=height,
        width=width,
        count=bands,
        dtype=dtype,
        bigtiff="if_safer",
        sparse_ok=True,
        **options,
        **{**GRID, **place},
    )


def make_lines(folder: Path) -> tuple[Path, Path]:
    """The long scene and its labels."""
    random = np.random.default_rng(1)
    scene, labels = folder / "scene.tif", folder / "labels.tif"
    with (
        writer(scene, ROWS, COLUMNS, LINE_BANDS, "float32") as values,
        writer(labels, ROWS, COLUMNS, 1, "uint8", nodata=0) as classes,
    ):
        for row in np.linspace(AROUND, ROWS - AROUND - 1, LINES).astype(int):
            line = random.integers(1, CLASSES + 1, COLUMNS // 10).repeat(10)[None].astype(np.uint8)
            classes.write(line[None], window=Window(0, row, COLUMNS, 1))
            beside = line.repeat(2 * AROUND + 1, axis=0)
            window = Window(0, row - AROUND, COLUMNS, 2 * AROUND + 1)
            values.write(spectra(random, LINE_BANDS, beside), window=window)
    return scene, labels


def make_tiles(folder: Path) -> tuple[Path, Path]:
    """A folder of two tiles, and a folder of their labels: fields with unlabelled ground between them."""
    random = np.random.default_rng(1)
    scene, labels = folder / "images", folder / "labels"
    for made in (scene, labels):
        made.mkdir()
    for number in range(2):
        fields = random.integers(1, CLASSES + 1, (SIDE // 50, SIDE // 50)).repeat(50, 0).repeat(50, 1)
        labelled = np.where((np.indices(fields.shape) % 50 < 10).all(axis=0), fields, 0)
        place = {"transform": GRID["transform"] * Affine.translation(number * APART, number * APART)}
        name = f"tile_{number}.tif"
        with writer(scene / name, SIDE, SIDE, TILE_BANDS, "float32", **place) as values:
            values.write(spectra(random, TILE_BANDS, fields))
        with writer(labels / name, SIDE, SIDE, 1, "uint8", nodata=0, **place) as classes:
            classes.write(labelled[None].astype(np.uint8))
    return scene, labels


def train(scene: str, labels: str, out: str, model: str) -> None:
    """One epoch, and what it took; runs in a process of its own."""
    from terramamba import ClassifySettings, train_classifier
    from terramamba.core.memory import most_resident

    start = time.perf_counter()
    preset = "tiny" if model == "ssa_mamba" else None
    settings = ClassifySettings(
        scene=scene,
        labels=labels,
        out=out,
        model=model,
        preset=preset,
        epochs=1,
        device="cpu",
        overwrite=True,
    )
    found = train_classifier(settings)
    counts = {part: sum(numbers) for part, numbers in found["counts"].items()}
    print(f"{counts}, {time.perf_counter() - start:.0f} s, at most {most_resident():.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--only", choices=("lines", "tiles"))
    parser.add_argument("--model", default="ssa_mamba")
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.train:
        train(*given.train, given.model)
        return
    for name, make in (("lines", make_lines), ("tiles", make_tiles)):
        if given.only not in (None, name):
            continue
        folder = given.folder / name
        if not folder.exists():
            folder.mkdir(parents=True)
            make(folder)
        names = ("scene.tif", "labels.tif") if name == "lines" else ("images", "labels")
        scene, labels = (folder / part for part in names)
        command = [sys.executable, __file__, "--folder", folder, "--model", given.model]
        done = subprocess.run(
            [*map(str, command), "--train", str(scene), str(labels), str(folder / "run")],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        print(f"{name}: {done.stdout.strip().splitlines()[-1]}")


if __name__ == "__main__":
    main()
