"""What each task minimises, and by which validation score its best epoch is chosen."""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, distributed
from torch.utils.data import Dataset

from terramamba.change.objective import ChangeDetection
from terramamba.core.errors import InputError
from terramamba.landcover.objective import Classification
from terramamba.models.model import Model
from terramamba.training.config import TrainConfig
from terramamba.training.losses import ChangeLoss
from terramamba.training.predict import Batch, Share

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

    def loss(self, model: Model, batch: Batch) -> Float[Tensor, ""]:
        """Training loss of a batch."""

    def validate(
        self, model: Model, dataset: Dataset[Batch], device: torch.device, share: Share
    ) -> Validation:
        """Scores over all of ``dataset``, of which this process counts its ``share``; the sums are exact."""


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
    counts: Int[np.ndarray, "..."], loss: float, device: torch.device, share: Share
) -> tuple[Int[np.ndarray, "..."], float]:
    """``counts`` and ``loss`` summed over all processes."""
    if share.world == 1:
        return counts, loss
    exact, total = torch.from_numpy(counts).to(device), torch.tensor(loss, dtype=torch.float64, device=device)
    distributed.all_reduce(exact)
    distributed.all_reduce(total)
    return exact.cpu().numpy(), float(total)
