"""Reference points for a map: so many pixels of each class, drawn at random, to be looked at by a person.

The points come in an order that says nothing of the map, with an empty attribute for what the person sees.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from jaxtyping import Int64

from terramamba.assessment.class_map import ClassMap, blocks, opened_map, read_class_map
from terramamba.core.display import Shown, Table, as_html
from terramamba.core.errors import InputError
from terramamba.raster.output.staging import check_outputs, staged
from terramamba.raster.vector.own_attributes import ID, REFERENCE, STRATUM
from terramamba.raster.vector.polygon_files import (
    DRIVERS,
    GEOPACKAGE,
    check_polygon_name,
    check_polygon_place,
    require_all,
    writing,
)

LAYER = "points"


@dataclass(frozen=True)
class DrawnPoints:
    """Points that were drawn and where they were written; ``by_class`` counts them by the map's values."""

    out: str
    map: ClassMap
    by_class: dict[int, int]

    @property
    def shown(self) -> Shown:
        """How many points were drawn of each class, and what to do with them."""
        rows = tuple(
            (entry.name, f"{entry.pixels:,}", str(self.by_class[entry.value])) for entry in self.map.classes
        )
        facts = {
            "written": self.out,
            "next": "write what is really there into the attribute reference of each point, without a look at"
            " the map; then assess",
        }
        return Shown((Table("points drawn", ("class", "pixels", "points"), rows),), facts)

    def _repr_html_(self) -> str:
        return as_html(self.shown)


def draw_points(
    path: str | Path, out: str | Path, *, per_class: int, seed: int = 0, overwrite: bool = False
) -> DrawnPoints:
    """Draw ``per_class`` pixels of each class of a map and write their centres, to be given a reference.

    The same map, number and seed give the same points. A class with fewer pixels gives all that it has.

    Args:
        path: Map of classes.
        out: GeoPackage (.gpkg, in the map's coordinates) or GeoJSON (.geojson) to write.
        per_class: Points of each class, 2 or more.
        seed: Of the draw.
        overwrite: Replace an earlier file.

    Raises:
        InputError: a map that cannot be read or has no georeference, or an output that cannot be written.
    """
    if per_class < 2:
        raise InputError(f"--per-class {per_class}: a class needs 2 points at least to say how sure it is")
    check_polygon_name(out)
    check_outputs([out], overwrite=overwrite, inputs=[path])
    found = read_class_map(path)
    grid = found.grid
    if grid.transform is None:
        raise InputError(
            f"{path}: has no georeference, so nobody could find its points again; georeference it first"
        )
    check_polygon_place(out, grid.crs)
    random = np.random.default_rng(seed)
    ranks = {
        entry.value: np.sort(random.choice(entry.pixels, min(per_class, entry.pixels), replace=False))
        for entry in found.classes
    }
    pixels = _pixels_of_rank(str(path), ranks)
    pixels = pixels[np.lexsort(pixels.T[::-1])]  # by place, so that strips do not show
    pixels = pixels[random.permutation(len(pixels))]
    a, b, c, d, e, f = grid.transform[:6]
    rows, cols = pixels[:, 0] + 0.5, pixels[:, 1] + 0.5
    points = shapely.points(a * cols + b * rows + c, d * cols + e * rows + f)
    with staged(out, overwrite=overwrite) as (part,):
        with writing(str(out)):
            _write(part, points, pixels[:, 2], None if grid.crs is None else grid.crs.to_wkt())
        require_all(str(out), part, len(points))
    return DrawnPoints(str(out), found, {value: len(drawn) for value, drawn in ranks.items()})


def _pixels_of_rank(path: str, ranks: dict[int, Int64[np.ndarray, " n"]]) -> Int64[np.ndarray, "m 3"]:
    """Row, column and value of those pixels of each class that have these ranks among its own."""
    passed = dict.fromkeys(ranks, 0)
    taken = []
    with opened_map(path) as file:
        for window, values, known in blocks(file):
            flat = np.where(known, values, -1).ravel()
            for value, wanted in ranks.items():
                own = np.flatnonzero(flat == value)
                first = passed[value]
                here = wanted[(wanted >= first) & (wanted < first + len(own))] - first
                passed[value] += len(own)
                row, col = np.divmod(own[here], window.width)
                taken.append(np.stack([row + window.row, col, np.full_like(row, value)], axis=1))
    return np.concatenate(taken)


def _write(path: Path, points: np.ndarray, strata: Int64[np.ndarray, " n"], crs: str | None) -> None:
    import pyogrio

    driver = DRIVERS[path.suffix.lower()]
    columns = {
        ID: np.arange(1, len(points) + 1),
        STRATUM: strata,
        REFERENCE: np.full(len(points), None, dtype=object),
    }
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(points),
        field_data=list(columns.values()),
        fields=list(columns),
        geometry_type="Point",
        crs=crs,
        driver=driver,
        layer=LAYER,
        layer_options={"RFC7946": "YES"} if driver == "GeoJSON" else {},
        dataset_options=GEOPACKAGE if driver == "GPKG" else {},
    )
