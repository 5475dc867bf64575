"""Image pairs with change masks as training and scoring samples.

t date (2: before, after)   c band   h, w rows and columns
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Shaped, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from terramamba.core.errors import InputError
from terramamba.data.augment import (
    draw_corner,
    draw_corner_around,
    draw_symmetry,
    draw_zoom,
    exchange_dates,
    jitter,
    resize,
    sample_seed,
    turn,
)
from terramamba.data.pairs.change_masks import read_mask
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import IGNORE
from terramamba.data.pairs.pair_scaling import own_scaling
from terramamba.data.pairs.settle_labels import code_labels
from terramamba.data.pairs.statistics import require_bands
from terramamba.data.scaling import Scaling
from terramamba.data.settings import ScaleBy
from terramamba.raster.scene import Scene
from terramamba.raster.views.cropped import cropped
from terramamba.raster.windows import Window

CACHE_BYTES = 2**30
"""Decoded pairs are kept in memory up to this many bytes; the rest is read anew in every epoch."""

FARTHEST_BLACK = 4.0
"""Jitter multiplies values as seen from their zero, but from at most this many standard deviations away:
kelvins or decibels would be swamped."""


@dataclass(frozen=True)
class _Decoded:
    """A pair as it stands in its files; ``valid`` (both dates, all bands) is None where every pixel is."""

    before: Shaped[np.ndarray, "c h w"]
    after: Shaped[np.ndarray, "c h w"]
    valid: Bool[np.ndarray, "2 h w"] | None
    mask: UInt8[np.ndarray, "h w"]

    def cut(self, window: Window) -> "_Decoded":
        rows, cols = window.slices
        valid = None if self.valid is None else self.valid[:, rows, cols]
        return _Decoded(self.before[:, rows, cols], self.after[:, rows, cols], valid, self.mask[rows, cols])


class PairDataset(Dataset[dict[str, Tensor]]):
    """Samples ``{"image": (2, c, h, w) float32, "mask": (h, w) int64}``: 0 unchanged, 1 changed, 255 ignored.

    Images that are taken whole have ``"valid": (h, w) bool`` beside: where both dates have data. With
    ``meanings`` there is ``"meaning": () int64``, the place among them of what counts as changed.

    Both dates are scaled by one scaling. Pixels without data at a date hold its fill value, and are
    ignored in the mask; so is everything where a pair has no label.

    Args:
        pairs: The pairs; all have the bands that ``scaling`` was fitted on. Where nobody has settled what the
            values in their labels mean (``settle_labels``), it is decided from these pairs alone.
        scaling: From ``fit_pair_scaling`` on training pairs.
        crop_size: Side of the random crop; images are taken whole when None. Where some image is smaller, all
            crops are as small as the smallest, so that they fit into a batch.
        crops_per_pair: Crops of each pair in an epoch.
        augment: Mirror, and turn if crops are square.
        changed_crops: Share of the crops that are placed to hold a changed pixel, where their pair has one.
        zoom: Largest factor by which a crop is enlarged or made smaller, as if its pixels were finer or
            coarser; 1: none. As far as there are pixels for it; of use with ``augment`` only.
        exchange_dates: Probability of exchanging the dates; of use with ``augment`` only.
        jitter: Strength of the change of light of each date; of use with ``augment`` only.
        seed: Of crops and augmentation; what a sample gets depends on seed, epoch and its index alone.
        scale_by: "pair" scales each pair by what it holds itself.
        meanings: What may count as changed, where pairs say which of them does.
        cache_bytes: Decoded pairs are kept in memory up to this size.

    Raises:
        InputError: pairs, bands or masks that cannot be used, here or when a damaged file is read.
    """

    def __init__(
        self,
        pairs: Sequence[PairFiles],
        scaling: Scaling,
        *,
        crop_size: int | None,
        crops_per_pair: int = 1,
        changed_crops: float = 0.0,
        augment: bool,
        zoom: float = 1.0,
        exchange_dates: float = 0.0,
        jitter: float = 0.0,
        seed: int,
        scale_by: ScaleBy = "training",
        meanings: Sequence[str] = (),
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if (crop_size is not None and crop_size < 1) or crops_per_pair < 1:
            raise InputError(
                f"--crop-size {crop_size}, --crops-per-pair {crops_per_pair}: both must be 1 or more"
            )
        if any(pair.label is not None and pair.coding is None for pair in pairs):
            pairs = code_labels({"": pairs}).pairs[""]
        self.pairs, self.scaling, self.seed, self.epoch = tuple(pairs), scaling, seed, 0
        self.augment, self.exchange_dates, self.jitter = augment, exchange_dates, jitter
        self.changed_crops, self.zoom = changed_crops, zoom if augment else 1.0
        self.scale_by, self.meanings = scale_by, tuple(meanings)
        self._scalings: dict[int, Scaling] = {}
        self.crops_per_pair = crops_per_pair if crop_size is not None else 1
        self._areas = [self._area_of(pair) for pair in self.pairs]
        self._crop: tuple[int, int] | None = None
        if crop_size is not None:
            self._crop = (
                min(crop_size, *(area.height for area, _ in self._areas)),
                min(crop_size, *(area.width for area, _ in self._areas)),
            )
        self._cache: dict[int, _Decoded] = {}
        self._cache_left = cache_bytes

    def set_epoch(self, epoch: int) -> None:
        """Draw the crops and the augmentation of ``epoch`` from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.pairs) * self.crops_per_pair

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Tensor]]:
        """Return the samples of a batch."""
        return [self[index] for index in indices]

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        which = index // self.crops_per_pair
        generator = torch.Generator().manual_seed(sample_seed(self.seed, self.epoch, index))
        area, _ = self._areas[which]
        window = Window(0, 0, *area.shape)
        if self._crop is not None:
            side = self._drawn_side(which, generator)
            window = Window(*self._corner(which, side, generator), *side)
        decoded = self._decoded(which, window)
        scaling = self.scaling_of(which)
        image, mask = _scaled(decoded, scaling), torch.from_numpy(decoded.mask.astype(np.int64))
        if self.augment:
            image, mask = self._augmented(image, mask, decoded.valid, scaling, generator)
        if self._crop is not None and mask.shape != self._crop:
            image, mask = resize(image, mask, self._crop)
        sample = {"image": image.contiguous(), "mask": mask.contiguous()}
        what = self.pairs[which].what
        if self.meanings and what is not None:
            sample["meaning"] = torch.tensor(self.meanings.index(what))
        return sample if self._crop is not None else sample | {"valid": _valid(decoded)}

    def _drawn_side(self, which: int, generator: torch.Generator) -> tuple[int, int]:
        """Draw height and width of what is cut from a pair, to be brought to the crop's."""
        assert self._crop is not None
        if self.zoom == 1:
            return self._crop
        zoom, area = draw_zoom(self.zoom, generator), self.area(which)
        zoom = max(zoom, self._crop[0] / area.height, self._crop[1] / area.width)
        return max(round(self._crop[0] / zoom), 1), max(round(self._crop[1] / zoom), 1)

    def _corner(self, which: int, crop: tuple[int, int], generator: torch.Generator) -> tuple[int, int]:
        """Draw the upper-left pixel of a crop of a pair."""
        whole = Window(0, 0, *self.area(which).shape)
        if self.changed_crops and float(torch.rand((), generator=generator)) < self.changed_crops:
            cached = self._cache.get(which)
            mask = self.reference(which, whole) if cached is None else cached.mask
            changed = np.flatnonzero(mask == 1)
            if len(changed):
                drawn = changed[int(torch.randint(len(changed), (), generator=generator))]
                row, col = divmod(int(drawn), whole.width)
                return draw_corner_around((row, col), *whole.shape, crop, generator)
        return draw_corner(*whole.shape, crop, generator)

    def scaling_of(self, which: int) -> Scaling:
        """Return the scaling of both dates of a pair."""
        if self.scale_by == "training":
            return self.scaling
        if which not in self._scalings:
            self._scalings[which] = own_scaling(*self.dates(which), self.scaling)
        return self._scalings[which]

    def area(self, which: int) -> Window:
        """Return the rectangle of the images that belongs to a pair."""
        return self._areas[which][0]

    def dates(self, which: int) -> tuple[Scene, Scene]:
        """Open the two dates of a pair, to be read by windows."""
        window, dates = self.pairs[which].window, self.pairs[which].open()
        return dates if window is None else (cropped(dates[0], window), cropped(dates[1], window))

    def reference(self, which: int, window: Window) -> UInt8[np.ndarray, "h w"]:
        """Read 0 unchanged, 1 changed, 255 not known in ``window`` of a pair, as its label says."""
        area = self.area(which)
        inside = Window(area.row + window.row, area.col + window.col, *window.shape)
        return _reference(self.pairs[which], inside)

    def _area_of(self, pair: PairFiles) -> tuple[Window, int]:
        """The rectangle of the image that belongs to a pair, and the bytes that it takes when decoded."""
        bands = len(self.scaling.bands)
        before, after = pair.open()
        if pair.wanted is None or pair.wanted.used != self.scaling.bands:
            require_bands(before, bands)
        area = pair.window or before.grid.window
        masks = 3
        return area, area.pixels * (
            masks + bands * sum(np.dtype(date.dtype).itemsize for date in (before, after))
        )

    def _decoded(self, which: int, window: Window) -> _Decoded:
        """The pixels in ``window`` of a pair's area, from memory where there is room for the whole of it."""
        area, size = self._areas[which]
        if which not in self._cache and size <= self._cache_left:
            self._cache[which] = _decode(self.pairs[which], area, self.scaling.bands)
            self._cache_left -= size
        if which in self._cache:
            return self._cache[which].cut(window)
        inside = Window(area.row + window.row, area.col + window.col, *window.shape)
        return _decode(self.pairs[which], inside, self.scaling.bands)

    def _augmented(
        self,
        image: Float32[Tensor, "2 c h w"],
        mask: Shaped[Tensor, "h w"],
        valid: Bool[np.ndarray, "2 h w"] | None,
        scaling: Scaling,
        generator: torch.Generator,
    ) -> tuple[Float32[Tensor, "2 c i j"], Shaped[Tensor, "i j"]]:
        if self.jitter > 0:
            image = jitter(image, self.jitter, _black(scaling), generator)
            if valid is not None:
                fill = torch.tensor(scaling.fill, dtype=image.dtype)[:, None, None]
                image = torch.where(torch.from_numpy(valid)[:, None], image, fill)
        image = exchange_dates(image, self.exchange_dates, generator)
        height, width = self._crop or mask.shape
        symmetry = draw_symmetry(height == width, generator)
        return turn(image, symmetry), turn(mask, symmetry)


