"""``sample`` draws points of a map, a person says what is there, ``assess`` says how right the map is."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning

import terramamba as tm
from small_disk import small_disk
from terramamba.cli import main
from terramamba.core.errors import InputError

NAMES = {1: "Forest", 2: "Water", 7: "Built up"}


def write_map(path, values, crs="EPSG:32633", names=NAMES, nodata=0):
    transform = Affine(10, 0, 4e5, 0, -10, 5e6) if crs else None
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "nodata": nodata}
    height, width = values.shape
    with rasterio.open(
        path, "w", **profile, height=height, width=width, crs=crs, transform=transform
    ) as file:
        file.write(values, 1)
        file.update_tags(1, **{f"CLASS_{value}": name for value, name in names.items()})
    return path


@pytest.fixture
def cover(tmp_path):
    values = np.full((80, 60), 1, np.uint8)
    values[:20], values[20:30, :30], values[70:] = 2, 7, 0
    return write_map(tmp_path / "cover.tif", values)


def looked_at(points, cover, wrong=()):
    """What a person would say: the map's class, but for the points ``wrong``."""
    table = geopandas.read_file(points)
    table["reference"] = [NAMES[value] for value in table["stratum"]]
    for i, said in wrong:
        table.loc[i, "reference"] = said
    table.to_file(points, driver="GPKG")
    return table


def test_points_lie_on_pixels_of_their_class_and_the_draw_repeats(cover, tmp_path):
    drawn = tm.sample_points(cover, tmp_path / "a.gpkg", per_class=40, seed=3)
    assert drawn.by_class == {1: 40, 2: 40, 7: 40}
    table = geopandas.read_file(tmp_path / "a.gpkg")
    with rasterio.open(cover) as file:
        at = [value[0] for value in file.sample([(p.x, p.y) for p in table.geometry])]
    assert at == table["stratum"].tolist()
    assert len({(p.x, p.y) for p in table.geometry}) == 120
    assert at != sorted(at)  # their order says nothing of the map
    assert table["reference"].isna().all()
    tm.sample_points(cover, tmp_path / "b.gpkg", per_class=40, seed=3)
    assert geopandas.read_file(tmp_path / "b.gpkg").geometry.equals(table.geometry)
    tm.sample_points(cover, tmp_path / "c.gpkg", per_class=40, seed=4)
    assert not geopandas.read_file(tmp_path / "c.gpkg").geometry.equals(table.geometry)


def test_a_small_class_gives_all_its_pixels_and_strips_change_nothing(cover, tmp_path, monkeypatch):
    whole = tm.sample_points(cover, tmp_path / "a.gpkg", per_class=400)
    assert whole.by_class == {1: 400, 2: 400, 7: 300}
    monkeypatch.setattr("terramamba.assessment.class_map.PIXELS_PER_STRIP", 100)
    tm.sample_points(cover, tmp_path / "b.gpkg", per_class=400)
    first, second = (geopandas.read_file(tmp_path / f"{name}.gpkg") for name in "ab")
    assert first.geometry.equals(second.geometry)


