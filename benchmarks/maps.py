"""Whole maps by the program, at growing sizes: pixels a second, and the most memory a process takes.

Scenes and pairs are made up and written by this script (15 GB in all); the models have fresh weights, which
are as fast as trained ones. Every map is a process of its own, so that its memory is seen.

    python benchmarks/maps.py --folder DIR --json benchmarks/results/maps.json --plot docs/images/maps.png
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

BANDS, CLASSES = 256, 15
SCENES = {"1": (938, 395), "4": (1875, 790), "16": (3750, 1580)}
"""Rows and columns of hyperspectral scenes: times as many pixels as the first."""
STRIP = (24, 1580)
PAIRS = {"1": 2500, "4": 5000, "16": 10_000}
"""Sides of pairs."""
LONG_SIDE, LONG_PARTS = 20_000, 10
"""A pair of which a part is mapped, for its memory."""
SMALL = 20
"""How many times shorter every side is with --small."""


@dataclass(frozen=True)
class Result:
    """One map: what, how large, how long, and what it took."""

    key: str
    model: str
    rows: int
    columns: int
    pixels: int
    seconds: float
    pixels_a_second: float
    peak_mib: float


def random_tile(side: int, bands: int, high: int) -> np.ndarray:
    """Fields with a spectrum of their own and noise, (side, bands, side), as ENVI's lines are."""
    random = np.random.default_rng(1)
    spectra = random.uniform(0.1, 0.8, (CLASSES, bands)) * high
    fields = np.kron(random.integers(CLASSES, size=(side // 16 + 1,) * 2), np.ones((16, 16), int))
    noise = random.normal(0, 0.02 * high, (side, bands, side))
    values = spectra[fields[:side, :side]].transpose(0, 2, 1) + noise
    return np.clip(values, 1, high).astype(np.uint16)


def write_scene(path: Path, height: int, width: int) -> Path:
    """An ENVI scene, band interleaved by line, 16 bit."""
    tile = random_tile(200, BANDS, 8000)
    across = np.resize(np.arange(200), width)
    with path.open("wb") as file:
        for row in range(height):
            np.roll(tile[row % 200], row, axis=1)[:, across].tofile(file)
    header = {
        "samples": width,
        "lines": height,
        "bands": BANDS,
        "header offset": 0,
        "file type": "ENVI Standard",
        "data type": 12,
        "interleave": "bil",
        "byte order": 0,
        "map info": "{UTM, 1, 1, 300000, 5800000, 5, 5, 33, North, WGS-84}",
    }
    lines = ["ENVI", *(f"{name} = {value}" for name, value in header.items())]
    path.with_suffix(".hdr").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_image(path: Path, side: int, date: int) -> Path:
    """A tiled GeoTIFF with three bands of 8 bit, other at every ``date``."""
    tile = (random_tile(512, 3, 255) & 255).astype(np.uint8).transpose(1, 0, 2)
    transform = Affine(0.5, 0, 300_000, 0, -0.5, 5_800_000)
    profile: dict[str, Any] = {"driver": "GTiff", "height": side, "width": side, "count": 3, "dtype": "uint8"}
    profile |= {"tiled": True, "blockxsize": 512, "blockysize": 512, "crs": "EPSG:32633"}
    with rasterio.open(path, "w", **profile, transform=transform) as file:
        for row in range(0, side, 512):
            for col in range(0, side, 512):
                height, width = min(512, side - row), min(512, side - col)
                block = np.roll(tile, (row // 512 * 37 + 5 * date, col // 512 * 53), axis=(1, 2))
                file.write(block[:, :height, :width], window=Window(col, row, width, height))
    return path


def write_runs(folder: Path) -> tuple[Path, Path]:
    """Runs of SSA-Mamba, paper preset, and of GLMamba base, with fresh weights."""
    import torch

    from terramamba.core.run_files import WEIGHTS
    from terramamba.data.labels.class_table import ClassTable
    from terramamba.data.scaling import Scaling
    from terramamba.models.registry import create_model
    from terramamba.models.weights import save_model
    from terramamba.runs.model_card import (
        DataCard,
        JudgedCard,
        MadeBy,
        ModelCard,
        PatchShape,
        Threshold,
        write_card,
    )

    torch.manual_seed(0)
    classifier = create_model("ssa_mamba", preset="paper", in_channels=BANDS, num_classes=CLASSES)
    detector = create_model("glmamba", preset="base", in_channels=3)
    codes = tuple(range(1, CLASSES + 1))
    cover = ClassTable(codes, tuple(f"class {code}" for code in codes), (None,) * CLASSES)
    change = ClassTable((0, 1), ("unchanged", "changed"), (None, None))
    jobs: list[tuple[Any, float, dict[str, Any]]] = [
        (
            classifier,
            8000.0,
            {
                "task": "classify",
                "data": {"classes": cover, "patches": PatchShape(7, "reflect")},
                "threshold": None,
            },
        ),
        (
            detector,
            255.0,
            {"task": "change", "data": {"classes": change}, "threshold": Threshold(0.5, "given")},
        ),
    ]
    made = []
    for (model, high, about), bands in zip(jobs, (BANDS, 3), strict=True):
        run = folder / about["task"]
        run.mkdir(exist_ok=True)
        scaling = Scaling("minmax", tuple(range(bands)), (0.0,) * bands, (1 / high,) * bands, (0.5,) * bands)
        data = DataCard(
            source_bands=bands, scaling=scaling, protocol="benchmark", split_id="none", **about["data"]
        )
        saved, judged = save_model(model, run / WEIGHTS), JudgedCard(threshold=about["threshold"])
        write_card(run, ModelCard(about["task"], saved, data, judged, MadeBy("benchmark")))
        made.append(run)
    return made[0], made[1]


PROGRAM = """
import sys
from terramamba.core.memory import most_resident
from terramamba.cli import main
status = main(sys.argv[1:])
print(most_resident())
sys.exit(status)
"""


def measured(arguments: list[str]) -> tuple[float, float]:
    """Seconds that the program takes, and the most MiB that it holds."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"terramamba {' '.join(arguments)}: status {done.returncode}")
    return time.perf_counter() - start, float(done.stdout.split()[-1])


@dataclass(frozen=True)
class Map:
    """What is to be mapped: ``options`` of the command, and of how much of the pixels."""

    key: str
    rows: int
    columns: int
    options: tuple[str, ...] = ()
    share: float = 1.0


def plan(shrink: int) -> tuple[list[Map], list[Map]]:
    """Scenes and pairs, sides ``shrink`` times shorter."""
    fast, exact = ("--mode", "fast"), ("--mode", "exact", "--precision")
    scenes = [Map(f"fast {times}x", h // shrink, w // shrink, fast) for times, (h, w) in SCENES.items()]
    strip, width = STRIP
    scenes += [Map(f"exact {p}", strip, width // shrink, (*exact, p)) for p in ("32", "bf16")]
    pairs = [Map(f"change {times}x", side // shrink, side // shrink) for times, side in PAIRS.items()]
    side = LONG_SIDE // shrink
    return scenes, [*pairs, Map("change long", side, side, ("--shard", f"1/{LONG_PARTS}"), 1 / LONG_PARTS)]


def results(folder: Path, shrink: int, only: Sequence[str]) -> Iterator[Result]:
    """Everything that is mapped whose key begins with one of ``only``; inputs are removed before the next."""
    classifier, detector = write_runs(folder)
    scenes, pairs = plan(shrink)
    for wanted in scenes + pairs:
        if not wanted.key.startswith(tuple(only)):
            continue
        if wanted in scenes:
            model, run = f"SSA-Mamba paper, {BANDS} bands", classifier
            inputs = [write_scene(folder / "scene.bil", wanted.rows, wanted.columns)]
        else:
            model, run = "GLMamba base", detector
            inputs = [write_image(folder / f"{date}.tif", wanted.rows, date) for date in range(2)]
        job = "classify" if wanted in scenes else "change"
        out = folder / f"{wanted.key.replace(' ', '-')}.tif"
        command = [job, "map", str(run), *map(str, inputs), "--out", str(out), *wanted.options]
        seconds, peak = measured(command)
        pixels = round(wanted.rows * wanted.columns * wanted.share)
        rate = pixels / seconds
        yield Result(wanted.key, model, wanted.rows, wanted.columns, pixels, seconds, rate, peak)
        for path in inputs:
            path.unlink()


def loop_rate(patches: int) -> float:
    """Pixels a second of the plain loop over time on patches, as exact mapping would run it."""
    from terramamba.bench.networks import Network, within

    network = Network("", "ssa_mamba", "paper", (patches, BANDS, 7, 7))
    model, images = network.model().eval(), network.images()
    import torch

    from terramamba.bench.loops import LOOP, loop_backends

    with loop_backends(), torch.inference_mode():
        run = within(LOOP, lambda: model(images))
        run()
        times = []
        for _ in range(5):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return len(images) / sorted(times)[2]


def plot(found: list[Result], path: Path) -> None:
    """Memory and rate over pixels, both jobs."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (memory, rate) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for job, label in (("fast", "SSA-Mamba, fast, 1 tiling"), ("change", "GLMamba base, pair")):
        points = [r for r in found if r.key.startswith(job) and not r.key.endswith("long")]
        if not points:
            continue
        pixels = [r.pixels / 1e6 for r in points]
        memory.plot(pixels, [r.peak_mib for r in points], "o-", label=label)
        rate.plot(pixels, [r.pixels_a_second for r in points], "o-", label=label)
    for axes, what in ((memory, "peak resident memory in MiB"), (rate, "pixels a second, start included")):
        axes.set(xscale="log", xlabel="megapixels of the scene", ylabel=what)
        axes.grid(visible=True, alpha=0.3)
    memory.set_ylim(bottom=0)
    if memory.lines:
        rate.set_yscale("log")
        memory.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main() -> None:
    from terramamba.bench import machine
    from terramamba.core.files import write_json

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="where to write scenes and maps")
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--plot", type=Path, help="picture to write")
    parser.add_argument("--small", action="store_true", help=f"sides {SMALL} times shorter, as a trial")
    parser.add_argument(
        "--only", nargs="+", default=[""], help="what is measured begins so: fast, exact, change"
    )
    arguments = parser.parse_args()
    folder = arguments.folder / "maps"
    folder.mkdir(parents=True)
    try:
        about = machine.describe()
        loop = loop_rate(2 if arguments.small else 64)
        print(f"plain loop: {loop:.1f} px/s", flush=True)
        found = []
        for one in results(folder, SMALL if arguments.small else 1, arguments.only):
            rate = f"{one.pixels_a_second:,.0f} pixels/s"
            print(f"{one.key}: {one.pixels:,} pixels, {rate}, {one.peak_mib:,.0f} MiB", flush=True)
            found.append(one)
    finally:
        shutil.rmtree(folder)
    load = {"load at the end": round(os.getloadavg()[0], 2)}
    record = {
        "machine": about,
        "load": load,
        "loop_pixels_a_second": loop,
        "maps": [asdict(r) for r in found],
    }
    if arguments.json:
        write_json(arguments.json, record)
    if arguments.plot:
        plot(found, arguments.plot)


if __name__ == "__main__":
    main()
