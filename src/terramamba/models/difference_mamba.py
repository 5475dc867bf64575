"""Difference-Mamba: this project's change detector, a pretrained local encoder and few state-space blocks.

No paper: built by what helped on validation pairs (docs/results.md). Convolutions, which may begin with what
they learnt from photographs, see what is near; the selective scan sees the whole tile where that is cheap, at
strides 16 and 8. Exchanging the dates changes nothing.

    e_i(x)                         maps of one date at strides 2, 4, 8, 16 (EfficientNet-lite0)
    d_i = W_i [|e_i(1) - e_i(2)|; e_i(1) + e_i(2)]     differs how, and from what
    y_4 = V(d_4)                   V: VSS blocks (VMamba; GLMamba Eq. 1-10)
    y_i = V(F(d_i + up(y_i+1)))    F: two 3x3 convolutions; V at stride 8 alone
    logits = up(head(y_1))

With ``meanings`` the model has learnt several meanings of "changed", such as buildings alone or anything:
they share the encoder, or with ``own_encoders`` nothing, and each has the rest for itself, so that none costs
another anything. For meanings whose ``finer`` is above 1 images are seen enlarged so many times, too, when
the model is evaluated:

    logits = (logits(x) + means over finer x finer of logits(enlarged x)) / 2
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.encoders.efficientnet_lite0 import CHANNELS, EfficientNetLite0
from terramamba.models.encoders.local import OnLocalEncoder
from terramamba.models.enlarged import as_before, enlarge
from terramamba.models.layers import (
    by_date,
    conv_bn_relu,
    decay_groups,
    is_scan_or_vector,
    reflect_to_multiple,
)
from terramamba.models.model import TargetLayer
from terramamba.models.spec import ModelSpec
from terramamba.models.vss import VSSBlock

COARSEST = 16
MOST_MEANINGS = 64
"""Meanings for which saved weights are parted into decoders; a file that names more is no model of ours."""


class Mixing(nn.Module):
    """VSS blocks on maps (b, c, h, w)."""

    def __init__(self, channels: int, blocks: int, d_state: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(VSSBlock(channels, d_state) for _ in range(blocks)))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Mix maps over their positions."""
        return self.blocks(x.permute(0, 2, 3, 1).contiguous()).permute(0, 3, 1, 2)


