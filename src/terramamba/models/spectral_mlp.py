"""A small network on the spectrum of one pixel that does not depend on the bands of the sensor.

This project's own, so there is no paper. The bands of a scene are resampled onto one grid of wavelengths,
with a mask of the cells that the sensor covers; what is learnt is learnt of the grid. So the weights of one
sensor serve another: only ``resampling`` and ``covered``, which come from the wavelengths, are made anew.

    here     meaning
    c, g     bands of the scene; cells of the grid
    z        spectrum over its own mean, less 1: its shape, whatever the light
    local    z less its mean within LOCAL cells: absorption features
    covered  1 where the sensor sees a cell, else 0: gaps of water vapour, sensors without short-wave infrared

Without wavelengths the bands themselves are the grid, and the model is a network for one sensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.baselines.patches import RECIPE, check_options
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

GRID_NM = tuple(float(nm) for nm in range(400, 2451, 10) if not (1350 < nm < 1460 or 1790 < nm < 1960))
"""Wavelengths of the cells; between them lie the bands of water vapour, where no sun reaches the ground."""
NEAR_NM = 5.0
"""A cell is covered by a band whose centre is this near,"""
WIDEST_STEP_NM = 30.0
"""or where it lies between two bands that are no further apart than this."""
LOCAL = 7
DARKEST = 0.004
"""Reflectance below which a mean is not divided by: of black water the noise would be the shape."""
SHAPE = (-3.0, 6.0)
"""Bounds of z, so that one wild band does not drown the others."""


@dataclass(frozen=True, kw_only=True)
class SpectralMLPConfig:
    """Options of the model."""

    in_channels: int
    """Spectral bands."""
    num_classes: int
    """Classes."""
    wavelengths: tuple[float, ...] | None = None
    """Centres of the bands in nm; None: the bands are the grid."""
    hidden: int = 192
    """Units of the first two layers."""

    def __post_init__(self) -> None:
        check_options("spectral_mlp", self)
        if self.wavelengths is not None and len(self.wavelengths) != self.in_channels:
            raise InputError(
                f"spectral_mlp: {len(self.wavelengths)} wavelengths; give one for each of the"
                f" {self.in_channels} bands"
            )


def resampling_onto_grid(
    wavelengths: Float[np.ndarray, " c"],
) -> tuple[Float32[np.ndarray, "c g"], Bool[np.ndarray, " g"]]:
    """Return weights by which bands are interpolated onto ``GRID_NM``, and which of its cells are covered.

    ``wavelengths`` are in nm, in any order. Cells that are not covered have weights of 0.
    """
    grid = np.array(GRID_NM)
    order = np.argsort(wavelengths, kind="stable")
    centres = np.asarray(wavelengths, np.float64)[order]
    upper = np.clip(np.searchsorted(centres, grid), min(1, len(centres) - 1), len(centres) - 1)
    lower = np.maximum(upper - 1, 0)
    step = centres[upper] - centres[lower]
    fraction = np.clip((grid - centres[lower]) / np.where(step > 0, step, 1), 0, 1)
    inside = (grid >= centres[lower]) & (grid <= centres[upper]) & (step <= WIDEST_STEP_NM)
    near = np.minimum(np.abs(grid - centres[lower]), np.abs(grid - centres[upper])) <= NEAR_NM
    weights = np.zeros((len(centres), len(grid)), np.float32)
    cells = np.arange(len(grid))
    weights[order[lower], cells] += 1 - fraction
    weights[order[upper], cells] += fraction
    covered = inside | near
    return weights * covered, covered


class SpectralMLP(Model):
    """Resampling, features that do not depend on the light, four layers."""

    resampling: Float[Tensor, "c g"]
    covered: Float[Tensor, " g"]

    def __init__(self, config: SpectralMLPConfig) -> None:
        super().__init__()
        if config.wavelengths is None:
            weights, covered = torch.eye(config.in_channels), torch.ones(config.in_channels)
        else:
            resampled = resampling_onto_grid(np.array(config.wavelengths))
            weights, covered = (torch.from_numpy(array).float() for array in resampled)
        # Of the scene and not of what was learnt, so no part of the weights.
        self.register_buffer("resampling", weights, persistent=False)
        self.register_buffer("covered", covered, persistent=False)
        cells, hidden = len(covered), config.hidden
        self.first = nn.Linear(3 * cells + 2, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.third = nn.Linear(hidden, hidden // 2 or 1)
        self.head = nn.Linear(hidden // 2 or 1, config.num_classes)

    def at_wavelengths(self, wavelengths: Sequence[float]) -> "SpectralMLP":
        """Return the same model for a sensor whose bands have these ``wavelengths``, in nm.

        Raises:
            InputError: this model was made for bands without wavelengths.
        """
        bands = tuple(map(float, wavelengths))
        options = {**self.options, "in_channels": len(bands), "wavelengths": bands}
        model = SpectralMLP(SpectralMLPConfig(**options))
        if self.covered.shape != model.covered.shape:
            raise InputError(
                f"spectral_mlp: its weights are for {len(self.covered)} bands without wavelengths; use others"
            )
        model.load_state_dict(self.state_dict())
        model.spec_name, model.preset, model.options = self.spec_name, self.preset, options
        return model.eval()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Classify the middle pixels of patches (b, c, h, w) of reflectance: logits (b, k)."""
        spectra = x[:, :, x.shape[2] // 2, x.shape[3] // 2]
        cells = spectra @ self.resampling
        return self.classify(cells, self.covered.expand_as(cells))

    def classify(self, cells: Float[Tensor, "b g"], covered: Float[Tensor, "b g"]) -> Float[Tensor, "b k"]:
        """Classify reflectance on the grid, of which each spectrum may cover other cells: logits (b, k)."""
        h = F.gelu(self.first(self.features(cells, covered)))
        h = h + F.gelu(self.second(h))
        return self.head(F.gelu(self.third(h)))

    def features(self, cells: Float[Tensor, "b g"], covered: Float[Tensor, "b g"]) -> Float[Tensor, "b f"]:
        """Take a spectrum apart: its shape, its local contrast, what is covered, and its brightness."""
        count = covered.sum(1, keepdim=True).clamp(min=1)
        mean = ((cells * covered).sum(1, keepdim=True) / count).clamp(min=DARKEST)
        z = ((cells / mean - 1) * covered).clamp(*SHAPE)
        around, seen = (
            F.avg_pool1d(values[:, None], 2 * LOCAL + 1, 1, LOCAL)[:, 0] for values in (z, covered)
        )
        local = (z - around / seen.clamp(min=1e-3)) * covered
        brightness, extent = mean.log() + 1.5, 4 * count / cells.shape[1] - 2
        return torch.cat([z, 4 * local, covered - 0.5, brightness, extent], dim=1)


def build(**options: Any) -> SpectralMLP:
    """Build the model with these options.

    Raises:
        InputError: options that cannot be, or do not go together.
    """
    return SpectralMLP(SpectralMLPConfig(**options))


SPEC = ModelSpec(
    name="spectral_mlp",
    task="classify",
    title="network on single spectra, independent of the sensor's bands where wavelengths are known",
    paper="this project's own; its weights `spectral-library` map without training",
    build=build,
    config=SpectralMLPConfig,
    presets={"base": {}},
    default_preset="base",
    recipe=RECIPE,
    claims={},
    example=(1, 144, 7, 7),  # as the other classifiers
)
