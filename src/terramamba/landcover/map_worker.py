"""The windows of a land-cover map: the classes of a window, each pixel by its own patch or all by tiles.

A window is read with a margin. Beyond the scene's edge stands what training put there.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32, Shaped, UInt8
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.core.run_files import CARD
from terramamba.data.patch_store import PaddedWindow
from terramamba.data.scaling import Scaling
from terramamba.landcover.fast import read_margin
from terramamba.landcover.window_logits import window_logits
from terramamba.mapping.certainty_layer import CertaintyRule, rejected_code
from terramamba.mapping.fit_to_run import open_run
from terramamba.mapping.inference import inferring
from terramamba.mapping.probability import stored_probability
from terramamba.mapping.regularise import Smoothing, smoothed, smoothed_logits
from terramamba.models.model import Model
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window
from terramamba.runs.folder import Run


@dataclass(frozen=True, eq=False)
class ClassWork:
    """All windows of a scene, to be mapped by any worker.

    ``run`` is a folder, so that little is sent, or the run itself. ``probabilities``: whether they are
    wanted, from logits divided by ``temperature``; ``certainty``: how that is made of logits, where it is
    wanted or pixels are to be left unnamed, ``smoothing``: of the probabilities that name the class and its
    certainty. ``tilings``: 0 for a patch of each pixel's own.
    """

    run: str | Run
    scene: Scene
    windows: tuple[Window, ...]
    batch_size: int
    precision: str
    tilings: int
    probabilities: bool
    temperature: float = 1.0
    certainty: CertaintyRule | None = None
    smoothing: Smoothing | None = None

    def start(self, device: torch.device) -> Callable[[int], dict[str, Shaped[np.ndarray, "..."]]]:
        """Load the model; return the function that maps a window to the arrays of ``ClassMapper.map``."""
        mapper = ClassMapper(self, open_run(self.run, "classify"), device)
        return lambda part: mapper.map(self.windows[part])


def code_type(codes: Iterable[int]) -> np.dtype[Any]:
    """Return the type of a map with these codes of classes."""
    return np.dtype(np.uint8 if max(codes) <= np.iinfo(np.uint8).max else np.uint16)


def no_data_code(codes: Collection[int]) -> int:
    """Say what stands for no data: 0, or where that is one of ``codes`` the last free one of 8 or 16 bits."""
    if 0 not in codes:
        return 0
    last = np.iinfo(np.uint8).max
    if max(codes) > last:
        last = np.iinfo(np.uint16).max
    return next(code for code in range(last, 0, -1) if code not in codes)


def reject_code(codes: Collection[int]) -> int:
    """Say what stands for "none of these" in a map with these codes of classes."""
    return rejected_code({*codes, no_data_code(codes)})


class ClassMapper:
    """Classifies windows of one scene with one run."""

    def __init__(self, work: ClassWork, run: Run, device: torch.device) -> None:
        self._work = work
        self._scaling: Scaling = run.scaling
        self._model: Model = run.model.to(device).eval()
        self._device = device
        codes = run.classes.codes
        self._codes = np.array(codes)
        self._no_data, self._rejected = no_data_code(codes), reject_code(codes)
        self._type = code_type([*codes, self._no_data, *self._unnamed()])
        self._patch = run.patches.size
        self._margin = read_margin(self._patch, work.tilings)
        self._border = run.patches.border

    def _unnamed(self) -> list[int]:
        """The code of what is none of the classes, where there may be such pixels."""
        rule = self._work.certainty
        return [] if rule is None or rule.least is None else [self._rejected]

    def map(self, window: Window) -> dict[str, Shaped[np.ndarray, "..."]]:
        """Map a window: ``classes`` (codes), ``not_finite`` (a number), ``probability`` and ``certainty``.

        The latter are as they are stored, and there where they are wanted.
        """
        reach = 0 if self._work.smoothing is None else self._work.smoothing.radius
        scene = self._work.scene
        outer = window.expand(reach).clip(scene.height, scene.width)
        inner = window.relative_to(outer)
        seen = PaddedWindow.read(scene, self._scaling, outer, self._margin, self._border)
        usable = seen.usable[inner.slices]
        raw = logits = torch.zeros(0, len(self._codes))
        not_finite = np.count_nonzero(seen.not_finite[inner.slices])
        if usable.any():
            raw, logits = self._classified(seen, inner, (outer.row, outer.col))
            answered = _answered(raw) & _answered(logits)
            if not answered.all():  # of NaN, argmax would make the first class
                usable = usable.copy()
                usable[usable] = answered.numpy()
                raw, logits = raw[answered], logits[answered]
                not_finite += np.count_nonzero(~answered.numpy())
        named = self._codes[logits.argmax(dim=1).numpy()].astype(self._type)
        arrays = {"not_finite": np.array(not_finite)}
        if self._work.probabilities:
            likely = torch.softmax(raw / self._work.temperature, dim=1).numpy()
            arrays["probability"] = _stored(likely.T, usable)
        rule = self._work.certainty
        if rule is not None:
            sure = torch.softmax(logits / rule.temperature, dim=1).amax(dim=1).numpy()
            if rule.least is not None:
                named[sure.astype(np.float64) < rule.least] = self._rejected
            arrays["certainty"] = _stored(sure[None], usable)
        classes = np.full(window.shape, self._no_data, self._type)
        classes[usable] = named
        return arrays | {"classes": classes}

    def _classified(
        self, seen: PaddedWindow, inner: Window, origin: tuple[int, int]
    ) -> tuple[Float32[Tensor, "m k"], Float32[Tensor, "m k"]]:
        """Logits of the usable pixels of ``inner``, row by row: the model's, and what stands for them."""
        work, rule = self._work, self._work.smoothing
        padded, usable = (torch.from_numpy(one).to(self._device) for one in (seen.padded(), seen.usable))
        with inferring(self._device, work.precision):
            logits = window_logits(
                self._model,
                padded,
                usable,
                origin,
                patch_size=self._patch,
                tilings=work.tilings,
                batch_size=work.batch_size,
            )
            if logits.shape[1] != len(self._codes):
                raise InputError(
                    f"the model gives {logits.shape[1]} classes, but {CARD} names {len(self._codes)};"
                    " train the model anew"
                )
            if rule is None:
                return logits, logits
            image = torch.zeros(logits.shape[1], *usable.shape, device=self._device)
            image[:, usable] = torch.softmax(logits, dim=1).T.to(self._device)
            rows, cols = (slice(self._margin, self._margin + length) for length in usable.shape)
            (smooth,) = smoothed(image, padded[:, rows, cols], usable, inner, rule.radius, [rule.bandwidth])
        there = torch.from_numpy(seen.usable[inner.slices])
        inside = torch.zeros(seen.usable.shape, dtype=torch.bool)
        inside[inner.slices] = True
        return logits[inside[torch.from_numpy(seen.usable)]], smoothed_logits(smooth.cpu()[:, there].T)


def _answered(logits: Float32[Tensor, "m k"]) -> Bool[Tensor, " m"]:
    """Which pixels have probabilities; a logit of minus infinity, as of a forest, is one of 0."""
    if torch.isfinite(logits).all():
        return torch.ones(len(logits), dtype=torch.bool)
    return ~torch.softmax(logits, dim=1).isnan().any(dim=1)


def _stored(
    likely: Float32[np.ndarray, "k m"], usable: Bool[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "k h w"]:
    """Probabilities of the ``usable`` pixels, row by row, as a raster stores them."""
    probability = np.zeros((len(likely), *usable.shape), np.float32)
    probability[:, usable] = likely
    return stored_probability(probability, np.broadcast_to(usable, probability.shape))
