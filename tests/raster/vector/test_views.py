"""Views of a GeoPackage are layers as any, but one whose rows have no end is refused before GDAL runs it."""

import sqlite3
from pathlib import Path

import geopandas
import pytest
import shapely

from terramamba.core.errors import InputError
from terramamba.raster.vector import views
from terramamba.raster.vector.features import read_features
from terramamba.raster.vector.vector_files import list_layers

AGAIN = "WITH RECURSIVE more(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM more)"


def with_view(folder: Path, query: str) -> str:
    """Write a GeoPackage with the layers ``fields``, of polygons, and ``seen``, the view ``query``."""
    file = folder / "a.gpkg"
    shapes = [shapely.box(left, 0, left + 1, 1) for left in range(3)]
    geopandas.GeoDataFrame({"crop": ["a", "b", "a"]}, geometry=shapes, crs=32633).to_file(
        file, layer="fields"
    )
    with sqlite3.connect(file) as opened:
        opened.execute(f"CREATE VIEW seen AS {query}")
        for table in ("gpkg_contents", "gpkg_geometry_columns"):
            names = [row[1] for row in opened.execute(f"PRAGMA table_info({table})")]
            as_seen = ["'seen'" if name in ("table_name", "identifier") else name for name in names]
            opened.execute(f"INSERT INTO {table} SELECT {', '.join(as_seen)} FROM {table}")
    opened.close()
    return str(file)


def test_a_view_is_a_layer(tmp_path: Path) -> None:
    file = with_view(tmp_path, "SELECT fid, geom, crop FROM fields WHERE crop = 'a'")
    assert {*list_layers(file)} == {"fields", "seen"}
    assert read_features(file, "seen").attributes["crop"].tolist() == ["a", "a"]


@pytest.mark.parametrize(
    "query",
    [
        f"{AGAIN} SELECT more.fid AS fid, geom, crop FROM more, fields",
        f"{AGAIN} SELECT fields.fid AS fid, geom, crop FROM more, fields WHERE more.fid < 0",
        f"{AGAIN} SELECT more.fid AS fid, geom, crop FROM more, fields WHERE of_gdal(geom)",
        f"SELECT f0.* FROM {', '.join(f'fields f{i}' for i in range(16))}",
    ],
)
def test_one_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr(views, "MOST_STEPS", 1_000_000)
    monkeypatch.setattr(views, "STEPS_AT_ONCE", 10_000)
    with pytest.raises(InputError, match=r"a\.gpkg: 'seen' is a view whose rows have no end"):
        list_layers(with_view(tmp_path, query))


def test_damage_that_is_no_text_is_left_to_gdal_and_a_name_that_is_none_refused(tmp_path: Path) -> None:
    file = Path(with_view(tmp_path, "SELECT fid, geom, crop FROM fields"))
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"CREATE VIEW seen", b"CREATE VIEX \xff\xff\xff\xff"))
    views.require_ends(str(file))
    file.write_bytes(
        whole.replace(b"viewseenseen", b"viewse\xffnse\xffn").replace(b"VIEW seen", b"VIEW se\xffn")
    )
    with pytest.raises(InputError, match="is a view whose rows have no end in sight"):
        views.require_ends(str(file))
