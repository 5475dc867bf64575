"""Which files of a folder, or of a table, make one scene."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.tables import read_table
from terramamba.raster.readers.alpha import AlphaUse
from terramamba.raster.readers.band_names import band_of_file
from terramamba.raster.readers.beside_scenes import measured_among
from terramamba.raster.readers.envi_header import header_entries, is_data_of
from terramamba.raster.readers.listed_paths import listed_path
from terramamba.raster.readers.mosaic import MosaicSource, OpenOne, open_tiles
from terramamba.raster.readers.satellite_folders import sentinel_files, sentinel_offset
from terramamba.raster.readers.stac import is_stac
from terramamba.raster.scene import Scene
from terramamba.raster.views.quality_layers import serves_as_mask
from terramamba.raster.windows import Window

LABELS = "mask"
OF_PIXELS = (("row", "col"), ("row", "column"), ("line", "sample"), ("i", "j"), ("pixel_x", "pixel_y"))
"""Columns of tables that count pixels, in small letters."""
"""Column of a table of tiles that lists their labels."""
IMAGE_SUFFIXES = {
    ".tif",
    ".tiff",
    ".img",
    ".dat",
    ".bsq",
    ".bil",
    ".bip",
    ".jp2",
    ".png",
    ".bmp",
    ".jpg",
    ".jpeg",
}
BANDS_OF_SNAP = ".data"
"""How the folder ends in which SNAP keeps the bands of a product (BEAM-DIMAP)."""
PRODUCT_SUFFIXES = {".nc", ".nc4", ".cdf", ".h5", ".he5", ".hdf5", ".mat", ".npy", ".npz", ".vrt"}
"""Of files that hold a whole scene and may lie beside others, where no images do."""


def open_folder(folder: str, open_one: OpenOne, alpha: AlphaUse | None = None) -> Scene:
    """Open all images of a folder as one scene, in natural order of their names; else the products in it.

    Beside bands of Landsat or Sentinel-2, files that are no bands (quality, classes, pictures) are left out,
    and beside all images what is no image of the scene by its name (``beside_scenes``).

    Raises:
        InputError: there are none, or they do not fit each other.
    """
    _refuse_ocean_and_land_colour(folder)
    images = sorted((p for p in _files(Path(folder)) if _is_image(p)), key=_natural)
    if not images:
        return _open_products(folder, open_one, alpha)
    bands = [path for path in images if band_of_file(path) is not None] or _spectral(Path(folder), images)
    measured = bands or measured_among(images)
    scene = open_tiles([str(p) for p in measured], open_one, folder, alpha)
    others = [path for path in images if path not in measured]
    notes = []
    if others:
        masks = [path for path in others if serves_as_mask(str(path))]
        hint = f" (--mask {masks[0]} leaves out what it marks)" if masks else ""
        notes.append(f"no bands, left out: {', '.join(path.name for path in others)}{hint}")
    return replace(scene, notes=(*scene.notes, *notes, *sentinel_offset(Path(folder))))


def _refuse_ocean_and_land_colour(folder: str) -> None:
    """Raise ``InputError`` for a product of Sentinel-3, whose bands lie as the sensor saw them."""
    if Path(folder).suffix.upper() == ".SEN3" or Path(folder, "xfdumanifest.xml").is_file():
        raise InputError(
            f"{folder}: is a product of Sentinel-3, whose pixels lie on no map grid; bring it onto one first"
            " (SNAP: Raster, Geometric Operations, Reprojection) and save it as GeoTIFF"
        )


def _spectral(folder: Path, images: Sequence[Path]) -> list[Path]:
    """The images of SNAP's folder of bands whose headers have wavelengths; others are flags and angles."""
    if folder.suffix != BANDS_OF_SNAP:
        return []
    return [
        path for path in images if (header_entries([str(path.with_suffix(".hdr"))]) or {}).get("wavelength")
    ]


def products_in(folder: Path) -> list[Path]:
    """List what a folder without images holds of scenes: folders of bands or tiles, products, STAC items."""
    return sorted((path for path in folder.iterdir() if _is_product(path)), key=_natural)


def _open_products(folder: str, open_one: OpenOne, alpha: AlphaUse | None) -> Scene:
    """Open the products of a folder side by side; dates of one place are no tiles."""
    products = products_in(Path(folder))
    if not products:
        raise InputError(f"{folder}: no images in this folder; give a folder of GeoTIFF or ENVI tiles")
    scene = open_tiles([str(path) for path in products], open_one, folder, alpha)
    if isinstance(scene.source, MosaicSource):
        places: dict[Window, Path] = {}
        for path, (_, window) in zip(products, scene.source.tiles, strict=True):
            if window in places:
                raise InputError(
                    f"{folder}: {places[window].name} and {path.name} in it show the same ground; name the "
                    "one that is meant"
                )
            places[window] = path
    return scene


def open_table(table: str, column: str, open_one: OpenOne, alpha: AlphaUse | None = None) -> Scene:
    """Open the images that a CSV table lists in ``column``, with paths relative to it, as one scene.

    Raises:
        InputError: no such table, column or image, or images that do not fit each other.
    """
    read = read_table(Path(table), "save it as a CSV table in UTF-8 (in Excel: CSV UTF-8)")
    if column not in read.titles:
        there = ", ".join(read.titles.values()) or "none"
        if column == LABELS and any(read.titles.keys() >= {row, col} for row, col in OF_PIXELS):
            raise InputError(
                f"{table}: its columns ({there}) number pixels, which may count from 0 or 1 and are not read;"
                " give coordinates x and y, or lon and lat (in Python: rasterio's `image.xy(row, col)`)"
            )
        if column == LABELS:
            raise InputError(
                f"{table}: its columns ({there}) tell no places of labels; call two of them x and y, or lon "
                f"and lat, or one wkt; of tiles of labels list the files in a column {LABELS}"
            )
        raise InputError(f"{table}: no column {column!r}; it has {there}; add the column")
    names = [row.cells[column] for row in read.rows if row.cells[column]]
    if not names:
        raise InputError(f"{table}: column {column!r} is empty; list one image a row")
    paths = []
    for name in names:
        path = listed_path(name, Path(table).parent)
        if path is None:
            raise InputError(
                f"{Path(table).parent / name}: no such file, though {table} lists it in column {column!r}; "
                "correct the table"
            )
        paths.append(path)
    return open_tiles(paths, open_one, table, alpha)


def _files(folder: Path) -> list[Path]:
    """List the files of a folder; of a Sentinel-2 product (.SAFE) those of its bands, which lie deeper."""
    return sentinel_files(folder) or list(folder.iterdir())


def _is_image(path: Path) -> bool:
    if not path.is_file() or path.name.startswith("."):  # as ._scene.tif, which macOS puts beside
        return False
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return True
    if any(path.with_name(path.name + suffix).exists() for suffix in (".hdr", ".HDR")):
        return True
    header = path.with_suffix(".hdr")
    return path != header and header.is_file() and is_data_of(header, path)


def _is_product(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    if path.is_dir():
        return any(map(_is_image, _files(path)))
    return path.suffix.lower() in PRODUCT_SUFFIXES or is_stac(str(path))


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that puts B10 after B9."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", path.name)]
