"""The attention of SSA-Mamba, read while the model classifies; what the model returns does not change.

A token is a pixel of the patch with all its bands, as one of the two branches sees it. Weights go from the
query token of one branch to all tokens (the context) of the other and sum to 1 (Eq. 15-19 of the article).
The model averages the logits of all tokens, so the queries of all count as well as that of the middle one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float32
from torch import Tensor

from terramamba.models.model import Model
from terramamba.training.predict import PATCHES_AT_ONCE, evaluating

QUERIES = ("the centre asks", "all tokens ask")
"""The middle token alone, and the mean over all tokens."""


@dataclass(frozen=True, eq=False)
class Attention:
    """Weights of m patches, for each of ``QUERIES``, each map (block and direction) and each head."""

    weights: Float32[np.ndarray, "m queries maps heads p p"]
    maps: tuple[str, ...]

    def mean(self, chosen: np.ndarray | slice = slice(None)) -> Float32[np.ndarray, "queries maps p p"]:
        """Return the mean over the ``chosen`` patches and all heads."""
        return self.weights[chosen].mean(axis=(0, 3))


def classify_patches(
    model: Model, images: Float32[Tensor, "m c p p"], device: torch.device
) -> tuple[Float32[Tensor, "m k"], Attention | None]:
    """Return logits of the patches on the CPU, and their attention; None for a model without any."""
    side = images.shape[-1]
    names: tuple[str, ...] = ()
    logits, weights = [], []
    with evaluating(model, device):
        for batch in torch.split(images, PATCHES_AT_ONCE):
            found = model.forward_features(batch.to(device))
            logits.append(found.logits.float().cpu())
            if found.attention:
                names = tuple(found.attention)
                maps = [_by_query(one, side) for one in found.attention.values()]
                weights.append(torch.stack(maps, dim=2).cpu())
    return torch.cat(logits), Attention(torch.cat(weights).numpy(), names) if names else None


def _by_query(weights: Float[Tensor, "b n l l"], side: int) -> Float[Tensor, "b queries n p p"]:
    centre = weights.shape[-1] // 2
    both = torch.stack([weights[:, :, centre], weights.mean(dim=2)], dim=1)
    return rearrange(both, "b queries n (h w) -> b queries n h w", h=side).float()


def effective_tokens(weights: Float[np.ndarray, "... p p"]) -> Float[np.ndarray, "..."]:
    """Return the effective number of tokens: exp(entropy), 1 for a single one up to p * p for all alike."""
    weight = weights.reshape(*weights.shape[:-2], -1).astype(np.float64)
    logarithm = np.log(np.where(weight > 0, weight, 1.0))
    return np.asarray(np.exp(-(weight * logarithm).sum(axis=-1)))


def attention_facts(attention: Attention) -> list[Mapping[str, object]]:
    """Return, for each map, the effective tokens (over patches and heads, by head), the centre's weight."""
    side = attention.weights.shape[-1]
    effective = effective_tokens(attention.weights[:, 0])
    means = attention.mean()
    return [
        {
            "map": name,
            "tokens": side * side,
            "tokens_asked_by_centre": float(effective[:, i].mean()),
            "tokens_asked_by_head": [float(v) for v in effective[:, i].mean(axis=0)],
            "centre_asks_itself": float(means[0, i, side // 2, side // 2]),
            "all_ask_centre": float(means[1, i, side // 2, side // 2]),
        }
        for i, name in enumerate(attention.maps)
    ]
