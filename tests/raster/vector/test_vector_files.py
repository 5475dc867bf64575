"""Whatever GDAL reads as shapes is a vector file, in an archive too, and only that."""

import gzip
import zipfile
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from terramamba.core.errors import InputError
from terramamba.core.trust import trusting
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.scene_files import states_of
from terramamba.raster.vector.features import read_features
from terramamba.raster.vector.vector_files import is_vector_file, list_layers, stem_of_vector

FRAME = geopandas.GeoDataFrame(
    {"cover": ["wood", "corn"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)], crs=4326
)
CADASTRE = (
    b"""&HVERZE;"5.0"\r\n&BSOBR;ID N30;SOURADNICE_Y N10.2;SOURADNICE_X N10.2\r\n&DSOBR;1;1.0;2.0\r\n&K\r\n"""
)
"""A file of the Czech cadastre with one point."""


def zipped(archive: Path, *files: Path, inside: str = "") -> str:
    """Put files and folders into an archive, below ``inside``."""
    with zipfile.ZipFile(archive, "w") as opened:
        for file in files:
            for part in sorted(file.rglob("*")) if file.is_dir() else [file]:
                opened.write(part, inside + str(part.relative_to(file.parent)))
    return str(archive)


def shapefile(folder: Path, name: str = "a") -> list[Path]:
    folder.mkdir(exist_ok=True)
    FRAME.to_file(folder / f"{name}.shp")
    return sorted(folder.glob(f"{name}.*"))


def names(path: str) -> list[str]:
    return read_features(path).attributes["cover"].tolist()


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("a.gdb", "OpenFileGDB"),
        ("a.gpkg", "GPKG"),
        ("a.tab", "MapInfo File"),
        ("a.mif", "MapInfo File"),
        ("a.kmz", "LIBKML"),
        ("a.gml", "GML"),
        ("a.geojsonl", "GeoJSONSeq"),
        ("a.jml", "JML"),
        ("a.gmt", "OGR_GMT"),
        ("a", "GeoJSON"),
    ],
)
def test_any_vector_file_is_one(tmp_path: Path, name: str, driver: str) -> None:
    FRAME.to_file(tmp_path / name, driver=driver)
    assert is_vector_file(str(tmp_path / name))
    assert names(str(tmp_path / name)) == ["wood", "corn"]


@pytest.mark.parametrize("name", ["a.gml", "a.xml", "a.gml.gz", "a.vfk"])
def test_nothing_is_left_beside_shapes_that_are_read(tmp_path: Path, name: str) -> None:
    """GDAL keeps what it finds out of GML in .gfs, of a cadastre in .db, of what is packed in .properties."""
    if name == "a.vfk":
        (tmp_path / name).write_bytes(CADASTRE)
    else:
        FRAME.to_file(tmp_path / "b.gml", driver="GML")
        written = (tmp_path / "b.gml").read_bytes()
        (tmp_path / name).write_bytes(gzip.compress(written) if name.endswith(".gz") else written)
        for other in ("b.gml", "b.xsd"):
            (tmp_path / other).unlink()
    assert is_vector_file(str(tmp_path / name))
    (layer,) = list_layers(str(tmp_path / name))
    read_features(str(tmp_path / name), layer)
    assert [*tmp_path.iterdir()] == [tmp_path / name]


def test_the_vector_file_in_an_archive_is_read_wherever_it_lies(tmp_path: Path) -> None:
    files = shapefile(tmp_path / "drawn")
    geodatabase = tmp_path / "a.gdb"
    FRAME.to_file(geodatabase, driver="OpenFileGDB")
    archives = [
        zipped(tmp_path / "a.shp.zip", *files),
        zipped(tmp_path / "b.zip", *files, inside="some folder/of it/"),
        zipped(tmp_path / "a.gdb.zip", geodatabase),
        zipped(tmp_path / "c.zip", geodatabase, inside="folder/"),
        zipped(tmp_path / "d.gdb.zip", *sorted(geodatabase.iterdir())),
        f"/vsizip/{tmp_path}/b.zip/some folder/of it/a.shp",
    ]
    with zipfile.ZipFile(archives[0], "a") as opened:
        opened.writestr("__MACOSX/._a.shp", b"twin")
    for archive in archives:
        assert is_vector_file(archive)
        assert names(archive) == ["wood", "corn"]


