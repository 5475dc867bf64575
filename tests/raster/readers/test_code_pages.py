"""Text of shapefiles comes in the code page that it is in, or it is said how it was read."""

import zipfile
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from terramamba.data.labels.labels import read_label_subsets, read_labels
from terramamba.raster.readers.code_pages import code_page
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.vector.features import read_features

WORDS = ("Gehölz", "Straße", "Äcker", "Grünland")
ASCII = ("Geh0lz", "Stra0e", "0cker", "Gr0nland")


def shapefile(path: Path, page: str, mark: int = 0, named: str | None = None) -> Path:
    """Write polygons with these classes, text in ``page``, as programs do that name it so, or not at all."""
    frame = geopandas.GeoDataFrame(
        {"class": ASCII},
        geometry=[shapely.box(105 + 5 * i, -9, 109 + 5 * i, -1) for i in range(4)],
        crs=32633,
    )
    frame.to_file(path)
    table = path.with_suffix(".dbf")
    data = bytearray(table.read_bytes())
    for plain, word in zip(ASCII, WORDS, strict=True):
        letters = word.encode(page)
        place = data.index(plain.encode())
        data[place : place + len(letters)] = letters
    data[29] = mark
    table.write_bytes(data)
    path.with_suffix(".cpg").unlink()
    if named is not None:
        path.with_suffix(".cpg").write_text(named)
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    shape = {"count": 1, "height": 10, "width": 20, "dtype": "uint8", "driver": "GTiff"}
    with rasterio.open(
        tmp_path / "scene.tif", "w", crs="EPSG:32633", transform=Affine(1, 0, 105, 0, -1, 0), **shape
    ) as file:
        file.write(np.arange(200, dtype=np.uint8).reshape(1, 10, 20))
    return open_scene(tmp_path / "scene.tif")


@pytest.mark.parametrize(
    ("page", "mark", "named", "doubt"),
    [
        ("utf-8", 0, None, None),
        ("utf-8", 0x57, "UTF-8", None),
        ("cp1252", 0x57, "1252", None),
        ("cp1252", 0, "ANSI 1252", None),
        ("latin-1", 0, "8859-1", None),
        ("cp437", 0x01, None, None),
        ("cp850", 0x02, None, None),
        ("cp850", 0, "OEM 850", None),
        ("cp1252", 0x57, None, "read as cp1252, as in 'Gehölz'"),
        ("cp437", 0, None, "read as cp850, as in 'Gehölz'"),
        ("cp437", 0x57, None, "read as cp850, as in 'Gehölz'"),
        ("utf-8", 0x57, "1252", "its text is UTF-8, though the file .cpg beside it says 1252"),
        ("cp1252", 0xC8, "UTF-8", "is no UTF-8, which the file .cpg beside it says: read as cp1250"),
    ],
)
def test_names_come_right_and_what_was_guessed_is_said(
    tmp_path: Path, scene: Scene, page: str, mark: int, named: str | None, doubt: str | None
) -> None:
    path = shapefile(tmp_path / "labels.shp", page, mark, named)
    labels = read_labels(str(path), scene)
    assert labels.classes.names == tuple(sorted(WORDS))
    said = [note for note in labels.notes if ".cpg" in note]
    assert len(said) == (doubt is not None)
    assert doubt is None or doubt in said[0]


def test_classes_are_equal_whatever_pages_their_files_have(tmp_path: Path, scene: Scene) -> None:
    paths = {
        "train": str(shapefile(tmp_path / "train.shp", "cp437")),
        "val": str(shapefile(tmp_path / "val.shp", "cp1252", 0x57)),
        "test": str(shapefile(tmp_path / "test.shp", "utf-8")),
    }
    labels, _ = read_label_subsets(paths, scene)
    assert labels.classes.names == tuple(sorted(WORDS))


def test_other_alphabets_are_read_where_they_are_named_and_said_where_not(tmp_path: Path) -> None:
    russian = "Лес".encode("cp1251")
    assert code_page(russian, 0xC9).name == code_page(russian, 0, "1251").name == "cp1251"
    assert "as in 'Ëåñ'" in (code_page(russian).doubt or "")
    japanese = "森林".encode("cp932")
    assert code_page(japanese, 0x7B).name == code_page(japanese, 0, "CP932").name == "cp932"
    assert code_page(b"wood", 0x57, "nonsense").doubt is None


@pytest.mark.parametrize("word", ["l’eau", "„Moor“", "25 m²", "Wald – Rand", "§ 30", "10 °C"])
def test_signs_of_windows_are_no_reason_to_doubt_the_page(word: str) -> None:
    assert code_page(word.encode("cp1252")).name == "cp1252"


def test_an_archive_is_no_other_case(tmp_path: Path) -> None:
    path = shapefile(tmp_path / "labels.shp", "cp437")
    with zipfile.ZipFile(tmp_path / "sent.zip", "w") as archive:
        for part in tmp_path.glob("labels.*"):
            archive.write(part, f"folder/{part.name}")
    for file in (path, tmp_path / "sent.zip"):
        features = read_features(str(file))
        assert features.attributes["class"].tolist() == list(WORDS)
        assert len(features.notes) == 1
