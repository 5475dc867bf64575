"""What keeps two scenes from being a pair: other ground, other pixels, other bands."""

from terramamba.core.errors import InputError
from terramamba.raster.band_matching import MATCHED
from terramamba.raster.checks.overlap import displacement, overlap
from terramamba.raster.checks.product_level import levels_note
from terramamba.raster.geogrid import crs_name, same_crs
from terramamba.raster.readers.mosaic import WAVELENGTH_TOLERANCE_NM
from terramamba.raster.scene import Scene
from terramamba.raster.views.on_grid import either_way

CUT_IN_TWO = (
    "one that holds both dates is cut in two first, by its bands (gdal_translate -b 1 -b 2 -b 3) or by its"
    " halves (gdal_translate -srcwin)"
)


def refuse_apart(first: Scene, second: Scene) -> None:
    """Raise ``InputError`` where two georeferenced scenes show different places."""
    if located(first, second) and not overlap(first.grid, second.grid):
        raise InputError(_apart(first, second))


def located(first: Scene, second: Scene) -> bool:
    """Tell whether both scenes have georeferencing."""
    return first.transform is not None and second.transform is not None


def problems_and_notes(first: Scene, second: Scene, unmatched: str | None) -> tuple[list[str], list[str]]:
    """Find what keeps two scenes from being a pair, and what is worth knowing of them.

    ``unmatched`` says why the bands of the second are not those of the first; None: they are.
    """
    problems: list[str] = []
    notes = [note for note in second.notes if note.startswith(MATCHED)]
    pair = f"{first.path} and {second.path}"
    both_located = located(first, second)
    if both_located and not overlap(first.grid, second.grid):
        return [_apart(first, second)], []
    remedy = "give --align bilinear (or cubic) to warp the second onto the first's grid"
    if first.grid.window != second.grid.window:
        sizes = f"{first.height} x {first.width} and {second.height} x {second.width} pixels"
        cure = remedy if both_located else "crop both to the same area"
        problems.append(f"{pair} differ in size: {sizes}; {cure}")
    if first.bands != second.bands:
        bands = f"{first.bands} and {second.bands}"
        cure = "choose the same bands of both, with --bands"
        problems.append(f"{pair} differ in their number of bands: {bands}; {cure}")
    elif unmatched is not None:
        problems.append(unmatched)
    if first.crs is not None and second.crs is not None and not same_crs(first.crs, second.crs):
        systems = f"{crs_name(first.crs)} and {crs_name(second.crs)}"
        problems.append(f"{pair} differ in their coordinate reference system: {systems}; {remedy}")
    elif both_located:
        difference = displacement(first.grid, second.grid)
        if difference:
            problems.append(f"{pair} differ in place: {difference}; {remedy}")
    if not both_located and first.turned != second.turned:
        problems.append(f"{pair}: {either_way(first if first.turned else second)}")
    if not both_located:
        notes.append(_unlocated(first, second))
    elif (first.crs is None) != (second.crs is None):
        notes.append("only one of the two names its coordinate reference system; taken to be the same")
    if first.dtype != second.dtype:
        notes.append(
            f"types of values differ: {first.dtype} and {second.dtype}; check that the units are the same"
        )
    if first.wavelengths and second.wavelengths and first.bands == second.bands:
        apart = max(abs(a - b) for a, b in zip(first.wavelengths, second.wavelengths, strict=True))
        if apart > WAVELENGTH_TOLERANCE_NM:
            notes.append(f"wavelengths differ by up to {apart:.4g} nm")
    if (levels := levels_note(first.path, second.path)) is not None:
        notes.append(levels)
    if first.path == second.path:
        notes.append(f"both are the same file, of which no change can be told: {CUT_IN_TWO}")
    return problems, notes


def _apart(first: Scene, second: Scene) -> str:
    pair = f"{first.path} and {second.path}"
    return f"{pair} show different places and do not overlap; give two images of one place"


def _unlocated(first: Scene, second: Scene) -> str:
    if first.transform is None and second.transform is None:
        return "neither has georeferencing; pixels are taken to lie on the same places"
    known = first if first.transform is not None else second
    return f"only {known.path} has georeferencing; pixels are taken to lie on the same places"
