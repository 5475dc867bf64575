"""A change detector as the network of a file: the bands of one date, then of the other, to probabilities."""

import math
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.change.map import open_inputs
from terramamba.change.map_worker import OVERLAP, change_logit
from terramamba.change.meanings import asked_of
from terramamba.change.pair_view import PairView, view_of
from terramamba.change.settings import ChangeMapSettings
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
from terramamba.mapping.fit_to_run import called, chosen_temperature, open_for
from terramamba.models.model import Model
from terramamba.runs.folder import Run

TILE = 256
NAMES = ("unchanged", "changed")


class ChangeNetwork(nn.Module):
    """Tiles (b, 2 s, h, w), s bands before and s after, to the probability of change (b, 1, h, w).

    With ``shift`` the output has both classes, (b, 2, h, w), and the logit of change is less by it.
    """

    def __init__(
        self,
        model: Model,
        scaled: ScaledBands,
        temperature: float,
        shift: float | None,
        meaning: int | None,
    ) -> None:
        super().__init__()
        self.model, self.scaled, self.temperature, self.shift = model, scaled, temperature, shift
        self.asked = {} if meaning is None else {"meaning": meaning}

    def forward(self, x: Float[Tensor, "b s2 h w"]) -> Float[Tensor, "b k h w"]:
        """Detect change between the dates of tiles."""
        dates = self.scaled(x.view(-1, 2, x.shape[1] // 2, *x.shape[2:]))
        logit = change_logit(self.model(dates, **self.asked).float() / self.temperature)[:, None]
        if self.shift is None:
            return torch.sigmoid(logit)
        changed = torch.sigmoid(logit - self.shift)
        return torch.cat([1 - changed, changed], dim=1)


def tile_network(run: Run, settings: ExportSettings) -> TileNetwork:
    """Return the run's network.

    Raises:
        InputError: the model cannot see an image by tiles, scales each pair by its own values and none is
            named, or has learnt several meanings of changed and none is chosen.
    """
    require_tiles(run)
    view = _view(run, settings)
    tile = settings.tile or TILE
    multiplied = BYTE if settings.deepness else 1.0
    temperature = chosen_temperature(run, settings.calibrated)
    threshold = view.threshold
    # Who takes the likelier of two classes then marks what the run's own threshold marks.
    shift = math.log(threshold) - math.log1p(-threshold) if settings.deepness and 0 < threshold < 1 else None
    scaled = ScaledBands(view.scaling, multiplied)
    network = ChangeNetwork(run.model, scaled, temperature, shift, view.meaning)
    bands = run.card.data.source_bands
    facts: dict[str, Any] = common_facts(run) | {
        "input": "bands before, then bands after" + (", divided by 255" if settings.deepness else ""),
        "threshold": threshold,
        "classes": list(NAMES),
        "temperature": temperature,
    }
    if view.what is not None:
        facts["what"] = view.what
    if settings.before is not None and settings.after is not None:
        facts["scaled_for"] = [Path(settings.before).name, Path(settings.after).name]
    return TileNetwork(
        network,
        2 * bands,
        tile,
        drawn_tiles(view.scaling, bands, 2, tile, multiplied),
        NAMES if shift is not None else NAMES[1:],
        min(OVERLAP, tile // 4),
        facts,
    )


def _view(run: Run, settings: ExportSettings) -> PairView:
    """How the network sees its pairs: scaled as in training, or as the pair that the settings name is."""
    if run.card.data.scale_by != "pair":
        for flag, given in settings.pair_flags().items():
            raise InputError(
                f"{flag} {given}: {called(run)} scales all pairs by what training pairs hold; leave the pair"
                " out"
            )
        return view_of(run, None, settings.what)
    if settings.before is None or settings.after is None:
        raise InputError(
            f"{called(run)}: scales each pair by its own values, which a tile alone does not show; name the"
            " pair that the file is for with --before and --after"
        )
    asked_of(run, settings.what)  # refused before the images are read
    dates = [
        open_for(run, date, variable=settings.scene_variable, axes=settings.axes, bands=settings.bands)
        for date in (settings.before, settings.after)
    ]
    wanted = ChangeMapSettings(align=settings.align, nodata=settings.nodata)
    before, after = open_inputs(dates, wanted).values()
    return view_of(run, (before, after), settings.what)
