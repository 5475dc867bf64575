"""Most memory of mapping a large pair and of scoring it, each in a process of its own.

The pair (4096 x 4096 pixels, 3 bands of bytes) and its mask are made up and written here; the model is
GLMamba nano with fresh weights, which take as much memory as trained ones. Scoring reads the pair twice, the
second time with its dates swapped.

    python benchmarks/score_memory.py --folder DIR [--side 4096]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.crs import CRS

MODEL, BANDS = ("glmamba", "nano"), 3


def make(folder: Path, side: int) -> None:
    """The files of the pair, a table that names them, and a run."""
    import torch

    from terramamba.models.registry import create_model, save_model
    from terramamba.raster.geogrid import Grid
    from terramamba.raster.output.cog import RasterWriter
    from terramamba.raster.windows import strips

    random = np.random.default_rng(1)
    grid = Grid(side, side, CRS.from_epsg(32633), Affine(1, 0, 500_000, 0, -1, 5_800_000))
    for name, bands in (("before", BANDS), ("after", BANDS), ("label", 1)):
        with RasterWriter(folder / f"{name}.tif", grid, bands=bands, dtype="uint8") as file:
            for window in strips(side, side, 256):
                values = random.integers(0, 256 if bands > 1 else 2, (bands, *window.shape), np.uint8)
                file.write(values, window)
    (folder / "table.csv").write_text("split,before,after,label\ntest,before.tif,after.tif,label.tif\n")
    torch.manual_seed(0)
    card = {
        "task": "change",
        "source_bands": BANDS,
        "wavelengths": None,
        "scaling": {
            "kind": "standard",
            "bands": list(range(BANDS)),
            "offset": [127.0] * BANDS,
            "factor": [1 / 74] * BANDS,
            "fill": [0.0] * BANDS,
        },
        "threshold": 0.5,
        "classes": [{"code": 0, "name": "unchanged"}, {"code": 1, "name": "changed"}],
    }
    save_model(create_model(MODEL[0], preset=MODEL[1], in_channels=BANDS), folder / "run", card)


def work(what: str, folder: Path) -> None:
    """Map or score; runs in a process of its own."""
    from terramamba.change.evaluate import evaluate_change_detector

    from terramamba.api import map_change
    from terramamba.bench.memory import most_resident

    start = time.perf_counter()
    if what == "map":
        dates = folder / "before.tif", folder / "after.tif"
        map_change(folder / "run", *dates, folder / "map.tif", device="cpu", overwrite=True)
    else:
        evaluate_change_detector(folder / "run", data=str(folder / "table.csv"), device="cpu")
    print(f"{time.perf_counter() - start:.0f} {most_resident():.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--work", choices=("map", "evaluate"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.folder)
        return
    if not (given.folder / "run").exists():
        given.folder.mkdir(parents=True, exist_ok=True)
        make(given.folder, given.side)
    peaks = {}
    for what in ("map", "evaluate"):
        command = [sys.executable, __file__, "--folder", str(given.folder), "--work", what]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        seconds, peaks[what] = done.stdout.split()[-2:]
        print(f"{what}: {seconds} s, at most {peaks[what]} MiB", flush=True)
    print(f"scoring takes {float(peaks['evaluate']) / float(peaks['map']):.2f} times the memory of mapping")


if __name__ == "__main__":
    main()
