"""Smoothed class probabilities of single pixels, and how strongly validation wants them smoothed.

m pixels   k classes   n bandwidths
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, Int64
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.data.patch_store import PaddedWindow
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import Scaling
from terramamba.data.splits.leakage import within
from terramamba.landcover.window_logits import window_logits
from terramamba.mapping.inference import inferring
from terramamba.mapping.regularise import Smoothing, neighbour_distances, smoothed, smoothed_logits
from terramamba.models.model import Model
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window
from terramamba.runs.folder import Run
from terramamba.runs.model_card import PatchShape, Regularisation

RADIUS = 6
"""Pixels that smoothing reaches where it is left to be chosen: 13 x 13 (of Indian Pines; docs/maps.md)."""

STRENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Bandwidths that validation chooses from, in medians of the difference between neighbouring pixels."""

BATCH_SIZE = 256
ROWS, VALUES_PER_WINDOW = 128, 8_000_000
"""Most rows of the scene, and about how many scaled values without margins, that are read together."""


def reach_of(regularise: int | str) -> int:
    """Return how far, in pixels, smoothing may reach that is asked for so in training."""
    return {"off": 0, "auto": RADIUS}[regularise] if isinstance(regularise, str) else regularise


def chosen_smoothing(run: Run, asked: int | str) -> Smoothing | None:
    """Return how probabilities of ``run`` are smoothed; None: they are not.

    "auto" is what its validation chose, a number another radius with that strength.

    Raises:
        InputError: a radius is asked for, and the run has chosen no strength.
    """
    own = run.card.judged.regularise
    if own is None or own.bandwidth is None:
        if isinstance(asked, int):
            raise InputError(
                f"{run.folder}: --regularise {asked} needs a strength, and this run has chosen none on"
                " validation; train it anew with --regularise"
            )
        return None
    if asked == "off":
        return None
    return Smoothing(asked if isinstance(asked, int) else own.radius, own.bandwidth)


def smoothed_at(
    model: Model,
    scene: Scene,
    scaling: Scaling,
    shape: PatchShape,
    pixels: Int64[np.ndarray, "m 2"],
    radius: int,
    bandwidths: Sequence[float],
    device: torch.device,
) -> Float32[Tensor, "n m k"]:
    """Compute smoothed probabilities of ``pixels`` (rows and columns), once for each of ``bandwidths``.

    Windows of the scene with such pixels are read, and each pixel within ``radius`` of one is classified.
    """
    listed = PixelList.at(pixels, scene.grid.window.shape)
    order = np.lexsort(pixels.T[::-1])
    found: Tensor | None = None
    model = model.to(device).eval()
    for window, indices in _windows(listed, scaling):
        outer, seen = _read(scene, scaling, shape, window, radius)
        inner = window.relative_to(outer)
        near = _near(listed, window, indices, inner, outer, radius) & seen.usable
        padded = torch.from_numpy(seen.padded()).to(device)
        wanted = torch.from_numpy(near).to(device)
        with inferring(device, "32"):
            logits = window_logits(
                model,
                padded,
                wanted,
                (outer.row, outer.col),
                patch_size=shape.size,
                tilings=0,
                batch_size=BATCH_SIZE,
            )
            likely = torch.zeros(logits.shape[1], *near.shape, device=device)
            likely[:, wanted] = torch.softmax(logits, dim=1).T.to(device)
            half = shape.size // 2
            spectra = padded[:, half : half + outer.height, half : half + outer.width]
            smooth = smoothed(likely, spectra, wanted, inner, radius, bandwidths)
        rows, cols = listed.inside(window, indices)
        if found is None:
            found = torch.empty(len(bandwidths), len(pixels), logits.shape[1])
        found[:, order[indices]] = smooth[:, :, rows, cols].transpose(1, 2).cpu()
    assert found is not None
    return found


def neighbour_difference(
    scene: Scene, scaling: Scaling, shape: PatchShape, pixels: Int[np.ndarray, "m 2"]
) -> float:
    """Return the median difference of neighbouring pixels around ``pixels``, in scaled units."""
    listed = PixelList.at(pixels, scene.grid.window.shape)
    found = []
    for window, _ in _windows(listed, scaling):
        seen = PaddedWindow.read(scene, scaling, window, 0, shape.border)
        found.append(neighbour_distances(torch.from_numpy(seen.padded()), torch.from_numpy(seen.usable)))
    distances = torch.cat(found)
    return float(distances.median()) if len(distances) else 0.0


def _windows(listed: PixelList, scaling: Scaling) -> Iterator[tuple[Window, Int64[np.ndarray, " k"]]]:
    return listed.windows(ROWS, max(1, VALUES_PER_WINDOW // (ROWS * len(scaling.bands))))


def _read(
    scene: Scene, scaling: Scaling, shape: PatchShape, window: Window, radius: int
) -> tuple[Window, PaddedWindow]:
    """The window with what smoothing reaches, and what patches there show."""
    outer = window.expand(radius).clip(scene.height, scene.width)
    return outer, PaddedWindow.read(scene, scaling, outer, shape.size // 2, shape.border)


def _near(
    listed: PixelList,
    window: Window,
    indices: Int64[np.ndarray, " k"],
    inner: Window,
    outer: Window,
    radius: int,
) -> Bool[np.ndarray, "y x"]:
    """The pixels of ``outer`` that are within ``radius`` of a listed one of ``window``."""
    rows, cols = listed.inside(window, indices)
    marked = np.zeros(outer.shape, bool)
    marked[rows + inner.row, cols + inner.col] = True
    return within(marked, radius)


def choose_smoothing(
    model: Model,
    scene: Scene,
    scaling: Scaling,
    shape: PatchShape,
    pixels: Int64[np.ndarray, "m 2"],
    targets: Int64[np.ndarray, " m"],
    logits: Float32[Tensor, "m k"],
    asked: int | str,
    device: torch.device,
) -> tuple[Regularisation, Float32[Tensor, "m k"]]:
    """Choose on validation how strongly probabilities are smoothed; return that, and what stands for logits.

    Args:
        model: Trained.
        scene: What it was trained on.
        scaling: Its bands and their scaling.
        shape: Its patches.
        pixels: Rows and columns of the validation pixels.
        targets: Their classes, from 0.
        logits: What the model says of them without smoothing.
        asked: "auto", where "off" is a candidate, or a radius.
        device: To compute on.
    """
    radius = reach_of(asked)
    unit = neighbour_difference(scene, scaling, shape, pixels)
    bandwidths = [strength * unit for strength in STRENGTHS] if unit > 0 else []
    candidates: dict[str, tuple[float | None, Tensor]] = {}
    if asked == "auto" or not bandwidths:
        candidates["off"] = (None, logits)
    if bandwidths:
        found = smoothed_at(model, scene, scaling, shape, pixels, radius, bandwidths, device)
        for strength, bandwidth, likely in zip(STRENGTHS, bandwidths, found, strict=True):
            candidates[f"{strength:g}"] = (bandwidth, smoothed_logits(likely))
    truth = torch.from_numpy(targets)
    scores = {
        name: float((found.argmax(dim=1) == truth).double().mean()) for name, (_, found) in candidates.items()
    }
    best = max(scores, key=scores.__getitem__)  # of equal ones the first, which smooths least
    width, chosen = candidates[best]
    return Regularisation(radius, width, scores), chosen
