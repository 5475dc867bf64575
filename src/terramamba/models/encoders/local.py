"""Models on EfficientNet-lite0, which sees what is near and may begin with what it learnt from photographs.

A model whose own encoder can be exchanged for it has the option ``encoder``, so that models are compared with
the same knowledge. The default is the model's own, as published.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from torch import Tensor

from terramamba.models.encoders.efficientnet_lite0 import EfficientNetLite0
from terramamba.models.encoders.pretrained import EFFICIENTNET_LITE0
from terramamba.models.model import Model

OWN: Final = "own"
EncoderChoice = Literal["own", "efficientnet_lite0"]

PRETRAINED_LR_SCALE = 0.25
"""An encoder that knows something learns so much more slowly than what is drawn anew."""


class OnLocalEncoder(Model):
    """What a model answers of the EfficientNet-lite0 among its modules; a base before its own class."""

    encoder_name = EFFICIENTNET_LITE0
    encoder_lr_scale = 1.0

    @property
    def local_encoders(self) -> list[EfficientNetLite0]:
        """The encoder, or those of several meanings of "changed"."""
        return [module for module in self.modules() if isinstance(module, EfficientNetLite0)]

    def load_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Have the encoder begin with public weights of EfficientNet-lite0; it then learns more slowly."""
        for encoder in self.local_encoders:
            encoder.load_public(weights)
        self.encoder_lr_scale = PRETRAINED_LR_SCALE

    def set_encoder_rate(self, share: float) -> None:
        """Have the encoder learn at this ``share`` of the learning rate."""
        self.encoder_lr_scale = share

    def train(self, mode: bool = True) -> "OnLocalEncoder":
        """Put the modules into their mode; an encoder that does not learn keeps its statistics."""
        super().train(mode)
        if not self.encoder_lr_scale:
            for encoder in self.local_encoders:
                encoder.eval()
        return self

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Return the model's groups, each parted into the encoder's parameters and others."""
        return self.encoder_apart(super().parameter_groups(weight_decay))

    def encoder_apart(self, groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Group the parameters of each of ``groups`` anew: the encoder's, at their own rate, and others."""
        encoder = {id(weight) for encoder in self.local_encoders for weight in encoder.parameters()}
        parted = []
        for group in groups:
            for own, scale in ((True, self.encoder_lr_scale), (False, 1.0)):
                params = [p for p in group["params"] if (id(p) in encoder) is own]
                parted.append({**group, "params": params, "lr_scale": scale})
        return parted
