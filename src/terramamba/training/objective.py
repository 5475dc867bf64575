"""What a task minimises, and by which validation score its best epoch is chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, distributed

from terramamba.models.model import Model
from terramamba.training.batches import Batch, EvaluationBatches
from terramamba.training.settings import TrainConfig


@dataclass(frozen=True)
class Validation:
    """The scores of one pass over the whole validation set."""

    score: float
    """The higher, the better: overall accuracy, or F1 of the class "changed" at the best threshold."""
    threshold: float | None
    """The threshold of that F1."""
    loss: float
    scores: dict[str, float]
    """Columns of the history."""
    remark: str
    """``score`` in words."""


@runtime_checkable
class Objective(Protocol):
    """A task, as the training loop sees it."""

    task: ClassVar[str]
    """Its name."""

    @property
    def validated_at_once(self) -> int:
        """Validation samples that are read together."""

    def loss(self, model: Model, batch: Batch) -> Float[Tensor, ""]:
        """Compute the training loss of a batch."""

    def validate(self, model: Model, batches: EvaluationBatches) -> Validation:
        """Score all samples, of which this process counts its own ``batches``; the sums are exact."""


C = TypeVar("C", bound=TrainConfig)

MakeObjective = Callable[[C], Objective]
"""From the configuration of a task, in which its loss is, to its objective."""


def summed(
    counts: Int[np.ndarray, "..."], loss: float, batches: EvaluationBatches
) -> tuple[Int[np.ndarray, "..."], float]:
    """Sum ``counts`` and ``loss`` over all processes."""
    if batches.shard.world == 1:
        return counts, loss
    device = batches.device
    exact, total = torch.from_numpy(counts).to(device), torch.tensor(loss, dtype=torch.float64, device=device)
    distributed.all_reduce(exact)
    distributed.all_reduce(total)
    return exact.cpu().numpy(), float(total)
