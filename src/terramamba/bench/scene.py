"""``terramamba bench scene``: pixels a second of whole models, on every backend beside the loop."""

from collections.abc import Iterator, Mapping
from functools import partial

import torch

from terramamba.bench.networks import Network, ways, within
from terramamba.bench.timing import Case, Work

NETWORKS = {
    "full": (
        Network("ssa_mamba", "ssa_mamba", "paper", (128, 144, 7, 7)),
        Network("glmamba-base", "glmamba", "base", (1, 2, 3, 256, 256)),
        Network("glmamba-nano", "glmamba", "nano", (1, 2, 3, 256, 256)),
    ),
    "small": (
        Network("ssa_mamba", "ssa_mamba", "tiny", (2, 6, 3, 3)),
        Network("glmamba-nano", "glmamba", "nano", (1, 2, 3, 32, 32)),
    ),
}


def cases(size: str, long: bool) -> Iterator[Case]:
    """Yield one forward pass of every model."""
    for network in NETWORKS[size]:
        yield Case(
            key=f"{network.key} forward",
            title=f"{network}; forward",
            amount=network.pixels,
            unit="pixels",
            ways=tuple(ways()),
            left_out={},
            works=partial(_works, network),
            facts={"pixels": network.pixels},
        )


def absent() -> dict[str, str]:
    """Return nothing: only backends are compared."""
    return {}


def _works(network: Network) -> Mapping[str, Work]:
    model, images = network.model().eval(), network.images()

    @torch.inference_mode()
    def forward() -> None:
        model(images)

    return {way: within(way, forward) for way in ways()}
