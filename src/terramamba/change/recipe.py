"""The practical recipe of change: what crops, how long, in what batches, at what rate (docs/recipes.md)."""

import math

from terramamba.change.settings import ChangeSettings
from terramamba.training.recipes import Length, Values, decide, power_of_two
from terramamba.training.workload import Workload

CROP = 256
CROP_ON_CPU = 128
"""Sides in pixels, as published and on a CPU: a quarter of the work."""
CROPS_PER_EPOCH = 200
MOST_CROPS_PER_PAIR = 48

LENGTH = Length(steps=600, epochs=12, minutes=30, least=4)
LEAST_BATCH, MOST_BATCH = 4, 16
STEPS_PER_EPOCH = 64

LR_OF, LR_PARAMETERS = 1e-3, 2e6
"""The learning rate of a network of so many parameters; it falls with the root of their number."""
LEAST_LR, MOST_LR = 3e-4, 3e-3


def with_crops(settings: ChangeSettings, pairs: int, device: str) -> ChangeSettings:
    """Return ``settings`` that say which crops are made of each of so many training pairs."""
    crop, per_pair = CROP, 1
    if settings.recipe == "practical":
        crop = CROP_ON_CPU if device == "cpu" else CROP
        per_pair = min(math.ceil(CROPS_PER_EPOCH / pairs), MOST_CROPS_PER_PAIR)
    return decide(settings, {"crop_size": crop, "crops_per_pair": per_pair})


def practical(work: Workload, published: Values, given: Values) -> Values:
    """Return what differs from the ``published`` values, with the ``given`` ones in mind."""
    fitting = power_of_two(work.volume.samples / STEPS_PER_EPOCH, LEAST_BATCH, MOST_BATCH)
    batch = given.get("batch_size", fitting)
    lr = LR_OF * math.sqrt(LR_PARAMETERS / work.parameters)
    return {
        "batch_size": batch,
        "epochs": LENGTH.epochs_for(work, batch, published["epochs"]),
        "lr": float(f"{min(max(lr, LEAST_LR), MOST_LR):.2g}"),
        "weight_decay": 0.01,
        "optimizer": "adamw",
        "schedule": "cosine",
        "warmup_epochs": 1,
        "clip_norm": 1.0,
        "loss": "bce_dice",
        "patience": 0,
    }
