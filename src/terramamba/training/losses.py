"""What training minimises. Pixels without a label count for nothing; every loss is a mean in float32."""

from typing import get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from terramamba.training.settings import ChangeLoss

IGNORE = 255
"""Mask value of pixels whose change is not known."""

FOCUS = 2.0
"""Exponent gamma of the focal loss (Lin et al., ICCV 2017, Eq. 4)."""


def class_loss(
    logits: Float[Tensor, "b k"], label: Int[Tensor, " b"], weights: Float[Tensor, " k"] | None = None
) -> Float[Tensor, ""]:
    """Compute cross-entropy of 0-based labels; with ``weights``, the mean weighted by each sample's class."""
    return F.cross_entropy(logits.float(), label, weights)


def token_class_loss(
    logits: Float[Tensor, "b k h w"], label: Int[Tensor, "b h w"], weights: Float[Tensor, " k"] | None = None
) -> Float[Tensor, ""]:
    """Compute cross-entropy over the tokens whose 0-based label is known (>= 0); 0 when none is."""
    known = label >= 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits.float().movedim(1, -1)[known], label[known], weights)


def change_loss(
    logits: Float[Tensor, "b h w"],
    mask: Int[Tensor, "b h w"],
    kind: ChangeLoss = "bce",
    pos_weight: float | None = None,
) -> Float[Tensor, ""]:
    """Compute the loss over pixels whose ``mask`` is not 255; other values than 0: changed. 0 without any.

    ``bce``: binary cross-entropy, changed pixels weighted by ``pos_weight``; ``bce_dice``: that plus 1 - Dice
    over the whole batch; ``focal``: (1 - p)^2 times the cross-entropy, p the probability of the truth.
    """
    if kind not in get_args(ChangeLoss):
        raise ValueError(f"no loss {kind!r}; there are {', '.join(get_args(ChangeLoss))}")
    known = mask != IGNORE
    if not bool(known.any()):
        return logits.sum() * 0.0
    score, changed = logits[known].float(), mask[known] != 0
    weight = None if pos_weight is None else torch.tensor(pos_weight, device=score.device)
    each = F.binary_cross_entropy_with_logits(score, changed.float(), pos_weight=weight, reduction="none")
    if kind == "focal":
        wrong = torch.sigmoid(torch.where(changed, -score, score))
        return (wrong**FOCUS * each).mean()
    if kind == "bce_dice":
        return each.mean() + dice_loss(score, changed)
    return each.mean()


def dice_loss(score: Float[Tensor, " m"], changed: Bool[Tensor, " m"]) -> Float[Tensor, ""]:
    """Compute 1 - (2 |P T| + 1) / (|P| + |T| + 1), P soft (Milletari et al., 3DV 2016, smoothed).

    The ones keep it defined, and 0 in the limit, where nothing changed.
    """
    probability, truth = torch.sigmoid(score), changed.float()
    return 1 - (2 * (probability * truth).sum() + 1) / (probability.sum() + truth.sum() + 1)
