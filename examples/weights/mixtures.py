"""Pixels as sensors see them: mixtures of materials in varied light, with noise and gaps, on the grid.

Every number here was set before the test was read. Two thirds of the pixels are mixed; some lie in shade; the
correction for the atmosphere leaves a smooth error, some haze, and bumps where water vapour and oxygen
absorb; sensors see all of the grid, or its visible and near-infrared half alone, or single broad bands.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from spectra import DRY, NM, UNKNOWN, WATER, Library, smooth, uniform
from torch import Generator, Tensor

MEMBERS = 3
CLASSES = UNKNOWN + 1
ATMOSPHERE = ((760, 10), (820, 15), (940, 30), (1130, 35), (1270, 20), (2010, 40))
"""Centres and widths in nm of absorption by oxygen, water vapour and carbon dioxide."""
GAPS = ((1310, 1500), (1760, 2010), (900, 980), (1090, 1170), (755, 770))
"""Bands in nm that products leave out, some more, some less."""


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """How pixels are made up."""

    prior: tuple[float, ...]
    """How often each class is a member, in the order of ``spectra``."""
    dry_without_swir: float
    """By which that of dry vegetation is multiplied for sensors that end near 1,000 nm: there its spectra are
    those of soils, so that the commoner of both is meant."""
    pure: float = 0.35
    two: float = 0.35
    brightness: float = 0.25
    shade: float = 0.3
    slope: float = 0.2
    gain: float = 0.08
    haze: float = 0.006
    vapour: float = 0.05
    scale: float = 0.08
    vnir: float = 0.3
    three_quarters: float = 0.1
    broad_bands: float = 0.2


@dataclass(frozen=True, eq=False)
class Pixels:
    """Reflectance of b pixels on the grid, 0 where not ``covered``, and what fraction is of which class."""

    cells: Float[Tensor, "b g"]
    covered: Float[Tensor, "b g"]
    fractions: Float[Tensor, "b k"]


def draw_pixels(library: Library, mixing: Mixing, count: int, random: Generator) -> Pixels:
    """Draw ``count`` pixels; the same for the same state of ``random``."""
    sensor = uniform(count, 0, 1, random)
    fractions, members, classes = _members(library, mixing, sensor < mixing.vnir, random)
    brightness = torch.exp(mixing.brightness * torch.randn(count, MEMBERS, 1, generator=random))
    cells = (fractions[:, :, None] * members * brightness).sum(1)
    of_class = torch.zeros(count, CLASSES).scatter_add_(1, classes, fractions)
    cells = _lit(cells, of_class[:, WATER, None] > 0.5, mixing, random)
    covered = _covered(sensor, mixing, random)
    broad = uniform(count, 0, 1, random) < mixing.broad_bands
    blurred = F.avg_pool1d(cells[:, None], 5, 1, 2, count_include_pad=False)[:, 0]
    cells = torch.where(broad | (uniform(count, 0, 1, random) < 0.25), blurred, cells)
    few = 1 - 10 ** uniform(count, -1.7, -0.3, random)
    lost = torch.where(uniform(count, 0, 1, random) < 0.15, uniform(count, 0, 0.1, random), torch.zeros(()))
    covered = covered * (torch.rand(cells.shape, generator=random) >= torch.where(broad, few, lost))
    return Pixels(cells.clamp(-0.05, 2) * covered, covered, of_class)


def _members(
    library: Library, mixing: Mixing, without_swir: Tensor, random: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Fractions (b, m), spectra (b, m, g) and classes (b, m) of the members of each pixel."""
    count = len(without_swir)
    prior = torch.tensor(mixing.prior).expand(count, -1)
    fewer_dry = F.one_hot(torch.tensor(DRY), CLASSES) * (mixing.dry_without_swir - 1) + 1
    classes = torch.multinomial(
        torch.where(without_swir, prior * fewer_dry, prior), MEMBERS, True, generator=random
    )
    amounts = -torch.log(torch.rand(count, MEMBERS, generator=random) + 1e-9)  # even over all mixtures
    alone = uniform(count, 0, 1, random)
    amounts[:, 1:] *= alone >= mixing.pure
    amounts[:, 2:] *= alone >= mixing.pure + mixing.two
    spectra = torch.zeros(count, MEMBERS, len(NM))
    for member in range(MEMBERS):
        for target in range(CLASSES):
            rows = torch.nonzero(classes[:, member] == target)[:, 0]
            if len(rows):
                spectra[rows, member] = library.draw(target, len(rows), random)
    return amounts / amounts.sum(1, keepdim=True), spectra, classes


def _lit(cells: Tensor, is_water: Tensor, mixing: Mixing, random: Generator) -> Tensor:
    """The same pixels in varied light, and as correction for the atmosphere leaves them, with noise."""
    count = len(cells)
    in_shade = uniform(count, 0, 1, random) < mixing.shade
    light = torch.where(in_shade, uniform(count, 0.1, 1, random), uniform(count, 0.8, 1.15, random))
    cells = cells * torch.where(is_water, torch.ones(()), light)
    cells = cells * (1 + mixing.slope * uniform(count, -1, 1, random) * (NM - 1200) / 1000)
    cells = cells * torch.exp(smooth(count, 6, mixing.gain, random))
    haze = mixing.haze * torch.randn(count, 1, generator=random)
    cells = cells + haze * (NM / 500) ** (-uniform(count, 0, 2.5, random))
    for centre, width in ATMOSPHERE:
        error = mixing.vapour * torch.randn(count, 1, generator=random)
        cells = cells * (1 + error * torch.exp(-(((NM - centre) / width) ** 2)))
    noise = 10 ** uniform(count, -3.3, -1.7, random) * (0.5 + 2 * cells.abs().mean(1, keepdim=True))
    at_ends = 1 + 2 * (NM < 440) + 1.5 * (NM > 2300)
    cells = cells + noise * at_ends * torch.randn(cells.shape, generator=random)
    return cells * 10 ** (mixing.scale * torch.randn(count, 1, generator=random))


def _covered(sensor: Tensor, mixing: Mixing, random: Generator) -> Tensor:
    """Which cells the sensor of each pixel covers; ``sensor`` (b, 1) from 0 to 1 says of which kind it is."""
    count = len(sensor)
    last = torch.where(
        sensor < mixing.vnir + mixing.three_quarters,
        uniform(count, 1700, 1800, random),
        uniform(count, 2300, 2460, random),
    )
    last = torch.where(sensor < mixing.vnir, uniform(count, 850, 1060, random), last)
    covered = (uniform(count, 380, 460, random) <= NM) & (last >= NM)
    for low, high in GAPS:
        half = uniform(count, 0.1, 0.5, random) * (high - low)
        left_out = uniform(count, 0, 1, random) < 0.5
        covered = covered & ~(left_out & ((NM - (low + high) / 2).abs() < half))
    return covered.float()
