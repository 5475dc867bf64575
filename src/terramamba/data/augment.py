"""Changes of a training sample that do not change its truth; every one draws from the generator it is given.

b batch   t date (2)   c band   h, w rows and columns
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor

SYMMETRIES = 8
"""Ways to turn and mirror a square; the first four keep the sides of any rectangle."""

_ALL_BITS = 2**64 - 1


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """Derive a 32-bit seed for one sample of an epoch, the same in any worker and batch."""
    return _mix(_mix(_mix(seed) ^ epoch) ^ index) & 0xFFFFFFFF


def _mix(value: int) -> int:
    """Steele, Lea and Flood's SplitMix64: near inputs give unrelated outputs."""
    mixed = (value + 0x9E3779B97F4A7C15) & _ALL_BITS
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & _ALL_BITS
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & _ALL_BITS
    return mixed ^ (mixed >> 31)


def draw_symmetry(square: bool, generator: torch.Generator) -> int:
    """Draw a number for ``turn``: any of the eight symmetries of a square, or of the four of a rectangle."""
    return int(torch.randint(SYMMETRIES if square else SYMMETRIES // 2, (), generator=generator))


def turn(image: Shaped[Tensor, "*leading h w"], symmetry: int) -> Shaped[Tensor, "*leading i j"]:
    """Mirror and turn an image: 1 upside down, 2 left to right, 3 both, 4 to 7 the same transposed."""
    if symmetry & 4:
        image = image.transpose(-2, -1)
    sides = [side for side, bit in ((-2, 1), (-1, 2)) if symmetry & bit]
    return image.flip(sides) if sides else image


def draw_zoom(largest: float, generator: torch.Generator) -> float:
    """Draw by what factor a crop is enlarged (above 1) or made smaller, 1 / ``largest`` to ``largest``.

    Enlarging by a factor is as likely as shrinking by it.
    """
    return math.exp(math.log(largest) * (2 * float(torch.rand((), generator=generator)) - 1))


def resize(
    image: Float[Tensor, "t c h w"], mask: Shaped[Tensor, "h w"], size: tuple[int, int]
) -> tuple[Float[Tensor, "t c i j"], Shaped[Tensor, "i j"]]:
    """Resample an image, by weighted means of its pixels, and its mask, by the nearest, to ``size``."""
    resized = F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)
    return resized, F.interpolate(mask[None, None].float(), size, mode="nearest-exact")[0, 0].to(mask.dtype)


def draw_noise(bands: int, strength: float, generator: torch.Generator) -> Float[Tensor, " c"]:
    """Draw normal noise of standard deviation ``strength`` (scaled units) for the bands of a whole patch."""
    return torch.randn(bands, generator=generator).mul_(strength)


def draw_corner(
    height: int, width: int, crop: tuple[int, int], generator: torch.Generator
) -> tuple[int, int]:
    """Draw row and column of the upper-left pixel of a crop of an image that is at least as large."""
    row = int(torch.randint(height - crop[0] + 1, (), generator=generator))
    col = int(torch.randint(width - crop[1] + 1, (), generator=generator))
    return row, col


def draw_corner_around(
    pixel: tuple[int, int], height: int, width: int, crop: tuple[int, int], generator: torch.Generator
) -> tuple[int, int]:
    """Draw the corner of a crop, as ``draw_corner`` does, among those that hold ``pixel`` (row, column)."""
    row, col = (
        int(torch.randint(max(at - side + 1, 0), min(at, whole - side) + 1, (), generator=generator))
        for at, whole, side in zip(pixel, (height, width), crop, strict=True)
    )
    return row, col


def exchange_dates(
    image: Float[Tensor, "2 c h w"], probability: float, generator: torch.Generator
) -> Float[Tensor, "2 c h w"]:
    """Exchange the two dates with ``probability``, 0 to 1: what changed is the same."""
    return image.flip(0) if float(torch.rand((), generator=generator)) < probability else image


def jitter(
    image: Float[Tensor, "t c h w"],
    strength: float,
    black: Float[Tensor, " c"],
    generator: torch.Generator,
) -> Float[Tensor, "t c h w"]:
    """Change the light of each date on its own: brightness, contrast and the balance of bands.

    Values are multiplied, as seen from ``black`` (the scaled value of no light, by band), by a gain of the
    date in 1 +- ``strength`` and one of each band in 1 +- ``strength`` / 2; then differences from the mean of
    the date by a contrast in 1 +- ``strength``.
    """
    dates, bands = image.shape[:2]
    draws = 2 * torch.rand((dates, bands + 2), generator=generator) - 1
    gain = (1 + strength * draws[:, :1]) * (1 + strength / 2 * draws[:, 2:])
    contrast = 1 + strength * draws[:, 1, None, None, None]
    level = black[None, :, None, None]
    bright = (image - level) * gain[:, :, None, None] + level
    mean = bright.mean(dim=(-2, -1), keepdim=True)
    return (bright - mean) * contrast + mean
