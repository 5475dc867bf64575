"""How the time of scans and models grows with their sizes: slopes on logarithmic axes, and a plot.

A slope of 1 is linear growth. The points of a curve take turns in one process.

    python benchmarks/growth.py --json benchmarks/results/growth.json --plot docs/images/growth.png
"""

import argparse
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch

from terramamba.bench import machine
from terramamba.bench.loops import loop_backends
from terramamba.bench.networks import Network, within
from terramamba.bench.scan import Shape, warm_up
from terramamba.bench.timing import Work, figures, take_turns
from terramamba.core.files import write_json

BASE = Shape("base", "selective_scan", "", b=1, d=256, l=2048, n=16, channels_inner=True)
AXES = {"l": (256, 8192), "d": (32, 1024), "n": (2, 64), "b": (1, 8)}
"""What grows, from and to, by doubling."""
LOOPED = (256, 4096)
NETWORKS = {
    "GLMamba nano": (Network("", "glmamba", "nano", (1, 2, 3, 64, 64)), "side", (128, 1024)),
    "SSA-Mamba paper": (Network("", "ssa_mamba", "paper", (8, 144, 7, 7)), "patches", (8, 128)),
}
"""Models, what grows (the side of the images, the number of patches), from and to."""


@dataclass(frozen=True)
class Curve:
    """One thing at growing sizes, of which ``axis`` is the one that grows."""

    panel: str
    label: str
    axis: str
    sizes: tuple[int, ...]
    work: Callable[[int], Work]


def doubled(first: int, last: int, small: bool) -> tuple[int, ...]:
    sizes = tuple(first * 2**i for i in range(round(math.log2(last / first)) + 1))
    return sizes[:2] if small else sizes


def scan_work(axis: str, mode: str, backend: str, size: int) -> Work:
    shape = replace(BASE, **{axis: size})
    inputs = {name: x.requires_grad_() for name, x in shape.inputs().items()}
    scan = shape.scan(backend)

    def forward() -> None:
        with torch.no_grad():
            scan(inputs)

    def training() -> None:
        torch.autograd.grad(scan(inputs).sum(), list(inputs.values()))

    return forward if mode == "forward" else training


def network_work(network: Network, axis: str, backend: str, size: int) -> Work:
    batch, *rest = network.shape
    shape = (size, *rest) if axis == "patches" else (batch, *rest[:-2], size, size)
    sized = replace(network, shape=shape)
    model, images = sized.model().eval(), sized.images()

    @torch.inference_mode()
    def forward() -> None:
        model(images)

    return within(backend, forward)


def curves(small: bool, backend: str) -> Iterator[Curve]:
    for mode in ("forward", "training"):
        for axis, ends in AXES.items():
            work = partial(scan_work, axis, mode, backend)
            yield Curve(f"{backend} scan, {mode}", axis, axis, doubled(*ends, small), work)
    for way in ("loop", "reference", backend):
        work = partial(scan_work, "l", "training", way)
        yield Curve("training along l", way, "l", doubled(*LOOPED, small), work)
    for name, (network, axis, ends) in NETWORKS.items():
        work = partial(network_work, network, axis, backend)
        yield Curve("models, forward", f"{name}, {axis}", axis, doubled(*ends, small), work)


def slope(sizes: Sequence[int], times: Sequence[float]) -> float:
    """Exponent p of the power law c * size^p that fits best, by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def measure(curve: Curve, seconds: float) -> dict[str, Any]:
    times = take_turns({str(size): curve.work(size) for size in curve.sizes}, seconds)
    medians = [times[str(size)].median for size in curve.sizes]
    found = slope(curve.sizes, medians)
    shown = " ".join(figures(1000 * t) for t in medians)
    print(f"{curve.panel}: {curve.label}: slope {found:.2f}, {shown} ms", flush=True)
    about = {"panel": curve.panel, "label": curve.label, "axis": curve.axis, "sizes": curve.sizes}
    last = slope(curve.sizes[-2:], medians[-2:])
    return about | {"ms": [1000 * t for t in medians], "slope": found, "last_slope": last}


def plot(found: Sequence[dict[str, Any]], path: Path) -> None:
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullFormatter

    panels = list(dict.fromkeys(curve["panel"] for curve in found))
    figure, axes = plt.subplots(1, len(panels), figsize=(3.4 * len(panels), 3.4), sharey=True)
    for panel, ax in zip(panels, axes, strict=True):
        for curve in found:
            if curve["panel"] == panel:
                ax.loglog(
                    curve["sizes"], curve["ms"], "o-", ms=3, label=f"{curve['label']}: {curve['slope']:.2f}"
                )
        ax.set_title(panel, fontsize=10)
        ax.grid(alpha=0.3)
        ax.xaxis.set_minor_formatter(NullFormatter())  # less than a decade would get crowded labels
        ax.legend(fontsize=8, title="slope", title_fontsize=8)
        ax.set_xlabel("size")
    axes[0].set_ylabel("ms")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="time for each curve")
    parser.add_argument("--threads", type=int, help="threads of PyTorch (its default: all cores)")
    parser.add_argument("--backend", default="native", help="backend beside the loop")
    parser.add_argument("--size", choices=("full", "small"), default="full", help="small: two points a curve")
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    parser.add_argument("--plot", type=Path, help="write a plot to this .png")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with loop_backends():
        warm_up()
        about = machine.describe()
        small = arguments.size == "small"
        found = [measure(curve, arguments.seconds) for curve in curves(small, arguments.backend)]
    base = {name: getattr(BASE, name) for name in "bdlng"}
    if arguments.json:
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        record = {"what": "growth", "machine": about, "base": base, "curves": found}
        write_json(arguments.json, record | {"load": {"load at the end": load}})
    if arguments.plot:
        plot(found, arguments.plot)


if __name__ == "__main__":
    main()
