"""Which window of a pair is explained: the one that is named, or the one in which most is marked."""

from dataclasses import dataclass

import numpy as np
import torch

from terramamba.change.map_worker import ChangeDetector
from terramamba.change.pair_view import PairView
from terramamba.core.errors import InputError
from terramamba.core.progress import progress
from terramamba.explain.pixels import Pixel, named_pixels, named_window, window_around
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, evenly_spaced, tiles
from terramamba.runs.folder import Run
from terramamba.scores.thresholds import changed

MOST_LOOKED_AT = 64
"""Windows of a pair that are mapped to find the one with the most change."""

MOST_PIXELS = 1024 * 1024
"""Gradients of all parts are in memory together: 5.4 GB at this size with the base preset."""


@dataclass(frozen=True)
class Chosen:
    """A window, and in words why it is this one."""

    window: Window
    why: str


def choose_window(
    run: Run,
    dates: tuple[Scene, Scene],
    *,
    window: str | None,
    pixel: str | None,
    at: str | None,
    size: int,
    device: torch.device,
    view: PairView,
) -> Chosen:
    """Choose that of ``window``, one of ``size`` around ``pixel`` or ``at``, or that of most change.

    Of pairs with more than ``MOST_LOOKED_AT`` windows so many, spread evenly, are looked at.

    Raises:
        InputError: a window that is too large, outside the pair, or named twice; a pair without data.
    """
    scene = dates[0]
    named = [
        flag for flag, given in (("--window", window), ("--pixel", pixel), ("--at", at)) if given is not None
    ]
    if len(named) > 1:
        raise InputError(f"{' and '.join(named)}: each names the window; give one of them")
    if window is not None:
        return _allowed(Chosen(named_window(scene.path, scene.grid, window), "as named"), "--window")
    if size < 1:
        raise InputError(f"--size {size}: at least 1 pixel is needed")
    if named:
        centres: list[Pixel] = named_pixels(scene.path, scene.grid, pixel, at)
        if len(centres) > 1:
            raise InputError(f"{named[0]}: of a pair one window is explained; name one place")
        around = window_around(scene.grid, centres[0], size)
        return _allowed(Chosen(around, f"around row {centres[0][0]}, column {centres[0][1]}"), "--size")
    _allowed(Chosen(window_around(scene.grid, (0, 0), size), ""), "--size")
    return _most_changed(run, dates, size, device, view)


def _allowed(chosen: Chosen, flag: str) -> Chosen:
    if chosen.window.pixels > MOST_PIXELS:
        raise InputError(
            f"{flag}: {chosen.window.height} x {chosen.window.width} pixels; gradients need much memory, so"
            f" {MOST_PIXELS} pixels (1024 x 1024) are the most; take a smaller window"
        )
    return chosen


def _most_changed(
    run: Run, dates: tuple[Scene, Scene], size: int, device: torch.device, view: PairView
) -> Chosen:
    plan = tiles(dates[0].height, dates[0].width, size, 0)
    looked_at = plan
    if len(plan) > MOST_LOOKED_AT:
        looked_at = [plan[i] for i in evenly_spaced(0, len(plan), MOST_LOOKED_AT)]
    detector = ChangeDetector(run.model, view.scaling, dates, device, meaning=view.meaning)
    best: tuple[float, float, Window] | None = None
    with progress("look for change", len(looked_at), "windows") as advance:
        for window in looked_at:
            (part,) = detector.detect([window])
            advance(1)
            if not part.usable.any():
                continue
            likely = part.probability[part.usable]
            found = (float(np.count_nonzero(changed(likely, view.threshold))), float(likely.sum()))
            if best is None or found > best[:2]:
                best = (*found, window)
    if best is None:
        raise InputError(f"{dates[0].path}: no pixel with data at both dates; name other images")
    if len(plan) == 1:
        return Chosen(best[2], "all there is")
    of = "all" if looked_at is plan else f"{len(looked_at)} looked at, spread over"
    return Chosen(best[2], f"where most is marked, of {of} {len(plan)} windows")
