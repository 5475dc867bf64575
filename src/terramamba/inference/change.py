"""A change map of a pair of any size: overlapping tiles, blended into one image, then polygons.

Both dates are read by tiles and scaled by the one rule in the run. Rows are written as soon as no later tile
touches them, so that memory grows with the width of the pair and not with its height.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.devices import resolve_device
from terramamba.errors import InputError
from terramamba.inference.blend import Part, blend
from terramamba.inference.common import (
    NO_PROBABILITY,
    PROBABILITY_SCALE,
    AreaCount,
    ClassArea,
    Place,
    check_bands,
    check_options,
    file_tags,
    inferring,
    open_run,
    pixel_progress,
    stored_probability,
)
from terramamba.raster.grid import Window, tiles
from terramamba.raster.pair import require_pair
from terramamba.raster.polygons import check_polygon_name, trace_changes, write_polygons
from terramamba.raster.scaled import read_scaled
from terramamba.raster.scene import Grid, Scene
from terramamba.raster.staging import check_outputs, staged
from terramamba.raster.write import RasterWriter, check_raster_name
from terramamba.runs import Run

NODATA = 255
NAMES = {0: "unchanged", 1: "changed"}
COLOURS = {0: (225, 225, 225), 1: (215, 25, 28)}

WHOLE_IMAGE_VALUES = 200_000_000
"""A detector that must see the whole image at once gets at most this many values (800 MB) of both dates."""


@dataclass(frozen=True)
class ChangeSummary:
    """What was mapped. ``not_finite_pixels`` have NaN or infinity in either date; they count as nodata too.

    ``areas`` is the number of polygons, None where none were asked for.
    """

    out: Path
    probabilities: Path | None
    polygons: tuple[Path, ...]
    pixels: int
    nodata_pixels: int
    not_finite_pixels: int
    classes: tuple[ClassArea, ...]
    threshold: float
    areas: int | None
    seconds: float


def map_change(
    run: str | Path | Run,
    before: Place | Scene,
    after: Place | Scene,
    out: str | Path,
    *,
    probabilities: str | Path | None = None,
    polygons: str | Path | Sequence[str | Path] | None = None,
    threshold: int | float | None = None,
    min_area: int | float = 0.0,
    tile_size: int = 512,
    overlap: int = 128,
    batch_size: int = 1,
    device: str = "auto",
    precision: str = "32",
    overwrite: bool = False,
) -> ChangeSummary:
    """Map what changed between two dates.

    Args:
        run: Run folder (model.safetensors and model.json suffice) or loaded run.
        before: Path of the earlier image, or an open scene.
        after: Path of the later image on the same grid, or an open scene.
        out: GeoTIFF to write: 0 unchanged, 1 changed, 255 no data.
        probabilities: GeoTIFF to write: round(254 p), 255 no data.
        polygons: GeoPackage (.gpkg) or GeoJSON (.geojson) to write, or several files.
        threshold: Least probability that counts as changed; None: the run's own, chosen on validation.
        min_area: Smaller areas get no polygon; in m2, or in pixels where the image has no reference system.
        tile_size: Side of the tiles in pixels.
        overlap: Pixels that neighbouring tiles share at least.
        batch_size: Tiles that go through the model together.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        precision: "32", or "bf16" for matrix products in bfloat16.
        overwrite: Replace existing outputs.

    Raises:
        InputError: run or images cannot be read, they do not fit each other, or an output exists.
    """
    start = time.monotonic()
    polygon_files = [Path(path) for path in _as_list(polygons)]
    targets = [Path(path) for path in (out, probabilities) if path is not None]
    for target in targets:
        check_raster_name(target)
    for target in polygon_files:
        check_polygon_name(target)
    _check(batch_size, precision, tile_size, overlap, threshold)
    loaded = open_run(run, "change")
    cut = loaded.threshold if threshold is None else float(threshold)
    first, second = require_pair(before, after)
    check_bands(loaded, first)
    check_bands(loaded, second)
    grid = _shared_grid(first, second)
    check_outputs([*targets, *polygon_files], overwrite=overwrite, inputs=[first.path, second.path])

    detector = _Detector(loaded, first, second, resolve_device(device), precision)
    if getattr(loaded.model, "whole_image", False):
        _check_whole_image(loaded, first)
        tile_size, overlap = max(grid.window.shape), 0
    plan = tiles(grid.height, grid.width, tile_size, overlap)
    count, not_finite, areas = AreaCount(grid, NAMES), 0, None
    with staged(*targets, *polygon_files, overwrite=overwrite) as parts:
        # Polygons need the probabilities; where nobody else does, they go with the map's hidden folder.
        probability_part = parts[0].with_name("probability.tif") if probabilities is None else parts[1]
        with ExitStack() as open_files:
            map_file = open_files.enter_context(_map_writer(parts[0], loaded, grid))
            probability_files = []
            if probabilities is not None or polygon_files:
                writer = _probability_writer(probability_part, loaded, grid)
                probability_files.append(open_files.enter_context(writer))
            advance = open_files.enter_context(pixel_progress("map", grid.window.pixels))
            found = detector.tiles(plan, batch_size, advance)
            for rows in blend(found, grid.height, grid.width, overlap):
                changed = np.where(rows.usable, rows.probability >= cut, NODATA).astype(np.uint8)
                map_file.write(changed[None], rows.window)
                for file in probability_files:
                    file.write(stored_probability(rows.probability, rows.usable)[None], rows.window)
                count.add(changed, rows.window)
                not_finite += int(np.count_nonzero(rows.not_finite))
        if polygon_files:
            traced = trace_changes(parts[0], probability_part, min_area=min_area)
            areas = len(traced)
            for part in parts[len(targets) :]:
                write_polygons(traced, part)
    classes = count.classes()
    pixels = grid.window.pixels
    return ChangeSummary(
        Path(out),
        None if probabilities is None else Path(probabilities),
        tuple(polygon_files),
        pixels,
        pixels - sum(entry.pixels for entry in classes),
        not_finite,
        classes,
        cut,
        areas,
        time.monotonic() - start,
    )


class _Detector:
    """Runs one model over tiles of one pair."""

    def __init__(self, run: Run, before: Scene, after: Scene, device: torch.device, precision: str) -> None:
        self._dates = (before, after)
        self._scaling = run.scaling
        self._model: nn.Module = run.model.to(device).eval()
        self._device, self._precision = device, precision

    def tiles(
        self, plan: Sequence[Window], batch_size: int, advance: Callable[[float], None]
    ) -> Iterator[Part]:
        """The result of each window of ``plan``, in its order; ``advance`` hears of its share of pixels."""
        share = self._dates[0].grid.window.pixels / len(plan)
        for begin in range(0, len(plan), batch_size):
            windows = plan[begin : begin + batch_size]
            yield from self._detect(windows)
            advance(share * len(windows))

    def _detect(self, windows: Sequence[Window]) -> Iterator[Part]:
        read = [[read_scaled(scene, self._scaling, window) for scene in self._dates] for window in windows]
        usable = [before[1] & after[1] for before, after in read]
        worth_it = [i for i in range(len(windows)) if usable[i].any()]
        probability = {i: np.zeros(windows[i].shape, np.float32) for i in range(len(windows))}
        if worth_it:
            images = torch.from_numpy(np.stack([[date[0] for date in read[i]] for i in worth_it]))
            with inferring(self._device, self._precision):
                found = change_probability(self._model(images.to(self._device))).cpu().numpy()
            probability.update(zip(worth_it, found, strict=True))
        for i, (before, after) in enumerate(read):
            yield Part(windows[i], probability[i], usable[i], before[2] | after[2])


def change_probability(logits: Float[Tensor, "b k h w"]) -> Float[Tensor, "b h w"]:
    """Probability of change: of the only channel, or that it is not channel 0, "unchanged"."""
    if logits.shape[1] == 1:
        return torch.sigmoid(logits[:, 0].float())
    return 1 - torch.softmax(logits.float(), dim=1)[:, 0]


def _shared_grid(first: Scene, second: Scene) -> Grid:
    """The pair's place on the ground, which may be known from one date alone."""
    known = first if first.transform is not None else second
    ties = first.grid.ties or second.grid.ties if known.transform is None else None
    return Grid(first.height, first.width, first.crs or second.crs, known.transform, ties)


