"""The formats that scenes come in: one record for each.

The records choose the reader of a file, name its format in ``terramamba check``, and are the page of formats:
``python -m terramamba.raster.readers.formats > docs/formats.md``.
"""

from dataclasses import replace
from pathlib import Path

from terramamba.core import tables
from terramamba.core.errors import InputError
from terramamba.core.regular import require_regular
from terramamba.raster.readers import (
    archive,
    emit,
    enmap,
    gdal,
    neon,
    netcdf,
    prisma,
    run_folder,
    scene_folders,
    spectral_library,
    stac,
    swaths,
    tanager,
    zarr_store,
)
from terramamba.raster.readers.alpha import AlphaUse
from terramamba.raster.readers.array_formats import ARRAYS
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.axes import FLAG
from terramamba.raster.readers.format_record import (
    NO_OPTIONS,
    Format,
    InputPath,
    OpenOptions,
    ends_in,
    on_disk,
)
from terramamba.raster.readers.image_formats import IMAGES
from terramamba.raster.readers.satellite_folders import described_folder, is_description
from terramamba.raster.scene import ARRAY_SUFFIXES, Scene


def open_any(path: str, options: OpenOptions = NO_OPTIONS) -> Scene:
    """Open ``path`` as a scene.

    Raises:
        InputError: it is not there, or of no format.
    """
    path, inner = split_variable(path, options.variable, options.variable_flag)
    options = replace(options, variable=inner)
    given = InputPath(path)
    if not given.on_disk and given.suffix in ARRAY_SUFFIXES:
        raise InputError(f"{path}: array files are read from disk only; download it first")
    if given.on_disk:
        require_regular(path)
    if given.on_disk and not Path(path).exists():
        raise InputError(f"{path}: no such file; check the path")
    known = next(known for known in FORMATS if known.matches(given))
    if options.asked.axes is not None and not known.bare:
        raise InputError(f"{FLAG}: {path} is {known.name}, which says itself how its axes lie; leave it out")
    if inner is not None and not known.named:
        raise InputError(
            f"{options.variable_flag} {inner}: {path} is {known.name}, which holds one image; leave it out"
        )
    return known.open(path, options)


def open_part(path: str, alpha: AlphaUse | None) -> Scene:
    """Open one of the files that a scene is made of."""
    return open_any(path, OpenOptions(alpha=alpha))


def page() -> str:
    """Write the page about formats, in Markdown."""
    columns = ("Format", "Known by", "What is read", "Good to know")
    rows = [(known.name, known.known_by, known.reads, known.notes) for known in FORMATS]
    table = [columns, ("---",) * len(columns), *rows]
    return "\n".join([_HEADING, *(f"| {' | '.join(row)} |" for row in table), ""])


def _folder(path: str, options: OpenOptions) -> Scene:
    folder = str(described_folder(path)) if is_description(path) else path
    return scene_folders.open_folder(folder, open_part, options.alpha)


def _any_image(path: str, options: OpenOptions) -> Scene:
    names = ", ".join(known.name for known in FORMATS[:-1])
    remedy = f"give one of: {names}"
    scene = gdal.open_image(path, options.variable, remedy, options.alpha, options.variable_flag)
    return replace(scene, format=gdal.driver_of(path) or "")


FOLDER = Format(
    name="folder",
    known_by="a folder, a `.SAFE` product of Sentinel-2, a list of files, or the file that describes a "
    "scene of single bands and lies beside them (`MTD_MSIL2A.xml`, `..._MTL.txt`, SNAP's `.dim`)",
    reads="tiles of one pixel grid side by side, or single bands of one place; in a folder without "
    "images, the products in it (folders of bands, items) side by side",
    notes="Single bands stand in the order of their wavelengths, which the names of Landsat and "
    "Sentinel-2 files tell, else of their names; larger pixels are brought onto the finest grid (nearest "
    "pixel). Of a band in several pixel sizes the finest counts. In bands of these satellites 0 is no "
    "data where the file does not say otherwise. Without georeferencing, files of one size whose names "
    "differ in the band alone (B01, ... B8A, B12) are bands. What lies beside a scene by its name is "
    "left out and noted: layers of quality, pictures, maps of aerosols, dark and white references. Of "
    "images that show the same ground the first with data counts, which is noted. To leave out bands, "
    "list the others in a CSV table.",
    matches=on_disk(lambda path: Path(path).is_dir() or is_description(path)),
    reader=_folder,
)

TABLE = Format(
    name="CSV table",
    known_by="`.csv`, `.tsv`",
    reads="the tiles that the column `image` lists, with paths relative to the table, or addresses; "
    "a tile may be whatever opens as a scene",
    notes="Labels are read from the column `mask`.",
    matches=ends_in(*tables.SUFFIXES),
    reader=lambda path, options: scene_folders.open_table(path, options.column, open_part, options.alpha),
)

OTHER = Format(
    name="any other raster that GDAL reads",
    known_by="content",
    reads="as GeoTIFF",
    notes="Untested.",
    matches=lambda given: True,
    reader=_any_image,
    named=True,
)

FORMATS = (
    archive.FORMAT,
    zarr_store.FORMAT,
    run_folder.FORMAT,
    enmap.FORMAT,
    FOLDER,
    TABLE,
    *ARRAYS,
    stac.FORMAT,
    emit.FORMAT,
    prisma.FORMAT,
    neon.FORMAT,
    tanager.FORMAT,
    swaths.FORMAT,
    netcdf.FORMAT,
    spectral_library.FORMAT,
    *IMAGES,
    OTHER,
)
"""In the order in which they are asked: the first that matches counts."""

_HEADING = """# Formats

What `terramamba` reads as a scene. `terramamba check FILE` says what it makes of a file.
This page is printed by `python -m terramamba.raster.readers.formats`.
"""


if __name__ == "__main__":
    print(page(), end="")
