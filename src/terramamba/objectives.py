"""What each task minimises, and by which validation score its best epoch is chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, cast, get_args, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, distributed, nn
from torch.utils.data import Dataset

from terramamba.core.errors import InputError
from terramamba.evaluation import (
    PATCHES_AT_ONCE,
    Batch,
    Share,
    count_changes,
    count_classes,
    only_channel,
)
from terramamba.losses import ChangeLoss, change_loss, class_loss, token_class_loss
from terramamba.recipe import TrainConfig
from terramamba.scores.metrics import best_threshold, change_scores, class_scores, confusion_at

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

    def loss(self, model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """Training loss of a batch."""

    def validate(
        self, model: nn.Module, dataset: Dataset[Batch], device: torch.device, share: Share
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


@dataclass(frozen=True)
class Classification:
    """Batches are {"image": (b, c, h, w), "label": (b)[, "token_label": (b, h, w)]}; labels are 0-based, a
    token without one has -1.
    """

    config: TrainConfig

    def loss(self, model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """Cross-entropy, and that of the tokens' own labels; the network runs once for both."""
        if not self.config.token_loss:
            return self._of_labels(model(batch["image"]), batch)
        if not hasattr(model, "token_logits") or "token_label" not in batch:
            lacking = "samples have" if hasattr(model, "token_logits") else "model has"
            raise InputError(
                f"--token-loss {self.config.token_loss}: the {lacking} no tokens to label; use 0"
            )
        tokens = cast(Callable[[Tensor], Tensor], model.token_logits)(batch["image"])
        of_tokens = token_class_loss(tokens, batch["token_label"], self._weights(tokens))
        return self._of_labels(tokens.mean(dim=(2, 3)), batch) + self.config.token_loss * of_tokens

    def validate(
        self, model: nn.Module, dataset: Dataset[Batch], device: torch.device, share: Share
    ) -> Validation:
        """Overall and average accuracy."""
        batch_size, precision = max(self.config.batch_size, PATCHES_AT_ONCE), self.config.precision
        own, loss = count_classes(model, dataset, batch_size, device, precision, share, self._of_labels)
        if share.world > 1:  # a process without a batch does not know the number of classes
            classes = torch.tensor(len(own), device=device)
            distributed.all_reduce(classes, distributed.ReduceOp.MAX)
            own = own if len(own) else np.zeros((int(classes), int(classes)), np.int64)
        confusion, loss = _summed(own, loss, device, share)
        scores = class_scores(confusion)
        return Validation(
            score=scores.oa,
            threshold=None,
            loss=loss / int(confusion.sum()),
            scores={"oa": scores.oa, "aa": scores.aa, "kappa": scores.kappa},
            remark=f"OA {100 * scores.oa:.2f} %",
        )

    def _of_labels(self, logits: Float[Tensor, "b k"], batch: Batch) -> Float[Tensor, ""]:
        return class_loss(logits, batch["label"], self._weights(logits))

    def _weights(self, logits: Tensor) -> Tensor | None:
        weights = self.config.class_weights
        return None if weights is None else torch.tensor(weights, device=logits.device)


@dataclass(frozen=True)
class ChangeDetection:
    """Batches are {"image": (b, 2, c, h, w), "mask": (b, h, w)}, 0 = unchanged, 255 = not known."""

    config: TrainConfig

    def loss(self, model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """The configured loss over the pixels whose change is known."""
        return self._of_masks(only_channel(model(batch["image"])), batch)

    def validate(
        self, model: nn.Module, dataset: Dataset[Batch], device: torch.device, share: Share
    ) -> Validation:
        """F1 at the threshold that makes it highest, and at 0.5."""
        batch_size, precision = self.config.batch_size, self.config.precision
        own, loss = count_changes(model, dataset, batch_size, device, precision, share, self._of_masks)
        counts, loss = _summed(own.sum(axis=0), loss, device, share)
        if not counts.any():
            raise InputError("the validation masks have no pixel whose change is known; check the labels")
        threshold, best = best_threshold(counts)
        at_half = change_scores(confusion_at(counts, 0.5))
        return Validation(
            score=best.f1,
            threshold=threshold,
            loss=loss / len(dataset),  # type: ignore[arg-type]
            scores={"f1": best.f1, "iou": best.iou, "threshold": threshold, "f1_at_half": at_half.f1},
            remark=f"F1 {100 * best.f1:.2f} %",
        )

    def _of_masks(self, logits: Float[Tensor, "b h w"], batch: Batch) -> Float[Tensor, ""]:
        kind = cast(ChangeLoss, self.config.loss)
        return change_loss(logits, batch["mask"], kind, self.config.pos_weight)


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
