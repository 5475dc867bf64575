"""What a classifier says of some pixels of a padded window: each by its own patch, or all from tiles."""

import torch
from jaxtyping import Bool, Float32
from torch import Tensor

from terramamba.data.patch_store import window_patches
from terramamba.landcover.fast import fast_logits
from terramamba.models.model import Model


def window_logits(
    model: Model,
    padded: Float32[Tensor, "c H W"],
    wanted: Bool[Tensor, "h w"],
    origin: tuple[int, int],
    *,
    patch_size: int,
    tilings: int,
    batch_size: int,
) -> Float32[Tensor, "m k"]:
    """Compute the logits of the ``wanted`` pixels of a window, row by row, on the CPU.

    Args:
        model: On the device of the rest, in evaluation mode.
        padded: The window with half a patch more on every side, or ``fast.margin`` where there are tilings.
        wanted: Pixels whose logits are needed, one at least.
        origin: Row and column of the scene at which the window starts.
        patch_size: Side of a patch.
        tilings: 0: each pixel by its own patch; else that of ``fast_logits``.
        batch_size: Patches or tiles that go through the model together.
    """
    if tilings:
        return (
            fast_logits(
                model, padded, wanted, origin, patch_size=patch_size, tilings=tilings, batch_size=batch_size
            )
            .float()
            .cpu()
        )
    found = []
    for places in wanted.nonzero().split(batch_size):  # type: ignore[no-untyped-call]
        patches = window_patches(padded, places[:, 0], places[:, 1], patch_size)
        found.append(model(patches).float().cpu())
    return torch.cat(found)
