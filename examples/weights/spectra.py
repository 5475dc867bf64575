"""Spectra of single materials on the grid of ``spectral_mlp``: of a field library, and of what it lacks.

The library is that of the Python package earthlib (``data/spectra.sli``, ``spectra.csv``). It has no water,
snow or clouds, which are computed: water by the textbook's f bb / (a + bb), absorption and backscattering.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from torch import Generator, Tensor

from terramamba.core.errors import InputError
from terramamba.models.spectral_mlp import GRID_NM

GREEN, DRY, SOIL, BUILT, WATER, BURNED, UNKNOWN = range(7)
CLASS_OF_KIND = {"vegetation": GREEN, "npv": DRY, "bare": SOIL, "built": BUILT, "burned": BURNED}
"""By the second level of the library's own names."""
KINDS_OF_SHAPE = 60
"""Clusters of the spectra of a class: rare shapes are drawn more often than their number says."""
RARE = 0.7
"""A cluster of n spectra is drawn in proportion to n ** (1 - RARE)."""

NM = torch.tensor(GRID_NM)
ABSORPTION_NM = (400, 420, 440, 460, 480, 500, 520, 540, 560, 580, 600, 620, 640, 660, 680, 700, 720, 740)
ABSORPTION_NM += (760, 780, 800, 820, 840, 860, 880, 900, 920, 940, 960, 980, 1000, 1050, 1100, 1150, 1200)
ABSORPTION_NM += (1250, 1300, 1350, 2500)
PER_METRE = (0.0066, 0.0045, 0.0063, 0.0098, 0.0127, 0.0204, 0.0409, 0.0474, 0.0619, 0.0896, 0.2224, 0.2755)
PER_METRE += (0.3108, 0.41, 0.465, 0.624, 1.23, 2.6, 2.55, 2.3, 2.05, 2.4, 3.5, 4.6, 5.4, 6.8, 12, 25, 42, 44)
PER_METRE += (36, 16, 18, 50, 105, 95, 120, 300, 3000)
WATER_ABSORPTION = torch.tensor(
    np.exp(np.interp(GRID_NM, ABSORPTION_NM, np.log(PER_METRE))), dtype=torch.float32
)
"""Of pure water, in 1/m, rounded from published measurements."""


def uniform(rows: int, low: float, high: float, random: Generator) -> Float[Tensor, "{rows} 1"]:
    """Draw a column of numbers from ``low`` to ``high``."""
    return torch.rand(rows, 1, generator=random) * (high - low) + low


@dataclass(frozen=True, eq=False)
class Library:
    """Reflectance of n materials on the grid, their classes, and how often each is drawn in its class."""

    spectra: Float[Tensor, "n g"]
    classes: Int[np.ndarray, " n"]
    weights: Float[Tensor, " n"]

    @classmethod
    def read(cls, folder: Path) -> "Library":
        """Read the library in ``folder``, the package's ``data``.

        Raises:
            InputError: a file is missing, or is on other wavelengths.
        """
        header, table, values = (folder / f"spectra.{end}" for end in ("sli.hdr", "csv", "sli"))
        for path in (header, table, values):
            if not path.is_file():
                raise InputError(f"{path}: does not exist; give the folder data of the package earthlib")
        found = re.search(r"\nwavelength = \{([^}]*)\}", header.read_text(encoding="utf-8"))
        micrometres = [float(text) for text in found[1].split(",")] if found else []
        if [round(1000 * value) for value in micrometres] != [round(nm) for nm in GRID_NM]:
            raise InputError(f"{header}: has other wavelengths than the grid; give that of earthlib 1.1.0")
        spectra = np.fromfile(values, "<f4").reshape(-1, len(GRID_NM))
        with table.open(newline="", encoding="utf-8") as file:
            kinds = [row["LEVEL_2"] for row in csv.DictReader(file)]
        classes = np.array([CLASS_OF_KIND[kind] for kind in kinds])
        return cls(torch.from_numpy(spectra), classes, _weights(spectra, classes))

    def halves(self, held_out: float, seed: int) -> tuple["Library", "Library"]:
        """Part the spectra into those to learn from and the fraction ``held_out``."""
        out = np.random.default_rng(seed).random(len(self.classes)) < held_out
        first, second = (
            Library(self.spectra[torch.from_numpy(part)], self.classes[part], self.weights[part])
            for part in (~out, out)
        )
        return first, second

    def draw(self, target: int, count: int, random: Generator) -> Float[Tensor, "{count} g"]:
        """Draw spectra of one class: library's, mixed two by two, or computed ones."""
        if target == WATER:
            return water(count, random)
        if target == UNKNOWN:
            return unknown(count, random)
        rows = torch.from_numpy(np.flatnonzero(self.classes == target))
        one, other = (
            self.spectra[rows[torch.multinomial(self.weights[rows], count, True, generator=random)]]
            for _ in range(2)
        )
        mixed = uniform(count, 0, 1, random) * (uniform(count, 0, 1, random) < 0.5)
        found = one * (1 - mixed) + other * mixed
        if target == SOIL:  # the library's were measured dry
            wet = uniform(count, 0, 1, random) * (uniform(count, 0, 1, random) < 0.5)
            found = found * (1 - 0.5 * wet) * torch.exp(-2e-4 * wet * WATER_ABSORPTION.clamp(max=2000))
        return found.clamp(0, 1)


