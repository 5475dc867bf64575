"""Image pairs as they are scored: whole, or where they are large by the tiles that a map of them is made of.

So the score of a large pair is that of its map, blended from overlapping tiles, and takes no more memory.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import rasterio
import torch
from jaxtyping import UInt8

from terramamba.change.map_worker import OVERLAP, TILE_SIZE, ChangeDetector, seen_tiles
from terramamba.change.samples import PairDataset
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import IGNORE
from terramamba.data.scaling import Scaling
from terramamba.data.settings import ScaleBy
from terramamba.mapping.blend import MappedWindow, blend
from terramamba.models.model import Model
from terramamba.raster.readers.gdal_source import GDAL_CACHE_BYTES
from terramamba.raster.windows import tiles
from terramamba.runs.folder import Run
from terramamba.training.predict import Rows, no_number_error

WHOLE_PIXELS = 1024 * 1024
"""A pair of more pixels is scored by tiles. The images of most published sets have 1024 a side at most, and
go through the model whole, as papers do it."""


class ScoredPairs(PairDataset):
    """Whole pairs without augmentation; see ``PairDataset`` for the samples."""

    def __init__(
        self,
        pairs: Sequence[PairFiles],
        scaling: Scaling,
        scale_by: ScaleBy = "training",
        meanings: Sequence[str] = (),
    ) -> None:
        super().__init__(
            pairs, scaling, crop_size=None, augment=False, seed=0, scale_by=scale_by, meanings=meanings
        )

    def swapped(self) -> "ScoredPairs":
        """Exchange the dates of all pairs."""
        pairs = [pair.swapped() for pair in self.pairs]
        exchanged = ScoredPairs(pairs, self.scaling, self.scale_by, self.meanings)
        exchanged._scalings = self._scalings  # one rule for both dates, whichever comes first
        return exchanged

    def mapped_for(self, model: Model) -> list[int]:
        """Return the pairs of more than ``WHOLE_PIXELS``; none for a model that needs the whole image."""
        if model.whole_image:
            return []
        most = WHOLE_PIXELS // model.seen_enlarged**2
        return [index for index in range(len(self)) if self.area(index).pixels > most]

    def file_of(self, index: int) -> str:
        """Return the file by which a message names a pair."""
        return self.pairs[index].before

    def map_rows(self, index: int, model: Model, device: torch.device, precision: str) -> Rows:
        """Yield probability of change, as ``map_change`` finds it, and mask of a pair, by full rows.

        Raises ``InputError`` after the last, where the model gives no number for pixels that count.
        """
        height, width = self.area(index).shape
        what = self.pairs[index].what
        meaning = self.meanings.index(what) if self.meanings and what is not None else None
        scaling = self.scaling_of(index)
        detector = ChangeDetector(model, scaling, self.dates(index), device, precision, meaning=meaning)
        side, overlap = seen_tiles(model, TILE_SIZE, OVERLAP)
        masks: dict[int, UInt8[np.ndarray, "h w"]] = {}

        def mapped() -> Iterator[MappedWindow]:
            for window in tiles(height, width, side, overlap):
                (tile,) = detector.detect([window])
                mask = self.reference(index, window)
                mask[~(tile.usable | tile.unanswered)] = IGNORE
                row = masks.setdefault(window.row, np.empty((window.height, width), np.uint8))
                row[:, window.col : window.right] = mask
                yield tile

        without = 0
        with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
            for rows in blend(mapped(), height, width, overlap):
                mask = masks.pop(rows.window.row)[: rows.window.height]
                without += int(np.count_nonzero(~rows.usable & (mask != IGNORE)))
                yield np.minimum(rows.probability, 1), mask  # votes may add up to a hair more than 1
        if without:
            raise no_number_error(without, self.file_of(index))


def scored_pairs(run: Run, pairs: Sequence[PairFiles]) -> ScoredPairs:
    """Return ``pairs`` as the model of ``run`` learnt to see them."""
    data = run.card.data
    return ScoredPairs(pairs, data.scaling, data.scale_by or "training", data.meanings or ())
