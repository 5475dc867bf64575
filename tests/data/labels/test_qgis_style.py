"""Names and colours of classes from styles that QGIS and EnMAP-Box leave beside rasters and vector files."""

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.data.labels.label_description import describe_label_shapes
from terramamba.data.labels.labels import Labels, read_labels
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
ROOF, TREE = (230, 0, 0), (0, 90, 7)
GRID = Grid(4, 6, CRS.from_epsg(32633), Affine(30, 0, 500_000, 0, -30, 5_800_000))


def symbol(name: int, colour: str, old: bool = False) -> str:
    """A symbol as QGIS from 3.20 on writes it, or as older ones do."""
    told = f'<prop k="color" v="{colour}"/>' if old else ""
    new = "" if old else f'<Option type="Map"><Option type="QString" value="{colour}" name="color"/></Option>'
    return f'<symbol type="fill" name="{name}"><layer class="SimpleFill">{new}{told}</layer></symbol>'


def categories(path: Path, attribute: str, *entries: tuple[object, str], old: bool = False) -> None:
    """The style beside ``path``: the first is a roof, the second a tree."""
    listed = "".join(
        f'<category symbol="{index}" value="{value}" label="{label}" type="long" render="true"/>'
        for index, (value, label) in enumerate(entries)
    )
    colours = ("230,0,0,255", "0,90,7,255,rgb:0,0.35,0.03,1", "1,2,3,255")
    symbols = "".join(symbol(index, colours[index], old) for index in range(len(entries)))
    # Other symbols are there too, of the selection and of profiles.
    other = f"<elevation><profileFillSymbol>{symbol(0, '9,9,9,255')}</profileFillSymbol></elevation>"
    path.with_suffix(".qml").write_text(
        f'{DOCTYPE}<qgis version="3.28.7">{other}<renderer-v2 type="categorizedSymbol" attr="{attribute}">'
        f"<categories>{listed}</categories><symbols>{symbols}</symbols></renderer-v2></qgis>",
        encoding="utf-8",
    )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    write_geotiff(tmp_path / "scene.tif", np.ones((3, 4, 6), np.float32), GRID)
    return open_scene(tmp_path / "scene.tif")


def drawn(path: Path, **attributes: Any) -> str:
    """Two squares of two pixels a side."""
    west, north = GRID.transform.c, GRID.transform.f
    shapes = [shapely.box(west + 90 * i, north - 60, west + 90 * i + 60, north) for i in range(2)]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes, object)),
        [np.asarray(values) for values in attributes.values()],
        list(attributes),
        geometry_type="Polygon",
        crs="EPSG:32633",
    )
    return str(path)


def shown(labels: Labels) -> dict[int, tuple[str, tuple[int, ...] | None]]:
    table = labels.classes
    return dict(zip(table.codes, zip(table.names, table.colours, strict=True), strict=True))


@pytest.mark.parametrize("old", [False, True])
def test_numbers_are_called_as_the_style_calls_them(tmp_path: Path, scene: Scene, old: bool) -> None:
    path = drawn(tmp_path / "cover.gpkg", level_1=[2, 5], level_2=[7, 8])
    categories(tmp_path / "cover.gpkg", "level_1", (2, "roof"), (5, "tree"), ("", "all others"), old=old)
    labels = read_labels(path, scene)
    assert shown(labels) == {2: ("roof", ROOF), 5: ("tree", TREE)}
    assert f"{path}: names and colours of classes are those of cover.qml" in labels.notes
    described = describe_label_shapes(path).tables[0]
    assert [row[:3] for row in described.rows] == [("2", "roof", "#e60000"), ("5", "tree", "#005a07")]


def test_the_attribute_that_is_asked_for_counts_not_that_of_the_style(tmp_path: Path, scene: Scene) -> None:
    from terramamba.data.settings import VectorOptions

    path = drawn(tmp_path / "cover.gpkg", level_1=[2, 5], level_2=[7, 8])
    categories(tmp_path / "cover.gpkg", "level_1", (2, "roof"), (5, "tree"))
    labels = read_labels(path, scene, vector=VectorOptions(class_attribute="level_2"))
    assert [name for name, _ in shown(labels).values()] == ["class 7", "class 8"]
    assert not {ROOF, TREE} & {colour for _, colour in shown(labels).values()}


def test_text_keeps_its_own_names_and_takes_the_colours(tmp_path: Path, scene: Scene) -> None:
    path = drawn(tmp_path / "cover.gpkg", kind=["Tree", "roof"])
    categories(tmp_path / "cover.gpkg", "kind", ("roof", "Roofs of 2019"), ("tree", "Trees"))
    assert shown(read_labels(path, scene)) == {1: ("Tree", TREE), 2: ("roof", ROOF)}


@pytest.mark.parametrize(
    "text",
    [
        "no XML",
        f'{DOCTYPE}<qgis><renderer-v2 type="singleSymbol"/></qgis>',
        '<!DOCTYPE q [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><qgis><renderer-v2 type="categorizedSymbol"'
        ' attr="code"><categories><category value="2" label="&b;" symbol="0"/></categories></renderer-v2>'
        "</qgis>",
    ],
)
def test_a_style_that_says_nothing_or_has_entities_is_passed_over(
    tmp_path: Path, scene: Scene, text: str
) -> None:
    path = drawn(tmp_path / "cover.gpkg", code=[2, 5])
    (tmp_path / "cover.qml").write_text(text, encoding="utf-8")
    assert [name for name, _ in shown(read_labels(path, scene)).values()] == ["class 2", "class 5"]


def test_a_classification_of_enmap_box_has_its_names_from_its_style(tmp_path: Path, scene: Scene) -> None:
    # It writes bytes without names, 0 where nothing is, and a style of QGIS with all that is known.
    codes = np.array([[[0, 1, 1, 1, 3, 3]] * 4], np.uint8)
    write_geotiff(tmp_path / "classification.tif", codes, GRID)
    (tmp_path / "classification.qml").write_text(
        f'{DOCTYPE}<qgis version="3.34"><pipe><rasterrenderer type="paletted" band="1" alphaBand="-1">'
        '<colorPalette><paletteEntry value="1" color="#e60000" alpha="255" label="roof"/>'
        '<paletteEntry value="3" color="#005a07" alpha="255" label="tree"/></colorPalette></rasterrenderer>'
        "</pipe></qgis>",
        encoding="utf-8",
    )
    assert shown(read_labels(str(tmp_path / "classification.tif"), scene)) == {
        1: ("roof", ROOF),
        3: ("tree", TREE),
    }


@pytest.mark.parametrize("name", ["classifier.pkl", "classifier.joblib"])
def test_a_pickled_classifier_is_refused_for_what_it_is(tmp_path: Path, scene: Scene, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.")
    for read in (lambda path: open_scene(path), lambda path: read_labels(path, scene)):
        with pytest.raises(InputError, match=rf"{name}: is a pickle of Python, which could run any code"):
            read(str(tmp_path / name))
