"""A grid as JSON can hold it, and back; nothing is rounded."""

from collections.abc import Mapping
from typing import Any

from affine import Affine
from rasterio.crs import CRS
from rasterio.rpc import RPC

from terramamba.raster.control_points import GroundControl
from terramamba.raster.geogrid import Grid


def grid_record(grid: Grid) -> dict[str, Any]:
    """Return ``grid`` in numbers, texts and lists."""
    control = grid.ground_control
    polynomials = None if control is None else control.polynomials
    return {
        "height": grid.height,
        "width": grid.width,
        "crs": _crs_record(grid.crs),
        "transform": None if grid.transform is None else [float(v) for v in tuple(grid.transform)[:6]],
        "ties": None
        if control is None
        else {
            "points": [list(point) for point in control.points],
            "crs": _crs_record(control.crs),
            "polynomials": None if polynomials is None else polynomials.to_dict(),
        },
    }


def grid_of(record: Mapping[str, Any]) -> Grid:
    """Return the grid that ``grid_record`` wrote down."""
    ties, transform = record["ties"], record["transform"]
    return Grid(
        record["height"],
        record["width"],
        _crs_of(record["crs"]),
        None if transform is None else Affine(*transform),
        None
        if ties is None
        else GroundControl(
            tuple((row, col, x, y, z) for row, col, x, y, z in ties["points"]),
            _crs_of(ties["crs"]),
            None if ties["polynomials"] is None else RPC(**ties["polynomials"]),
        ),
    )


def _crs_record(crs: CRS | None) -> str | None:
    return None if crs is None else crs.to_wkt()


def _crs_of(text: str | None) -> CRS | None:
    return None if text is None else CRS.from_wkt(text)
