"""Two scenes beside each other, property by property, in words."""

from terramamba.core.words import percent
from terramamba.raster.checks.describe import range_in_words
from terramamba.raster.checks.overlap import overlap
from terramamba.raster.checks.pair_problems import located
from terramamba.raster.sample_statistics import Statistics
from terramamba.raster.scene import Scene
from terramamba.raster.views.grid_mapping import same_pixels
from terramamba.raster.views.warped import grid_in_words


def grids_in_words(first: Scene, second: Scene) -> dict[str, str]:
    """Say what the reference systems, the grids and their overlap are; ``second`` as it is given."""
    grids = [grid_in_words(scene.grid) for scene in (first, second)]
    facts = {"grids": f"the same: {grids[0]}" if same_pixels(first.grid, second.grid) else _both(*grids)}
    if located(first, second):
        fractions = overlap(first.grid, second.grid)
        facts["overlap"] = (
            f"{percent(fractions[0])} of the first, {percent(fractions[1])} of the second"
            if fractions
            else "none"
        )
    return facts


def values_in_words(first: Scene, second: Scene, a: Statistics, b: Statistics) -> dict[str, str]:
    """Say how many bands, of which type and values, and how much data there are."""
    return {
        "bands": _both(str(first.bands), str(second.bands)),
        "types": _both(first.dtype, second.dtype),
        "values": _both(range_in_words(a), range_in_words(b)),
        "no data": f"{percent(a.all_missing)} and {percent(b.all_missing)} of the pixels",
    }


def _both(first: str, second: str) -> str:
    return f"{first}, both" if first == second else f"{first} and {second}"


def units_in_words(first: Scene, second: Scene) -> dict[str, str]:
    """Say what the dates declare of their values, where that is applied."""
    said = ["none" if date.declared is None else date.declared.in_words() for date in (first, second)]
    applied = any(date.declared is not None and date.declared.applied for date in (first, second))
    return {"declared scale": f"applied: {_both(*said)}"} if applied else {}