def test_of_two_vector_files_in_an_archive_one_is_asked_for_by_its_address(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", *shapefile(tmp_path / "drawn"), *shapefile(tmp_path / "drawn", "b"))
    assert is_vector_file(archive)
    with pytest.raises(InputError, match=r"2 vector files are in it \(a\.shp, b\.shp\); give one as") as said:
        names(archive)
    assert names(str(said.value.remedy).removeprefix("give one as ")) == ["wood", "corn"]


def test_archives_of_something_else_are_no_vector_files(tmp_path: Path) -> None:
    (tmp_path / "read.me").write_text("nothing")
    write_geotiff(tmp_path / "scene.tif", np.ones((1, 4, 4), np.uint8), Grid(4, 4))
    other = zipped(tmp_path / "other.zip", tmp_path / "read.me")
    image = zipped(tmp_path / "image.zip", tmp_path / "scene.tif", *shapefile(tmp_path / "outline"))
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    assert not any(map(is_vector_file, (other, image, str(tmp_path / "bad.zip"))))
    with pytest.raises(InputError, match="no vector file is in this archive; unpack it"):
        list_layers(other)
    with pytest.raises(InputError, match="cannot be read as a zip archive; fetch it again"):
        list_layers(str(tmp_path / "bad.zip"))


def test_images_tables_and_texts_are_no_vector_files(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "scene.tif", np.ones((1, 4, 4), np.uint8), Grid(4, 4))
    (tmp_path / "scene.tif").rename(tmp_path / "scene.other")
    (tmp_path / "pairs.csv").write_text("before,after\na.tif,b.tif\n")
    (tmp_path / "notes.doc").write_text("nothing to see")
    (tmp_path / "folder").mkdir()
    for name in ("scene.other", "pairs.csv", "notes.doc", "folder", "not_there.bin"):
        assert not is_vector_file(str(tmp_path / name))


def test_a_file_in_an_archive_that_names_others_is_refused_unless_trusted(tmp_path: Path) -> None:
    FRAME.to_file(tmp_path / "secret.gpkg")
    (tmp_path / "a.geojson").write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{tmp_path}/secret.gpkg</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    archive = zipped(tmp_path / "a.zip", tmp_path / "a.geojson")
    for path in (archive, f"/vsizip/{archive}/a.geojson"):
        with pytest.raises(InputError, match=r"a\.zip/a\.geojson: names other files or services"):
            names(path)
    with trusting():
        assert names(archive) == ["wood", "corn"]


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1"])
def test_a_shapefile_without_a_code_page_keeps_its_letters(tmp_path: Path, encoding: str) -> None:
    frame = geopandas.GeoDataFrame({"cover": ["Wälder", "Straße"]}, geometry=FRAME.geometry, crs=4326)
    frame.to_file(tmp_path / "a.shp", encoding=encoding)
    (tmp_path / "a.cpg").unlink()
    archive = zipped(tmp_path / "a.zip", *sorted(tmp_path.glob("a.*")), inside="in/")
    for path in (str(tmp_path / "a.shp"), archive):
        assert names(path) == ["Wälder", "Straße"]


def test_archives_that_unpack_to_too_much_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terramamba.raster.vector.vector_files.MOST_UNPACKED", 100)
    for name in ("a.zip", "a.shz", "a.kmz"):
        with pytest.raises(InputError, match=rf"{name}: holds more than .* unpack it"):
            names(zipped(tmp_path / name, *shapefile(tmp_path / "drawn")))


def test_vector_files_are_not_read_from_the_web() -> None:
    with pytest.raises(InputError, match="are read from disk only; download it first"):
        list_layers("https://nowhere.example/a.geojson")


def test_a_change_in_a_geodatabase_is_seen(tmp_path: Path) -> None:
    FRAME.to_file(tmp_path / "a.gdb", driver="OpenFileGDB")
    states = states_of([], [tmp_path / "a.gdb"])
    assert states.changed() is None
    table = max((tmp_path / "a.gdb").glob("*.gdbtable"), key=lambda file: file.stat().st_size)
    table.write_bytes(table.read_bytes() + b"more")
    assert states.changed() == str(table)


def test_a_file_is_called_without_what_says_its_kind() -> None:
    found = [
        stem_of_vector(name) for name in ("a.gdb", "a.SHP.zip", "a.gdb.zip", "a.b.zip", "a.v2.gpkg", "a")
    ]
    assert found == ["a", "a", "a", "a.b", "a.v2", "a"]


def test_an_archive_that_is_damaged_inside_is_refused_in_one_line(tmp_path: Path) -> None:
    archive = tmp_path / "fields.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("fields.shp", bytes(range(256)) * 9)
    whole = archive.read_bytes()
    for place in (2, 40, 60, len(whole) - 30):
        archive.write_bytes(whole[:place] + b"\xff\xff" + whole[place + 2 :])
        with pytest.raises(
            InputError, match=r"fields\.zip: cannot be read as a zip archive \(.*fetch it again"
        ):
            list_layers(str(archive))
