"""The table of areas: what it says with and without a place on the Earth."""

import csv
from pathlib import Path

import pytest
from affine import Affine
from rasterio.crs import CRS

from terramamba.mapping.area_table import ClassArea, write_areas
from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import why_not_measured

METRES = Affine(10, 0, 500_000, 0, -10, 5_000_000)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_areas_keep_all_their_digits_and_names_their_commas(tmp_path: Path) -> None:
    classes = [ClassArea(1, "wood, mixed", 30, 0.3002400960384154), ClassArea(2, "Gewässer", 10, 0.1)]
    write_areas(tmp_path / "areas.csv", classes)
    first, second = read(tmp_path / "areas.csv")
    assert list(first) == ["value", "name", "pixels", "share", "hectares"]
    assert (first["name"], second["name"]) == ("wood, mixed", "Gewässer")
    assert float(first["hectares"]) == 0.3002400960384154
    assert float(first["share"]) == 0.75
    assert [path.name for path in tmp_path.iterdir()] == ["areas.csv"]


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        (Grid(4, 5), "no georeferencing"),
        (Grid(4, 5, None, METRES), "no coordinate reference system"),
        (
            Grid(4, 5, CRS.from_wkt('LOCAL_CS["Arbitrary",UNIT["metre",1]]'), METRES),
            "the coordinates are tied to no place on the Earth",
        ),
    ],
)
def test_where_areas_are_not_known_the_table_says_why(tmp_path: Path, grid: Grid, reason: str) -> None:
    assert why_not_measured(grid) == reason
    classes = [ClassArea(0, "unchanged", 15, None), ClassArea(1, "changed", 5, None)]
    write_areas(tmp_path / "areas.csv", classes, not_measured=why_not_measured(grid))
    for row in read(tmp_path / "areas.csv"):
        assert list(row) == ["value", "name", "pixels", "share", "areas"]
        assert row["areas"] == f"not measured: {reason}"


def test_a_map_without_any_pixel_has_a_table(tmp_path: Path) -> None:
    assert why_not_measured(Grid(4, 5, CRS.from_epsg(32632), METRES)) is None
    write_areas(tmp_path / "areas.csv", [ClassArea(1, "changed", 0, 0.0)])
    (row,) = read(tmp_path / "areas.csv")
    assert (row["pixels"], float(row["share"])) == ("0", 0)
