"""Patches of a scene: how they are cut, what stands beyond the scene's edge, and the pixels that they need.

c band   h, w rows and columns of a window   p side of a patch   m patches   n pixels that are kept
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, Int64, Shaped
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import Scaling, read_scaled
from terramamba.data.splits.leakage import within
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

Border = Literal["reflect", "zeros"]

OUTSIDE = -1
"""In place of a row or column beyond the edge: zeros stand there."""

VALUES_PER_READ = 32_000_000
"""Windows of a scene have at most about this many values (128 MB)."""


def gather_patches(pixels: Shaped[Tensor, "n c"], index: Int64[Tensor, "m p p"]) -> Shaped[Tensor, "m c p p"]:
    """Cut patches: ``index`` says which of ``pixels`` stands where. The bands of a pixel stay together."""
    m, p, _ = index.shape
    return pixels.index_select(0, index.reshape(-1)).view(m, p, p, pixels.shape[1]).permute(0, 3, 1, 2)


def window_patches(
    padded: Shaped[Tensor, "c H W"], rows: Int64[Tensor, " m"], cols: Int64[Tensor, " m"], patch_size: int
) -> Shaped[Tensor, "m c {patch_size} {patch_size}"]:
    """Cut the patches whose upper-left pixels are at (``rows``, ``cols``) of a padded window."""
    steps = torch.arange(patch_size, device=rows.device)
    index = (rows[:, None] + steps)[:, :, None] * padded.shape[2] + (cols[:, None] + steps)[:, None]
    return gather_patches(padded.permute(1, 2, 0).flatten(0, 1), index)


def beyond_edge(index: Int[np.ndarray, "*n"], length: int, border: str) -> Int64[np.ndarray, "*n"]:
    """Return the row (or column) of an axis that stands at ``index``, which may lie beyond its ends.

    There it is that of the mirror image (the outermost one is not repeated), or ``OUTSIDE`` where ``border``
    is zeros.
    """
    if border == "zeros":
        return np.where((index >= 0) & (index < length), index, OUTSIDE)
    turn = max(length - 1, 1)
    return turn - np.abs(turn - index % (2 * turn)) if length > 1 else np.zeros_like(index)


@dataclass(frozen=True, eq=False)
class PaddedWindow:
    """A window of a scene as a model sees it, with what stands around it.

    ``usable`` and ``not_finite`` are of the window itself, ``values`` of the pixels of the scene that it and
    its margin show: row ``rows[i]`` of them at row i of the padded window, zeros where that is ``OUTSIDE``.
    """

    usable: Bool[np.ndarray, "h w"]
    not_finite: Bool[np.ndarray, "h w"]
    values: Float32[np.ndarray, "c y x"]
    rows: Int64[np.ndarray, " H"]
    cols: Int64[np.ndarray, " W"]

    @classmethod
    def read(cls, scene: Scene, scaling: Scaling, window: Window, margin: int, border: str) -> "PaddedWindow":
        """Read ``window`` of ``scene`` with ``margin`` pixels more on every side."""
        wanted = window.expand(margin)
        rows = beyond_edge(np.arange(wanted.row, wanted.bottom), scene.height, border)
        cols = beyond_edge(np.arange(wanted.col, wanted.right), scene.width, border)
        (top, height), (left, width) = _span(rows), _span(cols)
        values, usable, not_finite = read_scaled(scene, scaling, Window(top, left, height, width))
        here = window.relative_to(Window(top, left, height, width)).slices
        rows, cols = (
            np.where(index < 0, OUTSIDE, index - first) for index, first in ((rows, top), (cols, left))
        )
        return cls(usable[here], not_finite[here], values, rows, cols)

    def padded(self) -> Float32[np.ndarray, "c H W"]:
        """Return the padded window, the bands of a pixel together in memory."""
        padded = np.ascontiguousarray(
            self.values.transpose(1, 2, 0)[np.maximum(self.rows, 0)[:, None], np.maximum(self.cols, 0)]
        )
        padded[self.rows < 0] = 0
        padded[:, self.cols < 0] = 0
        return padded.transpose(2, 0, 1)


def _span(index: Int64[np.ndarray, " n"]) -> tuple[int, int]:
    """The first of the rows (or columns) that are on the scene, and how many there are up to the last."""
    first = int(index[index >= 0].min())
    return first, int(index.max()) + 1 - first


@dataclass(frozen=True, eq=False)
class PatchStore:
    """The scaled pixels that the patches around some pixels of a scene show, each once.

    One store serves all subsets of the data; only the windows that hold such pixels were read. ``values`` has
    the bands of the n pixels in ``kept``, and at its end the zeros that may stand beyond the edge.
    ``usable``: which of them have finite data in all bands.
    """

    kept: PixelList
    values: Float32[Tensor, "n_and_1 c"]
    usable: Bool[np.ndarray, " n"]
    patch_size: int
    border: Border

    @classmethod
    def read(
        cls, scene: Scene, scaling: Scaling, pixels: PixelList, patch_size: int, border: Border
    ) -> "PatchStore":
        """Read what the patches around ``pixels`` of ``scene`` need.

        Raises:
            InputError: a scene too small to be mirrored so far, or one that cannot be read.
        """
        half = patch_size // 2
        if border == "reflect" and min(scene.height, scene.width) <= half:
            raise InputError(
                f"scene of {scene.height} x {scene.width} pixels: too small to mirror {half} pixels at its "
                "edge; use a --patch-size of at most twice its side less one, or --border zeros"
            )
        windows = [
            (window.expand(half).clip(scene.height, scene.width), places)
            for window, places in pixels.windows(*window_size(scene, len(scaling.bands)))
        ]
        needed = [_around(pixels, window, places, half) for window, places in windows]
        kept = PixelList(pixels.shape, np.unique(np.concatenate([np.zeros(0, np.int64), *needed])))
        values = np.zeros((len(kept) + 1, len(scaling.bands)), np.float32)
        usable = np.zeros(len(kept), bool)
        for (window, _), keys in zip(windows, needed, strict=True):
            places = kept.find(keys)
            inside = kept.inside(window, places)
            scaled, has_data, _ = read_scaled(scene, scaling, window)
            values[places] = scaled[:, *inside].T
            usable[places] = has_data[inside]
        return cls(kept, torch.from_numpy(values), usable, patch_size, border)

    def index(self, pixels: Int[np.ndarray, "m 2"]) -> Int64[np.ndarray, " m"]:
        """Find the pixels at these rows and columns among the kept ones, by their number."""
        return self.kept.find(pixels[:, 0].astype(np.int64) * self.kept.shape[1] + pixels[:, 1])

    def spectra(self, pixels: Int[np.ndarray, "m 2"]) -> Float32[np.ndarray, "m c"]:
        """Return the scaled bands of the pixels at these rows and columns."""
        return self.values.numpy()[self.index(pixels)]

    def patch_index(
        self, pixels: Int[np.ndarray, "m 2"], border: Border | None = None
    ) -> Int64[Tensor, "m {self.patch_size} {self.patch_size}"]:
        """Say which of ``values`` stands where in the patches around ``pixels``; None: the store's border."""
        width = self.kept.shape[1]
        rows, cols = self.patch_lines(pixels, border)
        # The pixels of a row of a patch lie side by side in the list, so that one of them has to be found.
        first = np.where(cols < 0, width, cols).min(axis=1, keepdims=True)
        starts = np.searchsorted(self.kept.keys, np.maximum(rows, 0) * width + first)
        found = starts[:, :, None] + (cols - first)[:, None]
        outside = (rows < 0)[:, :, None] | (cols < 0)[:, None]
        return torch.from_numpy(np.where(outside, len(self.kept), found))

    def patch_lines(
        self, pixels: Int[np.ndarray, "m 2"], border: Border | None = None
    ) -> tuple[Int64[np.ndarray, "m p"], Int64[np.ndarray, "m p"]]:
        """Return the rows and the columns of the scene that stand in the patches around ``pixels``."""
        steps = np.arange(self.patch_size) - self.patch_size // 2
        rows, cols = (
            beyond_edge(pixels[:, i, None].astype(np.int64) + steps, length, border or self.border)
            for i, length in enumerate(self.kept.shape)
        )
        return rows, cols

    def cut(self, pixels: Int[np.ndarray, "m 2"]) -> Float32[Tensor, "m c p p"]:
        """Cut the patches around ``pixels``, which are among those that the store was read for."""
        return gather_patches(self.values, self.patch_index(pixels))


def _around(
    pixels: PixelList, window: Window, places: Int64[np.ndarray, " k"], half: int
) -> Int64[np.ndarray, " n"]:
    """Keys of the pixels of ``window`` that are at most ``half`` rows and columns from one at ``places``."""
    marked = np.zeros(window.shape, bool)
    marked[pixels.inside(window, places)] = True
    rows, cols = np.nonzero(within(marked, half))
    return (rows + window.row) * pixels.shape[1] + cols + window.col


def window_size(scene: Scene, bands: int) -> tuple[int, int]:
    """Choose rows and columns of windows of ``VALUES_PER_READ``, over the full width unless that is flat."""
    pixels = max(1, VALUES_PER_READ // bands)
    rows = max(1, pixels // scene.width, min(int(pixels**0.5), 64))
    return rows, max(1, pixels // rows)
