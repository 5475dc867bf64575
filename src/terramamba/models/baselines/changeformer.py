"""ChangeFormer: a hierarchical transformer for each date, and an MLP decoder of their differences.

Bandara and Patel, "A transformer-based Siamese network for change detection", IGARSS 2022, pp. 207-210, doi
10.1109/IGARSS46834.2022.9883686, arXiv 2201.01293; its published weights are those of the authors' "V6". Its
encoder is that of SegFormer (Xie et al., NeurIPS 2021, arXiv 2105.15203).

    Downsample     overlapping convolutions: to 1/4, 1/8, 1/16 and 1/32 of a side
    Block          Eq. 1-3: attention whose keys and values come from a map R times smaller a side; MLP
                   with a depthwise convolution instead of positions (Eq. 4)
    Difference     Eq. 5: convolution, ReLU, norm, convolution of both dates side by side
    Decoder        every stage to c channels, differences, all at 1/4, fused (Eq. 6-7), twice enlarged

Where the text of the article and the weights, 41.03 M in number, differ, the weights: each convolution of
the encoder's downsampling is 7 x 7, where the text has 3 x 3 for all but the first; differences are passed on
from coarse to fine. The authors' four heads for coarse maps of change are left out: they serve a loss at each
scale, which our engine does not have, and hold 18,608 of their parameters. Weights start at random; the
sigmoid of one logit stands for the softmax of two; inputs are mirrored to a multiple of 32. Both dates enter
a difference side by side, so exchanging them changes the answer. The attention's time grows with the square
of the area.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.encoders.local import OWN, EncoderChoice
from terramamba.models.layers import by_date, reflect_to_multiple
from terramamba.models.model import Model

STRIDE = 32
HEADS = (1, 2, 4, 8)
REDUCTIONS = (8, 4, 2, 1)
"""R: side of the pixels that share a key and a value."""
MLP_RATIO = 4


@dataclass(frozen=True, kw_only=True)
class ChangeFormerConfig:
    """Options of the model."""

    in_channels: int
    """Bands of an image."""
    num_classes: int = 1
    """Logits a pixel; 1: changed or not."""
    widths: tuple[int, ...] = (64, 128, 320, 512)
    """Channels of the four stages."""
    depths: tuple[int, ...] = (3, 3, 4, 3)
    """Blocks of the four stages."""
    channels: int = 256
    """Channels of the decoder."""
    dropout: float = 0.1
    """Share of numbers dropped in attention and MLP in training."""
    drop_path: float = 0.1
    """How often training leaves out the last block; earlier ones in proportion."""
    encoder: EncoderChoice = OWN
    """The published encoder, or EfficientNet-lite0 to stride 16 and blocks of attention beyond, of which the
    last two of ``depths`` say how many."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, in one line."""
        if len(self.widths) != 4 or len(self.depths) != 4:
            raise InputError(
                f"changeformer: widths={self.widths!r}, depths={self.depths!r}; give four numbers of each"
            )
        numbers = {name: (getattr(self, name),) for name in ("in_channels", "num_classes", "channels")}
        for name, values in {**numbers, "widths": self.widths, "depths": self.depths}.items():
            if min(values) < 1:
                raise InputError(f"changeformer: {name}={getattr(self, name)!r}; give numbers of at least 1")
        if any(width % heads for width, heads in zip(self.widths, HEADS, strict=True)):
            raise InputError(f"changeformer: widths={self.widths!r}; give multiples of the heads {HEADS!r}")
        for name in ("dropout", "drop_path"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"changeformer: {name}={getattr(self, name)!r}; give a number from 0 to below 1"
                )


