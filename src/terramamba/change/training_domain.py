"""What in a pair lies outside the domain of training: pixels of another size, pictures without colours."""

from collections.abc import Sequence
from math import ceil

import numpy as np

from terramamba.change.settings import MOST_TIMES
from terramamba.core.words import count
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.mapping.value_range import value_differences
from terramamba.raster.checks.grey import is_grey
from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import pixel_side, side_in_words, sides_in_words
from terramamba.raster.sample_statistics import sample_values
from terramamba.raster.scene import Scene
from terramamba.raster.windows import evenly_spaced
from terramamba.runs.folder import Run

SAMPLED_VALUES = 300_000
COLOURS = 3
IN_WORDS = {2: "two", 3: "three", 4: "four"}
NEARLY_AS_LARGE = 1.25
"""Pixels that are so many times larger than those of training are as good."""
MOST_PAIRS = 8
"""Of pairs that are scored, so many are looked at."""


def sizes_of_pixels(pairs: Sequence[PairFiles], zoom: float) -> tuple[float, float] | None:
    """Return the least and the largest side in metres of pixels of ``pairs``, crops of which are zoomed.

    None where there are none, or it is not known of one of them.
    """
    lengths = [side for pair in pairs if (side := pixel_side(pair.grid)) is not None]
    return (min(lengths) / zoom, max(lengths) * zoom) if lengths and len(lengths) == len(pairs) else None


def sizes_by_meaning(pairs: Sequence[PairFiles], zoom: float) -> dict[str, tuple[float, float]]:
    """Return the same for each meaning of "changed" of whose pairs it is known."""
    named = {pair.what for pair in pairs if pair.what is not None}
    sizes = {what: sizes_of_pixels([pair for pair in pairs if pair.what == what], zoom) for what in named}
    return {what: size for what, size in sorted(sizes.items()) if size is not None}


def learnt_values(run: Run) -> bool:
    """Tell whether ``run`` learnt values as they are, and does not scale each pair by its own."""
    return run.card.data.scale_by != "pair"


def notes_on_domain(
    run: Run, dates: tuple[Scene, Scene], grid: Grid, what: str | None, enlarge: int
) -> list[str]:
    """Say what in ``dates``, which lie on ``grid``, ``run`` was neither trained nor tried on.

    It is asked for ``what``, and sees pixels that are ``enlarge`` times smaller than those of ``grid``.
    """
    return [*_on_pixel_sizes(run, grid, what, enlarge), *_on_colours(run, dates)]


def notes_on_pairs(run: Run, pairs: Sequence[PairFiles], enlarge: int = 1) -> list[str]:
    """Say which pixels, colours or values of most ``pairs`` the ``run`` was neither trained nor tried on.

    Looks at up to ``MOST_PAIRS`` of them, evenly spaced over all. Raises ``InputError`` where a file is
    damaged.
    """
    chosen = [pairs[index] for index in evenly_spaced(0, len(pairs), min(MOST_PAIRS, len(pairs))).tolist()]
    found: list[tuple[list[str], ...]] = []
    for pair in chosen:
        dates = pair.open()
        values = value_differences(run, dates[0]) if learnt_values(run) else []
        sizes = _on_pixel_sizes(run, pair.grid, pair.what, enlarge)
        found.append((sizes, _on_colours(run, dates), values))
    said = [[notes[0] for notes in kind if notes] for kind in zip(*found, strict=True)]
    looked = f"{count(len(chosen), 'pair')} that {'was' if len(chosen) == 1 else 'were'} looked at"
    return [f"{kind[0]} (so in {len(kind)} of {looked})" for kind in said if 2 * len(kind) > len(chosen)]


def _on_pixel_sizes(run: Run, grid: Grid, what: str | None, enlarge: int) -> list[str]:
    """Nothing where the size, or what the run knows of sizes, is not known."""
    data, own = run.card.data, pixel_side(grid)
    known = (data.pixel_sizes_of or {}).get(what or "", data.pixel_sizes)
    if known is None or own is None:
        return []
    least, most = known
    if least / NEARLY_AS_LARGE <= own / enlarge <= most * NEARLY_AS_LARGE:
        return []
    than = "smaller" if own / enlarge < least else "larger"
    seen = "" if enlarge == 1 else f", seen as {side_in_words(own / enlarge)} m"
    times = ceil(own / (most * NEARLY_AS_LARGE))
    nearer = "" if than == "smaller" or times > MOST_TIMES else f" with and without --enlarge {times},"
    return [
        f"pixels are {side_in_words(own)} m wide{seen}, {than} than those that the model was trained or tried"
        f" on{'' if what is None else f' for {what}'} ({sides_in_words(known)} m): what it marks, or does"
        f" not, may be wrong; try it where you know what changed,{nearer} or map with --model ir_mad, which"
        " shows whatever differs, at any resolution"
    ]


def _on_colours(run: Run, dates: tuple[Scene, Scene]) -> list[str]:
    """Radar and panchromatic pictures come as bands that are all alike."""
    bands = run.scaling.bands
    if not _knows_colours(run):
        return []
    return [
        f"{date.path}: its {IN_WORDS.get(len(bands), len(bands))} bands are all alike, as in radar or a grey"
        " picture; the model knows colours, and what it marks, or does not, means little: --model cva takes"
        " one band of it (--bands 1)"
        for date in dates
        if _is_grey(date, bands)
    ]


def _knows_colours(run: Run) -> bool:
    """Tell whether a run is known to have learnt from bands that are not all alike."""
    data = run.card.data
    if data.scale_by == "pair":
        return len(run.scaling.bands) == COLOURS
    return data.quantiles is not None and any(len(set(row)) > 1 for row in data.quantiles)


def _is_grey(date: Scene, bands: tuple[int, ...]) -> bool:
    values, valid = sample_values(date, bands, SAMPLED_VALUES)
    known = values[:, valid.all(axis=0)]
    return is_grey(known) and bool(np.ptp(known) > 0)
