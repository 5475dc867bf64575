"""What training a change detector minimises, and the validation score that chooses its best epoch."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from terramamba.change.settings import ChangeConfig
from terramamba.core.errors import InputError
from terramamba.models.model import Model
from terramamba.scores.metrics import change_f1, class_counts
from terramamba.scores.score import evaluated, followed
from terramamba.scores.score_table import CHANGE_SCORES
from terramamba.scores.thresholds import best_threshold, confusion_at
from terramamba.training.batches import Batch, EvaluationBatches
from terramamba.training.losses import change_loss
from terramamba.training.objective import Validation, summed
from terramamba.training.predict import count_changes, logits_of, only_channel


@dataclass(frozen=True)
class ChangeDetection:
    """Batches are {"image": (b, 2, c, h, w), "mask": (b, h, w)}, 0 = unchanged, 255 = not known."""

    task: ClassVar[str] = "change"

    config: ChangeConfig

    @property
    def validated_at_once(self) -> int:
        """As many as in training."""
        return self.config.batch_size

    def loss(self, model: Model, batch: Batch) -> Float[Tensor, ""]:
        """Compute the configured loss over the pixels whose change is known."""
        return self._of_masks(only_channel(logits_of(model, batch)), batch)

    def validate(self, model: Model, batches: EvaluationBatches) -> Validation:
        """Compute F1 at the threshold that makes it highest, and at 0.5."""
        own = count_changes(model, batches, self.config.precision, self._of_masks)
        counts, loss = summed(own.histograms.sum(axis=0), own.loss, batches)
        if not counts.any():
            raise InputError("the validation masks have no pixel whose change is known; check the labels")
        threshold = best_threshold(counts)
        main, scores = CHANGE_SCORES[0], followed(CHANGE_SCORES)
        best = evaluated(scores, {"pixels": class_counts(confusion_at(counts, threshold))})
        at_half = float(change_f1(class_counts(confusion_at(counts, 0.5))))
        return Validation(
            score=main.goodness(best[main.key]),
            threshold=threshold,
            loss=loss / batches.samples,
            scores=best | {"threshold": threshold, "f1_at_half": at_half},
            remark=f"{main.heading} {main.shown(best[main.key], sign=True)}",
        )

    def _of_masks(self, logits: Float[Tensor, "b h w"], batch: Batch) -> Float[Tensor, ""]:
        return change_loss(logits, batch["mask"], self.config.loss, self.config.pos_weight)