def water(count: int, random: Generator) -> Float[Tensor, "{count} g"]:
    """Compute water from clear to turbid and green, with a glint of the sky."""
    chlorophyll, dissolved, sediment = (
        10 ** uniform(count, low, high, random) for low, high in ((-1, 2), (-1.5, 0.8), (-0.5, 2.3))
    )
    pigment = 0.04 * torch.exp(-(((NM - 440) / 45) ** 2)) + 0.02 * torch.exp(-(((NM - 675) / 15) ** 2))
    pigment = chlorophyll**0.65 * (pigment + 0.008 * torch.exp(-(((NM - 550) / 100) ** 2)))
    absorbed = WATER_ABSORPTION + pigment + dissolved * torch.exp(-0.015 * (NM - 440))
    absorbed = absorbed + 0.02 * sediment * torch.exp(-0.011 * (NM - 440))
    particles = (0.01 * sediment + 0.004 * chlorophyll**0.6) * (NM / 550) ** (-uniform(count, 0, 1.2, random))
    scattered = 0.0012 * (NM / 500) ** -4.3 + particles
    below = 0.48 * scattered / (absorbed + scattered) * uniform(count, 0.6, 1.2, random)
    calm = uniform(count, 0, 1, random) < 0.5
    glint = torch.where(calm, uniform(count, 0, 0.01, random), uniform(count, 0, 0.04, random))
    return below.clamp(0, 0.5) + glint * (NM / 600) ** (-uniform(count, 0, 1.5, random))


def unknown(count: int, random: Generator) -> Float[Tensor, "{count} g"]:
    """Compute what is none of the classes: snow, clouds, and smooth curves of no meaning."""
    snow = uniform(count, 0.6, 1, random) * torch.exp(
        -WATER_ABSORPTION * 10 ** uniform(count, -4.3, -2.3, random)
    )
    cloud = uniform(count, 0.25, 1, random) * torch.exp(
        -WATER_ABSORPTION * 10 ** uniform(count, -5.5, -4, random)
    )
    cloud = cloud * (NM / 500) ** (-uniform(count, 0, 0.15, random))
    curves = torch.sigmoid(smooth(count, 12, 1.5, random) + uniform(count, -2.5, 1.5, random))
    which = uniform(count, 0, 1, random)
    return torch.where(which < 0.35, snow, torch.where(which < 0.7, cloud, curves))


def smooth(count: int, waves: int, deviation: float, random: Generator) -> Float[Tensor, "{count} g"]:
    """Draw smooth curves around 0: sums of cosines along the spectrum."""
    place, orders = (NM - NM[0]) / (NM[-1] - NM[0]), torch.arange(1, waves + 1)[:, None]
    basis = torch.cos(torch.pi * orders * place) / orders.sqrt()
    return deviation * torch.randn(count, waves, generator=random) @ basis


def _weights(spectra: Float[np.ndarray, "n g"], classes: Int[np.ndarray, " n"]) -> Float[Tensor, " n"]:
    weights = np.ones(len(spectra))
    for target in set(classes.tolist()):
        rows = np.flatnonzero(classes == target)
        mean = spectra[rows].mean(axis=1, keepdims=True)
        described = np.concatenate([spectra[rows] / mean, 4 * np.log(mean)], axis=1)
        clusters = max(1, min(KINDS_OF_SHAPE, len(rows) // 4))
        found = KMeans(clusters, n_init=1, random_state=0).fit_predict(described)
        weights[rows] = np.bincount(found)[found] ** -RARE
    return torch.from_numpy(weights)
