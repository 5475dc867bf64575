"""``terramamba bench train``: training steps of whole models, on every backend beside the loop."""

from collections.abc import Iterator, Mapping
from functools import partial

import torch

from terramamba.bench.loops import LOOP
from terramamba.bench.networks import Network, ways, within
from terramamba.bench.timing import Case, Work
from terramamba.training.losses import change_loss, class_loss

NETWORKS = {
    "full": (
        Network("glmamba-base", "glmamba", "base", (1, 2, 3, 256, 256)),
        Network("glmamba-base-128", "glmamba", "base", (1, 2, 3, 128, 128)),
        Network("glmamba-nano", "glmamba", "nano", (1, 2, 3, 256, 256)),
        Network("ssa_mamba", "ssa_mamba", "paper", (64, 144, 7, 7)),
    ),
    "small": (
        Network("ssa_mamba", "ssa_mamba", "tiny", (2, 6, 3, 3)),
        Network("glmamba-nano", "glmamba", "nano", (2, 2, 3, 32, 32)),
    ),
}
LONG, STAND_IN = "glmamba-base", "glmamba-base-128"
"""The network whose training with the loop takes minutes, and the size at which it is trained instead."""


def cases(size: str, long: bool) -> Iterator[Case]:
    """Yield one step of every model: forward, loss, backward, Adam."""
    for network in NETWORKS[size]:
        if long and network.key == STAND_IN:
            continue
        left_out = {}
        if not long and network.key == LONG:
            left_out[LOOP] = "its backward pass is quadratic in the tokens; run at 128 x 128, or give --long"
        yield Case(
            key=f"{network.key} training",
            title=f"{network}; training step",
            amount=1,
            unit="steps",
            ways=tuple(ways()),
            left_out=left_out,
            works=partial(_works, network, frozenset(left_out)),
            facts={},
        )


def absent() -> dict[str, str]:
    """Return nothing: only backends are compared."""
    return {}


def _works(network: Network, left_out: frozenset[str]) -> Mapping[str, Work]:
    model, images, labels = network.model().train(), network.images(), network.labels()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        output = model(images)
        loss = class_loss(output, labels) if network.classifies else change_loss(output[:, 0], labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return {way: within(way, step) for way in ways() if way not in left_out}