def _map_writer(path: Path, run: Run, grid: Grid) -> RasterWriter:
    return RasterWriter(
        path,
        grid,
        bands=1,
        dtype="uint8",
        nodata=NODATA,
        colours=COLOURS,
        class_names=NAMES,
        band_names=["change"],
        tags=file_tags(run, "change between two dates"),
    )


def _probability_writer(path: Path, run: Run, grid: Grid) -> RasterWriter:
    return RasterWriter(
        path,
        grid,
        bands=1,
        dtype="uint8",
        nodata=NO_PROBABILITY,
        band_names=["probability of change"],
        scale=PROBABILITY_SCALE,
        tags=file_tags(run, "probability of change: stored value / 254; 255: no data"),
    )


def _as_list(polygons: str | Path | Sequence[str | Path] | None) -> Sequence[str | Path]:
    if polygons is None:
        return ()
    return (polygons,) if isinstance(polygons, str | Path) else polygons


def _check(
    batch_size: int, precision: str, tile_size: int, overlap: int, threshold: int | float | None
) -> None:
    check_options(batch_size, precision)
    if not 0 <= overlap < tile_size:
        raise InputError(f"--overlap {overlap}: must be 0 or more and less than --tile-size {tile_size}")
    if threshold is not None and not 0 < threshold <= 1:
        raise InputError(f"--threshold {threshold:g}: a probability above 0 and at most 1 is needed")


def _check_whole_image(run: Run, scene: Scene) -> None:
    values = 2 * len(run.scaling.bands) * scene.grid.window.pixels
    if values > WHOLE_IMAGE_VALUES:
        limit = WHOLE_IMAGE_VALUES // (2 * len(run.scaling.bands))
        raise InputError(
            f"{scene.path}: {scene.height} x {scene.width} pixels, but {run.card['model']['name']} has to see"
            f" all at once, {limit} pixels at most; crop the images or use a model that works in tiles"
        )
