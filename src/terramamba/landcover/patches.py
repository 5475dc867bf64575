"""Patches of a scene around labelled pixels as training and scoring samples, cut when they are read.

c band   p side of a patch   m pixels   b samples of a batch
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.utils.data import Dataset

from terramamba.data.augment import SYMMETRIES, draw_noise, draw_symmetry, sample_seed, turn
from terramamba.data.patch_store import PatchStore, gather_patches
from terramamba.data.splits.leakage import TRAIN
from terramamba.landcover.samples import Samples
from terramamba.landcover.settings import ClassifySettings

NO_TARGET = -1
"""Marks the pixels of a patch that have no target of their own."""

NOISE = 0.01
"""Standard deviation of the noise of augmented spectra: 1 % of a band's range when that is scaled to 0..1."""


class PatchDataset(Dataset[dict[str, Tensor]]):
    """Samples ``{"image": (c, p, p) float32, "label": int64}`` around pixels of a scene.

    Args:
        store: What the patches show; several data sets may use it.
        pixels: Row and column of each sample, all of them among those that ``store`` was read for.
        targets: Class of each sample, from 0.
        label_tokens: Add ``"token_label"`` (p, p): the classes of the pixels of a patch that are samples
            themselves, -1 for the others and beyond the edge.
        augment: Mirror, turn and add a little noise, differently in each epoch.
        seed: Of the augmentation; what a sample gets depends on seed, epoch and its index alone.
    """

    def __init__(
        self,
        store: PatchStore,
        pixels: Int64[np.ndarray, "m 2"],
        targets: Int64[np.ndarray, " m"],
        *,
        label_tokens: bool = False,
        augment: bool,
        seed: int,
    ) -> None:
        self.augment, self.seed, self.epoch = augment, seed, 0
        self._store, self._pixels = store, pixels
        self._targets = torch.from_numpy(np.ascontiguousarray(targets))
        self._tokens: Int64[Tensor, "n 1"] | None = None
        if label_tokens:
            self._tokens = torch.full((len(store.values), 1), NO_TARGET)
            self._tokens[store.index(pixels), 0] = self._targets

    def set_epoch(self, epoch: int) -> None:
        """Draw the augmentation of ``epoch`` from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Tensor]]:
        """Return the samples of a batch at once, which is several times faster than one by one."""
        chosen = np.asarray(indices)
        pixels = self._pixels[chosen]
        batch = {"image": self._store.cut(pixels), "label": self._targets[chosen]}
        if self._tokens is not None:
            batch["token_label"] = gather_patches(self._tokens, self._store.patch_index(pixels, "zeros"))[
                :, 0
            ]
        if self.augment:
            self._augment(batch, indices)
        axes = {name: values.unbind() for name, values in batch.items()}
        return [dict(zip(axes, sample, strict=True)) for sample in zip(*axes.values(), strict=True)]

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


def labelled_patches(
    samples: Samples, subset: int, settings: ClassifySettings, *, augment: bool = False
) -> PatchDataset:
    """Return the patches and classes of the pixels of ``subset``."""
    return PatchDataset(
        samples.store,
        samples.pixels(subset),
        samples.targets(subset),
        label_tokens=subset == TRAIN and settings.token_loss > 0,
        augment=augment,
        seed=settings.seed,
    )
