"""Do two dates hold comparable values? Offsets, gains, zeros without data, bands in another order, dates.

All is measured on pixels with data at both dates. c band   n pixels of both dates
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
from jaxtyping import Float64

from terramamba.core.words import percent
from terramamba.raster.checks.band_order import better_order, colour_correlations, order_in_words
from terramamba.raster.checks.broken_bands import broken_bands
from terramamba.raster.checks.colour_model import unlike_colours
from terramamba.raster.checks.date_order import order_of_dates
from terramamba.raster.checks.fill_values import Part, in_one_piece
from terramamba.raster.checks.finding import Finding
from terramamba.raster.checks.grey import is_grey
from terramamba.raster.checks.lone_colour import lone_colour
from terramamba.raster.checks.one_image import part_of_one, the_same_twice
from terramamba.raster.checks.radar import is_radar, speckle_ratio
from terramamba.raster.checks.repeated_pixels import times_repeated
from terramamba.raster.checks.scales import (
    Scales,
    difference_of_pixels,
    difference_of_scales,
    difference_of_units,
)
from terramamba.raster.sample_statistics import some_bands, spread_windows
from terramamba.raster.scene import Scene

MOST_VALUES = 4_000_000
"""At most this many values of each date are compared."""
LEAST_PIXELS = 400
"""Fewer pixels with data at both dates say nothing of their values."""
WEDGE_SHARE = 0.01
"""Zeros of one date alone count from this share of the pixels on, in one piece."""
WEDGE_PIECE = 0.5
ZEROS, ORDER, LONE = "zeros at one date", "order of bands", "one colour at one date"
BRIGHT, FLAT = "white at one date", "one value all over at one date"
WHITE, WHITE_SHARE = 255, 0.1
"""White of one date alone counts in bytes from this share on; bright roofs take 5 % of a real image."""
NEARLY_ALL = 0.9
"""Backscatter in decibels is below 0 at so many pixels; in linear units it never is."""


@dataclass(frozen=True, eq=False)
class Compared:
    """What was found of the values of two dates: facts in words, what makes them incomparable, and how the
    colours of their bands correlate (None: not known)."""

    facts: dict[str, str]
    findings: tuple[Finding, ...]
    colours: Float64[np.ndarray, "c c"] | None


def compare_dates(first: Scene, second: Scene) -> Compared:
    """Compare the values of two dates on one grid; raises ``InputError`` where a file is damaged."""
    order = order_of_dates(first.path, second.path)
    findings = [] if order is None else [Finding("dates", order)]
    parts = _common_parts(first, second)
    stored = [_as_stored(scene, own) for scene, own in zip((first, second), parts, strict=True)]
    findings += _zeros(first, second, *stored) or _lone_colours(first, second, *stored)
    if first.declared == second.declared:
        parts = (stored[0], stored[1])  # of one scale; offsets are known as they are stored
    values = _in_both(parts, stored)
    if values is None:
        return Compared({}, tuple(findings), None)
    a, b = (Scales.of(date) for date in values)
    facts = {
        "medians": _both(_numbers(a.medians), _numbers(b.medians)),
        "spreads": _both(_numbers(a.spreads), _numbers(b.spreads)) + " (middle half of the values)",
    }
    flat = _flat(first, second, *values)
    if flat is not None:
        told = any(one.kind == BRIGHT for one in findings)
        return Compared(facts, tuple(findings if told else [*findings, flat]), None)
    same = the_same_twice(first, second, stored, values) if a.spreads.any() else None
    whole = (
        same,
        _grey_beside_colour(first, second, *values),
        _of_two_sizes(first, second, *stored),
        None if same is not None else part_of_one(first, second, *stored),
    )
    findings += [one for one in whole if one is not None]
    if not is_grey(values[0]) and not is_grey(values[1]):
        findings += broken_bands(list(zip((first, second), values, strict=True)), _looked_at(first, second))
    colour = None if same is not None else unlike_colours(first, second, *values)
    if colour is not None:  # what follows is of bands that mean the same
        return Compared(facts, (*findings, colour), None)
    by = (
        difference_of_scales(a, b)
        or difference_of_units(a, b, same_type=first.dtype == second.dtype)
        or difference_of_pixels(*values)
    )
    units = _decibels(first, second, *values)
    kinds = _radar_of_two_kinds(first, second, *parts)
    findings += [one for one in (units, kinds) if one is not None]
    if by is not None and units is None:  # units differ by more than one offset
        said = by.in_words(f"the values of {second.path}", f"those of {first.path}")
        kind = "offset between the dates" if by.offset else "gain between the dates"
        findings.append(Finding(kind, f"{said}, which would count as change; {by.remedy}"))
    colours = colour_correlations(*values)
    swapped = None if colours is None else better_order([colours])
    if swapped is not None:
        findings.append(Finding(ORDER, order_in_words(swapped, first.path, second.path)))
    return Compared(facts, tuple(findings), colours)


def _flat(
    first: Scene, second: Scene, a: Float64[np.ndarray, "c n"], b: Float64[np.ndarray, "c n"]
) -> Finding | None:
    """One date that shows nothing, where the other does."""
    varied = [bool(np.ptp(own, axis=1).any()) for own in (a, b)]
    if varied[0] == varied[1]:
        return None
    one = first if varied[1] else second
    words = (
        f"{one.path}: all pixels that have data are alike, so that what the other date shows would count as"
        " change: probably it was not written, or is no image; give that of this date"
    )
    return Finding(FLAT, words)


def _grey_beside_colour(
    first: Scene, second: Scene, a: Float64[np.ndarray, "c n"], b: Float64[np.ndarray, "c n"]
) -> Finding | None:
    """One date whose bands are all alike, where those of the other are not."""
    grey = [is_grey(own) for own in (a, b)]
    if grey[0] == grey[1] or not np.ptp(a) or not np.ptp(b):
        return None
    one, other = (first, second) if grey[0] else (second, first)
    return Finding(
        "grey beside colour",
        f"the bands of {one.path} are all alike, as in radar or a grey picture, those of {other.path} are"
        " not: their colours would count as change; give both dates of one kind, or one band of both"
        " (--bands 1)",
    )


def _decibels(
    first: Scene, second: Scene, a: Float64[np.ndarray, "c n"], b: Float64[np.ndarray, "c n"]
) -> Finding | None:
    """One date below 0 nearly everywhere in all bands, where the other never is."""
    for scene, own, another, other in ((first, a, second, b), (second, b, first, a)):
        if (other > 0).all() and ((own < 0).mean(axis=1) >= NEARLY_ALL).all():
            return Finding(
                "decibels at one date",
                f"the values of {scene.path} are below 0 nearly everywhere, those of {another.path} nowhere,"
                " as backscatter in decibels beside linear units, which would count as change; bring both"
                " into one unit",
            )
    return None


def _radar_of_two_kinds(first: Scene, second: Scene, a: Sequence[Part], b: Sequence[Part]) -> Finding | None:
    """Radar whose speckle is far stronger at one date."""
    ratio = speckle_ratio(a, b) if is_radar(first) and is_radar(second) else None
    if ratio is None:
        return None
    one, other = (first, second) if ratio < 1 else (second, first)
    times = f"{max(ratio, 1 / ratio):.2g} times more"
    return Finding(
        "radar of two kinds",
        f"neighbouring pixels of {one.path} differ {times}, in proportion, than those of {other.path}:"
        " probably one holds intensities and the other amplitudes (their roots), or one is filtered for"
        " speckle, which would count as change; bring them into one kind",
    )


def _of_two_sizes(first: Scene, second: Scene, a: Sequence[Part], b: Sequence[Part]) -> Finding | None:
    """One date whose pixels are repeated, where those of the other are not, or not as often."""
    times = times_repeated(a), times_repeated(b)
    if times[0] == times[1]:
        return None
    coarse, fine = (first, second) if times[0] > times[1] else (second, first)
    side = max(times)
    return Finding(
        "pixels of two sizes",
        f"{coarse.path} holds every pixel {side} x {side} times, as an image of larger pixels that was"
        f" enlarged, {fine.path} does not: what is smaller would count as change; bring both to the larger"
        " pixels (gdalwarp -r average)",
    )


def _looked_at(first: Scene, second: Scene) -> tuple[int, ...]:
    """The bands of two dates that are compared."""
    return min(some_bands(first), some_bands(second), key=len)


def _common_parts(first: Scene, second: Scene) -> tuple[list[Part], list[Part]]:
    """The same pixels of both dates."""
    bands = _looked_at(first, second)
    if first.overviews and second.overviews:
        side = max(1, isqrt(MOST_VALUES // len(bands)))
        return [first.preview(side, bands)], [second.preview(side, bands)]
    own, other = (spread_windows(date, bands, MOST_VALUES) for date in (first, second))
    windows = min(own, other, key=lambda placed: sum(window.pixels for window in placed))
    before, after = ([date.read(window, bands) for window in windows] for date in (first, second))
    return before, after


def _as_stored(scene: Scene, parts: Sequence[Part]) -> list[Part]:
    """The values as the file has them, in which 0 may be no data."""
    if scene.declared is None:
        return list(parts)
    bands = range(scene.bands)
    return [(scene.declared.as_stored(values, bands), valid) for values, valid in parts]


def _in_both(
    parts: Sequence[Sequence[Part]], stored: Sequence[Sequence[Part]]
) -> tuple[Float64[np.ndarray, "c n"], Float64[np.ndarray, "c n"]] | None:
    """The values of pixels with data in all bands of both dates, of which 0 in all is none; None: too few."""
    chosen: tuple[list[Float64[np.ndarray, "c n"]], ...] = ([], [])
    for pair, own in zip(zip(*parts, strict=True), zip(*stored, strict=True), strict=True):
        known = [
            (valid & np.isfinite(values)).all(axis=0) & (values != 0).any(axis=0) for values, valid in own
        ]
        for kept, (values, _) in zip(chosen, pair, strict=True):
            kept.append(values[:, known[0] & known[1]].astype(np.float64))
    a, b = (np.concatenate(kept, axis=1) for kept in chosen)
    return (a, b) if a.shape[1] >= LEAST_PIXELS else None


def _zeros(first: Scene, second: Scene, a: Sequence[Part], b: Sequence[Part]) -> list[Finding]:
    """A wedge of zeros, or of white in bytes, at one date, where the other has data."""
    found = []
    for scene, own, other in ((first, a, b), (second, b, a)):
        for value, least, kind, what in (
            (0, WEDGE_SHARE, ZEROS, "no data"),
            (WHITE, WHITE_SHARE, BRIGHT, "no data (or saturated)"),
        ):
            share = _share_in_one_piece(own, other, value)
            if share >= least and (value == 0 or scene.dtype == "uint8"):
                found.append(
                    Finding(
                        kind,
                        f"{scene.path}: {percent(share)} of the pixels are {value} in all bands, in one"
                        f" piece, where the other date has data: probably {what}, which would count as"
                        f" change; --nodata {value} leaves them out",
                    )
                )
    return found


def _lone_colours(first: Scene, second: Scene, a: Sequence[Part], b: Sequence[Part]) -> list[Finding]:
    """One colour of one date that stands apart from all its others, where the other date has data."""
    found = []
    for scene, own, other in ((first, a, b), (second, b, a)):
        lone = lone_colour(own, other)
        if lone is None:
            continue
        values = [f"{value:.7g}" for value in lone.values]
        alike = len(set(values)) == 1
        more = ", ..." if len(values) > 4 else ""
        where = "all bands" if lone.band is None else f"band {_looked_at(first, second)[lone.band] + 1}"
        said = f"are {values[0]} in {where}" if alike else f"hold {', '.join(values[:4])}{more}"
        # in the middle of the range a band of other pixels has the value, too
        remedy = f"--nodata {values[0]} leaves" if alike and lone.at_end else "a mask (--mask) leaves"
        found.append(
            Finding(
                LONE,
                f"{scene.path}: {percent(lone.share)} of the pixels {said},"
                " which no others are near to, where the other date has data: probably no data, which would"
                f" count as change; {remedy} them out",
            )
        )
    return found


def _share_in_one_piece(own: Sequence[Part], other: Sequence[Part], value: int) -> float:
    """Share of the pixels that are ``value`` in all bands of one date alone; 0 where they lie scattered."""
    alone = [
        ((values == value) & valid).all(axis=0) & (there & (beside != value)).any(axis=0)
        for (values, valid), (beside, there) in zip(own, other, strict=True)
    ]
    share = sum(int(np.count_nonzero(marked)) for marked in alone) / sum(marked.size for marked in alone)
    return share if share >= WEDGE_SHARE and in_one_piece(alone) >= WEDGE_PIECE else 0.0


def _both(first: str, second: str) -> str:
    return f"{first}, both" if first == second else f"{first} and {second}"


def _numbers(values: Float64[np.ndarray, " c"], most: int = 8) -> str:
    said = ", ".join(f"{value:.4g}" for value in values[:most].tolist())
    return f"({said}{', ...' if len(values) > most else ''})"
