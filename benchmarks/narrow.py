"""What images of one row and of one column cost beside a square one of the same pixels, in one process.

    python benchmarks/narrow.py [--pixels 1000000] [--only check train ...]

Every command runs on scenes of 1 x N, N x 1 and sqrt(N) x sqrt(N) pixels that hold the same values, in one
order; each time is the processor's in the second run, its ratio that to the square. The model sees single
pixels: one that sees patches computes as many for a line as for a square, but most of what they show lies
outside.
"""

import argparse
import os
import time
from contextlib import redirect_stderr, redirect_stdout
from math import isqrt
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
from affine import Affine

from terramamba.cli import main as terramamba

BANDS, CLASSES, FIELD = 4, 5, 400
"""A field is so many pixels side by side with one class; every fifth of its pixels is labelled."""
GRID = {"crs": "EPSG:32633", "transform": Affine(10, 0, 500_000, 0, -10, 5_800_000)}
OUT = "--out"

TRAIN = (
    "classify",
    "train",
    "--split",
    "random",
    "--model",
    "one_d_cnn",
    "--patch-size",
    "1",
    "--epochs",
    "1",
    "--train-fraction",
    "0.01",
)
COMMANDS: dict[str, tuple[str, ...]] = {
    "check": ("check", "{}/scene.tif"),
    "check, labels": ("check", "{}/labels.tif"),
    "check, a pair": ("check", "{}/scene.tif", "{}/after.tif"),
    "plan of a training": (
        *TRAIN,
        "--scene",
        "{}/scene.tif",
        "--labels",
        "{}/labels.tif",
        OUT,
        "{}/none",
        "--dry-run",
    ),
    "classify map": ("classify", "map", "run", "{}/scene.tif", OUT, "{}/map.tif"),
    "classify map, polygons": (
        "classify",
        "map",
        "run",
        "{}/scene.tif",
        OUT,
        "{}/m.tif",
        "--polygons",
        "{}/m.gpkg",
    ),
    "classify map, --min-area": (
        "classify",
        "map",
        "run",
        "{}/scene.tif",
        OUT,
        "{}/l.tif",
        "--min-area",
        "1000",
    ),
    "change map": ("change", "map", "{}/scene.tif", "{}/after.tif", "--model", "cva", OUT, "{}/c.tif"),
    "change map, polygons": (
        *("change", "map", "{}/scene.tif", "{}/after.tif", "--model", "cva", OUT, "{}/d.tif"),
        *("--polygons", "{}/d.gpkg"),
    ),
    "sample": ("sample", "{}/map.tif", OUT, "{}/p.gpkg"),
}
"""Words of a command; ``{}`` is the folder of the shape. Some read what those before them wrote."""


def write(path: Path, values: np.ndarray) -> None:
    bands, rows, cols = values.shape
    size = {"height": rows, "width": cols, "count": bands, "dtype": values.dtype}
    with rasterio.open(path, "w", driver="GTiff", **size, **GRID) as file:
        file.write(values)


def make(folder: Path, rows: int, cols: int) -> None:
    """A scene, its labels, and the same place later, with some fields changed."""
    random = np.random.default_rng(0)
    pixels = rows * cols
    fields = random.integers(1, CLASSES + 1, (2, -(-pixels // FIELD))).astype(np.uint8)
    fields[1] = np.where(random.uniform(size=fields.shape[1]) < 0.1, fields[1], fields[0])
    spectra = random.integers(500, 4000, (CLASSES + 1, BANDS))
    folder.mkdir()
    for name, classes in zip(
        ("scene.tif", "after.tif"), fields.repeat(FIELD, axis=1)[:, :pixels], strict=True
    ):
        values = spectra[classes].T + random.normal(0, 40, (BANDS, pixels))
        write(folder / name, values.astype(np.uint16).reshape(BANDS, rows, cols))
    labels = fields[0].repeat(FIELD)[:pixels] * (np.arange(pixels) % 5 == 0)
    write(folder / "labels.tif", labels.astype(np.uint8).reshape(1, rows, cols))


def seconds(words: list[str]) -> float:
    """Run a command of the program, and say how long the processor took."""
    start = time.process_time()
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        status = terramamba(words)
    if status:
        terramamba(words)
        raise SystemExit(f"{' '.join(words)}: ended with {status}")
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pixels", type=int, default=1_000_000, help="a square of a whole number")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    asked = parser.parse_args()
    side = isqrt(asked.pixels)
    shapes = {"square": (side, side), "row": (1, side * side), "column": (side * side, 1)}
    with TemporaryDirectory() as place:
        os.chdir(place)
        for name, (rows, cols) in shapes.items():
            make(Path(name), rows, cols)
        seconds([*TRAIN, "--scene", "square/scene.tif", "--labels", "square/labels.tif", OUT, "run"])
        print(f"{side * side:,} pixels{'':19s} square s    row s       column s")
        for title in asked.only:
            times = {}
            for shape in shapes:
                words = [word.format(shape) for word in COMMANDS[title]]
                for _ in range(2):
                    again = ["--overwrite"] * (OUT in words and "--dry-run" not in words)
                    times[shape] = seconds([*words, *again])
            ratios = [
                f"{times[name]:6.2f} {times[name] / times['square']:4.1f} x" for name in ("row", "column")
            ]
            print(f"{title:30s} {times['square']:6.2f}    ", *ratios, flush=True)


if __name__ == "__main__":
    main()
