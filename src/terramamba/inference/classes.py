"""A land-cover map of a scene of any size: each pixel by its own patch, or all from the tokens of tiles.

The scene is cut into windows that are mapped one by one (``class_units``), by one process or many, and put
together: memory does not grow with the scene, and a run that was ended is gone on with (``jobs``).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from terramamba.errors import InputError
from terramamba.inference.class_units import NODATA, ClassWork, code_type
from terramamba.inference.common import (
    NO_PROBABILITY,
    PROBABILITY_SCALE,
    AreaCount,
    ClassArea,
    Place,
    check_bands,
    check_options,
    file_tags,
    open_run,
    run_tags,
)
from terramamba.inference.fast import check_tilings, choose_tilings
from terramamba.inference.identity import model_fact, option_fact, scene_fact, version_fact
from terramamba.inference.jobs import Outcome, carry_out
from terramamba.inference.parts import Parts
from terramamba.inference.plan import class_windows
from terramamba.inference.records import grid_of, grid_record
from terramamba.inference.spread import Spread
from terramamba.raster.grid import Window
from terramamba.raster.scene import Grid, Scene, open_scene
from terramamba.raster.write import RasterWriter, check_raster_name
from terramamba.runs import Run

KIND = "classify"


@dataclass(frozen=True)
class ClassSummary:
    """What was mapped. ``not_finite_pixels`` have data that is NaN or infinite; they count as nodata too."""

    out: Path
    probabilities: Path | None
    pixels: int
    nodata_pixels: int
    not_finite_pixels: int
    classes: tuple[ClassArea, ...]
    seconds: float
    tilings: int
    """0: each pixel was classified by its own patch."""
    agreement: float | None
    """Share of the run's validation pixels that so many tilings classify as exact mapping does."""
    missing_parts: int | None = None
    """After one shard of the work: how many parts are yet to be mapped; nothing has been written then."""


def map_classes(
    run: str | Path | Run,
    scene: Place | Scene,
    out: str | Path,
    *,
    probabilities: str | Path | None = None,
    mode: str = "exact",
    tilings: int = 1,
    tolerance: float = 0.3,
    batch_size: int = 256,
    device: str = "auto",
    precision: str = "32",
    overwrite: bool = False,
    strip_rows: int | None = None,
    workers: int = 1,
    dask: str | None = None,
    shard: str | None = None,
) -> ClassSummary:
    """Map the classes of every pixel of ``scene``.

    A run that was ended goes on when it is called again with the same arguments.

    Args:
        run: Run folder (model.safetensors and model.json suffice) or loaded run.
        scene: Path of a scene with the bands of the model, or an open scene.
        out: GeoTIFF to write: 0 no data, else the code that the training labels have for the class.
        probabilities: GeoTIFF to write with one band for each class: round(254 p), 255 no data.
        mode: "exact": each pixel is classified by its own patch. "fast": by the tokens around it of tiles
            that do not overlap, tens of times faster (see ``inference.fast``). "auto": as fast as
            ``tolerance`` allows.
        tilings: With "fast", shifted tilings whose tokens are averaged: 1, 2, 4 or 9.
        tolerance: With "auto", percentage points of overall accuracy on the run's validation pixels that may
            be lost against exact.
        batch_size: Patches that go through the model together; changes speed and memory alone.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        precision: "32", or "bf16" for matrix products in bfloat16.
        overwrite: Replace existing outputs, and the parts of a run with other arguments.
        strip_rows: Rows mapped together; None: as many as fit. Changes speed and memory alone.
        workers: Processes that share the work.
        dask: Address of the scheduler of a Dask cluster that does the work.
        shard: "i/n": do every n-th part from the i-th on, and write nothing yet: ``join_map`` does.

    Raises:
        InputError: the run or scene cannot be read, they do not fit each other, an output exists, or parts
            of a run with other arguments are there.
    """
    start = time.monotonic()
    check_options(batch_size, precision)
    spread = Spread(workers, dask, shard)
    spread.check()
    if strip_rows is not None and strip_rows < 1:
        raise InputError(f"--strip-rows {strip_rows}: at least 1 is needed")
    targets = [Path(path) for path in (out, probabilities) if path is not None]
    for target in targets:
        check_raster_name(target)
    loaded = open_run(run, "classify")
    image = scene if isinstance(scene, Scene) else open_scene(scene)
    check_bands(loaded, image)
    tilings = choose_tilings(mode, tilings, tolerance, loaded.card.get("fast"))
    if tilings:
        check_tilings(loaded.model, tilings)

    bands = len(loaded.scaling.bands)
    windows = class_windows(image.height, image.width, bands, exact=not tilings, rows=strip_rows)
    facts = {
        "model": model_fact(loaded),
        "scene": scene_fact(image),
        "mode": option_fact("--mode", f"fast --tilings {tilings}" if tilings else "exact"),
        "probabilities": option_fact("--probabilities", probabilities),
        "batch size": option_fact("--batch-size", batch_size),
        "precision": option_fact("--precision", precision),
        "windows": option_fact("windows of", f"{windows[0].height} x {windows[0].width} pixels"),
        "versions": version_fact(),
    }
    recipe = ClassRecipe(
        tuple(map(str, targets)),
        image.grid,
        tuple(windows),
        tuple(loaded.classes),
        run_tags(
            loaded, mode=facts["mode"][0].removeprefix("--mode "), precision=precision, source=image.path
        ),
        tilings,
        _agreement(loaded, tilings),
    )
    work = ClassWork(
        loaded if isinstance(run, Run) or (workers == 1 and dask is None) else str(run),
        image,
        tuple(windows),
        batch_size,
        precision,
        tilings,
        probabilities is not None,
    )
    outcome = carry_out(recipe, work, facts, spread, device=device, overwrite=overwrite, inputs=[image.path])
    return recipe.summary(outcome, time.monotonic() - start)


