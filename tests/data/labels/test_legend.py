"""Names and colours of label images, from all that their files and the files beside them say."""

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyogrio.raw
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from drawn import code_map
from terramamba.core.errors import InputError
from terramamba.data.labels.labels import read_labels
from terramamba.data.labels.legend import read_legend
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

MAP = np.array([[0, 1, 1, 2], [2, 2, 0, 3], [3, 3, 3, 3]], np.uint8)
GRID = Grid(3, 4, CRS.from_epsg(32633), Affine(30, 0, 500000, 0, -30, 5800000))
NAMES = ("Forest", "Meadow", "Lake")
COLOURS = ((0, 100, 0), (200, 255, 100), (0, 0, 255))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    write_geotiff(tmp_path / "scene.tif", np.ones((5, 3, 4), np.float32), GRID)
    return open_scene(tmp_path / "scene.tif")


def plain(path: Path, values: np.ndarray = MAP, **options: Any) -> Path:
    """A GeoTIFF as other programs write it, without any of our tags."""
    profile = {"crs": GRID.crs, "transform": GRID.transform, "height": 3, "width": 4, "count": 1}
    with rasterio.open(path, "w", driver="GTiff", dtype=values.dtype, **profile, **options) as file:
        file.write(values, 1)
    return path


def with_table(path: Path, columns: str, rows: list[list[object]], attributes: str = "") -> Path:
    cells = "".join(
        f'<Row index="{i}">{"".join(f"<F>{cell}</F>" for cell in row)}</Row>' for i, row in enumerate(rows)
    )
    table = f"<GDALRasterAttributeTable{attributes}>{columns}{cells}</GDALRasterAttributeTable>"
    band = f'<PAMDataset><PAMRasterBand band="1">{table}</PAMRasterBand></PAMDataset>'
    Path(f"{path}.aux.xml").write_text(band)
    return path


def esri_table(path: Path, columns: dict[str, list[Any]], encoding: str = "UTF-8") -> Path:
    """Write an attribute table as ESRI's programs do."""
    arrays = [np.array(cells, object if isinstance(cells[0], str) else None) for cells in columns.values()]
    pyogrio.raw.write(
        path.with_suffix(".dbf"),
        None,
        arrays,
        list(columns),
        geometry_type=None,
        driver="ESRI Shapefile",
        encoding=encoding,
    )
    return path.with_suffix(".dbf").rename(path)


def column(index: int, name: str, kind: int, usage: int = 0) -> str:
    return (
        f'<FieldDefn index="{index}"><Name>{name}</Name><Type>{kind}</Type><Usage>{usage}</Usage></FieldDefn>'
    )


def test_an_envi_classification_by_its_image_or_its_header(tmp_path: Path, scene: Scene) -> None:
    (tmp_path / "labels.bsq").write_bytes(MAP.tobytes())
    (tmp_path / "labels.hdr").write_text(
        "ENVI\nsamples = 4\nlines = 3\nbands = 1\nfile type = ENVI Classification\ndata type = 1\n"
        "interleave = bsq\nclasses = 4\nclass names = {Unclassified, Forest, Meadow, Lake}\n"
        "class lookup = {0,0,0, 0,100,0, 200,255,100, 0,0,255}\n"
    )
    for name in ("labels.bsq", "labels.hdr"):
        labels = read_labels(str(tmp_path / name), scene)
        assert labels.classes.names == NAMES
        assert labels.classes.colours == COLOURS
        assert labels.unlabelled == ("0 (2 pixels): it is called 'Unclassified'",)


def test_a_raster_attribute_table_with_colours_as_fractions(tmp_path: Path, scene: Scene) -> None:
    columns = "".join(
        [column(0, "OID", 0), column(1, "Value", 0), column(2, "Count", 0, 1), column(3, "Class_Name", 2)]
        + [column(4 + i, name, 1) for i, name in enumerate(("Red", "Green", "Blue"))]
    )
    rows: list[list[object]] = [
        [9, code, 4, name, *(level / 255 for level in colour)]
        for code, (name, colour) in enumerate(zip(NAMES, COLOURS, strict=True), start=1)
    ]
    path = with_table(plain(tmp_path / "labels.tif"), columns, rows)
    labels = read_labels(str(path), scene)
    assert labels.classes.names == NAMES
    assert labels.classes.colours == COLOURS


