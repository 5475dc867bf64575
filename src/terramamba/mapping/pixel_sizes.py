"""Does a model know images of this resolution? What it learnt of shapes holds for pixels of a size."""

from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import pixel_sides
from terramamba.runs.folder import Run


def pixel_size_notes(run: Run, grid: Grid) -> list[str]:
    """Say that the pixels of an image are smaller or larger than any that the model has seen.

    Nothing is said where either is not known.
    """
    known, sides = run.card.data.pixel_sizes, pixel_sides(grid)
    if known is None or sides is None:
        return []
    least, most = known
    own = (sides[0] * sides[1]) ** 0.5
    if least <= own <= most:
        return []
    than = "smaller" if own < least else "larger"
    return [
        f"pixels are {own:.3g} m wide, {than} than those that the model has seen ({least:g} to {most:g} m):"
        " what it marks, or does not, may be wrong; try it where you know what changed, or another model (a"
        " pair: --model ir_mad shows whatever differs, at any resolution)"
    ]
