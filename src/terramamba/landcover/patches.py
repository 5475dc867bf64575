"""Patches of a scene around labelled pixels, cut when they are asked for.

c band   h, w rows and columns of the scene   p side of a patch   m pixels   b samples of a batch
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32, Int64, Shaped
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from terramamba.core.errors import InputError
from terramamba.data.augment import SYMMETRIES, draw_noise, draw_symmetry, sample_seed, turn

Border = Literal["reflect", "zeros"]

NO_TARGET = -1
"""Marks the pixels of a patch that have no target of their own."""

NOISE = 0.01
"""Standard deviation of the noise of augmented spectra: 1 % of a band's range when that is scaled to 0..1."""


def pad_cube(
    cube: Shaped[Tensor, "c h w"], patch_size: int, border: Border = "reflect"
) -> Shaped[Tensor, "c H W"]:
    """The scene with ``patch_size // 2`` pixels more on each side: mirrored at the edge, or zeros.

    The bands of a pixel lie together in memory, which makes cutting patches several times faster.

    Raises:
        InputError: a scene too small to be mirrored that far.
    """
    half = patch_size // 2
    height, width = cube.shape[1:]
    if border == "reflect" and min(height, width) <= half:
        raise InputError(
            f"scene of {height} x {width} pixels: too small to mirror {half} pixels at its edge; use a "
            "--patch-size of at most twice its side less one, or --border zeros"
        )
    mode = "reflect" if border == "reflect" else "constant"
    return F.pad(cube, (half, half, half, half), mode).permute(1, 2, 0).contiguous().permute(2, 0, 1)


def gather_patches(
    padded: Shaped[Tensor, "c H W"],
    rows: Int64[Tensor, " m"],
    cols: Int64[Tensor, " m"],
    patch_size: int,
) -> Shaped[Tensor, "m c {patch_size} {patch_size}"]:
    """The patches around pixels (``rows``, ``cols``) of a scene that ``pad_cube`` has padded."""
    windows = padded.permute(1, 2, 0).unfold(0, patch_size, 1).unfold(1, patch_size, 1)
    return windows[rows, cols]


class PatchDataset(Dataset[dict[str, Tensor]]):
    """Samples ``{"image": (c, p, p) float32, "label": int64}`` around the pixels of a scaled scene.

    Args:
        cube: The whole scene, scaled.
        pixels: Row and column of each sample.
        targets: Class of each sample, from 0.
        patch_size: Side of a patch, odd.
        border: What stands beyond the scene's edge.
        token_targets: Classes from 0 of single pixels, -1 where there is none; adds ``"token_label"`` (p, p),
            which is -1 beyond the edge.
        augment: Mirror, turn and add a little noise, differently in each epoch.
        seed: Of the augmentation; what a sample gets depends on seed, epoch and its index alone.
    """

    def __init__(
        self,
        cube: Float32[np.ndarray, "c h w"],
        pixels: Int64[np.ndarray, "m 2"],
        targets: Int64[np.ndarray, " m"],
        *,
        patch_size: int,
        border: Border = "reflect",
        token_targets: Int64[np.ndarray, "h w"] | None = None,
        augment: bool,
        seed: int,
    ) -> None:
        half = patch_size // 2
        self.patch_size, self.augment, self.seed, self.epoch = patch_size, augment, seed, 0
        self._padded = pad_cube(torch.from_numpy(np.ascontiguousarray(cube)), patch_size, border)
        self._rows, self._cols = torch.from_numpy(np.ascontiguousarray(pixels.T))
        self._targets = torch.from_numpy(np.ascontiguousarray(targets))
        self._tokens: Int64[Tensor, "1 H W"] | None = None
        if token_targets is not None:
            tokens = torch.from_numpy(np.ascontiguousarray(token_targets))
            self._tokens = F.pad(tokens, (half, half, half, half), value=NO_TARGET)[None]

    def set_epoch(self, epoch: int) -> None:
        """Draw the augmentation of ``epoch`` from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Tensor]]:
        """The samples of a batch at once, which is several times faster than one by one."""
        chosen = torch.as_tensor(indices)
        rows, cols = self._rows[chosen], self._cols[chosen]
        batch = {
            "image": gather_patches(self._padded, rows, cols, self.patch_size),
            "label": self._targets[chosen],
        }
        if self._tokens is not None:
            batch["token_label"] = gather_patches(self._tokens, rows, cols, self.patch_size)[:, 0]
        if self.augment:
            self._augment(batch, indices)
        parts = {name: values.unbind() for name, values in batch.items()}
        return [dict(zip(parts, sample, strict=True)) for sample in zip(*parts.values(), strict=True)]

    def _augment(self, batch: dict[str, Tensor], indices: Sequence[int]) -> None:
        bands, generator = batch["image"].shape[1], torch.Generator()
        symmetries, noise = [], []
        for index in indices:
            generator.manual_seed(sample_seed(self.seed, self.epoch, int(index)))
            symmetries.append(draw_symmetry(True, generator))
            noise.append(draw_noise(bands, NOISE, generator))
        batch["image"] += torch.stack(noise)[:, :, None, None]
        for symmetry in range(1, SYMMETRIES):
            these = [i for i, drawn in enumerate(symmetries) if drawn == symmetry]
            if these:
                for name in batch.keys() - {"label"}:
                    batch[name][these] = turn(batch[name][these], symmetry)
