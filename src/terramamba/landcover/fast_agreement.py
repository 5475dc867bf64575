"""How far fast mapping stays with exact mapping, on the validation pixels of a run."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64

from terramamba.landcover.fast import TILINGS, fast_logits, margin
from terramamba.landcover.map_worker import pad_strip, padded_index
from terramamba.landcover.patches import gather_patches
from terramamba.mapping.inferring import inferring
from terramamba.models.model import Model
from terramamba.raster.windows import strips

BATCH_SIZE = 256
ROWS = 128
"""Rows of the scene that are padded together."""


def fast_record(
    model: Model,
    cube: Float32[np.ndarray, "c h w"],
    pixels: Int64[np.ndarray, "m 2"],
    targets: Int64[np.ndarray, " m"],
    *,
    patch_size: int,
    border: str,
    device: torch.device,
) -> dict[str, Any] | None:
    """Overall accuracy of exact mapping, and for each number of tilings overall accuracy and agreement.

    Args:
        model: trained; None is returned where it does not classify single tokens.
        cube: the whole scene, scaled.
        pixels: rows and columns of the validation pixels.
        targets: their classes, from 0.
        patch_size: side of the patches that the model was trained on.
        border: what stands beyond the edge of the scene, "reflect" or "zeros".
        device: to compute on.

    Returns:
        ``{"exact_oa": share, "tilings": {"1": {"oa": share, "agreement": share}, ...}}``
    """
    if not model.classifies_tokens:
        return None
    height, width = cube.shape[1:]
    classes = np.full((height, width), -1, np.int64)
    classes[tuple(pixels.T)] = targets
    reach, half = margin(patch_size), patch_size // 2
    rows, cols = (padded_index(size, reach, border) for size in (height, width))
    model = model.to(device).eval()
    found: dict[int, list[torch.Tensor]] = {k: [] for k in (0, *TILINGS)}
    truth = []
    with inferring(device, "32"):
        for window in strips(height, width, ROWS):
            there = classes[window.row : window.bottom]
            wanted = torch.from_numpy(there >= 0).to(device)
            if not wanted.any():
                continue
            truth.append(torch.from_numpy(there[there >= 0]).to(device))
            padded = torch.from_numpy(pad_strip(cube, rows[window.row : window.bottom + 2 * reach], cols))
            padded = padded.to(device)
            places = wanted.nonzero() + reach - half
            for batch in places.split(BATCH_SIZE):  # type: ignore[no-untyped-call]
                patches = gather_patches(padded, batch[:, 0], batch[:, 1], patch_size)
                found[0].append(model(patches).argmax(1))
            for k in TILINGS:
                logits = fast_logits(
                    model,
                    padded,
                    wanted,
                    (window.row, 0),
                    patch_size=patch_size,
                    tilings=k,
                    batch_size=BATCH_SIZE,
                )
                found[k].append(logits.argmax(1))
    right = torch.cat(truth)
    exact, *fast = (torch.cat(parts) for parts in found.values())
    return {
        "exact_oa": _share(exact == right),
        "tilings": {
            str(k): {"oa": _share(guess == right), "agreement": _share(guess == exact)}
            for k, guess in zip(TILINGS, fast, strict=True)
        },
    }


def _share(which: torch.Tensor) -> float:
    return float(which.double().mean())
