"""What training a classifier minimises, and the validation score that chooses its best epoch."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, distributed

from terramamba.core.errors import InputError
from terramamba.landcover.settings import ClassConfig
from terramamba.models.model import Model
from terramamba.scores.metrics import class_counts
from terramamba.scores.score import evaluated, followed
from terramamba.scores.score_table import LAND_COVER_SCORES
from terramamba.training.batches import Batch, EvaluationBatches
from terramamba.training.losses import class_loss, token_class_loss
from terramamba.training.objective import Validation, summed
from terramamba.training.predict import PATCHES_AT_ONCE, count_classes


@dataclass(frozen=True)
class Classification:
    """Batches are {"image": (b, c, h, w), "label": (b)[, "token_label": (b, h, w)]}; labels are 0-based, a
    token without one has -1.
    """

    task: ClassVar[str] = "classify"

    config: ClassConfig
    class_weights: tuple[float, ...] | None = None
    """Weights of the classes in the cross-entropy."""

    @property
    def validated_at_once(self) -> int:
        """Many: patches are small."""
        return max(self.config.batch_size, PATCHES_AT_ONCE)

    def loss(self, model: Model, batch: Batch) -> Float[Tensor, ""]:
        """Compute cross-entropy, and that of the tokens' own labels; the network runs once for both."""
        if not self.config.token_loss:
            return self._of_labels(model(batch["image"]), batch)
        if "token_label" not in batch:
            raise InputError(
                f"--token-loss {self.config.token_loss}: the samples have no tokens to label; use 0"
            )
        tokens = model.token_logits(batch["image"])
        of_tokens = token_class_loss(tokens, batch["token_label"], self._weights(tokens))
        return self._of_labels(tokens.mean(dim=(2, 3)), batch) + self.config.token_loss * of_tokens

    def validate(self, model: Model, batches: EvaluationBatches) -> Validation:
        """Count the confusion over all pixels, and compute the scores that are followed."""
        own, loss = count_classes(model, batches, self.config.precision, self._of_labels)
        if batches.shard.world > 1:  # a process without a batch does not know the number of classes
            classes = torch.tensor(len(own), device=batches.device)
            distributed.all_reduce(classes, distributed.ReduceOp.MAX)
            own = own if len(own) else np.zeros((int(classes), int(classes)), np.int64)
        confusion, loss = summed(own, loss, batches)
        main, scores = LAND_COVER_SCORES[0], followed(LAND_COVER_SCORES)
        found = evaluated(scores, {"pixels": class_counts(confusion)})
        return Validation(
            score=main.goodness(found[main.key]),
            threshold=None,
            loss=loss / int(confusion.sum()),
            scores=found,
            remark=f"{main.heading} {main.shown(found[main.key], sign=True)}",
        )

    def _of_labels(self, logits: Float[Tensor, "b k"], batch: Batch) -> Float[Tensor, ""]:
        return class_loss(logits, batch["label"], self._weights(logits))

    def _weights(self, logits: Tensor) -> Tensor | None:
        weights = self.class_weights
        return None if weights is None else torch.tensor(weights, device=logits.device)
