"""The practical recipe of land cover: how long, in which batches, at which rate (docs/recipes.md)."""

from terramamba.training.recipes import Length, Values, power_of_two
from terramamba.training.workload import Workload

LENGTH = Length(steps=1200, epochs=12, minutes=30, least=4)
LEAST_BATCH, MOST_BATCH = 16, 64
STEPS_PER_EPOCH = 32
"""Batches grow with the training samples so that an epoch has about so many steps."""


def practical(work: Workload, published: Values, given: Values) -> Values:
    """Return what differs from the ``published`` values, with the ``given`` ones in mind."""
    fitting = power_of_two(work.volume.samples / STEPS_PER_EPOCH, LEAST_BATCH, MOST_BATCH)
    batch = given.get("batch_size", fitting)
    return {
        "batch_size": batch,
        "epochs": LENGTH.epochs_for(work, batch, published["epochs"]),
        "optimizer": "adamw",
        "schedule": "cosine",
        "warmup_epochs": 1,
        "patience": 0,
    }
