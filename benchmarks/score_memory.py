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

    from terramamba.core.run_files import WEIGHTS
    from terramamba.data.labels.class_table import ClassTable
    from terramamba.data.scaling import Scaling
    from terramamba.models.registry import create_model
    from terramamba.models.weights import save_model
    from terramamba.raster.geogrid import Grid
    from terramamba.raster.output.cog import RasterWriter
    from terramamba.raster.windows import strips
    from terramamba.runs.model_card import DataCard, JudgedCard, MadeBy, ModelCard, Threshold, write_card

    random = np.random.default_rng(1)
    grid = Grid(side, side, CRS.from_epsg(32633), Affine(1, 0, 500_000, 0, -1, 5_800_000))
    for name, bands in (("before", BANDS), ("after", BANDS), ("label", 1)):
        with RasterWriter(folder / f"{name}.tif", grid, bands=bands, dtype="uint8") as file:
            for window in strips(side, side, 256):
                values = random.integers(0, 256 if bands > 1 else 2, (bands, *window.shape), np.uint8)
                file.write(values, window)
    (folder / "table.csv").write_text("split,before,after,label\ntest,before.tif,after.tif,label.tif\n")
    torch.manual_seed(0)
    scaling = Scaling("standard", tuple(range(BANDS)), (127.0,) * BANDS, (1 / 74,) * BANDS, (0.0,) * BANDS)
    classes = ClassTable((0, 1), ("unchanged", "changed"), (None, None))
    data = DataCard(source_bands=BANDS, scaling=scaling, classes=classes, protocol="made up", split_id="none")
    run = folder / "run"
    run.mkdir()
    saved = save_model(create_model(MODEL[0], preset=MODEL[1], in_channels=BANDS), run / WEIGHTS)
    judged = JudgedCard(threshold=Threshold(0.5, "given"))
    write_card(run, ModelCard("change", saved, data, judged, MadeBy("0")))


def work(what: str, folder: Path) -> None:
    """Map or score; runs in a process of its own."""
    from terramamba import evaluate_change_detector, map_change
    from terramamba.core.memory import most_resident

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
