"""Local stages first, state-space blocks beyond: EfficientNet-lite0 to stride 16, then VSS blocks.

It gives maps as ``VSSEncoder`` does, c * 2^i channels at 1/2^(i+2) of a side, so that it can stand in its
place. What is near is seen by convolutions, which may begin with what they learnt from photographs; the
selective scan sees the whole image where that is cheap, at strides 16 and 32.
"""

from collections.abc import Sequence
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.encoders.efficientnet_lite0 import CHANNELS, EfficientNetLite0
from terramamba.models.vss import PatchMerging, VSSBlock
from terramamba.ops.backends import Discretization

LOCAL_CHANNELS = CHANNELS[1:]
"""Of the local maps at strides 4, 8 and 16; that at stride 2 has no place in a model of four stages."""


class HybridEncoder(nn.Module):
    """Local maps projected to the channels of the stages; ``depths`` count the VSS blocks of the last two."""

    def __init__(
        self,
        in_channels: int,
        base_channels: int,
        depths: Sequence[int],
        d_state: int = 16,
        expand: int = 2,
        scan: str = "cross",
        discretization: Discretization = "euler",
        mlp_ratio: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels = tuple(base_channels * 2**i for i in range(4))
        self.local = EfficientNetLite0(in_channels)
        self.project = nn.ModuleList(
            nn.Linear(c, k) for c, k in zip(LOCAL_CHANNELS, self.channels[:3], strict=True)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(VSSBlock(c, d_state, expand, scan, discretization, mlp_ratio) for _ in range(depth))
            )
            for c, depth in zip(self.channels[2:], depths[2:], strict=True)
        )
        self.merge = PatchMerging(self.channels[2])
        self.norms = nn.ModuleList(nn.LayerNorm(c) for c in self.channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Encode images (b, c, h, w) to one normalised map (b, c_i, h_i, w_i) a stage, fine to coarse."""
        local = self.local(x)[1:]
        tokens = [
            project(maps.permute(0, 2, 3, 1)) for project, maps in zip(self.project, local, strict=True)
        ]
        tokens[2] = self.stages[0](tokens[2])
        tokens.append(self.stages[1](self.merge(tokens[2])))
        return [norm(y).permute(0, 3, 1, 2) for norm, y in zip(self.norms, tokens, strict=True)]

    def checkpoint_blocks(self) -> list[nn.Module]:
        """List the blocks of the local encoder and the VSS blocks, fine to coarse."""
        return [
            *self.local.blocks(),
            *(block for stage in self.stages for block in cast(nn.Sequential, stage)),
        ]