def test_a_raster_attribute_table_without_colours_by_what_its_columns_are_for(
    tmp_path: Path, scene: Scene
) -> None:
    columns = column(0, "Klasse", 2, 2) + column(1, "Nummer", 0, 5) + column(2, "Notiz", 2)
    rows: list[list[object]] = [["Lake", 3, "deep"], ["Forest", 1, ""], ["Meadow", 2, "wet"]]
    labels = read_labels(str(with_table(plain(tmp_path / "labels.tif"), columns, rows)), scene)
    assert labels.classes.names == NAMES
    assert len(set(labels.classes.colours)) == 3


def test_rows_of_a_table_without_values_count_the_codes(tmp_path: Path, scene: Scene) -> None:
    rows: list[list[object]] = [["Forest"], ["Meadow"], ["Lake"]]
    path = with_table(
        plain(tmp_path / "labels.tif"), column(0, "Name", 2, 2), rows, ' Row0Min="1" BinSize="1"'
    )
    assert read_labels(str(path), scene).classes.names == NAMES


def test_a_table_of_bins_that_begin_between_two_codes(tmp_path: Path, scene: Scene) -> None:
    rows: list[list[object]] = [[""], ["Forest"], ["Meadow"], ["Lake"]]
    path = with_table(
        plain(tmp_path / "labels.tif"), column(0, "Name", 2, 2), rows, ' Row0Min="-0.5" BinSize="1"'
    )
    assert read_labels(str(path), scene).classes.names == NAMES


@pytest.mark.parametrize("reach", [0.0, 0.5])
def test_a_table_that_gives_the_least_and_the_largest_value_of_a_row(
    tmp_path: Path, scene: Scene, reach: float
) -> None:
    columns = column(0, "From", 1, 3) + column(1, "To", 1, 4) + column(2, "Class", 2, 2)
    rows: list[list[object]] = [[k - reach, k + reach, name] for k, name in enumerate(NAMES, start=1)]
    path = with_table(plain(tmp_path / "labels.tif"), columns, rows)
    assert read_labels(str(path), scene).classes.names == NAMES


@pytest.mark.parametrize(
    ("attributes", "called"),
    [
        ({"flag_values": np.array([0, 1, 2, 3], np.uint8)}, True),
        (
            {"flag_values": np.array([3, 2, 1, 0], np.int16), "flag_meanings": "Lake Meadow Forest no_data"},
            True,
        ),
        ({"flag_values": "0b, 1b, 2b, 3b"}, True),
        ({"flag_values": np.array([0, 1, 2, 3]), "flag_colors": "#000000 #006400 #c8ff64 #0000ff"}, True),
        ({"flag_values": np.array([0, 1, 2])}, False),  # not one for each meaning
        ({"flag_values": np.array([0, 1, 2, 3]), "flag_masks": np.array([1, 1, 2, 2])}, False),  # bits
        ({}, False),
    ],
)
def test_flags_of_a_netcdf_variable_are_names(
    tmp_path: Path, scene: Scene, attributes: dict[str, Any], called: bool
) -> None:
    path = tmp_path / "labels.nc"
    with h5py.File(path, "w") as file:
        file["cover"] = MAP
        file["cover"].attrs.update({"flag_meanings": "no_data Forest Meadow Lake", **attributes})
    labels = read_labels(str(path), scene)
    assert labels.classes.names == (NAMES if called else ("class 1", "class 2", "class 3"))
    assert (labels.classes.colours == COLOURS) == ("flag_colors" in attributes)
    assert ("called 'no data'" in labels.unlabelled[0]) == called


def test_a_column_of_values_by_any_name_counts_and_rows_do_not(tmp_path: Path, scene: Scene) -> None:
    columns = column(0, "OID", 0) + column(1, "CODE_18", 0) + column(2, "Count", 0) + column(3, "LABEL3", 2)
    rows: list[list[object]] = [[i, code, 9 - i, NAMES[code - 1]] for i, code in enumerate((3, 1, 2))]
    path = with_table(plain(tmp_path / "labels.tif"), columns, rows)
    assert read_labels(str(path), scene).classes.names == NAMES
    # of two that may be meant neither is
    columns += column(4, "CODE_12", 0)
    with_table(path, columns, [[*row, 4 - i] for i, row in enumerate(rows)])
    assert read_labels(str(path), scene).classes.names == ("class 1", "class 2", "class 3")


