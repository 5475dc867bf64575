"""What training a change detector minimises, and the validation score that chooses its best epoch."""

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import Dataset

from terramamba.core.errors import InputError
from terramamba.scores.metrics import best_threshold, change_scores, confusion_at
from terramamba.training.config import TrainConfig
from terramamba.training.losses import ChangeLoss, change_loss
from terramamba.training.objective import Validation, _summed
from terramamba.training.predict import Batch, Share, count_changes, only_channel


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
        own = count_changes(model, dataset, batch_size, device, precision, share, self._of_masks)
        counts, loss = _summed(own.histograms.sum(axis=0), own.loss, device, share)
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
