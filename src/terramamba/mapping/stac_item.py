"""A map as an item of SpatioTemporal Asset Catalogs (STAC 1.1): where, when, of what, made how, which files.

All but the dates of the images is read from the files themselves, which are drafts still.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rasterio
import shapely
import torch
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import CRSError

from terramamba._version import __version__
from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.raster.footprint import bounding_box, footprint
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.staging import sidecar_of
from terramamba.raster.output.styles import style_of
from terramamba.raster.readers.datasets import is_address
from terramamba.raster.readers.stac import SOFTWARE, is_stac

STAC_VERSION = "1.1.0"
EXTENSIONS = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("projection/v2.0.0", "raster/v2.0.0", "classification/v1.1.0", "processing/v1.2.0")
)
MEDIA_TYPES = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".gpkg": "application/geopackage+sqlite3",
    ".geojson": "application/geo+json",
    ".json": "application/geo+json",
    ".csv": "text/csv",
    ".qml": "application/xml",
    ".xml": "application/xml",
}
TITLES = {"polygons": "outlines and areas", "areas": "how much there is of each class"}
SOURCES = ("SOURCE", "BEFORE", "AFTER")
"""Tags of a map that name the images it was made of."""
NOT_FACTS = ("TIFFTAG_", "AREA_OR_POINT", "WRITTEN", "OVR_RESAMPLING")
"""How tags begin that say nothing of how a map came about, or that stand elsewhere in the item."""
CLASS_TAG = re.compile(r"CLASS_(\d+)")


@dataclass(frozen=True)
class WrittenFile:
    """A file of a map: the flag that asked for it, its name, and where it lies until it has that."""

    flag: str
    target: Path
    draft: Path

    @property
    def key(self) -> str:
        """What the item calls it."""
        return "map" if self.flag == "--out" else self.flag.removeprefix("--")


def check_item_name(path: str | Path | None) -> None:
    """Raise ``InputError`` where an item that is wanted has a name that does not end in .json."""
    if path is not None and Path(path).suffix.lower() != ".json":
        raise InputError(f"{path}: a STAC item is JSON; give the file a name that ends in .json")


def check_item_place(path: str | Path | None, grid: Grid) -> None:
    """Raise ``InputError`` where an item is wanted of a map that lies nobody knows where."""
    if path is not None and footprint(grid) is None:
        raise InputError(
            f"{path}: a STAC item says where on Earth a map lies, and the images do not; georeference them"
        )


def write_item(draft: Path, item: Path, files: Sequence[WrittenFile], days: Sequence[str | None]) -> None:
    """Write the item of ``files``, the map first, into ``draft``; addresses are relative to ``item``.

    Args:
        draft: File to write.
        item: What it will be called.
        files: What the map consists of; where they are drafted and what they will be called.
        days: On which each image was taken (ISO), as far as that is known.
    """
    with rasterio.open(files[0].draft) as file:
        grid = Grid(file.height, file.width, file.crs, file.transform)
        tags = file.tags()
    outline = footprint(grid)
    assert outline is not None  # or it would have been refused
    sources = [tags[name] for name in SOURCES if name in tags]
    assets = dict(_assets(files, item))
    record = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": files[0].target.stem,
        "geometry": json.loads(shapely.to_geojson(outline)),
        "bbox": bounding_box(outline),
        "properties": {
            "title": f"{tags['TIFFTAG_IMAGEDESCRIPTION']}: {files[0].target.stem}",
            **_when(days, tags["WRITTEN"], len(sources)),
            "created": _utc(tags["WRITTEN"]),
            **_projection(grid),
            "processing:software": {SOFTWARE: __version__, "PyTorch": torch.__version__},
            "processing:datetime": _utc(tags["WRITTEN"]),
            "processing:lineage": _lineage(tags, sources),
            **_facts(tags),
        },
        "links": [
            {"rel": "derived_from", "href": _href(source, item), "type": "application/geo+json"}
            for source in sources
            if is_stac(source)
        ],
        "assets": assets,
    }
    write_json(draft, record)


def _when(days: Sequence[str | None], written: str, images: int) -> dict[str, Any]:
    """When the images were taken; where none says so, when the map was made, for STAC wants a time."""
    told = sorted(day for day in days if day is not None)
    if not told:
        why = "The images tell no date: datetime is when the map was made."
        return {"datetime": _utc(written), "description": why}
    missing = {} if len(told) >= images else {"description": "One of the two images tells no date."}
    span = {"start_datetime": f"{told[0]}T00:00:00Z", "end_datetime": f"{told[-1]}T23:59:59Z"}
    return {"datetime": None, **span, **missing}


def _utc(written: str) -> str:
    return datetime.fromisoformat(written).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _projection(grid: Grid) -> dict[str, Any]:
    assert grid.crs is not None
    assert grid.transform is not None
    authority = grid.crs.to_authority()
    code = {"proj:code": None if authority is None else ":".join(authority)}
    wkt = {} if authority is not None else {"proj:wkt2": _wkt2(grid.crs)}
    corners = grid.corners or ()
    across, down = ([corner[axis] for corner in corners] for axis in (0, 1))
    return {
        **code,
        **wkt,
        "proj:shape": [grid.height, grid.width],
        "proj:transform": [float(v) for v in tuple(grid.transform)[:6]],
        "proj:bbox": [min(across), min(down), max(across), max(down)],
    }


def _wkt2(crs: CRS) -> str:
    with suppress(CRSError):  # of systems that WKT 2 has no words for
        return crs.to_wkt(version="WKT2_2019")
    return crs.to_wkt()


def _lineage(tags: Mapping[str, str], sources: Sequence[str]) -> str:
    said = f"model {tags['MODEL']} of the run {tags['RUN']} (SHA-256 of its weights {tags['MODEL_SHA256']})"
    return f"{tags['TIFFTAG_IMAGEDESCRIPTION']}, by the {said}, of {' and '.join(sources)}"


def _facts(tags: Mapping[str, str]) -> dict[str, str]:
    """What else the map's own tags say of how it was made."""
    return {
        f"{SOFTWARE}:{name.lower()}": text for name, text in tags.items() if not name.startswith(NOT_FACTS)
    }


