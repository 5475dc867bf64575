"""What training a change detector minimises, and the validation score that chooses its best epoch."""

from dataclasses import dataclass
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.scores.metrics import best_threshold, change_scores, confusion_at
from terramamba.training.batches import Batch, EvaluationBatches
from terramamba.training.config import TrainConfig
from terramamba.training.losses import ChangeLoss, change_loss
from terramamba.training.objective import Validation, _summed
from terramamba.training.predict import count_changes, only_channel


@dataclass(frozen=True)
class ChangeDetection:
    """Batches are {"image": (b, 2, c, h, w), "mask": (b, h, w)}, 0 = unchanged, 255 = not known."""

    config: TrainConfig

    @property
    def validated_at_once(self) -> int:
        """As many as in training."""
        return self.config.batch_size

    def loss(self, model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """The configured loss over the pixels whose change is known."""
        return self._of_masks(only_channel(model(batch["image"])), batch)

    def validate(self, model: nn.Module, batches: EvaluationBatches) -> Validation:
        """F1 at the threshold that makes it highest, and at 0.5."""
        own, loss = count_changes(model, batches, self.config.precision, self._of_masks)
        counts, loss = _summed(own.sum(axis=0), loss, batches)
        if not counts.any():
            raise InputError("the validation masks have no pixel whose change is known; check the labels")
        threshold, best = best_threshold(counts)
        at_half = change_scores(confusion_at(counts, 0.5))
        return Validation(
            score=best.f1,
            threshold=threshold,
            loss=loss / batches.samples,
            scores={"f1": best.f1, "iou": best.iou, "threshold": threshold, "f1_at_half": at_half.f1},
            remark=f"F1 {100 * best.f1:.2f} %",
        )

    def _of_masks(self, logits: Float[Tensor, "b h w"], batch: Batch) -> Float[Tensor, ""]:
        kind = cast(ChangeLoss, self.config.loss)
        return change_loss(logits, batch["mask"], kind, self.config.pos_weight)
