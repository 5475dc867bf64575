"""What both kinds of mapping share: checks, scaled reading, stored probabilities, counting of areas."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8, UInt16

from terramamba._version import __version__
from terramamba.core.errors import InputError
from terramamba.core.progress import progress
from terramamba.inference.identity import model_sha256
from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import SQUARE_METRES_PER_HECTARE, PixelArea
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window
from terramamba.runs.folder import Run, load_run

PROBABILITY_STEPS = 254
NO_PROBABILITY = 255
PROBABILITY_SCALE = 1 / PROBABILITY_STEPS
"""Probabilities are stored as round(254 p) in uint8, with this scale in the file; 255 is "no data"."""

WAVELENGTH_TOLERANCE_NM = 5.0
"""Bands of one sensor drift by a nanometre or two; bands of another are further off than this."""

PRECISIONS = ("32", "bf16")

Place = str | os.PathLike[str]


@dataclass(frozen=True)
class ClassArea:
    """How much of a map is one class; ``hectares`` on the ground, None without a reference system."""

    value: int
    name: str
    pixels: int
    hectares: float | None


class AreaCount:
    """Sums pixels and true areas of the values of a map, window by window."""

    def __init__(self, grid: Grid, names: Mapping[int, str]) -> None:
        self._names = names
        self._measure = PixelArea.of(grid)
        self._pixels = np.zeros(max(names) + 1, np.int64)
        self._square_metres = np.zeros(max(names) + 1)

    def add(self, values: UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"], window: Window) -> None:
        """Count ``values``, which lie in ``window``; those without a name are left out."""
        named = values < len(self._pixels)
        if not named.any():
            return
        counted = values[named]
        self._pixels += np.bincount(counted, minlength=len(self._pixels))
        if self._measure is not None:
            areas = self._measure.square_metres(window)[named]
            self._square_metres += np.bincount(counted, areas, minlength=len(self._pixels))

    def classes(self) -> tuple[ClassArea, ...]:
        """The sums, one entry for each named value."""
        return tuple(
            ClassArea(
                value,
                name,
                int(self._pixels[value]),
                None
                if self._measure is None
                else float(self._square_metres[value] / SQUARE_METRES_PER_HECTARE),
            )
            for value, name in self._names.items()
        )


def open_run(run: str | Path | Run, task: str) -> Run:
    """The run, loaded where a folder is given; raises ``InputError`` where it is for another task."""
    loaded = run if isinstance(run, Run) else load_run(run)
    if loaded.task != task:
        raise InputError(
            f"{loaded.folder}: this run is for {loaded.task}; use `terramamba {loaded.task} map`"
        )
    return loaded


def chosen_temperature(run: Run, calibrated: bool) -> float:
    """By which the run's logits are divided: 1, or where ``calibrated`` what was fitted on validation."""
    if not calibrated:
        return 1.0
    if run.temperature is None:
        raise InputError(
            f"{run.folder}: --calibrated needs a temperature, and this run has none in model.json;"
            " train it anew, or map without"
        )
    return run.temperature


def check_options(batch_size: int, precision: str) -> None:
    """Raise ``InputError`` where an option has a value that it cannot have."""
    if batch_size < 1:
        raise InputError(f"--batch-size {batch_size}: at least 1 is needed")
    if precision not in PRECISIONS:
        raise InputError(f"--precision {precision}: choose one of {', '.join(PRECISIONS)}")


def check_bands(run: Run, scene: Scene) -> None:
    """Raise ``InputError`` where the bands of ``scene`` are not those the run was trained on."""
    trained_on = run.card.get("source_bands")
    if scene.bands != trained_on:
        raise InputError(
            f"{scene.path}: has {scene.bands} bands, but the model in {run.folder} was trained on"
            f" {trained_on}; give a scene with the same bands in the same order"
        )
    wavelengths = run.card.get("wavelengths")
    if not wavelengths or not scene.wavelengths:
        return
    for band in run.scaling.bands:
        if abs(wavelengths[band] - scene.wavelengths[band]) > WAVELENGTH_TOLERANCE_NM:
            raise InputError(
                f"{scene.path}: band {band + 1} is at {scene.wavelengths[band]:g} nm, but the model in"
                f" {run.folder} was trained on {wavelengths[band]:g} nm; give a scene of the same sensor"
            )


def stored_probability(
    probability: Float[np.ndarray, "*shape"], usable: Bool[np.ndarray, "*shape"]
) -> UInt8[np.ndarray, "*shape"]:
    """Probabilities as they are stored, see ``PROBABILITY_SCALE``."""
    steps = np.rint(np.where(usable, probability, 0) * PROBABILITY_STEPS).astype(np.uint8)
    return np.where(usable, steps, np.uint8(NO_PROBABILITY))


def run_tags(run: Run, **more: str) -> dict[str, str]:
    """Texts that a written raster carries about what made it, ``more`` of them in capitals."""
    return {
        "TIFFTAG_SOFTWARE": f"terramamba {__version__}",
        "MODEL": str(run.card["model"]["name"]),
        "MODEL_SHA256": model_sha256(run),
        **{name.upper(): text for name, text in more.items()},
    }


def file_tags(tags: Mapping[str, str], what: str) -> dict[str, str]:
    """``tags`` with ``what`` the file is and the time at which it is written."""
    now = datetime.now(UTC)
    return {
        **tags,
        "TIFFTAG_IMAGEDESCRIPTION": what,
        "TIFFTAG_DATETIME": now.strftime("%Y:%m:%d %H:%M:%S"),
        "WRITTEN": now.isoformat(timespec="seconds"),
    }


@contextmanager
def inferring(device: torch.device, precision: str) -> Iterator[None]:
    """Neither gradients nor their bookkeeping; matrix products in bfloat16 where ``precision`` is bf16."""
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"),
    ):
        yield


@contextmanager
def pixel_progress(description: str, pixels: int, done: int = 0) -> Iterator[Callable[[float], None]]:
    """Yield a function that reports so many pixels more; shown in megapixels where there are many.

    ``done`` of all ``pixels`` came earlier.
    """
    unit, size = ("Mpx", 1e6) if pixels >= 1e6 else ("px", 1.0)
    # A hair less than all, because parts of a million do not add up exactly.
    with progress(description, pixels / size * (1 - 1e-9), unit, done / size) as advance:
        yield lambda amount: advance(amount / size)