class Downsample(nn.Module):
    """A convolution over overlapping windows, then a norm of each position."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel_size=7, stride=stride, padding=3)
        self.norm = nn.LayerNorm(after)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h2 w2 c2"]:
        """Convolve maps (b, c, h, w) to tokens in place (b, h2, w2, c2)."""
        return self.norm(self.conv(x).permute(0, 2, 3, 1))


class ReducedAttention(nn.Module):
    """Every position attends to a map ``reduction`` times smaller a side (Eq. 1-3)."""

    def __init__(self, width: int, heads: int, reduction: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Sequential(nn.Linear(width, width), nn.Dropout(dropout))
        self.reduce = (
            nn.Conv2d(width, width, kernel_size=reduction, stride=reduction) if reduction > 1 else None
        )
        self.norm = nn.LayerNorm(width) if reduction > 1 else nn.Identity()

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Attend from each position of tokens in place (b, h, w, c) to the reduced map of all."""
        context = x if self.reduce is None else self.reduce(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        key, value = self.key_value(self.norm(context)).chunk(2, dim=-1)
        query, key, value = (
            z.flatten(1, 2).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for z in (self.query(x), key, value)
        )
        dropout = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        return self.out(attended.transpose(1, 2).reshape(x.shape))


class ConvMLP(nn.Module):
    """Linear expansion, depthwise convolution, GELU, linear projection (Eq. 4)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        hidden = MLP_RATIO * width
        self.widen = nn.Linear(width, hidden)
        self.look = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1, groups=hidden)
        self.narrow = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Run tokens in place (b, h, w, c) through the perceptron."""
        y = self.look(self.widen(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return self.dropout(self.narrow(self.dropout(F.gelu(y))))


class Block(nn.Module):
    """x + attention(LN(x)), then x + MLP(LN(x)); in training either is left out now and then."""

    def __init__(self, width: int, heads: int, reduction: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.attention = nn.Sequential(
            nn.LayerNorm(width), ReducedAttention(width, heads, reduction, dropout)
        )
        self.mlp = nn.Sequential(nn.LayerNorm(width), ConvMLP(width, dropout))

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Run tokens in place (b, h, w, c) through attention and perceptron."""
        for branch in (self.attention, self.mlp):
            y = branch(x)
            if self.training and self.drop_path:
                kept = torch.rand(len(y), 1, 1, 1, dtype=y.dtype, device=y.device) >= self.drop_path
                y = y * kept / (1 - self.drop_path)
            x = x + y
        return x


class Encoder(nn.Module):
    """Four stages of blocks."""

    def __init__(self, config: ChangeFormerConfig) -> None:
        super().__init__()
        before, place, last = config.in_channels, 0, max(sum(config.depths) - 1, 1)
        self.stages = nn.ModuleList()
        for i, (width, depth) in enumerate(zip(config.widths, config.depths, strict=True)):
            stage = nn.Sequential(Downsample(before, width, 2 if i else 4))
            for _ in range(depth):
                rate = config.drop_path * place / last
                stage.append(Block(width, HEADS[i], REDUCTIONS[i], config.dropout, rate))
                place += 1
            self.stages.append(stage.append(nn.LayerNorm(width)))
            before = width

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Encode images (b, c, h, w) to one map (b, c_i, h_i, w_i) a stage, fine to coarse."""
        maps = []
        for stage in self.stages:
            x = stage(x).permute(0, 3, 1, 2)
            maps.append(x)
        return maps


class Residual(nn.Module):
    """x + 0.1 of two convolutions of x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Convolve maps (b, c, h, w) and add them up."""
        return x + 0.1 * self.convs(x)


class Decoder(nn.Module):
    """Differences of the dates from coarse to fine, fused at 1/4 of a side, enlarged to full size."""

    def __init__(self, widths: tuple[int, ...], channels: int, num_classes: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(nn.Conv2d(width, channels, kernel_size=1) for width in widths)
        self.differences = nn.ModuleList(_difference(channels) for _ in widths)
        self.fuse = nn.Sequential(
            nn.Conv2d(channels * len(widths), channels, kernel_size=1), nn.BatchNorm2d(channels)
        )
        self.enlarge = nn.Sequential(
            *(nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1), Residual(channels)),
            *(nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1), Residual(channels)),
        )
        self.head = nn.Conv2d(channels, num_classes, kernel_size=3, padding=1)

    def forward(self, maps: list[Tensor]) -> Float[Tensor, "b k h w"]:
        """Decode maps of both dates (2 b, c_i, h_i, w_i), fine to coarse, to logits at the images' size."""
        found: list[Tensor] = []
        for x, reduce, difference in zip(
            reversed(maps), reversed(self.reduce), reversed(self.differences), strict=True
        ):
            y = difference(torch.cat(by_date(reduce(x)), dim=1))
            found.append(y + _resized(found[-1], y) if found else y)
        fused = self.fuse(torch.cat([_resized(y, found[-1]) for y in found], dim=1))
        return self.head(self.enlarge(fused))


class ChangeFormer(Model):
    """Encoder for both dates, decoder of their differences."""

    def __init__(self, config: ChangeFormerConfig) -> None:
        super().__init__()
        self.encoder = self.make_encoder(config)
        self.decoder = Decoder(config.widths, config.channels, config.num_classes)
        self.encoder.apply(_initialise)

    def make_encoder(self, config: ChangeFormerConfig) -> nn.Module:
        """Make the encoder of both dates."""
        return Encoder(config)

    def forward(self, x: Float[Tensor, "b 2 c h w"]) -> Float[Tensor, "b k h w"]:
        """Detect change between two dates' images (b, 2, c, h, w), of any size: logits (b, k, h, w)."""
        h, w = x.shape[-2:]
        dates = reflect_to_multiple(x, STRIDE).transpose(0, 1).flatten(0, 1)
        return self.decoder(self.encoder(dates))[..., :h, :w]


def _difference(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2 * channels, channels, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, channels, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
    )


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _initialise(module: nn.Module) -> None:
    """Draw weights as the authors' encoder does: narrow normal for linear layers, He's for convolutions."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        fan_out = module.weight[0, 0].numel() * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=(2.0 / fan_out) ** 0.5)
    if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
        nn.init.zeros_(module.bias)
