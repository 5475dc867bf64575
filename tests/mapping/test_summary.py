"""What is said of a map: how much is what, how it was made, and which files there are."""

from dataclasses import replace
from pathlib import Path

from terramamba.change.map_output import ChangeSummary
from terramamba.landcover.map_summary import ClassSummary
from terramamba.mapping.area_table import ClassArea

COVER = ClassSummary(
    out=Path("map.tif"),
    probabilities=None,
    areas_table=Path("areas.csv"),
    pixels=1200,
    nodata_pixels=200,
    not_finite_pixels=0,
    classes=(ClassArea(1, "water", 250, 2.5), ClassArea(2, "crop", 750, None)),
    seconds=1.0,
    tilings=0,
    agreement=None,
    temperature=None,
)
CHANGE = ChangeSummary(
    out=Path("change.tif"),
    probabilities=Path("p.tif"),
    polygons=(Path("c.gpkg"), Path("c.geojson")),
    areas_table=Path("areas.csv"),
    pixels=1200,
    nodata_pixels=200,
    not_finite_pixels=7,
    classes=(ClassArea(0, "unchanged", 900, 9.0), ClassArea(1, "changed", 100, 1.0)),
    threshold=0.3,
    areas=4,
    seconds=1.0,
    temperature=1.7,
)


def test_shares_are_of_the_mapped_pixels():
    shown = COVER.shown()
    (table,) = shown.tables
    assert table.rows == (("water", "250", "25.00", "2.50"), ("crop", "750", "75.00", ""))
    assert shown.facts == {"no data": "200 of 1,200 pixels", "written": "map.tif\nareas.csv"}


def test_a_map_of_no_known_size_says_why_in_place_of_an_empty_column():
    shown = replace(COVER, not_measured="no georeferencing").shown()
    assert shown.tables[0].columns == ("class", "pixels", "%")
    assert shown.tables[0].rows[0] == ("water", "250", "25.00")
    assert shown.facts["areas"] == "in pixels: no georeferencing"


def test_a_map_without_any_data_has_no_shares_to_divide_by():
    none = tuple(replace(entry, pixels=0) for entry in COVER.classes)
    shown = replace(COVER, nodata_pixels=1200, classes=none).shown()
    assert [row[2] for row in shown.tables[0].rows] == ["0.00", "0.00"]


def test_fast_mapping_says_how_close_it_is():
    facts = replace(COVER, tilings=4, agreement=0.987).shown().facts
    said = "fast, 4 tilings: 98.70 % of the validation pixels come out as in exact mode"
    assert list(facts) == ["no data", "mode", "written"]
    assert facts["mode"] == said
    facts = replace(COVER, tilings=1).shown().facts
    assert facts["mode"] == "fast, 1 tiling; this run has no record of how close that is to exact"


def test_a_change_map_names_areas_threshold_and_all_its_files():
    facts = CHANGE.shown().facts
    assert list(facts) == ["no data", "of these", "changed areas", "calibrated", "written"]
    assert facts["of these"] == "7 with NaN or infinity"
    assert facts["changed areas"] == "4"
    assert facts["calibrated"] == (
        "logits divided by temperature 1.7; changed is what has a probability of 0.3 or more"
    )
    assert facts["written"].split() == ["change.tif", "p.tif", "c.gpkg", "c.geojson", "areas.csv"]
    small = replace(CHANGE, areas=0, least_area=500.0)
    assert small.shown().facts["changed areas"] == "0, of 500 square metres or more (--min-area)"
    assert "changed areas" not in replace(CHANGE, areas=None, polygons=()).shown().facts
