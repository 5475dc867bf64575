"""Features of a vector file: shapes with attributes, brought onto the pixels of a scene.

n features   m attributes
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import shapely
from affine import Affine
from jaxtyping import Float64, Shaped
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.core.errors import InputError, reason_of
from terramamba.raster.geogrid import Grid, crs_in_brief, is_local, same_crs
from terramamba.raster.reproject import to_crs
from terramamba.raster.vector.date_line import on_longitudes_of
from terramamba.raster.vector.layers import ANY_LAYER, LayerWanted, choose_layer
from terramamba.raster.vector.misplaced_shapes import bounds_in, require_here
from terramamba.raster.vector.point_table import is_point_table, read_point_table
from terramamba.raster.vector.vector_files import UNREADABLE, opened_as, text_page

EDGES_PER_SCENE = 64
"""Edges longer than this part of the scene are split before they are reprojected, because a straight line in
one reference system is a bent one in another: over 30 km by 20 m, after splitting by 5 mm."""


@dataclass(frozen=True, eq=False)
class Features:
    """Shapes in coordinates of ``crs`` (None: the file has none), and one value each of every attribute."""

    path: str
    layer: str
    shapes: Shaped[np.ndarray, " n"]
    attributes: Mapping[str, Shaped[np.ndarray, " n"]]
    crs: CRS | None
    notes: tuple[str, ...] = ()
    """Which layer was taken of several, and how its text was read."""

    def __len__(self) -> int:
        return len(self.shapes)


def read_features(
    path: str, layer: str | None = None, crs: str | None = None, wanted: LayerWanted = ANY_LAYER
) -> Features:
    """Read all features of one layer, of the only one that is as ``wanted`` where ``layer`` is None.

    ``crs`` is the reference system of a file that states none.

    Raises:
        InputError: the file or the layer is not there, several layers fit, reading fails, or ``crs`` is
            unknown or not what the file states.
    """
    chosen, notes = choose_layer(path, layer, wanted)
    features = _read(path, chosen)
    features = replace(features, notes=(*notes, *features.notes))
    return features if crs is None else replace(features, crs=_settled_crs(features, crs))


def _settled_crs(features: Features, named: str) -> CRS:
    try:
        crs = CRS.from_user_input(named)
    except CRSError as error:
        raise InputError(
            f"--labels-crs: {named!r} is no reference system ({reason_of(error)}); give one such as "
            "EPSG:32633"
        ) from error
    if features.crs is not None and not same_crs(features.crs, crs):
        raise InputError(
            f"{features.path}: states the reference system {crs_in_brief(features.crs)}, but --labels-crs "
            f"says {named}; leave the flag out, or mend the file"
        )
    return crs


def _read(path: str, chosen: str) -> Features:
    import pyogrio.raw

    if is_point_table(path):
        table = read_point_table(path)
        told = None if table.crs is None else CRS.from_user_input(table.crs)
        return Features(path, chosen, table.shapes, table.attributes, told)
    page = text_page(path)
    try:
        with warnings.catch_warnings():
            # heights are dropped and odd field types read as text; neither matters for labels
            warnings.simplefilter("ignore")
            about, _, blobs, columns = pyogrio.raw.read(
                opened_as(path), layer=chosen, force_2d=True, encoding=page and page.name
            )
        shapes = shapely.from_wkb(blobs)
        crs = None if about["crs"] is None else CRS.from_user_input(about["crs"])
    except (pyogrio.errors.GeometryError, shapely.errors.GEOSException) as error:
        raise InputError(
            f"{path}: layer {chosen!r} holds shapes that cannot be read ({reason_of(error)}); save them as "
            "plain points, lines or polygons"
        ) from error
    except UNREADABLE as error:
        raise InputError(
            f"{path}: layer {chosen!r} cannot be read ({reason_of(error)}); check the file"
        ) from error
    except CRSError as error:
        raise InputError(
            f"{path}: its reference system is not understood ({reason_of(error)}); save the file in a "
            "common one"
        ) from error
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    endless = np.unique(owners[~np.isfinite(points).all(axis=1)])
    if len(endless):
        raise InputError(
            f"{path}: layer {chosen!r} has coordinates that are no numbers in {len(endless)} of {len(shapes)}"
            f" shapes, first in number {endless[0] + 1}; mend or delete them"
        )
    attributes = dict(zip([str(name) for name in about["fields"]], columns, strict=True))
    doubts = () if page is None or page.doubt is None else (f"{path}: {page.doubt}",)
    return Features(path, chosen, shapes, attributes, crs, doubts)


def on_pixels(features: Features, grid: Grid, scene: str) -> tuple[Shaped[np.ndarray, " n"], tuple[str, ...]]:
    """Bring the shapes into pixels of ``grid`` (x: columns, y: rows from its corner); note what was assumed.

    Polygons that cross themselves are mended. A shape that cannot be reprojected becomes empty, a missing
    shape stays None. ``scene`` is the name of the grid's file for messages.

    Raises:
        InputError: the features have a reference system and the scene has none, or no georeferencing; their
            coordinates are exchanged, or none of their system.
    """
    notes = list(features.notes)
    shapes = features.shapes
    if features.crs is not None and grid.ground_control is not None:
        raise InputError(
            f"{features.path}: is in {crs_in_brief(features.crs)}, but {scene} is located by "
            f"{grid.ground_control} only, so shapes cannot be laid on its pixels; warp it to a grid first "
            "(gdalwarp), or give labels as a raster of its size"
        )
    local = is_local(grid.crs) and not is_local(features.crs)
    if features.crs is not None and (grid.crs is None or grid.transform is None or local):
        lacking = "reference system" if grid.crs is None else "georeferencing"
        has = "a reference system that is tied to no place" if local else f"no {lacking}"
        raise InputError(
            f"{features.path}: is in {crs_in_brief(features.crs)}, but {scene} has {has}, so it is not known"
            " where the shapes lie on it; georeference the scene, or give labels as a raster of its size"
        )
    if features.crs is None and grid.crs is not None:
        notes.append(
            f"{features.path}: has no reference system; taken to be in the scene's {crs_in_brief(grid.crs)}"
        )
    elif features.crs is None and grid.transform is None:
        notes.append(f"{features.path}: neither it nor the scene is georeferenced; x, y are columns, rows")
    elsewhere = features.crs is not None and grid.crs is not None and not same_crs(features.crs, grid.crs)
    if not elsewhere:
        shapes = on_longitudes_of(shapes, grid)
    if len(shapes) and grid.crs is not None and grid.transform is not None:
        bounds = tuple(shapely.total_bounds(shapes).tolist())
        require_here(features.path, bounds, features.crs, grid, scene)
    if elsewhere:
        assert features.crs is not None
        assert grid.crs is not None
        shapes = on_longitudes_of(_reprojected(features, grid), grid)
        notes.append(
            f"{features.path}: reprojected from {crs_in_brief(features.crs)} to the scene's "
            f"{crs_in_brief(grid.crs)}"
        )
    if grid.transform is not None:
        shapes = _moved(shapes, ~grid.transform)
    crossing = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if crossing.any():
        shapes = shapes.copy()
        shapes[crossing] = [_mended(shape) for shape in shapes[crossing]]
        notes.append(f"{features.path}: {np.count_nonzero(crossing)} shapes cross themselves and were mended")
    return shapes, tuple(notes)


def _mended(shape: shapely.Geometry) -> shapely.Geometry:
    """Mend a shape; of polygons only what has an area stays, not the lines that mending leaves of spikes."""
    mended = shapely.make_valid(shape)
    if mended.geom_type != "GeometryCollection" or shape.geom_type not in ("Polygon", "MultiPolygon"):
        return mended
    parts = shapely.get_parts(shapely.get_parts(mended))
    return shapely.multipolygons([part for part in parts if part.geom_type == "Polygon"])


def _reprojected(features: Features, grid: Grid) -> Shaped[np.ndarray, " n"]:
    def reproject(points: Float64[np.ndarray, "p 2"]) -> Float64[np.ndarray, "p 2"]:
        return np.stack(to_crs(features.crs, grid.crs, *points.T), axis=1)

    return _transformed(_cut_and_split(features, grid), reproject)


def _transformed(
    shapes: Shaped[np.ndarray, " n"], move: Callable[[Float64[np.ndarray, "p 2"]], Float64[np.ndarray, "p 2"]]
) -> Shaped[np.ndarray, " n"]:
    """Move all points of ``shapes``; what has no place then, as numbers have their ends, becomes empty."""
    with np.errstate(over="ignore", invalid="ignore"):
        moved = shapely.transform(shapes, move)
    points, shape = shapely.get_coordinates(moved, return_index=True)
    lost = np.unique(shape[~np.isfinite(points).all(axis=1)])
    moved[lost] = shapely.Point()
    return moved


def _cut_and_split(features: Features, grid: Grid) -> Shaped[np.ndarray, " n"]:
    """Cut off what is far from the scene, where projections may end, and split the edges of the rest."""
    assert features.crs is not None
    scene = bounds_in(grid, features.crs)
    if scene is None:
        # the scene has no place in the features' system, so they will not meet, or lies beside the date line
        return features.shapes
    left, bottom, right, top = scene
    extent = max(right - left, top - bottom)
    near = (left - extent, bottom - extent, right + extent, top + extent)
    shapes = features.shapes.copy()
    meeting = shapely.intersects(shapes, shapely.box(*near))
    reaching = meeting & ~shapely.covers(shapely.box(*near), shapes)
    shapes[reaching] = shapely.clip_by_rect([_mended(shape) for shape in shapes[reaching]], *near)
    shapes[meeting] = shapely.segmentize(shapes[meeting], extent / EDGES_PER_SCENE)
    return shapes


def _moved(shapes: Shaped[np.ndarray, " n"], transform: Affine) -> Shaped[np.ndarray, " n"]:
    a, b, c, d, e, f = tuple(transform)[:6]

    def move(points: Float64[np.ndarray, "p 2"]) -> Float64[np.ndarray, "p 2"]:
        x, y = points.T
        return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1)

    return _transformed(shapes, move)
