"""Band importance by permutation: what is lost when bands are shuffled among the pixels.

Breiman, Random Forests, Machine Learning 45, 2001, section 10. Each pixel keeps its patch but for a group of
neighbouring bands, which come from another pixel's patch, drawn as a permutation. Values stay plausible one
by one, their bond with the label is cut. One repeat shuffles all groups by the same permutation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Int64
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.core.words import ranges
from terramamba.scores.metrics import (
    average_accuracy,
    class_counts,
    class_recall,
    confusion_matrix,
    overall_accuracy,
)

MOST_GROUPS = 24
"""So many groups there are at most unless a size is given: more take longer, and each shows less."""


@dataclass(frozen=True)
class BandGroup:
    """Neighbouring bands: channels of the model's input, numbers in the file (from 1), wavelengths (nm)."""

    channels: tuple[int, ...]
    bands: tuple[int, ...]
    wavelengths: tuple[float, float] | None

    @property
    def name(self) -> str:
        """Such as "bands 3-6 (450-470 nm)"."""
        said = f"band{'s' * (len(self.bands) > 1)} {ranges([band - 1 for band in sorted(self.bands)])}"
        if self.wavelengths is None:
            return said
        low, high = self.wavelengths
        return f"{said} ({low:.0f} nm)" if low == high else f"{said} ({low:.0f}-{high:.0f} nm)"


@dataclass(frozen=True, eq=False)
class Importance:
    """Class counts of the bands as they are, and how much lower scores are with each group shuffled.

    ``recall`` has one entry for each class, nan for a class without a pixel.
    """

    base: Int[np.ndarray, "k three"]
    oa: Float[np.ndarray, "groups repeats"]
    aa: Float[np.ndarray, "groups repeats"]
    recall: Float[np.ndarray, "groups repeats k"]


def band_groups(
    bands: Sequence[int], wavelengths: Sequence[float] | None, size: int | None = None
) -> tuple[BandGroup, ...]:
    """Group the used ``bands`` (0-based, of the file) by ``size`` neighbours, in order of wavelength.

    ``size`` None: so many that there are at most ``MOST_GROUPS``. ``wavelengths`` (nm): of all bands.

    Raises:
        InputError: a size below 1.
    """
    if size is not None and size < 1:
        raise InputError(f"--bands-per-group {size}: at least 1 is needed")
    channels = sorted(
        range(len(bands)), key=lambda i: bands[i] if wavelengths is None else wavelengths[bands[i]]
    )
    each = -(-len(channels) // MOST_GROUPS) if size is None else size
    groups = []
    for start in range(0, len(channels), each):
        own = channels[start : start + each]
        nm = None if wavelengths is None else [wavelengths[bands[i]] for i in own]
        groups.append(
            BandGroup(
                tuple(own), tuple(bands[i] + 1 for i in own), None if nm is None else (min(nm), max(nm))
            )
        )
    return tuple(groups)


def permutation_importance(
    predict: Callable[[Float32[Tensor, "m c p p"]], Tensor],
    images: Float32[Tensor, "m c p p"],
    targets: Int64[np.ndarray, " m"],
    groups: Sequence[BandGroup],
    *,
    num_classes: int,
    repeats: int,
    seed: int,
    advance: Callable[[float], None] = lambda amount: None,
) -> Importance:
    """Shuffle each of ``groups`` in turn, ``repeats`` times; ``predict`` gives the logits (m, k) of patches.

    ``advance`` is told of each pass over the patches.

    Raises:
        InputError: fewer than two pixels, or no repeat.
    """
    if repeats < 1:
        raise InputError(f"--repeats {repeats}: at least 1 is needed")
    if len(images) < 2:
        raise InputError(f"{len(images)} labelled pixel: bands are shuffled among pixels, so two are needed")

    def counts(patches: Tensor) -> Int[np.ndarray, "k three"]:
        found = confusion_matrix(targets, predict(patches).argmax(dim=1).numpy(), num_classes)
        advance(1)
        return class_counts(found)

    base = counts(images)
    oa, aa = np.zeros((2, len(groups), repeats))
    recall = np.zeros((len(groups), repeats, num_classes))
    for repeat in range(repeats):
        order = torch.from_numpy(np.random.default_rng([seed, repeat]).permutation(len(images)))
        for i, group in enumerate(groups):
            shuffled = images.clone()
            channels = list(group.channels)
            shuffled[:, channels] = images[order][:, channels]
            found = counts(shuffled)
            oa[i, repeat] = overall_accuracy(base) - overall_accuracy(found)
            aa[i, repeat] = average_accuracy(base) - average_accuracy(found)
            recall[i, repeat] = class_recall(base) - class_recall(found)
    return Importance(base, oa, aa, recall)
