"""What each task minimises, and by which validation score its best epoch is chosen."""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, distributed, nn

from terramamba.change.objective import ChangeDetection
from terramamba.core.errors import InputError
from terramamba.landcover.objective import Classification
from terramamba.training.batches import Batch, EvaluationBatches
from terramamba.training.config import TrainConfig
from terramamba.training.losses import ChangeLoss

Task = Literal["classify", "change"]


@dataclass(frozen=True)
class Validation:
    """One look at the whole validation set."""

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

    @property
    def validated_at_once(self) -> int:
        """Validation samples that are read together."""

    def loss(self, model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """Training loss of a batch."""

    def validate(self, model: nn.Module, batches: EvaluationBatches) -> Validation:
        """Scores over all samples, of which this process counts its own ``batches``; the sums are exact."""


def make_objective(task: str, config: TrainConfig) -> Objective:
    """The objective of ``task``; raises ``InputError`` when the configured loss is another task's."""
    if task == "classify":
        if config.loss != "cross_entropy":
            raise InputError(f"--loss {config.loss}: classifiers are trained with cross_entropy")
        return Classification(config)
    if task != "change":
        raise ValueError(f"no task {task!r}; there are {', '.join(get_args(Task))}")
    if config.loss == "cross_entropy":
        raise InputError(f"--loss {config.loss}: change detectors take {', '.join(get_args(ChangeLoss))}")
    return ChangeDetection(config)


def _summed(
    counts: Int[np.ndarray, "..."], loss: float, batches: EvaluationBatches
) -> tuple[Int[np.ndarray, "..."], float]:
    """``counts`` and ``loss`` summed over all processes."""
    if batches.share.world == 1:
        return counts, loss
    device = batches.device
    exact, total = torch.from_numpy(counts).to(device), torch.tensor(loss, dtype=torch.float64, device=device)
    distributed.all_reduce(exact)
    distributed.all_reduce(total)
    return exact.cpu().numpy(), float(total)
