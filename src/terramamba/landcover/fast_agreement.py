"""How far fast mapping stays with exact mapping, on the validation pixels of a run."""

import numpy as np
import torch
from jaxtyping import Int64

from terramamba.data.patch_store import PaddedWindow, window_patches
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import Scaling
from terramamba.landcover.fast import TILINGS, fast_logits, margin
from terramamba.mapping.inference import inferring
from terramamba.models.model import Model
from terramamba.raster.scene import Scene
from terramamba.runs.model_card import FastAgreement, TilingScore

BATCH_SIZE = 256
ROWS, VALUES_PER_WINDOW = 128, 8_000_000
"""Most rows of the scene, and about how many scaled values without margins, that are read together."""


def fast_agreement(
    model: Model,
    scene: Scene,
    scaling: Scaling,
    pixels: Int64[np.ndarray, "m 2"],
    targets: Int64[np.ndarray, " m"],
    *,
    patch_size: int,
    border: str,
    device: torch.device,
) -> FastAgreement | None:
    """Compute overall accuracy of exact mapping, and this and agreement for each number of tilings.

    Args:
        model: trained; None is returned where it does not classify single tokens.
        scene: what it was trained on, of which windows with validation pixels are read.
        scaling: its bands and their scaling.
        pixels: rows and columns of the validation pixels.
        targets: their classes, from 0.
        patch_size: side of the patches that the model was trained on.
        border: what stands beyond the edge of the scene, "reflect" or "zeros".
        device: to compute on.
    """
    if not model.classifies_tokens:
        return None
    reach, half = margin(patch_size), patch_size // 2
    listed = PixelList.at(pixels, scene.grid.window.shape)
    order = np.lexsort(pixels.T[::-1])
    model = model.to(device).eval()
    found: dict[int, list[torch.Tensor]] = {k: [] for k in (0, *TILINGS)}
    truth = []
    with inferring(device, "32"):
        for window, indices in listed.windows(ROWS, max(1, VALUES_PER_WINDOW // (ROWS * len(scaling.bands)))):
            classes = np.full(window.shape, -1, np.int64)
            classes[listed.inside(window, indices)] = targets[order[indices]]
            labelled = torch.from_numpy(classes >= 0).to(device)
            truth.append(torch.from_numpy(classes[classes >= 0]).to(device))
            seen = PaddedWindow.read(scene, scaling, window, reach, border)
            padded = torch.from_numpy(seen.padded()).to(device)
            corners = labelled.nonzero() + reach - half
            for batch in corners.split(BATCH_SIZE):  # type: ignore[no-untyped-call]
                patches = window_patches(padded, batch[:, 0], batch[:, 1], patch_size)
                found[0].append(model(patches).argmax(1))
            for k in TILINGS:
                logits = fast_logits(
                    model,
                    padded,
                    labelled,
                    (window.row, window.col),
                    patch_size=patch_size,
                    tilings=k,
                    batch_size=BATCH_SIZE,
                )
                found[k].append(logits.argmax(1))
    right = torch.cat(truth)
    exact, *fast = (torch.cat(batches) for batches in found.values())
    return FastAgreement(
        _fraction(exact == right),
        {
            k: TilingScore(_fraction(guess == right), _fraction(guess == exact))
            for k, guess in zip(TILINGS, fast, strict=True)
        },
    )


def _fraction(which: torch.Tensor) -> float:
    return float(which.double().mean())