def _black(scaling: Scaling) -> Float32[Tensor, " c"]:
    zero = -np.multiply(scaling.offset, scaling.factor)
    return torch.from_numpy(zero.clip(-FARTHEST_BLACK, FARTHEST_BLACK).astype(np.float32))


def _scaled(decoded: _Decoded, scaling: Scaling) -> Float32[Tensor, "2 c h w"]:
    everywhere = np.ones((2, *decoded.mask.shape), bool)
    valid = everywhere if decoded.valid is None else decoded.valid
    dates = zip((decoded.before, decoded.after), valid, strict=True)
    return torch.from_numpy(np.stack([scaling.apply(*date) for date in dates]))


def _decode(pair: PairFiles, window: Window, bands: Sequence[int]) -> _Decoded:
    dates, valid = zip(*(_date(scene, window, bands) for scene in pair.open()), strict=True)
    both = np.stack(valid)
    mask = _reference(pair, window)
    mask[~both.all(axis=0)] = IGNORE
    return _Decoded(dates[0], dates[1], None if both.all() else both, mask)


def _valid(decoded: _Decoded) -> Bool[Tensor, "h w"]:
    """Where both dates have data."""
    everywhere = np.ones(decoded.mask.shape, bool)
    return torch.from_numpy(everywhere if decoded.valid is None else decoded.valid.all(axis=0))


def _reference(pair: PairFiles, window: Window) -> UInt8[np.ndarray, "h w"]:
    if pair.label is None or pair.coding is None:
        return np.full(window.shape, IGNORE, np.uint8)
    label, unchanged = pair.reference()
    return read_mask(label, pair.coding, window, unchanged)


def _date(
    scene: Scene, window: Window, bands: Sequence[int]
) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "h w"]]:
    """Values, and where all ``bands`` have data; elsewhere values are 0, with which arithmetic is safe."""
    values, known = scene.read(window, bands)
    valid = known.all(axis=0) & np.isfinite(values).all(axis=0)
    return (values if valid.all() else np.where(valid, values, values.dtype.type(0))), valid
