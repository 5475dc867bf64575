"""What training a classifier minimises, and the validation score that chooses its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, distributed, nn

from terramamba.core.errors import InputError
from terramamba.scores.metrics import class_scores
from terramamba.training.batches import Batch, EvaluationBatches
from terramamba.training.config import TrainConfig
from terramamba.training.losses import class_loss, token_class_loss
from terramamba.training.objective import Validation, _summed
from terramamba.training.predict import PATCHES_AT_ONCE, count_classes


@dataclass(frozen=True)
class Classification:
    """Batches are {"image": (b, c, h, w), "label": (b)[, "token_label": (b, h, w)]}; labels are 0-based, a
    token without one has -1.
    """

    config: TrainConfig

    @property
    def validated_at_once(self) -> int:
        """Many: patches are small."""
        return max(self.config.batch_size, PATCHES_AT_ONCE)

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

    def validate(self, model: nn.Module, batches: EvaluationBatches) -> Validation:
        """Overall and average accuracy."""
        own, loss = count_classes(model, batches, self.config.precision, self._of_labels)
        if batches.share.world > 1:  # a process without a batch does not know the number of classes
            classes = torch.tensor(len(own), device=batches.device)
            distributed.all_reduce(classes, distributed.ReduceOp.MAX)
            own = own if len(own) else np.zeros((int(classes), int(classes)), np.int64)
        confusion, loss = _summed(own, loss, batches)
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