def test_from_a_map_to_areas_with_intervals(cover, tmp_path, capsys):
    points = tmp_path / "points.gpkg"
    assert main(["sample", str(cover), "--per-class", "30", "--out", str(points)]) == 0
    assert "Built up" in capsys.readouterr().out
    table = looked_at(points, cover)
    forest = table.index[table["stratum"] == 1][:6]
    looked_at(points, cover, [(i, " built UP ") for i in forest])
    assert main(["classify", "assess", str(cover), str(points), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    mapped = {row["name"]: row["mapped"] for row in found["classes"]}
    assert mapped == pytest.approx({"Forest": 27.0, "Water": 12.0, "Built up": 3.0}, rel=1e-3)
    area = {row["name"]: row["area"] for row in found["classes"]}
    assert area["Forest"]["value"] == pytest.approx(27 * 0.8, rel=1e-3)
    assert area["Built up"]["value"] == pytest.approx(3 + 27 * 0.2, rel=1e-3)
    assert area["Water"]["margin"] == 0
    assert found["unit"] == "hectares"
    assert main(["change", "assess", str(cover), str(points)]) == 0
    said = capsys.readouterr().out
    assert "overall accuracy" in said
    assert "producer's, %" in said


def test_values_names_and_points_in_degrees_are_understood(cover, tmp_path):
    points = tmp_path / "points.geojson"
    tm.sample_points(cover, points, per_class=20)
    table = geopandas.read_file(points)
    assert table.crs.to_epsg() == 4326
    table["seen"] = [str(value) for value in table["stratum"]]
    table.loc[0, "seen"] = "?"
    table.loc[1, "seen"] = "quarry"
    table.to_file(tmp_path / "seen.gpkg")
    found = tm.assess_map(cover, tmp_path / "seen.gpkg", reference="seen")
    assert "<th>producer&#x27;s, %</th>" in found._repr_html_()
    assert found.names == ("Forest", "Water", "Built up", "quarry")
    assert int(found.counts.sum()) == 59
    assert any("quarry" in note for note in found.notes)
    assert any("1 of 60 points have no reference" in note for note in found.notes)


def test_points_that_repeat_lie_on_borders_or_have_other_strata_are_said(cover, tmp_path):
    points = tmp_path / "points.gpkg"
    tm.sample_points(cover, points, per_class=10)
    table = looked_at(points, cover)
    table["stratum"] = [NAMES[value].upper() for value in table["stratum"]]
    table.geometry = table.geometry.translate(-5, 5)
    twice = pd.concat([table, table[:4]])
    twice.to_file(points)
    found = tm.assess_map(cover, points)
    assert int(found.counts.sum()) == 30
    assert np.trace(found.counts) == 30
    assert found.notes == (
        "34 points lie on the border of pixels, of which the one to the right and below counts",
        "4 points repeat another at the same place and are left out",
    )
    unsaid = twice.assign(reference=[None] * 4 + twice["reference"].tolist()[4:])
    unsaid.to_file(points)  # their copies say it
    assert int(tm.assess_map(cover, points).counts.sum()) == 30
    twice.assign(stratum="North").to_file(points)
    assert (
        "stratum (north) names no classes of the map and is not used"
        in tm.assess_map(cover, points).notes[-1]
    )
    twice.assign(stratum="Water").to_file(points)
    with pytest.raises(InputError, match=r"points were drawn where .* has another class"):
        tm.assess_map(cover, points)
    twice.assign(reference=[*["Water"] * 30, *["Forest"] * 4]).to_file(points)
    with pytest.raises(InputError, match=r"points 1 and 31 lie at one place.*'Water' and 'Forest'; keep"):
        tm.assess_map(cover, points)


def test_references_of_which_none_is_a_class_of_the_map_are_refused(cover, tmp_path):
    points = tmp_path / "points.gpkg"
    tm.sample_points(cover, points, per_class=5)
    table = geopandas.read_file(points)
    table.assign(reference=["meadow", *["heath"] * 14]).to_file(points)
    with pytest.raises(InputError, match=r"\(meadow, heath\) is a class of the map; it has Forest, Water,"):
        tm.assess_map(cover, points)
    table.assign(reference=["Forest", *["heath"] * 14]).to_file(points)
    assert tm.assess_map(cover, points).names[-1] == "heath"


def test_what_cannot_be_assessed_is_refused(cover, tmp_path):
    points = tmp_path / "points.gpkg"
    tm.sample_points(cover, points, per_class=5)
    with pytest.raises(InputError, match="0 points with a reference where the map has 'Forest'"):
        tm.assess_map(cover, points)
    looked_at(points, cover, [(0, "forrest")])
    with pytest.raises(InputError, match="'forrest' is no class of the map, but 'Forest' is"):
        tm.assess_map(cover, points)
    looked_at(points, cover, [(0, "3")])
    with pytest.raises(InputError, match="the reference 3 is no value of the map; it has 1 Forest"):
        tm.assess_map(cover, points)
    with pytest.raises(InputError, match="has no attribute 'seen'; it has id, stratum, reference"):
        tm.assess_map(cover, points, reference="seen")
    looked_at(points, cover)
    with rasterio.open(cover) as file:
        values = file.read(1)
    other = write_map(tmp_path / "other.tif", np.where(values == 1, 2, values).astype(np.uint8))
    with pytest.raises(InputError, match=r"points were drawn where .*other\.tif has another class"):
        tm.assess_map(other, points)


@pytest.mark.parametrize(("name", "room"), [("x.gpkg", 40 << 10), ("x.geojson", 12 << 10)])
def test_points_that_find_no_room_are_refused(cover, tmp_path, name, room):
    disk = tmp_path / "disk"
    with small_disk(disk, room):
        with pytest.raises(InputError, match=rf"{name}: cannot be written \(.* check the space"):
            tm.sample_points(cover, disk / name, per_class=60)
        assert [*disk.iterdir()] == []


def test_maps_that_are_none_and_outputs_that_are_there_are_refused(cover, tmp_path):
    empty = write_map(tmp_path / "empty.tif", np.zeros((4, 4), np.uint8))
    with pytest.warns(NotGeoreferencedWarning):
        bare = write_map(tmp_path / "bare.tif", np.ones((4, 4), np.uint8), crs=None)
    (tmp_path / "there.gpkg").touch()
    for place, out, options, said in (
        (empty, "x.gpkg", {}, "no pixel with a class"),
        (bare, "x.gpkg", {}, "has no georeference"),
        (cover, "x.csv", {}, "written as .gpkg or .geojson"),
        (cover, "there.gpkg", {}, "exists already"),
        (cover, "x.gpkg", {"per_class": 1}, "--per-class 1|per_class 1"),
        (tmp_path / "none.tif", "x.gpkg", {}, "cannot be read as a map"),
    ):
        with pytest.raises(InputError, match=said):
            tm.sample_points(place, tmp_path / out, **options)
    assert not (tmp_path / "x.gpkg").exists()
