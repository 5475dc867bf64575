"""A change detector as the network of a file: the bands of one date, then of the other, to probabilities."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.change.map_worker import OVERLAP, change_logit
from terramamba.core.errors import InputError
from terramamba.export.network import (
    BYTE,
    ScaledBands,
    TileNetwork,
    common_facts,
    drawn_tiles,
    require_tiles,
)
from terramamba.export.settings import ExportSettings
from terramamba.mapping.fit_to_run import chosen_temperature
from terramamba.models.model import Model
from terramamba.runs.folder import Run

TILE = 256
NAMES = ("unchanged", "changed")


class ChangeNetwork(nn.Module):
    """Tiles (b, 2 s, h, w), s bands before and s after, to the probability of change (b, 1, h, w).

    With ``shift`` the output has both classes, (b, 2, h, w), and the logit of change is less by it.
    """

    def __init__(self, model: Model, scaled: ScaledBands, temperature: float, shift: float | None) -> None:
        super().__init__()
        self.model, self.scaled, self.temperature, self.shift = model, scaled, temperature, shift

    def forward(self, x: Float[Tensor, "b s2 h w"]) -> Float[Tensor, "b k h w"]:
        """Detect change between the dates of tiles."""
        dates = self.scaled(x.view(-1, 2, x.shape[1] // 2, *x.shape[2:]))
        logit = change_logit(self.model(dates).float() / self.temperature)[:, None]
        if self.shift is None:
            return torch.sigmoid(logit)
        changed = torch.sigmoid(logit - self.shift)
        return torch.cat([1 - changed, changed], dim=1)


def tile_network(run: Run, settings: ExportSettings) -> TileNetwork:
    """Return the run's network.

    Raises:
        InputError: the model cannot see an image by tiles, or sees each pair by itself or by its meaning,
            which a file of one network cannot say.
    """
    require_tiles(run)
    if run.card.data.scale_by == "pair":
        raise InputError(
            f"{run.folder}: scales each pair by its own values (--scale-by pair), which a tile alone does not"
            " have; export a run with --scale-by training"
        )
    if run.card.data.meanings:
        raise InputError(
            f"{run.folder}: has learnt several meanings of changed, and a file has one; export a run that has"
            " learnt one"
        )
    tile = settings.tile or TILE
    multiplied = BYTE if settings.deepness else 1.0
    temperature = chosen_temperature(run, settings.calibrated)
    threshold = run.threshold
    # Who takes the likelier of two classes then marks what the run's own threshold marks.
    shift = math.log(threshold) - math.log1p(-threshold) if settings.deepness and threshold < 1 else None
    network = ChangeNetwork(run.model, ScaledBands(run.scaling, multiplied), temperature, shift)
    facts: dict[str, Any] = common_facts(run) | {
        "input": "bands before, then bands after" + (", divided by 255" if settings.deepness else ""),
        "threshold": threshold,
        "classes": list(NAMES),
        "temperature": temperature,
    }
    return TileNetwork(
        network,
        2 * run.card.data.source_bands,
        tile,
        drawn_tiles(run, 2, tile, multiplied),
        NAMES if shift is not None else NAMES[1:],
        min(OVERLAP, tile // 4),
        facts,
    )
