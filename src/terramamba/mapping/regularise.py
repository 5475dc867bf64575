"""Class probabilities smoothed within things of one kind: an edge-preserving mean of the neighbourhood.

The probabilities of a pixel become the weighted mean of those in the (2R + 1) x (2R + 1) pixels around it. A
neighbour weighs the more, the more alike the two spectra are (a joint, or cross, bilateral filter: Petschnigg
et al. 2004, Digital Photography with Flash and No-Flash Image Pairs; with the scene itself as guide):

    w_ij = exp(-d_ij / (2 b^2)),    d_ij = mean over the bands of (x_i - x_j)^2

so that fields are smoothed and their edges stay. No label has a part in it. Pixels without data have none
either, and what lies beyond the edge of the scene is not there. Spectra are those that the model sees, and
the bandwidth b is in their units.

k class   c band   h, w rows and columns of a window   y, x those with its margin of R   n bandwidths
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32
from torch import Tensor

from terramamba.raster.windows import Window

LEAST = 1e-30
"""The least probability whose logarithm is taken."""


@dataclass(frozen=True)
class Smoothing:
    """How far smoothing reaches, R in pixels, and the bandwidth b."""

    radius: int
    bandwidth: float


def smoothing_words(rule: Smoothing) -> str:
    """Say how far and how strongly is smoothed."""
    return f"{rule.radius} pixels far, bandwidth {rule.bandwidth:.4g}"


def smoothed(
    probability: Float32[Tensor, "k y x"],
    spectra: Float32[Tensor, "c y x"],
    usable: Bool[Tensor, "y x"],
    inner: Window,
    radius: int,
    bandwidths: Sequence[float],
) -> Float32[Tensor, "n k h w"]:
    """Smooth the probabilities of a window, once for each of ``bandwidths``.

    Args:
        probability: Of the window with its margin; what stands where a pixel is not usable does not matter.
        spectra: The bands of these pixels.
        usable: Which of them have data.
        inner: The window within the margin, which is narrower than ``radius`` only at an edge of the scene.
        radius: R, in pixels.
        bandwidths: b, in units of ``spectra``.

    Returns:
        The smoothed probabilities of the pixels of ``inner``; 0 where they have no data.
    """
    rows, cols = inner.slices
    own = spectra[:, rows, cols]
    sums = probability.new_zeros(len(bandwidths), probability.shape[0], inner.height, inner.width)
    totals = probability.new_zeros(len(bandwidths), inner.height, inner.width)
    for here, there in _shifts(inner, usable.shape, radius):
        distance = _distance(own[:, *here], spectra[:, *there])
        known = usable[there]
        likely = torch.where(known, probability[:, *there], 0)
        for place, bandwidth in enumerate(bandwidths):
            weight = torch.exp(distance / (-2 * bandwidth**2)) * known
            sums[place][:, *here] += weight * likely
            totals[place][*here] += weight
    mapped = usable[rows, cols]
    return torch.where(mapped, sums / torch.where(mapped, totals, 1)[:, None], 0)


def smoothed_logits(probability: Float32[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
    """Return what stands for logits of smoothed probabilities: their logarithms."""
    return probability.clamp(min=LEAST).log()


def neighbour_distances(
    spectra: Float32[Tensor, "c y x"], usable: Bool[Tensor, "y x"]
) -> Float32[Tensor, " p"]:
    """Return the root mean square difference of each usable pixel and its right neighbour."""
    both = usable[:, 1:] & usable[:, :-1]
    return _distance(spectra[:, :, 1:], spectra[:, :, :-1])[both].sqrt()


def _distance(one: Float32[Tensor, "c h w"], other: Float32[Tensor, "c h w"]) -> Float32[Tensor, "h w"]:
    """Mean over the bands of the squared difference."""
    total = one.new_zeros(one.shape[1:])
    # Band by band: a sum over all at once is in an order, and so of a last bit, that depends on the window.
    for first, second in zip(one, other, strict=True):
        total += (first - second).square()
    return total / len(one)


def _shifts(
    inner: Window, shape: Sequence[int], radius: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Yield for each neighbour the part of ``inner`` whose neighbour is there, and where that is."""
    height, width = shape
    for down in range(-radius, radius + 1):
        top, bottom = _overlap(inner.row + down, inner.height, height)
        for right in range(-radius, radius + 1):
            left, end = _overlap(inner.col + right, inner.width, width)
            if top < bottom and left < end:
                first_row, first_col = inner.row + down, inner.col + right
                yield (
                    (slice(top - first_row, bottom - first_row), slice(left - first_col, end - first_col)),
                    (slice(top, bottom), slice(left, end)),
                )


def _overlap(first: int, length: int, whole: int) -> tuple[int, int]:
    """What of ``length`` pixels from ``first`` on lies within ``whole``."""
    return max(first, 0), min(first + length, whole)
