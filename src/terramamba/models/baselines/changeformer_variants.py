"""ChangeFormer by its published encoder, or on EfficientNet-lite0 with its attention beyond.

Bandara and Patel, IGARSS 2022, doi 10.1109/IGARSS46834.2022.9883686: ``changeformer``. On the other encoder
it is compared with models that begin with what photographs show by what comes after the encoder.
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.baselines.changeformer import (
    HEADS,
    REDUCTIONS,
    Block,
    ChangeFormer,
    ChangeFormerConfig,
    Downsample,
)
from terramamba.models.encoders.efficientnet_lite0 import CHANNELS, EfficientNetLite0
from terramamba.models.encoders.local import OWN, OnLocalEncoder
from terramamba.models.spec import ModelSpec


class LocalEncoder(nn.Module):
    """EfficientNet-lite0's maps at strides 4, 8 and 16; at 16 and 32 the last two stages of blocks."""

    def __init__(self, config: ChangeFormerConfig) -> None:
        super().__init__()
        self.local = EfficientNetLite0(config.in_channels)
        self.project = nn.ModuleList(
            nn.Sequential(nn.Linear(c, width), nn.LayerNorm(width))
            for c, width in zip(CHANNELS[1:], config.widths, strict=False)
        )
        blocks = sum(config.depths[2:])
        rates = [config.drop_path * (place + 1) / blocks for place in range(blocks)]
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(
                    Block(config.widths[i], HEADS[i], REDUCTIONS[i], config.dropout, rates.pop(0))
                    for _ in range(config.depths[i])
                ),
                nn.LayerNorm(config.widths[i]),
            )
            for i in (2, 3)
        )
        self.down = Downsample(config.widths[2], config.widths[3], 2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Encode images (b, c, h, w) to one map (b, c_i, h_i, w_i) a stage, fine to coarse."""
        local = self.local(x)[1:]
        tokens = [
            project(maps.permute(0, 2, 3, 1)) for project, maps in zip(self.project, local, strict=True)
        ]
        tokens[2] = self.stages[0](tokens[2])
        tokens.append(self.stages[1](self.down(tokens[2].permute(0, 3, 1, 2))))
        return [y.permute(0, 3, 1, 2) for y in tokens]


class LocalChangeFormer(OnLocalEncoder, ChangeFormer):
    """The same network on ``LocalEncoder``."""

    def make_encoder(self, config: ChangeFormerConfig) -> nn.Module:
        """Make the encoder of both dates."""
        return LocalEncoder(config)


def build(**options: Any) -> ChangeFormer:
    """Build the published network, or that on another encoder; raises ``InputError``."""
    config = ChangeFormerConfig(**options)
    return (ChangeFormer if config.encoder == OWN else LocalChangeFormer)(config)


SPEC = ModelSpec(
    name="changeformer",
    task="change",
    title="ChangeFormer, hierarchical transformers and an MLP decoder",
    paper="Bandara and Patel, IGARSS 2022, pp. 207-210, doi 10.1109/IGARSS46834.2022.9883686",
    build=build,
    config=ChangeFormerConfig,
    presets={
        "small": {"widths": (16, 32, 80, 128), "depths": (1, 1, 2, 1), "channels": 32},
        "paper": {},
    },
    default_preset="paper",
    recipe={
        "epochs": 200,
        "batch_size": 16,
        "lr": 1e-4,
        "weight_decay": 0.01,
        "optimizer": "adamw",
        "schedule": "poly",
        "poly_power": 1.0,
        "loss": "bce",
    },
    claims={"parameters": "41.03 M", "LEVIR-CD": "F1 90.40, IoU 82.48"},
    example=(1, 2, 3, 256, 256),
)
