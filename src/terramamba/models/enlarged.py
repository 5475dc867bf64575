"""A change detector that sees images enlarged, where their pixels are larger than those it learnt from.

    logits = means over times x times of model(x enlarged times)

so that there is one answer for each pixel of the images as they are.
"""

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from terramamba.models.model import Model


class Enlarged(Model):
    """A detector that hands pairs (b, 2, c, h, w) on to ``model`` with sides ``times`` as long."""

    def __init__(self, model: Model, times: int) -> None:
        super().__init__()
        self.model, self.seen_enlarged = model, times
        self.spec_name, self.preset, self.options = model.spec_name, model.preset, model.options
        self.takes_meaning = model.takes_meaning

    def forward(self, x: Float[Tensor, "b 2 c h w"], **asked: Any) -> Float[Tensor, "b k h w"]:
        """Detect change between two dates' images (b, 2, c, h, w): logits (b, k, h, w).

        ``asked`` is what the model is told beside the images.
        """
        times = self.seen_enlarged
        return as_before(self.model(enlarge(x, times), **asked), x, times)


def enlarge(x: Float[Tensor, "b 2 c h w"], times: int) -> Float[Tensor, "b 2 c h2 w2"]:
    """Enlarge images of two dates, bilinear."""
    larger = F.interpolate(x.flatten(0, 1), scale_factor=float(times), mode="bilinear", align_corners=False)
    return larger.reshape(*x.shape[:3], *larger.shape[-2:])


def as_before(
    found: Float[Tensor, "b k h2 w2"], x: Float[Tensor, "b 2 c h w"], times: int
) -> Float[Tensor, "b k h w"]:
    """Average what was found in images enlarged ``times`` over the pixels of ``x``, as they were before."""
    height, width = x.shape[-2:]
    return F.avg_pool2d(found[..., : times * height, : times * width], times)