@pytest.mark.parametrize("name", ["labels.tif.vat.dbf", "labels.vat.dbf", "labels.tif.VAT.DBF"])
@pytest.mark.parametrize("title", ["Class_Name", "Class", "NAME", "Klasse"])
def test_an_attribute_table_of_esri_beside_the_labels(
    tmp_path: Path, scene: Scene, name: str, title: str
) -> None:
    path = plain(tmp_path / "labels.tif")
    colours = list(zip(*COLOURS, strict=True))
    esri_table(
        tmp_path / name,
        {"OBJECTID": [7, 8, 9], "VALUE": [1, 2, 3], "COUNT": [2.0, 3.0, 5.0], "Notes": ["a", "a", "b"]}
        | {title: list(NAMES)}
        | {"Red": list(colours[0]), "Green": list(colours[1]), "Blue": list(colours[2])},
    )
    labels = read_labels(str(path), scene)
    assert labels.classes.names == NAMES
    assert labels.classes.colours == COLOURS


def test_an_attribute_table_of_esri_with_colours_as_fractions_in_latin_letters(
    tmp_path: Path, scene: Scene
) -> None:
    path = plain(tmp_path / "labels.tif")
    names = ("Wälder", "Straße", "See")
    for encoding in ("UTF-8", "ISO-8859-1"):
        table = esri_table(
            tmp_path / "labels.tif.vat.dbf",
            {"Value": [1, 2, 3], "Class": list(names), "Red": [0.0, 0.5, 1.0]}
            | {"Green": [1.0, 0.5, 0.0], "Blue": [0.0, 0.5, 0.25]},
            encoding,
        )
        table.with_suffix(".cpg").unlink(missing_ok=True)
        labels = read_labels(str(path), scene)
        assert labels.classes.names == names
        assert labels.classes.colours == ((0, 255, 0), (128, 128, 128), (255, 0, 64))


def test_an_attribute_table_of_esri_that_is_damaged_is_refused(tmp_path: Path, scene: Scene) -> None:
    table = esri_table(tmp_path / "labels.tif.vat.dbf", {"Value": [1, 2, 3], "Class": list(NAMES)})
    table.write_bytes(table.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"labels\.tif\.vat\.dbf: holds .* remove it, or fetch it again"):
        read_labels(str(plain(tmp_path / "labels.tif")), scene)


def test_category_names_of_gdal_with_a_background(tmp_path: Path, scene: Scene) -> None:
    categories = "".join(f"<Category>{name}</Category>" for name in ("Background", *NAMES))
    path = plain(tmp_path / "labels.tif")
    Path(f"{path}.aux.xml").write_text(
        f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{categories}</CategoryNames></PAMRasterBand>'
        "</PAMDataset>"
    )
    labels = read_labels(str(path), scene)
    assert labels.classes.names == NAMES
    assert labels.unlabelled == ("0 (2 pixels): it is called 'Background'",)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (
            ".qml",
            "<qgis><pipe><rasterrenderer type='paletted'><colorPalette>"
            "<paletteEntry value='1' color='#006400' label='Forest' alpha='255'/>"
            "<paletteEntry value='2' color='#c8ff64' label='Meadow' alpha='255'/>"
            "<paletteEntry value='3' color='#0000ff' label='3' alpha='255'/>"
            "</colorPalette></rasterrenderer></pipe></qgis>",
        ),
        (".clr", "1 0 100 0 255 Forest\n2 200 255 100 255 Meadow\n3 0 0 255\n"),
    ],
)
def test_a_style_beside_the_labels(tmp_path: Path, scene: Scene, suffix: str, text: str) -> None:
    path = plain(tmp_path / "labels.tif")
    path.with_suffix(suffix).write_text(text)
    labels = read_labels(str(path), scene)
    assert labels.classes.names == ("Forest", "Meadow", "class 3")  # a label that repeats the code is none
    assert labels.classes.colours == COLOURS


