"""Styles beside maps: a legend of the classes alone, a ramp, outlines; nobody else's is replaced."""

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.output.styles import MARK, class_style, outline_style, ramp_style
from terramamba.raster.vector.change_polygons import change_layer, trace_changes
from written import write_polygons

STYLE = class_style({2: "Gras & <Klee>", 1: "water"}, {1: (0, 10, 255), 2: (1, 2, 3), 9: (0, 0, 0)})
CODES = np.array([[[0, 1], [2, 1]]], np.uint8)


def test_the_legend_of_a_class_map_holds_the_classes_alone() -> None:
    entries = [entry.attrib for entry in ET.fromstring(STYLE).iter("paletteEntry")]
    assert [(one["value"], one["color"], one["label"]) for one in entries] == [
        ("1", "#000aff", "water"),
        ("2", "#010203", "Gras & <Klee>"),
    ]


def test_probabilities_are_a_ramp_over_one_band_and_polygons_their_outlines() -> None:
    (drawn,) = ET.fromstring(ramp_style()).iter("rasterrenderer")
    assert (drawn.get("type"), drawn.get("band")) == ("singlebandpseudocolor", "1")
    assert [item.get("value") for item in drawn.iter("item")] == ["0", "0.25", "0.5", "0.75", "1"]
    options = {one.get("name"): one.get("value") for one in ET.fromstring(outline_style()).iter("Option")}
    assert options["style"] == "no"


def test_a_style_comes_with_its_map_and_is_replaced_with_it(tmp_path: Path) -> None:
    for style in (STYLE, ramp_style()):
        write_geotiff(tmp_path / "map.tif", CODES, Grid(2, 2), style=style, overwrite=True)
        assert (tmp_path / "map.qml").read_text(encoding="utf-8") == style
    assert MARK in style
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.qml", "map.tif"]


@pytest.mark.parametrize("made", ["<qgis>by hand</qgis>", "\udcff not even text"])
def test_a_style_that_somebody_made_stays(tmp_path: Path, made: str) -> None:
    own = tmp_path / "map.qml"
    own.write_text(made, encoding="utf-8", errors="surrogateescape")
    before = own.read_bytes()
    write_geotiff(tmp_path / "map.tif", CODES, Grid(2, 2), style=STYLE)
    assert own.read_bytes() == before
    assert (tmp_path / "map.tif").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
def test_a_pipe_with_the_name_of_a_style_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "map.qml")
    write_geotiff(tmp_path / "map.tif", CODES, Grid(2, 2), style=STYLE)
    assert (tmp_path / "map.qml").is_fifo()


def test_a_map_whose_style_cannot_be_written_is_a_map(tmp_path: Path) -> None:
    (tmp_path / "map.qml").mkdir()
    write_geotiff(tmp_path / "map.tif", CODES, Grid(2, 2), style=STYLE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.qml", "map.tif"]


def test_polygons_have_a_style_but_where_a_raster_has_the_name(tmp_path: Path) -> None:
    grid = Grid(2, 2, None, Affine(1, 0, 0, 0, -1, 0))
    write_geotiff(tmp_path / "a.tif", np.array([[[1, 0], [0, 0]]], np.uint8), grid, style=STYLE)
    write_geotiff(tmp_path / "p.tif", np.full((1, 2, 2), 200, np.uint8), grid, scale=1 / 254, nodata=255)
    for name in ("a.gpkg", "b.gpkg"):
        traced = trace_changes(tmp_path / "a.tif", tmp_path / "p.tif")
        assert write_polygons(traced, tmp_path / name, change_layer()) == 1
    assert (tmp_path / "a.qml").read_text(encoding="utf-8") == STYLE
    assert (tmp_path / "b.qml").read_text(encoding="utf-8") == outline_style()
