"""A classifier as a network of a file: the bands of a tile to probabilities of each class, as in fast mode.

A tile is classified as a scene of its size would be: beyond its edge stands what stood there in training, so
that tiles should overlap by ``fast.margin`` on every side.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

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
from terramamba.landcover.fast import check_tilings, lattice, margin, shifts
from terramamba.mapping.fit_to_run import chosen_temperature
from terramamba.models.model import Model
from terramamba.runs.folder import Run
from terramamba.runs.model_card import PatchShape

TILE = 64


class ClassNetwork(nn.Module):
    """Tiles (b, s, h, w) of s bands to probabilities of k classes (b, k, h, w)."""

    def __init__(
        self, model: Model, scaled: ScaledBands, patches: PatchShape, tilings: int, temperature: float
    ) -> None:
        super().__init__()
        self.model, self.scaled, self.patches, self.temperature = model, scaled, patches, temperature
        self.shifts = shifts(patches.size, tilings)

    def forward(self, x: Float[Tensor, "b s h w"]) -> Float[Tensor, "b k h w"]:
        """Classify each pixel of tiles."""
        p, wide = self.patches.size, margin(self.patches.size)
        mode = "reflect" if self.patches.border == "reflect" else "constant"
        padded = F.pad(self.scaled(x), (wide,) * 4, mode=mode)
        views = [self._tokens(padded, shift) for shift in self.shifts]
        means = F.avg_pool2d(torch.stack(views).mean(0), p, stride=1)
        return torch.softmax(means / self.temperature, dim=1)

    def _tokens(self, padded: Float[Tensor, "b c H W"], shift: tuple[int, int]) -> Float[Tensor, "b k h2 w2"]:
        """Logits of the tokens of all patches around a tile's pixels, by one tiling."""
        p, half = self.patches.size, self.patches.size // 2
        height, width = (side - 2 * margin(p) + 2 * half for side in padded.shape[-2:])
        before, (n, m), (top, left) = lattice((height, width), (-half, -half), shift, p)
        block = padded[..., top : top + n * p, left : left + m * p]
        tiles = block.reshape(-1, block.shape[1], n, p, m, p).permute(0, 2, 4, 1, 3, 5)
        logits = self.model.token_logits(tiles.flatten(0, 2)).float()
        k = logits.shape[1]
        image = logits.view(-1, n, m, k, p, p).permute(0, 3, 1, 4, 2, 5).reshape(-1, k, n * p, m * p)
        return image[..., before[0] : before[0] + height, before[1] : before[1] + width]


def tile_network(run: Run, settings: ExportSettings) -> TileNetwork:
    """Return the run's network.

    Raises:
        InputError: the model does not classify the single pixels of a patch, or a tile is smaller than what
            its pixels are classified by.
    """
    require_tiles(run)
    for flag, given in ({"--what": settings.what} | settings.pair_flags()).items():
        if given is not None:
            raise InputError(f"{flag} {given}: is for runs of change; leave it out")
    if not run.model.classifies_tokens:
        raise InputError(
            f"{run.folder}: {run.card.model.name} does not classify the single pixels of a patch, as a file"
            " must; export another model, such as ssa_mamba"
        )
    check_tilings(run.model, settings.tilings)
    tile, least = settings.tile or TILE, margin(run.patches.size) + 1
    if tile < least:
        raise InputError(f"--tile {tile}: {least} is needed with patches of {run.patches.size} pixels")
    multiplied = BYTE if settings.deepness else 1.0
    temperature = chosen_temperature(run, settings.calibrated)
    scaled = ScaledBands(run.scaling, multiplied)
    facts: dict[str, Any] = common_facts(run) | {
        "input": "bands" + (", divided by 255" if settings.deepness else ""),
        "classes": list(run.classes.names),
        "codes": list(run.classes.codes),
        "tilings": settings.tilings,
        "temperature": temperature,
    }
    return TileNetwork(
        ClassNetwork(run.model, scaled, run.patches, settings.tilings, temperature),
        run.card.data.source_bands,
        tile,
        drawn_tiles(run.scaling, run.card.data.source_bands, 1, tile, multiplied),
        tuple(run.classes.names),
        2 * margin(run.patches.size),
        facts,
    )