@dataclass(frozen=True, eq=False)
class ClassRecipe:
    """How the parts of ``windows`` become a map and, where there is a second path, probabilities."""

    paths: tuple[str, ...]
    grid: Grid
    windows: tuple[Window, ...]
    classes: tuple[Mapping[str, Any], ...]
    tags: Mapping[str, str]
    tilings: int
    agreement: float | None

    @property
    def targets(self) -> Sequence[Path]:
        """Files to write."""
        return [Path(path) for path in self.paths]

    @property
    def sizes(self) -> Sequence[int]:
        """Pixels of each window."""
        return [window.pixels for window in self.windows]

    @property
    def names(self) -> dict[int, str]:
        """Of every value of the map."""
        return {NODATA: "no data"} | {int(entry["code"]): str(entry["name"]) for entry in self.classes}

    def draft(self, parts: Parts, drafts: Sequence[Path], advance: Callable[[float], None]) -> dict[str, Any]:
        """Write the files, window by window."""
        count, not_finite = AreaCount(self.grid, self.names), 0
        with ExitStack() as open_files:
            writers = [open_files.enter_context(writer) for writer in self._writers(drafts)]
            for unit, window in enumerate(self.windows):
                found = parts.read(unit)
                for writer, values in zip(
                    writers, (found["classes"][None], found.get("probability")), strict=False
                ):
                    assert values is not None
                    writer.write(values, window)
                count.add(found["classes"], window)
                not_finite += int(found["not_finite"])
                advance(window.pixels)
        return {"classes": [asdict(entry) for entry in count.classes()], "not_finite": not_finite}

    def summary(self, outcome: Outcome, seconds: float) -> ClassSummary:
        """What a run came to, for people and programs."""
        found = outcome.found
        areas = [ClassArea(**entry) for entry in found["classes"]] if found else []
        return ClassSummary(
            self.targets[0],
            self.targets[1] if len(self.paths) > 1 else None,
            self.grid.window.pixels,
            areas[0].pixels if areas else 0,
            found["not_finite"] if found else 0,
            tuple(areas[1:]),
            seconds,
            self.tilings,
            self.agreement,
            None if found else outcome.missing,
        )

    def record(self) -> dict[str, Any]:
        """The recipe as JSON can hold it."""
        windows = [astuple(window) for window in self.windows]
        return {"kind": KIND, "recipe": {**vars(self), "grid": grid_record(self.grid), "windows": windows}}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "ClassRecipe":
        """The recipe that ``record`` wrote down."""
        return cls(
            **{
                **record,
                "paths": tuple(record["paths"]),
                "grid": grid_of(record["grid"]),
                "windows": tuple(Window(*window) for window in record["windows"]),
                "classes": tuple(record["classes"]),
            }
        )

    def _writers(self, drafts: Sequence[Path]) -> list[RasterWriter]:
        names = self.names
        writers = [
            RasterWriter(
                drafts[0],
                self.grid,
                bands=1,
                dtype=code_type(names).name,
                nodata=NODATA,
                colours={
                    int(entry["code"]): (int(red), int(green), int(blue))
                    for entry in self.classes
                    if entry.get("colour")
                    for red, green, blue in [entry["colour"]]
                },
                class_names=names,
                band_names=["class"],
                tags=file_tags(self.tags, "land-cover classes"),
            )
        ]
        if len(drafts) > 1:
            writers.append(
                RasterWriter(
                    drafts[1],
                    self.grid,
                    bands=len(self.classes),
                    dtype="uint8",
                    nodata=NO_PROBABILITY,
                    band_names=[str(entry["name"]) for entry in self.classes],
                    scale=PROBABILITY_SCALE,
                    tags=file_tags(self.tags, "probability of each class: stored value / 254; 255: no data"),
                )
            )
        return writers


def _agreement(run: Run, tilings: int) -> float | None:
    record = run.card.get("fast")
    return record["tilings"][str(tilings)]["agreement"] if tilings and record else None
