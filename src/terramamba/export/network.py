"""A job's part of a model file: a network from the values of tiles to probabilities, and its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.data.scaling import Scaling
from terramamba.runs.folder import Run

BYTE = 255.0
"""Clients for Deepness's metadata divide the values of an image by this, of whatever type they are."""


@dataclass(frozen=True)
class TileNetwork:
    """A network from tiles (b, channels, tile, tile) to probabilities (b, k, tile, tile)."""

    network: nn.Module
    channels: int
    tile: int
    values: Float[Tensor, "b channels tile tile"]
    """Two tiles such as it is for."""
    classes: Sequence[str]
    """Names of the outputs."""
    overlap: int
    """Pixels that neighbouring tiles should share."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What whoever runs it may want to know."""


class ScaledBands(nn.Module):
    """Choice and scaling of bands, as the run has them; no pixel is taken for no data."""

    bands: Tensor
    offset: Tensor
    factor: Tensor

    def __init__(self, scaling: Scaling, divided_by: float) -> None:
        super().__init__()
        bands = torch.tensor(scaling.bands)
        offset, factor = (
            torch.tensor(numbers, dtype=torch.float32)[:, None, None]
            for numbers in (scaling.offset, scaling.factor)
        )
        for name, values in (("bands", bands), ("offset", offset), ("factor", factor)):
            self.register_buffer(name, values)
        self.divided_by = divided_by

    def forward(self, x: Float[Tensor, "*b s h w"]) -> Float[Tensor, "*b c h w"]:
        """Scale the chosen ones of the bands (..., s, h, w) of an image."""
        return (x.index_select(-3, self.bands) * self.divided_by - self.offset) * self.factor


def drawn_tiles(
    scaling: Scaling, bands: int, dates: int, tile: int, divided_by: float
) -> Float[Tensor, "2 s h w"]:
    """Draw two tiles of ``bands`` with values that ``scaling`` is for; bands that it does not use are 0."""
    random = torch.Generator().manual_seed(0)
    values = torch.zeros(2, dates, bands, tile, tile)
    drawn = torch.rand(2, dates, len(scaling.bands), tile, tile, generator=random)
    offset, factor = (
        torch.tensor(x, dtype=torch.float32)[:, None, None] for x in (scaling.offset, scaling.factor)
    )
    scale = torch.where(factor == 0, torch.zeros_like(factor), 1 / factor)
    values[:, :, list(scaling.bands)] = (offset + drawn * scale) / divided_by
    return values.flatten(1, 2)


def common_facts(run: Run) -> dict[str, Any]:
    """Return what the file says of a run, whatever its job."""
    data, model = run.card.data, run.card.model
    return {
        "task": run.task,
        "model": model.name,
        "preset": model.preset,
        "source_bands": data.source_bands,
        "bands": list(data.scaling.bands),
        "wavelengths": data.wavelengths,
        "band_names": data.band_names,
        "protocol": data.protocol,
        "terramamba": run.card.made_by.version,
    }


def require_tiles(run: Run) -> None:
    """Raise ``InputError`` where a model cannot see an image by tiles."""
    if run.model.whole_image:
        raise InputError(
            f"{run.folder}: {run.card.model.name} must see an image at once, and a file takes tiles; export"
            " another model, or map with `terramamba`"
        )
