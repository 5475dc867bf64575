"""A land-cover map of a scene of any size: each pixel by its own patch, or all from the tokens of tiles.

The scene is read in strips of full rows with a margin above and below, so that memory grows with the
width of the scene and not with its height. Beyond the scene's edge stands what training put there.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, UInt8, UInt16
from torch import Tensor, nn

from terramamba.data.hyperspectral import gather_patches
from terramamba.devices import resolve_device
from terramamba.errors import InputError
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
from terramamba.inference.fast import check_tilings, choose_tilings, fast_logits, margin
from terramamba.raster.grid import Window, strips
from terramamba.raster.scaled import read_scaled
from terramamba.raster.scene import Scene, open_scene
from terramamba.raster.staging import check_outputs, staged
from terramamba.raster.write import RasterWriter, check_raster_name
from terramamba.runs import Run
from terramamba.scaling import Scaling

NODATA = 0
VALUES_PER_STRIP = 16_000_000
"""Strips have about this many scaled values (64 MB), or one row."""


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
) -> ClassSummary:
    """Map the classes of every pixel of ``scene``.

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
        overwrite: Replace existing outputs.
        strip_rows: Rows read together; None: as many as make 64 MB. Changes speed and memory alone.

    Raises:
        InputError: the run or scene cannot be read, they do not fit each other, or an output exists.
    """
    start = time.monotonic()
    check_options(batch_size, precision)
    if strip_rows is not None and strip_rows < 1:
        raise InputError(f"--strip-rows {strip_rows}: at least 1 is needed")
    targets = [Path(path) for path in (out, probabilities) if path is not None]
    for target in targets:
        check_raster_name(target)
    loaded = open_run(run, "classify")
    image = scene if isinstance(scene, Scene) else open_scene(scene)
    check_bands(loaded, image)
    record = loaded.card.get("fast")
    tilings = choose_tilings(mode, tilings, tolerance, record)
    if tilings:
        check_tilings(loaded.model, tilings)
    check_outputs(targets, overwrite=overwrite, inputs=[image.path])

    mapper = _Mapper(loaded, image, batch_size, resolve_device(device), precision, tilings)
    rows = strip_rows or max(1, VALUES_PER_STRIP // (image.width * len(mapper.scaling.bands)))
    names = {int(entry["code"]): str(entry["name"]) for entry in loaded.classes}
    count, not_finite = AreaCount(image.grid, {NODATA: "no data", **names}), 0
    with staged(*targets, overwrite=overwrite) as parts, ExitStack() as open_files:
        class_file, *probability_files = (
            open_files.enter_context(writer) for writer in _writers(parts, loaded, image, names)
        )
        advance = open_files.enter_context(pixel_progress("map", image.grid.window.pixels))
        for window in strips(image.height, image.width, rows):
            classes, probability, bad = mapper.strip(window)
            class_file.write(classes[None], window)
            for probability_file in probability_files:
                probability_file.write(probability, window)
            count.add(classes, window)
            not_finite += bad
            advance(window.pixels)
    nodata, *classes_found = count.classes()
    return ClassSummary(
        Path(out),
        None if probabilities is None else Path(probabilities),
        image.grid.window.pixels,
        nodata.pixels,
        not_finite,
        tuple(classes_found),
        time.monotonic() - start,
        tilings,
        record["tilings"][str(tilings)]["agreement"] if tilings and record else None,
    )


def _writers(
    parts: tuple[Path, ...], run: Run, scene: Scene, names: dict[int, str]
) -> Iterator[RasterWriter]:
    yield RasterWriter(
        parts[0],
        scene.grid,
        bands=1,
        dtype=_code_type(names).name,
        nodata=NODATA,
        colours={
            int(entry["code"]): (int(entry["colour"][0]), int(entry["colour"][1]), int(entry["colour"][2]))
            for entry in run.classes
            if entry.get("colour")
        },
        class_names={NODATA: "no data", **names},
        band_names=["class"],
        tags=file_tags(run, "land-cover classes"),
    )
    if len(parts) > 1:
        yield RasterWriter(
            parts[1],
            scene.grid,
            bands=len(names),
            dtype="uint8",
            nodata=NO_PROBABILITY,
            band_names=list(names.values()),
            scale=PROBABILITY_SCALE,
            tags=file_tags(run, "probability of each class: stored value / 254; 255: no data"),
        )


def _code_type(codes: Iterable[int]) -> np.dtype[Any]:
    return np.dtype(np.uint8 if max(codes) <= np.iinfo(np.uint8).max else np.uint16)


class _Mapper:
    """Classifies strips of one scene with one run."""

    def __init__(
        self,
        run: Run,
        scene: Scene,
        batch_size: int,
        device: torch.device,
        precision: str,
        tilings: int,
    ) -> None:
        self.scaling: Scaling = run.scaling
        self._scene = scene
        self._model: nn.Module = run.model.to(device).eval()
        codes = [int(entry["code"]) for entry in run.classes]
        self._codes = np.array(codes, _code_type(codes))
        self._num_classes = len(codes)
        self._patch = int(run.card["patch_size"])
        self._batch_size, self._device, self._precision = batch_size, device, precision
        self._tilings = tilings
        self._margin = margin(self._patch) if tilings else self._patch // 2
        border = str(run.card["border"])
        self._rows = padded_index(scene.height, self._margin, border)
        self._cols = padded_index(scene.width, self._margin, border)

    def strip(
        self, window: Window
    ) -> tuple[UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"], UInt8[np.ndarray, "k h w"], int]:
        """Class codes, stored probabilities and the number of pixels that are not finite, in full rows."""
        wanted = self._rows[window.row : window.bottom + 2 * self._margin]
        first, last = int(wanted[wanted >= 0].min()), int(wanted.max())
        read = Window(first, 0, last + 1 - first, self._scene.width)
        scaled, usable, not_finite = read_scaled(self._scene, self.scaling, read)
        here = slice(window.row - first, window.bottom - first)
        classes = np.full(window.shape, NODATA, self._codes.dtype)
        probability = np.full((self._num_classes, *window.shape), NO_PROBABILITY, np.uint8)
        usable = usable[here]
        if usable.any():
            padded = pad_strip(scaled, np.where(wanted < 0, -1, wanted - first), self._cols)
            found = self._classify(padded, usable, window.row)
            classes[usable] = self._codes[found.argmax(axis=1)]
            probability[:, usable] = stored_probability(found, np.ones(found.shape, bool)).T
        return classes, probability, int(np.count_nonzero(not_finite[here]))

    def _classify(
        self, padded: Float32[np.ndarray, "c H W"], usable: Bool[np.ndarray, "h w"], row: int
    ) -> Float32[np.ndarray, "m k"]:
        """Class probabilities of the usable pixels, row by row."""
        on_device = torch.from_numpy(padded).to(self._device)
        if self._tilings:
            with inferring(self._device, self._precision):
                logits = fast_logits(
                    self._model,
                    on_device,
                    torch.from_numpy(usable).to(self._device),
                    row,
                    patch_size=self._patch,
                    tilings=self._tilings,
                    batch_size=self._batch_size,
                )
                return self._probability(logits).cpu().numpy()
        rows, cols = (torch.from_numpy(index).to(self._device) for index in np.nonzero(usable))
        found = np.empty((len(rows), self._num_classes), np.float32)
        with inferring(self._device, self._precision):
            for begin in range(0, len(rows), self._batch_size):
                batch = slice(begin, begin + self._batch_size)
                patches = gather_patches(on_device, rows[batch], cols[batch], self._patch)
                found[batch] = self._probability(self._model(patches)).cpu().numpy()
        return found

    def _probability(self, logits: Float[Tensor, "m k"]) -> Float[Tensor, "m k"]:
        if logits.shape[1] != self._num_classes:
            raise InputError(
                f"the model gives {logits.shape[1]} classes, but model.json names {self._num_classes};"
                " train the model anew"
            )
        return torch.softmax(logits.float(), dim=1)


def padded_index(length: int, half: int, border: str) -> Int[np.ndarray, " n"]:
    """The row (or column) that stands at each place of an axis with ``half`` more at both ends; -1: zeros."""
    if border == "zeros":
        return np.pad(np.arange(length), half, constant_values=-1)
    return np.pad(np.arange(length), half, mode="reflect")


def pad_strip(
    scaled: Float32[np.ndarray, "c h w"], rows: Int[np.ndarray, " H"], cols: Int[np.ndarray, " W"]
) -> Float32[np.ndarray, "c H W"]:
    """Place rows and columns as ``padded_index`` says, the bands of a pixel together in memory."""
    padded = np.ascontiguousarray(
        scaled.transpose(1, 2, 0)[np.maximum(rows, 0)[:, None], np.maximum(cols, 0)]
    )
    padded[rows < 0] = 0
    padded[:, cols < 0] = 0
    return padded.transpose(2, 0, 1)