class Difference(nn.Module):
    """d_i: what differs between two dates' maps."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Sequential(
            nn.Conv2d(2 * in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(
        self, before: Float[Tensor, "b c h w"], after: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b k h w"]:
        """Compare the maps of two dates (b, c, h, w)."""
        return F.relu(self.project(torch.cat([(after - before).abs(), after + before], dim=1)))


class Decoder(nn.Module):
    """From the maps of both dates to logits, for one meaning of "changed"."""

    def __init__(self, num_classes: int, width: int, mixed: int, d_state: int) -> None:
        super().__init__()
        widths = [max(width // 2, 8), width, width, width]
        self.differences = nn.ModuleList(Difference(c, k) for c, k in zip(CHANNELS, widths, strict=True))
        self.coarse = Mixing(width, mixed, d_state)
        self.fuse = nn.ModuleList(nn.Sequential(conv_bn_relu(k, k), conv_bn_relu(k, k)) for k in widths[:-1])
        self.narrow = nn.Conv2d(width, widths[0], 1)
        self.middle = Mixing(width, mixed, d_state)
        self.head = nn.Conv2d(widths[0], num_classes, 3, padding=1)

    def forward(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Float[Tensor, "b k h w"]:
        """Decode the maps of both dates, each (b, c, h, w), fine to coarse."""
        d = [difference(*pair) for difference, pair in zip(self.differences, pairs, strict=True)]
        y = self.coarse(d[3])
        y = self.middle(self.fuse[2](d[2] + _twice(y)))
        y = self.fuse[1](d[1] + _twice(y))
        y = self.fuse[0](d[0] + _twice(self.narrow(y)))
        return _twice(self.head(y))

    def mixing(self) -> list[nn.Module]:
        """List the VSS blocks."""
        return [*self.coarse.blocks, *self.middle.blocks]

    def target_layers(self) -> list[TargetLayer]:
        """List the differences, and the maps that VSS blocks mixed."""
        found = [TargetLayer("difference", i + 1, 2 ** (i + 1), d) for i, d in enumerate(self.differences)]
        return [*found, TargetLayer("decoder", 3, 8, self.middle), TargetLayer("decoder", 4, 16, self.coarse)]


class DifferenceMamba(OnLocalEncoder):
    """Encoder of both dates, and for each meaning of "changed" differences and a top-down decoder."""

    takes_meaning = True

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        mixed: int,
        d_state: int,
        meanings: int,
        own_encoders: bool,
        finer: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.finer = finer * meanings if len(finer) == 1 else finer
        self.encoder = None if own_encoders else EfficientNetLite0(in_channels)
        self.encoders = nn.ModuleList(EfficientNetLite0(in_channels) for _ in range(meanings * own_encoders))
        self.decoders = nn.ModuleList(Decoder(num_classes, width, mixed, d_state) for _ in range(meanings))
        self.may_skip_weights = meanings > 1

    def forward(
        self, x: Float[Tensor, "b 2 c h w"], meaning: Int[Tensor, " b"] | int | None = None
    ) -> Float[Tensor, "b k h w"]:
        """Detect change between two dates' images (b, 2, c, h, w), of any size: logits (b, k, h, w).

        ``meaning`` says which of the model's meanings of "changed" is asked for, for each pair or for all;
        None: the first.
        """
        if meaning is None or isinstance(meaning, int) or len(self.decoders) == 1:
            number = meaning if isinstance(meaning, int) else 0
            return self._answer(number, x, self._maps(number, x))
        shared = None if self.encoder is None else self._maps(0, x)
        found, order = [], []
        for asked in sorted(set(meaning.tolist())):
            own = (meaning == asked).nonzero()[:, 0]
            maps = (
                self._maps(asked, x[own])
                if shared is None
                else [(before[own], after[own]) for before, after in shared]
            )
            found.append(self._answer(asked, x[own], maps))
            order.append(own)
        return torch.cat(found)[torch.cat(order).argsort()]

    def _maps(self, number: int, x: Float[Tensor, "b 2 c h w"]) -> list[tuple[Tensor, Tensor]]:
        """The encoder's maps of both dates for a meaning, fine to coarse."""
        encoder = self.encoders[number] if self.encoder is None else self.encoder
        dates = reflect_to_multiple(x, COARSEST).transpose(0, 1).flatten(0, 1)
        return [by_date(maps) for maps in encoder(dates.contiguous(memory_format=torch.channels_last))]

    def _answer(
        self, number: int, x: Float[Tensor, "b 2 c h w"], maps: Sequence[tuple[Tensor, Tensor]]
    ) -> Float[Tensor, "b k h w"]:
        """The logits of images with these ``maps`` for a meaning."""
        (h, w), decoder = x.shape[-2:], self.decoders[number]
        times = 1 if self.training else self.finer[number]
        if times == 1:
            return decoder(maps)[..., :h, :w]
        finer = as_before(decoder(self._maps(number, enlarge(x, times))), x, times)
        return (finer + decoder(maps)[..., :h, :w]) / 2  # this one last, as what hooks keep has its size

    def weights_of_meaning(self, number: int) -> tuple[str, ...]:
        """Return with what the names of the weights begin that a meaning is answered with."""
        encoder = f"encoders.{number}." if self.encoder is None else "encoder."
        return encoder, f"decoders.{number}."

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Return the parameters in four groups: of the encoder and others, those that decay and those not."""
        return self.encoder_apart(decay_groups(self, weight_decay, is_scan_or_vector))

    def checkpoint_blocks(self) -> list[nn.Module]:
        """List the blocks of the encoders and the VSS blocks."""
        local = [block for encoder in self.local_encoders for block in encoder.blocks()]
        return [*local, *(block for decoder in self._each() for block in decoder.mixing())]

    def target_layers(self, meaning: int = 0) -> list[TargetLayer]:
        """List the differences and maps of the decoder of ``meaning``."""
        return self._each()[meaning].target_layers()

    def _each(self) -> list[Decoder]:
        return [decoder for decoder in self.decoders if isinstance(decoder, Decoder)]


def _twice(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _build(
    in_channels: int,
    num_classes: int = 1,
    width: int = 48,
    mixed: int = 1,
    d_state: int = 8,
    meanings: int = 1,
    encoder: Literal["efficientnet_lite0"] = "efficientnet_lite0",
    own_encoders: bool = False,
    finer: tuple[int, ...] = (1,),
) -> DifferenceMamba:
    options = {
        "in_channels": in_channels,
        "num_classes": num_classes,
        "width": width,
        "mixed": mixed,
        "d_state": d_state,
        "meanings": meanings,
    }
    for name, value in options.items():
        if value < (0 if name == "mixed" else 1):
            raise InputError(f"difference_mamba: {name}={value!r}; give a number of at least 1")
    if len(finer) not in (1, meanings) or min(finer) < 1:
        raise InputError(
            f"difference_mamba: finer={list(finer)!r}; give a number of at least 1, or one for each meaning"
        )
    return DifferenceMamba(**options, own_encoders=own_encoders, finer=finer)


def weights_of_before(saved: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Give each meaning a decoder, in weights of when all meanings shared one but for a gain and a shift.

    These follow the batch norm, d_i (1 + g_m) + s_m, whose own gain and shift take them in.
    """
    if not any(name.startswith("differences.") for name in saved):
        return saved
    ending = "condition.weight"
    conditions = {name.removesuffix(ending): value for name, value in saved.items() if name.endswith(ending)}
    meanings = {len(condition) for condition in conditions.values()}
    if len(meanings) != 1 or max(meanings) > MOST_MEANINGS:
        return saved  # not such a model: refused by the names of its weights
    found = {name: value for name, value in saved.items() if name.startswith("encoder.")}
    for number in range(max(meanings)):
        own = {
            name: value
            for name, value in saved.items()
            if not name.startswith("encoder.") and not name.endswith(ending)
        }
        for difference, condition in conditions.items():
            gain, shift = condition[number].chunk(2)
            norm = f"{difference}project.1."
            own[f"{norm}weight"] = saved[f"{norm}weight"] * (1 + gain)
            own[f"{norm}bias"] = saved[f"{norm}bias"] * (1 + gain) + shift
        found |= {f"decoders.{number}.{name}": value for name, value in own.items()}
    return found


SPEC = ModelSpec(
    name="difference_mamba",
    task="change",
    title="Differences of a pretrained local encoder, decoded with state-space blocks",
    paper="this project's, docs/results.md; encoder: Tan, Le, ICML 2019, arXiv 1905.11946",
    build=_build,
    presets={"default": {}},
    default_preset="default",
    recipe={
        "epochs": 100,
        "batch_size": 8,
        "lr": 2e-3,
        "weight_decay": 1e-2,
        "optimizer": "adamw",
        "schedule": "cosine",
        "warmup_epochs": 1,
        "clip_norm": 1.0,
        "loss": "bce_dice",
    },
    claims={},
    example=(1, 2, 3, 256, 256),
    weights_of_before=weights_of_before,
)