def test_a_picture_with_a_palette_keeps_its_colours(tmp_path: Path, scene: Scene) -> None:
    from PIL import Image

    picture = Image.fromarray(MAP, "P")
    picture.putpalette([level for colour in ((0, 0, 0), *COLOURS) for level in colour])
    picture.save(tmp_path / "labels.png")
    labels = read_labels(str(tmp_path / "labels.png"), scene)
    np.testing.assert_array_equal(code_map(labels), MAP)
    assert labels.classes.colours == COLOURS


def test_codes_of_a_file_in_which_0_is_white_are_as_stored_and_said(tmp_path: Path, scene: Scene) -> None:
    labels = read_labels(str(plain(tmp_path / "labels.tif", photometric="MINISWHITE")), scene)
    np.testing.assert_array_equal(code_map(labels), MAP)
    assert any("is photometric MinIsWhite; codes are the stored numbers" in note for note in labels.notes)


def test_two_codes_of_one_name_stay_apart_and_are_said(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "labels.tif"
    write_geotiff(path, MAP[None], GRID, class_names={1: "Forest", 2: "Meadow", 3: "forest "})
    labels = read_labels(str(path), scene)
    assert labels.classes.codes == (1, 2, 3)
    assert any("codes 1 and 3 are both called 'Forest'" in note for note in labels.notes)


def test_names_that_contradict_each_other_are_noted(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "labels.tif"
    write_geotiff(path, MAP[None], GRID, class_names={1: "Forest", 2: "Meadow", 3: "Lake"})
    path.with_suffix(".clr").write_text("1 0 100 0 255 Water\n")
    labels = read_labels(str(path), scene)
    assert labels.classes.names == NAMES
    assert labels.notes == (f"{path}: labels.clr calls 1 'Water', which is 'Forest' here",)


@pytest.mark.parametrize("codes", [(1, 2, 3), (0, 1, 2)])
def test_what_terramamba_writes_comes_back(tmp_path: Path, scene: Scene, codes: tuple[int, ...]) -> None:
    values = np.where(MAP > 0, MAP - 1 + codes[0], 0 if codes[0] else 255).astype(np.uint8)
    path = tmp_path / "map.tif"
    write_geotiff(
        path,
        values[None],
        GRID,
        nodata=0 if codes[0] else 255,
        class_names={0 if codes[0] else 255: "no data", **dict(zip(codes, NAMES, strict=True))},
        colours=dict(zip(codes, COLOURS, strict=True)),
    )
    labels = read_labels(str(path), scene)
    assert (labels.classes.codes, labels.classes.names, labels.classes.colours) == (codes, NAMES, COLOURS)
    assert len(labels.pixels) == np.count_nonzero(MAP)
    assert labels.notes == ()


def damaged(path: Path, tag: int | None, value: int) -> Path:
    """Write ``value`` into a TIFF in place of its entry ``tag``; None: of where its next directory is."""
    content = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    entries = range(first + 2, first + 2 + 12 * count, 12)
    if tag is None:
        struct.pack_into("<I", content, entries[-1] + 12, value)
    else:
        (place,) = (entry for entry in entries if struct.unpack_from("<H", content, entry) == (tag,))
        struct.pack_into("<H", content, place, value)
    path.write_bytes(content)
    return path


def test_a_header_that_is_damaged_behind_its_first_directory_is_refused(tmp_path: Path) -> None:
    within_the_first = 63
    path = damaged(plain(tmp_path / "labels.tif", photometric="palette"), None, within_the_first)
    with pytest.raises(InputError, match=r"labels\.tif: its header cannot be read .*fetch it again"):
        open_scene(path)


def test_a_palette_that_lost_its_colours_is_none(tmp_path: Path) -> None:
    colour_map, unknown = 320, 50_000
    path = plain(tmp_path / "labels.tif", photometric="palette")
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {1: (1, 2, 3, 255)})
    assert read_legend(str(path)).colours[1] == (1, 2, 3)
    other = tmp_path / "other.tif"
    other.write_bytes(path.read_bytes())
    assert read_legend(str(damaged(other, colour_map, unknown))).colours == {}