def _assets(files: Sequence[WrittenFile], item: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each file, and what lies beside it: its style, and the names of its classes for GDAL."""
    keys, styled = [file.key for file in files], set[Path]()
    for file in files:
        suffix = file.target.suffix.lower()
        key = file.key if keys.count(file.key) == 1 else f"{file.key}-{suffix[1:]}"
        raster = suffix in (".tif", ".tiff")
        more = _raster(file.draft) if raster else {"title": TITLES.get(file.key, file.key)}
        yield key, _asset(file.target, item, ["data"]) | more
        style = style_of(file.target)
        if style_of(file.draft).exists() and style not in styled:
            styled.add(style)
            yield f"{key}-style", _asset(style, item, ["style"]) | {"title": f"style of {key} for QGIS"}
        if sidecar_of(file.draft).exists():
            names = _asset(sidecar_of(file.target), item, ["metadata"])
            yield f"{key}-names", names | {"title": f"names in {key} for GDAL"}


def _asset(path: Path, item: Path, roles: Sequence[str]) -> dict[str, Any]:
    suffix = ".tif" if path.suffix.lower() == ".tiff" else path.suffix.lower()
    return {"href": _href(str(path), item), "type": MEDIA_TYPES[suffix], "roles": list(roles)}


def _raster(draft: Path) -> dict[str, Any]:
    """What a raster says of its bands and classes."""
    with rasterio.open(draft) as file:
        names = {int(m[1]): name for key, name in file.tags(1).items() if (m := CLASS_TAG.fullmatch(key))}
        scales, described = file.scales, file.descriptions
        about = {
            "title": file.tags()["TIFFTAG_IMAGEDESCRIPTION"],
            "data_type": file.dtypes[0],
            "nodata": int(file.nodata),
            "raster:sampling": "area",
            "bands": [
                {"name": str(name)} | ({} if scale == 1 else {"raster:scale": scale})
                for name, scale in zip(described, scales, strict=True)
            ],
        }
        paletted = file.colorinterp[0] == ColorInterp.palette  # classes of a run may have no colours
        colours = file.colormap(1) if paletted else {}
    if names:
        about["classification:classes"] = [
            _class(value, name, colours.get(value), value == about["nodata"])
            for value, name in sorted(names.items())
        ]
    return about


def _class(value: int, name: str, colour: Sequence[int] | None, empty: bool) -> dict[str, Any]:
    plain = re.sub(r"[^0-9A-Za-z_-]+", "_", name).strip("_")
    told = {"value": value, "name": plain or f"class_{value}", "title": name}
    if empty:
        return told | {"nodata": True}
    return told if colour is None else told | {"color_hint": "".join(f"{part:02X}" for part in colour[:3])}


def _href(path: str, item: Path) -> str:
    """The address of a file from where the item lies; web addresses as they are."""
    if is_address(path):
        return path
    try:
        relative = os.path.relpath(path, item.parent)
    except ValueError:  # on another drive of Windows
        return Path(path).absolute().as_uri()
    return Path(relative).as_posix() if relative.startswith("..") else f"./{Path(relative).as_posix()}"
