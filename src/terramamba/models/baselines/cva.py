"""Change vector analysis with Otsu's threshold: a change detector that needs no training.

Malila, "Change vector analysis: an approach for detecting forest changes with Landsat", Symposium on
Machine Processing of Remotely Sensed Data, Purdue University, 1980, pp. 326-335: the length of the
difference between two dates' band vectors. Otsu, "A threshold selection method from gray-level histograms",
IEEE Transactions on Systems, Man, and Cybernetics 9(1), 1979, pp. 62-66, doi 10.1109/TSMC.1979.4310076: the
threshold that parts a histogram into the two classes with the largest variance between them (Eq. 14-18).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from terramamba.models.baselines.unsupervised import require_change_alone
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

BINS = 256


class ChangeVectorAnalysis(Model):
    """|after - before| over the bands, minus Otsu's threshold of the pair."""

    whole_image = True
    """The threshold is the whole pair's; tiles would each choose another."""
    takes_valid = True
    supports_bf16 = False

    def forward(
        self, x: Float[Tensor, "b 2 c h w"], valid: Bool[Tensor, "b h w"] | None = None
    ) -> Float[Tensor, "b 1 h w"]:
        """Work out (magnitude - threshold) / standard deviation of the magnitude: above 0 is changed.

        Threshold and deviation are those of the ``valid`` pixels (None: all). A pair with the same magnitude
        everywhere is unchanged: -1. Where the magnitude is no finite number there is no result: NaN.
        """
        return above_otsu(change_magnitude(x), valid)[:, None]


def above_otsu(
    magnitude: Float[Tensor, "b h w"], valid: Bool[Tensor, "b h w"] | None
) -> Float[Tensor, "b h w"]:
    """Work out how many standard deviations each pixel lies above the Otsu threshold of its own image."""
    counts = torch.ones_like(magnitude, dtype=torch.bool) if valid is None else valid
    logits = torch.zeros_like(magnitude)
    for i, known in enumerate(counts):
        logits[i] = _logits(magnitude[i], magnitude[i][known])
    return logits


def change_magnitude(x: Float[Tensor, "b 2 c h w"]) -> Float[Tensor, "b h w"]:
    """Work out the length of each pixel's change vector, in the images' scaled units."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    return torch.linalg.vector_norm(wide[:, 1] - wide[:, 0], dim=1)


def otsu_threshold(values: Float[Tensor, "*m"]) -> Float[Tensor, ""]:
    """Find the centre of the last of 256 bins that goes to the lower class of ``values``, not all equal."""
    low, high = (float(v) for v in values.aminmax())
    width = (high - low) / BINS
    bins = ((values.flatten() - low) / width).long().clamp_(max=BINS - 1)
    fraction = torch.bincount(bins, minlength=BINS).cpu().double() / bins.numel()
    centres = low + (torch.arange(BINS, dtype=torch.float64) + 0.5) * width
    omega, mu = fraction.cumsum(0), (fraction * centres).cumsum(0)
    between = (mu[-1] * omega - mu).square() / (omega * (1 - omega)).clamp(min=1e-12)  # Eq. 18
    return centres[between[:-1].argmax()].to(values)


def _logits(magnitude: Float[Tensor, "h w"], known: Float[Tensor, " m"]) -> Float[Tensor, "h w"]:
    finite = known[known.isfinite()]
    if not len(finite) or not finite.max() > finite.min():
        logits = torch.full_like(magnitude, -1.0)
    else:
        logits = (magnitude - otsu_threshold(finite)) / finite.std(correction=0)
    return logits.where(magnitude.isfinite(), float("nan"))  # an overflow is no change


def _build(in_channels: int, num_classes: int = 1) -> ChangeVectorAnalysis:
    require_change_alone("cva", num_classes)
    return ChangeVectorAnalysis()


SPEC = ModelSpec(
    name="cva",
    task="change",
    title="Change vector analysis with Otsu's threshold",
    paper="Malila, Machine Processing of Remotely Sensed Data 1980; Otsu 1979, doi 10.1109/TSMC.1979.4310076",
    build=_build,
    presets={"default": {}},
    default_preset="default",
    recipe={},
    claims={},
    example=(1, 2, 3, 256, 256),
    trainable=False,
)
