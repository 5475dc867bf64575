"""NetCDF and HDF5: axes by their names, grids from coordinates and the right way up, packed values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from scipy.io import netcdf_file

from terramamba.core.errors import InputError
from terramamba.data.labels.labels import read_labels
from terramamba.data.labels.raster_labels import label_shape
from terramamba.raster.checks.describe import describe
from terramamba.raster.checks.pair import require_pair
from terramamba.raster.geogrid import same_crs
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.band_subset import band_subset
from terramamba.raster.views.masked import masked
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.raster.views.on_grid import on_grid
from terramamba.raster.views.physical import physical
from terramamba.raster.windows import Window

H, W, C = 6, 8, 5
CUBE = np.random.default_rng(0).integers(1, 3000, (C, H, W)).astype(np.int16)
UTM = CRS.from_epsg(32633)
NORTH_UP = Affine(10, 0, 400_000, 0, -10, 5_800_000)
EASTING, NORTHING = 400_005 + 10.0 * np.arange(W), 5_799_995 - 10.0 * np.arange(H)
WAVELENGTHS = np.linspace(0.45, 2.25, C)


def write(
    path: Path,
    values: Mapping[str, tuple[tuple[str, ...], np.ndarray]],
    attributes: Mapping[str, Mapping[str, Any]] = {},
) -> Path:
    """Write variables as NetCDF-4 has them: what is called as its only axis is the scale of that axis."""
    with h5py.File(path, "w") as file:
        for name, (_, array) in values.items():
            file[name] = array
            file[name].attrs.update(attributes.get(name, {}))
        for name, (axes, _) in values.items():
            if axes == (name,):
                file[name].make_scale(name)
        for name, (axes, array) in values.items():
            for i, axis in enumerate(axes):
                if axis not in file:
                    file[axis] = np.zeros(array.shape[i], np.float32)
                    file[axis].make_scale(f"This is a netCDF dimension but not a netCDF variable {i}")
                if axis != name:
                    file[name].dims[i].attach_scale(file[axis])
    return path


def mapped(path: Path, **changed: Any) -> Path:
    """A cube with eastings and northings, a grid mapping and wavelengths; ``changed`` are variables."""
    values: dict[str, Any] = {
        "x": (("x",), EASTING),
        "y": (("y",), NORTHING),
        "wavelength": (("band",), WAVELENGTHS),
        "crs": ((), np.int32(0)),
        "reflectance": (("band", "y", "x"), CUBE),
    }
    attributes = {
        "crs": {"crs_wkt": UTM.to_wkt()},
        "reflectance": {"grid_mapping": "crs"},
        "wavelength": {"units": "um"},
    }
    return write(path, values | changed, attributes)


def is_the_cube(scene: Scene) -> None:
    """Every value where it belongs on the ground, whole and by windows."""
    values, valid = scene.read()
    assert np.array_equal(values, CUBE)
    assert valid.all()
    assert np.array_equal(scene.read(Window(1, 2, 4, 3), [4, 0])[0], CUBE[[4, 0], 1:5, 2:5])


def test_coordinates_give_the_grid_and_the_bands(tmp_path: Path) -> None:
    scene = open_scene(mapped(tmp_path / "a.nc"))
    is_the_cube(scene)
    assert (scene.crs, scene.transform, scene.format) == (UTM, NORTH_UP, "NetCDF, HDF5")
    assert scene.wavelengths == pytest.approx((450, 900, 1350, 1800, 2250))
    assert scene.notes == ("reflectance 5 x 6 x 8, by the names of the axes read as bands, rows, columns",)


@pytest.mark.parametrize("order", [("y", "x", "band"), ("x", "y", "band"), ("y", "band", "x")])
def test_the_names_of_the_axes_count_and_not_their_order(tmp_path: Path, order: tuple[str, ...]) -> None:
    turned = CUBE.transpose([("band", "y", "x").index(axis) for axis in order])
    scene = open_scene(mapped(tmp_path / "a.nc", reflectance=(order, turned)))
    is_the_cube(scene)
    assert scene.transform == NORTH_UP


def test_what_is_stored_from_the_south_or_east_comes_north_up(tmp_path: Path) -> None:
    south = {"y": (("y",), NORTHING[::-1]), "reflectance": (("band", "y", "x"), CUBE[:, ::-1])}
    scene = open_scene(mapped(tmp_path / "south.nc", **south))
    is_the_cube(scene)
    assert scene.transform == NORTH_UP
    assert "stores rows from south to north; read the other way round, north up" in scene.notes
    east = {"x": (("x",), EASTING[::-1]), "reflectance": (("band", "y", "x"), CUBE[:, :, ::-1])}
    scene = open_scene(mapped(tmp_path / "east.nc", **east))
    is_the_cube(scene)
    assert scene.transform == NORTH_UP


def with_attributes(path: Path, **attributes: Mapping[str, Any]) -> Path:
    with h5py.File(path, "r+") as file:
        for name, added in attributes.items():
            file[name].attrs.update(added)
    return path


def test_coordinates_in_kilometres_place_the_same_grid(tmp_path: Path) -> None:
    thousandth = {"x": (("x",), EASTING / 1000), "y": (("y",), NORTHING / 1000)}
    path = with_attributes(mapped(tmp_path / "a.nc", **thousandth), x={"units": "km"}, y={"units": "km"})
    transform = open_scene(path).transform
    assert transform is not None
    assert tuple(transform) == pytest.approx(tuple(NORTH_UP))


def test_packed_coordinates_are_unpacked(tmp_path: Path) -> None:
    counted = {"x": (("x",), np.arange(W, dtype=np.int16)), "y": (("y",), -np.arange(H, dtype=np.int16))}
    path = with_attributes(
        mapped(tmp_path / "a.nc", **counted),
        x={"scale_factor": 10.0, "add_offset": EASTING[0], "units": "m"},
        y={"scale_factor": 10.0, "add_offset": NORTHING[0], "units": "m"},
    )
    assert open_scene(path).transform == NORTH_UP


def test_angles_of_a_geostationary_view_are_metres_at_its_height(tmp_path: Path) -> None:
    height = 35_786_023.0
    angles = {"x": (("x",), 1e-5 * np.arange(W)), "y": (("y",), -1e-5 * np.arange(H))}
    view = CRS.from_proj4(f"+proj=geos +h={height} +lon_0=-75 +sweep=x +ellps=GRS80")
    path = with_attributes(
        mapped(tmp_path / "a.nc", **angles),
        x={"units": "rad"},
        y={"units": "rad"},
        crs={"crs_wkt": view.to_wkt(), "perspective_point_height": height},
    )
    transform = open_scene(path).transform
    assert transform is not None
    assert (transform.a, transform.e) == pytest.approx((357.86023, -357.86023))


def test_degrees_on_a_projected_system_place_no_grid(tmp_path: Path) -> None:
    degrees = {"x": (("x",), 13 + 1e-4 * np.arange(W)), "y": (("y",), 52 - 1e-4 * np.arange(H))}
    path = with_attributes(
        mapped(tmp_path / "a.nc", **degrees), x={"units": "degrees_east"}, y={"units": "degrees_north"}
    )
    scene = open_scene(path)
    assert scene.transform is None
    assert any(note.startswith("y in degrees_north and x in degrees_east, which") for note in scene.notes)


def test_unsigned_values_of_files_that_have_no_such_type(tmp_path: Path) -> None:
    large = CUBE.astype(np.uint16) + 40_000
    large[:, 0, 0] = 65_535
    path = with_attributes(
        mapped(tmp_path / "a.nc", reflectance=(("band", "y", "x"), large.view(np.int16))),
        reflectance={"_Unsigned": "true", "_FillValue": np.int16(-1)},
    )
    values, valid = open_scene(path).read()
    assert values.dtype == np.uint16
    assert not valid[:, 0, 0].any()
    np.testing.assert_array_equal(values[valid], large[valid])


def test_labels_and_masks_without_a_place_are_refused_on_what_is_turned(tmp_path: Path) -> None:
    south = {"y": (("y",), NORTHING[::-1]), "classes": (("y", "x"), np.ones((H, W), np.uint8))}
    path = mapped(tmp_path / "south.nc", **south)
    scene = open_scene(path)
    np.save(tmp_path / "gt.npy", np.ones((H, W), np.uint8))
    with pytest.raises(
        InputError, match=r"gt\.npy: labels without georeferencing may lie either way round on"
    ):
        read_labels(str(tmp_path / "gt.npy"), scene, min_classes=1)
    with pytest.raises(
        InputError, match=r"gt\.npy: a mask without georeferencing may lie either way round on"
    ):
        masked(scene, [tmp_path / "gt.npy"])
    assert len(read_labels(f"{path}:classes", scene, min_classes=1).pixels) == H * W
    said = (
        rf"without georeferencing on both, the two may lie either way round on each other, as {path} stores"
    )
    with pytest.raises(InputError, match=rf"gt\.npy: {said}"):
        on_grid(open_scene(tmp_path / "gt.npy"), scene)
    unplaced = scene_from_array(CUBE)
    for dates in ((scene, unplaced), (unplaced, scene)):
        with pytest.raises(InputError, match=said):
            require_pair(*dates)
    assert require_pair(scene, open_scene(mapped(tmp_path / "north.nc")))[1].turned is False


def test_degrees_without_a_reference_system(tmp_path: Path) -> None:
    values = {
        "lat": (("lat",), 50 - 0.5 * np.arange(H)),
        "lon": (("lon",), 10 + 0.5 * np.arange(W)),
        "cube": (("lat", "lon", "wavelengths"), CUBE.transpose(1, 2, 0)),
        "wavelengths": (("wavelengths",), np.linspace(450, 2250, C)),
        "good_wavelengths": (("wavelengths",), np.array([1, 1, 0, 1, 1])),
        "fwhm": (("wavelengths",), np.full(C, 8.5)),
    }
    scene = open_scene(write(tmp_path / "a.nc", values))
    is_the_cube(scene)
    assert (scene.crs, scene.transform) == (CRS.from_epsg(4326), Affine(0.5, 0, 9.75, 0, -0.5, 50.25))
    assert "lat and lon are degrees without a reference system: taken for EPSG:4326" in scene.notes
    assert scene.bad_bands == (False, False, True, False, False)
    assert scene.fwhm == pytest.approx([8.5] * C)


@pytest.mark.parametrize(
    ("first", "west"),
    [(200.0, -160.25), (10.0, 9.75), (180.25, -180.0), (178.0, 177.75)],
)
@pytest.mark.parametrize("from_south", [False, True])
def test_longitudes_beyond_180_are_those_of_the_west(
    tmp_path: Path, first: float, west: float, from_south: bool
) -> None:
    turn = -1 if from_south else 1
    values = {
        "lat": (("lat",), (50 - 0.5 * np.arange(H))[::turn]),
        "lon": (("lon",), first + 0.5 * np.arange(W)),
        "cube": (("band", "lat", "lon"), CUBE[:, ::turn]),
    }
    scene = open_scene(write(tmp_path / "a.nc", values))
    is_the_cube(scene)
    assert scene.transform == Affine(0.5, 0, west, 0, -0.5, 50.25)
    said = [note for note in scene.notes if note.startswith("longitudes")]
    assert bool(said) == (first > 100)
    assert not said or ("reach over the date line" in said[0]) == (first == 178.0)


@pytest.mark.parametrize("from_east", [False, True])
@pytest.mark.parametrize(
    ("first", "west", "said"),
    [
        (358.5, -1.75, "longitudes 358.25 to 362.25 read as -1.75 to 2.25"),
        (178.5, 178.25, "over the date line"),
    ],
)
def test_longitudes_that_jump_by_a_circle_run_on(
    tmp_path: Path, first: float, west: float, said: str, from_east: bool
) -> None:
    """358.5, 359, 359.5, 0, ... and 179.5, -180, ... are even steps on the ground."""
    turn = -1 if from_east else 1
    circle = first + 0.5 * np.arange(W)
    values = {
        "lat": (("lat",), 50 - 0.5 * np.arange(H)),
        "lon": (("lon",), np.where(circle >= first + 1.5, circle - 360, circle)[::turn]),
        "cube": (("band", "lat", "lon"), CUBE[:, :, ::turn]),
    }
    scene = open_scene(write(tmp_path / "a.nc", values))
    is_the_cube(scene)
    assert (scene.crs, scene.transform) == (CRS.from_epsg(4326), Affine(0.5, 0, west, 0, -0.5, 50.25))
    assert any(said in note for note in scene.notes)


def test_what_is_stored_from_east_to_west_beyond_180_comes_north_up(tmp_path: Path) -> None:
    values = {
        "latitude": (("latitude",), 50 - 0.5 * np.arange(H)),
        "longitude": (("longitude",), (250 + 0.5 * np.arange(W))[::-1]),
        "cube": (("band", "latitude", "longitude"), CUBE[:, :, ::-1]),
    }
    scene = open_scene(write(tmp_path / "a.nc", values))
    is_the_cube(scene)
    assert scene.transform == Affine(0.5, 0, -110.25, 0, -0.5, 50.25)


@pytest.mark.parametrize("stored_from_east", [False, True])
@pytest.mark.parametrize(("first", "west"), [(5.0, -180.0), (0.0, -185.0)])
def test_the_whole_circle_is_cut_at_180(
    tmp_path: Path, stored_from_east: bool, first: float, west: float
) -> None:
    world = np.random.default_rng(1).integers(0, 99, (2, 18, 36)).astype(np.int16)
    turn = -1 if stored_from_east else 1
    values = {
        "lat": (("lat",), 85 - 10.0 * np.arange(18)),
        "lon": (("lon",), (first + 10.0 * np.arange(36))[::turn]),
        "cube": (("band", "lat", "lon"), world[:, :, ::turn]),
    }
    scene = open_scene(write(tmp_path / "a.nc", values))
    expected = np.roll(world, 18, axis=2)
    assert scene.transform == Affine(10, 0, west, 0, -10, 90)
    assert any(note.startswith("longitudes") and note.endswith("cut there") for note in scene.notes)
    assert scene.turned
    assert np.array_equal(scene.read()[0], expected)
    for window in (Window(2, 3, 5, 6), Window(0, 20, 18, 16), Window(4, 10, 3, 17), Window(1, 17, 1, 2)):
        assert np.array_equal(scene.read(window, [1])[0], expected[[1], *window.slices])
    thinned, valid = scene.source.read(scene.grid.window, [0], (9, 12))
    assert thinned.shape == valid.shape == (1, 9, 12)
    assert set(thinned[0, 0]) <= set(expected[0, 0])


def test_uneven_coordinates_are_no_grid(tmp_path: Path) -> None:
    scene = open_scene(mapped(tmp_path / "a.nc", y=(("y",), NORTHING - np.array([0, 0, 3, 0, 0, 0]))))
    assert (scene.crs, scene.transform) == (None, None)
    assert "y not evenly spaced: no georeferencing; results will have none either" in scene.notes


def test_a_geotransform_counts_where_there_are_no_coordinates(tmp_path: Path) -> None:
    values = {"cube": (("band", "y", "x"), CUBE), "spatial_ref": ((), np.int32(0))}
    told = {"spatial_ref": UTM.to_wkt(), "GeoTransform": "400000 10 0 5800000 0 -10"}
    attributes = {"spatial_ref": told, "cube": {"grid_mapping": "spatial_ref"}}
    scene = open_scene(write(tmp_path / "a.nc", values, attributes))
    is_the_cube(scene)
    assert (scene.crs, scene.transform) == (UTM, NORTH_UP)
    del told["GeoTransform"]
    scene = open_scene(write(tmp_path / "b.nc", values, attributes))
    is_the_cube(scene)
    assert (scene.crs, scene.transform) == (None, None)
    assert describe(scene)["areas"] == "in pixels: no georeferencing"


def test_the_parameters_of_a_projection_are_a_reference_system(tmp_path: Path) -> None:
    path = mapped(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        attributes = file["crs"].attrs
        del attributes["crs_wkt"]
        attributes["grid_mapping_name"] = "latitude_longitude"
        attributes["epsg_code"] = "EPSG:32633"
    assert open_scene(path).crs == UTM
    with h5py.File(path, "r+") as file:
        del file["crs"].attrs["epsg_code"]
        file["crs"].attrs["grid_mapping_name"] = "nonsense"
    assert "reference system of crs cannot be understood" in open_scene(path).notes


def test_packed_values_are_unpacked_and_invalid_ones_are_no_data(tmp_path: Path) -> None:
    packed = CUBE.copy()
    packed[0, 0, 0], packed[1, 1, 1] = -9999, 30_000
    path = write(
        tmp_path / "a.nc",
        {"cube": (("band", "y", "x"), packed)},
        {
            "cube": {
                "_FillValue": np.int16(-9999),
                "valid_range": np.array([0, 10_000], np.int16),
                "scale_factor": 0.0001,
                "add_offset": 0.5,
            }
        },
    )
    values, valid = open_scene(path).read()
    assert sorted(map(tuple, np.argwhere(~valid).tolist())) == [(0, 0, 0), (1, 1, 1)]
    assert np.allclose(values[valid], packed[valid] * 0.0001 + 0.5)
    assert np.isnan(values[~valid]).all()
    assert open_scene(path).dtype == values.dtype == np.float32


@pytest.mark.parametrize(
    ("valid", "outside"),
    [
        ({"valid_range": np.array([0.2, 0.5])}, (2000, 5000)),  # of unpacked values, by their type
        ({"valid_max": np.float32(0.5)}, (-40_000, 5000)),
        ({"valid_range": np.array([0, 1], np.int16)}, (0, 10_000)),  # the same, cut to the stored type
        ({"valid_range": np.array([100.0, 9000.0])}, (100, 9000)),  # no reflectance of 9000: stored values
        ({"valid_min": np.int16(2500)}, (2500, 40_000)),
        ({"valid_range": np.array([9000, 100], np.int16)}, (100, 9000)),
    ],
)
def test_a_valid_range_is_of_stored_or_unpacked_values_as_its_type_says(
    tmp_path: Path, valid: dict[str, Any], outside: tuple[int, int]
) -> None:
    stored = CUBE.copy()
    stored[0, :2] = [[-5, 12_000, 2000, 5000, 5001, 1999, 99, 9001]] * 2
    path = with_attributes(
        mapped(tmp_path / "a.nc", reflectance=(("band", "y", "x"), stored)),
        reflectance={"scale_factor": 1e-4, **valid},
    )
    scene = open_scene(path)
    values, known = scene.read()
    low, high = outside
    np.testing.assert_array_equal(known, (stored >= low) & (stored <= high))
    np.testing.assert_allclose(values[known], stored[known] * 1e-4, rtol=1e-5)
    assert any("(its valid range)" in note for note in scene.notes)


def test_ends_of_a_valid_range_below_0_are_large_numbers_of_a_type_without_sign(tmp_path: Path) -> None:
    large = CUBE.astype(np.uint16) + 40_000
    large[0, 0, :3] = 65_535, 65_534, 65_533
    path = with_attributes(
        mapped(tmp_path / "a.nc", reflectance=(("band", "y", "x"), large.view(np.int16))),
        reflectance={"_Unsigned": "true", "valid_range": np.array([0, -3], np.int16)},
    )
    np.testing.assert_array_equal(open_scene(path).read()[1], large <= 65_533)


@pytest.mark.parametrize(
    "named",
    [
        {"missing_value": np.array([-9999, -8888], np.int16)},
        {"_FillValue": np.int16(-8888), "missing_value": np.int16(-9999)},
        {"NoData_Value": np.array([-8888, -9999])},
        {"no_data": -9999, "fillvalue": -8888.0},
    ],
)
def test_every_value_that_is_named_as_no_data_is_none(tmp_path: Path, named: dict[str, Any]) -> None:
    stored = CUBE.copy()
    stored[0, 0, 0], stored[2, 3, 4] = -9999, -8888
    path = mapped(tmp_path / "a.nc", reflectance=(("band", "y", "x"), stored))
    valid = open_scene(with_attributes(path, reflectance=named)).read()[1]
    np.testing.assert_array_equal(valid, stored > 0)


@pytest.mark.parametrize("factor", [10_000.0, [10_000.0] * C, np.int16(100)])
def test_a_large_scale_of_reflectance_divides(tmp_path: Path, factor: Any) -> None:
    told = {
        "surface_reflectance": {"scale_factor": factor},
        "light": {"scale_factor": factor, "units": "counts"},
    }
    cube = dict.fromkeys(told, (("band", "y", "x"), CUBE))
    path = write(tmp_path / "a.h5", cube, told)
    scene = open_scene(path, variable="surface_reflectance")
    number = float(np.max(factor))
    assert np.allclose(scene.read()[0], CUBE / number)
    assert any(
        note == f"its scale_factor of {number:g} divides: reflectance is no larger than 1"
        for note in scene.notes
    )
    other = open_scene(path, variable="light")
    assert np.allclose(other.read()[0], CUBE * number)


def test_each_band_may_have_its_own_scale(tmp_path: Path) -> None:
    scales, offsets = np.linspace(1e-4, 2e-4, C), np.linspace(0, 1, C)
    path = mapped(tmp_path / "a.nc")
    scene = open_scene(with_attributes(path, reflectance={"scale_factor": scales, "add_offset": offsets}))
    want = CUBE * scales[:, None, None] + offsets[:, None, None]
    np.testing.assert_allclose(scene.read()[0], want, rtol=1e-5)
    np.testing.assert_allclose(scene.read(bands=[3, 1])[0], want[[3, 1]], rtol=1e-5)
    assert "unpacked: stored value x 0.0001 to 0.0002 by band + 0 to 1 by band" in scene.notes
    with pytest.raises(
        InputError, match=r"a\.nc: scale_factor of reflectance has 2 numbers for 5 bands; unp"
    ):
        open_scene(with_attributes(path, reflectance={"scale_factor": scales[:2]}))


def test_packed_values_are_physical_and_no_data_is_named_as_it_is_stored(tmp_path: Path) -> None:
    stored = CUBE.copy()
    stored[:, :3] = -9999
    scales, offsets = np.linspace(1e-4, 2e-4, C), np.linspace(0, 0.1, C)
    path = with_attributes(
        mapped(tmp_path / "a.nc", reflectance=(("band", "y", "x"), stored)),
        reflectance={"scale_factor": scales, "add_offset": offsets},
    )
    scene = open_scene(path)
    assert physical(scene) is scene
    assert scene.declared is not None
    assert (scene.declared.applied, scene.declared.stored, scene.dtype) == (True, "int16", "float32")
    assert "50 % of the pixels hold -9999 in all bands" in describe(scene)["probable fill"]
    turned = band_subset(scene, (4, 0))
    for one in (scene, turned):
        left = without_values(one, [-9999.0])
        np.testing.assert_array_equal(
            left.read()[1], np.broadcast_to(np.arange(H)[:, None] >= 3, (one.bands, H, W))
        )
    with pytest.raises(
        InputError, match=r"--nodata -0\.9999: .*a\.nc has values of the type int16, none of which"
    ):
        require_held([scene], [-0.9999])
    narrow = stored.astype(np.float32)
    path = mapped(tmp_path / "b.nc", reflectance=(("band", "y", "x"), narrow))
    floats = open_scene(with_attributes(path, reflectance={"scale_factor": 0.1, "add_offset": 3.0}))
    np.testing.assert_array_equal(without_values(floats, [-9999.0]).read()[1], narrow > 0)


def test_tiles_that_are_each_packed_in_their_own_way_are_one_scene(tmp_path: Path) -> None:
    paths = []
    for i, scale in enumerate((1e-4, 2e-4)):
        east = {"x": (("x",), EASTING + 10 * W * i)}
        paths.append(mapped(tmp_path / f"{i}.nc", **east))
        with_attributes(paths[-1], reflectance={"scale_factor": scale})
    scene = open_scene(paths)
    np.testing.assert_allclose(scene.read()[0], np.concatenate([CUBE * 1e-4, CUBE * 2e-4], axis=2), rtol=1e-5)
    assert physical(scene) is scene
    one = with_attributes(
        mapped(tmp_path / "2.nc", reflectance=(("y", "x"), CUBE[0])), reflectance={"scale_factor": 0.5}
    )
    assert physical(open_scene([one, one])).read()[0].max() == CUBE[0].max() / 2


def test_metres_that_are_called_lat_and_lon_are_no_degrees(tmp_path: Path) -> None:
    values = {
        "lat": (("lat",), NORTHING),
        "lon": (("lon",), EASTING),
        "cube": (("band", "lat", "lon"), CUBE),
    }
    scene = open_scene(write(tmp_path / "a.nc", values))
    is_the_cube(scene)
    assert (scene.crs, scene.transform) == (None, NORTH_UP)
    assert "pixel positions but no coordinate reference system" in scene.notes


def test_bounds_say_where_the_middle_of_a_pixel_is(tmp_path: Path) -> None:
    edges = {"x": EASTING - 5, "y": NORTHING + 5}  # the corner of each pixel
    bounds = {
        f"{n}_bnds": ((n, "nv"), np.stack([e, e + (10 if n == "x" else -10)], 1)) for n, e in edges.items()
    }
    path = mapped(tmp_path / "a.nc", **{n: ((n,), e) for n, e in edges.items()}, **bounds)
    assert open_scene(path).transform == Affine(10, 0, 399_995, 0, -10, 5_800_005)
    scene = open_scene(with_attributes(path, x={"bounds": "x_bnds"}, y={"bounds": "y_bnds"}))
    assert scene.transform == NORTH_UP


@pytest.mark.parametrize("written", ["EPSG:32633", UTM.to_wkt(), "+proj=utm +zone=33", "nonsense"])
@pytest.mark.parametrize("of_file", [True, False])
def test_a_reference_system_in_an_attribute_called_crs(tmp_path: Path, written: str, of_file: bool) -> None:
    path = mapped(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        del file["crs"], file["reflectance"].attrs["grid_mapping"]
        (file if of_file else file["reflectance"]).attrs["crs"] = written
    scene = open_scene(path)
    assert scene.transform == NORTH_UP
    assert same_crs(scene.crs, None if written == "nonsense" else UTM)


def test_degrees_about_a_rotated_pole_are_not_those_of_the_globe(tmp_path: Path) -> None:
    degrees = {"y": (("y",), 5 - 0.01 * np.arange(H)), "x": (("x",), 3 + 0.01 * np.arange(W))}
    for named in (
        {"y": {"standard_name": "grid_latitude"}, "x": {"standard_name": "grid_longitude"}},
        {"crs": {"grid_mapping_name": "rotated_latitude_longitude"}},
    ):
        path = with_attributes(mapped(tmp_path / "a.nc", **degrees), **named)
        with h5py.File(path, "r+") as file:
            del file["crs"].attrs["crs_wkt"]
            file["x"].attrs["units"] = file["y"].attrs["units"] = "degrees"
        scene = open_scene(path)
        assert (scene.crs, scene.transform) == (None, None)
        assert any("about a rotated pole: no georeferencing" in note for note in scene.notes)


@pytest.mark.parametrize(
    "attributes",
    [
        {"wavelength": WAVELENGTHS},
        {"Center_Wavelengths": WAVELENGTHS * 1000},
        {"Wavelength": WAVELENGTHS * 1000, "wavelength_units": "nm"},
        {"wavelengths": ",".join(f"{w:.2f} um" for w in WAVELENGTHS)},
    ],
)
def test_an_attribute_of_the_cube_that_lists_wavelengths_settles_its_axes(
    tmp_path: Path, attributes: dict[str, Any]
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = CUBE.transpose(1, 2, 0)
        file["cube"].attrs.update(attributes)
    scene = open_scene(tmp_path / "a.h5")
    is_the_cube(scene)
    assert scene.wavelengths == pytest.approx(tuple(WAVELENGTHS * 1000))


def test_wavelengths_in_a_row_or_in_words_are_wavelengths(tmp_path: Path) -> None:
    words = np.array([f"{1000 * w:.0f} nm" for w in WAVELENGTHS], h5py.string_dtype())
    for listed in (WAVELENGTHS[None], words):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["cube"], file["wavelengths"] = CUBE.transpose(1, 2, 0), listed
        scene = open_scene(tmp_path / "a.h5")
        is_the_cube(scene)
        assert scene.wavelengths == pytest.approx(tuple(WAVELENGTHS * 1000))


def test_bands_whose_wavelength_is_0_or_none_are_left_out(tmp_path: Path) -> None:
    path = mapped(tmp_path / "a.nc", wavelength=(("band",), np.array([0.45, np.nan, 0.9, 0, 2.25])))
    scene = open_scene(path)
    assert scene.wavelengths == pytest.approx((450, 900, 2250))
    assert np.array_equal(scene.read()[0], CUBE[[0, 2, 4]])


def test_widths_have_their_own_unit_where_it_is_named_and_none_that_no_imager_has(tmp_path: Path) -> None:
    wide = mapped(tmp_path / "a.nc", fwhm=(("band",), np.full(C, 10.0)))
    assert open_scene(wide).fwhm is None  # 10,000 nm
    assert any(note.startswith("band widths are not used: 1e+04") for note in open_scene(wide).notes)
    assert open_scene(with_attributes(wide, fwhm={"units": "nm"})).fwhm == pytest.approx((10.0,) * C)


def test_variables_in_groups_and_several_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["data/cube"], file["data/other"] = CUBE, CUBE + 1
    with pytest.raises(InputError, match=r"holds data/cube, data/other; choose one with --scene-variable"):
        open_scene(path)
    for name in ("cube", "data/cube", "/data/cube"):
        is_the_cube(open_scene(path, variable=name, bands=C))
    is_the_cube(open_scene(f'HDF5:"{path}"://data/cube', axes="bands,rows,cols"))
    with pytest.raises(
        InputError, match=r"data/cube 5 x 6 x 8: nothing says which axis holds the bands; say"
    ):
        open_scene(path, variable="cube")


@pytest.mark.parametrize("axes", [("y", "x"), ("time", "y", "x")])
def test_a_variable_for_each_band_is_told_how_to_become_a_scene(
    tmp_path: Path, axes: tuple[str, ...]
) -> None:
    bands = {f"B0{i}": (axes, CUBE[i] if len(axes) == 2 else CUBE[i][None]) for i in range(3)}
    with pytest.raises(InputError, match=r"B00, B01, B02; choose .* where each is a band of one scene, save"):
        open_scene(write(tmp_path / "a.nc", bands))
    other = {**bands, "elevation": (axes, bands["B00"][1].astype(np.float64))}
    with pytest.raises(InputError, match=r"elevation; choose one with --scene-variable$"):
        open_scene(write(tmp_path / "b.nc", other))


def test_further_axes(tmp_path: Path) -> None:
    axes = ("time", "band", "y", "x")
    is_the_cube(open_scene(write(tmp_path / "a.nc", {"cube": (axes, CUBE[None])})))
    twice = write(tmp_path / "b.nc", {"cube": (axes, np.stack([CUBE, CUBE]))})
    with pytest.raises(InputError, match=r"cube 2 x 5 x 6 x 8 has 4 axes \(time, band, y, x\); a scene has"):
        open_scene(twice)


def test_classic_files(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with netcdf_file(path, "w") as file:
        for name, length in (("band", C), ("y", H), ("x", W)):
            file.createDimension(name, length)
        for name, values in (("x", EASTING), ("y", NORTHING[::-1])):
            file.createVariable(name, "f8", (name,))[:] = values
        file.createVariable("cube", "i2", ("band", "y", "x"))[:] = CUBE[:, ::-1]
    scene = open_scene(path)
    is_the_cube(scene)
    assert (scene.transform, scene.crs, scene.dtype) == (NORTH_UP, None, "int16")
    path.write_bytes(b"CDF\x05" + path.read_bytes()[4:])
    with pytest.raises(InputError, match=r"a\.nc: is NetCDF of the kind CDF-5; convert it first \(nccopy"):
        open_scene(path)


def test_products_in_the_geometry_of_the_sensor_are_refused(tmp_path: Path) -> None:
    position = np.zeros((H, W), np.float32)
    layouts = {
        "PACE_OCI.L2.nc": (
            "geophysical_data/rhos",
            "navigation_data/latitude",
            "an ocean-colour level 2 gran",
        ),
        "tanager.h5": (
            "HDFEOS/SWATHS/HYP/Data Fields/toa_radiance",
            "HDFEOS/SWATHS/HYP/lat",
            "a Tanager bas",
        ),
    }
    for name, (cube, place, words) in layouts.items():
        with h5py.File(tmp_path / name, "w") as file:
            file[cube], file[place] = CUBE, position
        with pytest.raises(InputError, match=rf"{name}: is {words}.*, on no map grid; give "):
            open_scene(tmp_path / name)
    with h5py.File(tmp_path / "other.he5", "w") as file:
        file["HDFEOS/GRIDS/VNP/Data Fields/band"] = position
    with pytest.raises(
        InputError, match=r"other\.he5: .* is in the layout of HDF-EOS5, whose grid or swath is"
    ):
        open_scene(tmp_path / "other.he5")


def neon(path: Path, site: str = "HARV", **changed: Any) -> Path:
    """The layout of NEON's reflectance; ``changed`` replace Map_Info, EPSG or wavelengths."""
    given = {
        "info": "UTM,  1.000,  1.000,  400000.00,  5800000.0,  10.0,  10.0,  33,  North,  WGS-84",
        "code": b"32633",
        "wavelengths": WAVELENGTHS * 1000,
    } | changed
    with h5py.File(path, "w") as file:
        group = file.create_group(f"{site}/Reflectance")
        group.attrs["Band_Window_1_Nanometers"] = np.array([1340, 1445])
        data = group.create_dataset("Reflectance_Data", data=CUBE.transpose(1, 2, 0))
        data.attrs["Data_Ignore_Value"], data.attrs["Scale_Factor"] = -9999.0, 10_000.0
        metadata = group.create_group("Metadata")
        metadata["Coordinate_System/Map_Info"] = given["info"]
        metadata["Coordinate_System/EPSG Code"] = given["code"]
        metadata["Spectral_Data/Wavelength"] = given["wavelengths"]
        metadata["Ancillary_Imagery/Aspect"] = np.zeros((H, W))
    return path


@pytest.mark.parametrize("site", ["SITE", "HARV"])
def test_neon(tmp_path: Path, site: str) -> None:
    scene = open_scene(neon(tmp_path / "a.h5", site))
    is_the_cube(scene)
    assert (scene.crs, scene.transform, scene.format) == (UTM, NORTH_UP, "NEON airborne")
    assert scene.wavelengths == pytest.approx((450, 900, 1350, 1800, 2250))
    assert scene.bad_bands == (False, False, True, False, False)
    assert (scene.nodata, scene.scale) == (-9999, pytest.approx(1e-4))


def test_neon_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.h5: Map_Info 'nowhere' places no grid; fetch the file again"):
        open_scene(neon(tmp_path / "a.h5", info="nowhere"))
    with pytest.raises(InputError, match=r"a\.h5: unknown EPSG Code 'x'; fetch the file again"):
        open_scene(neon(tmp_path / "a.h5", code="x"))
    with pytest.raises(
        InputError, match=r"Reflectance_Data has 5 bands, but 3 wavelengths are listed; fetch"
    ):
        open_scene(neon(tmp_path / "a.h5", wavelengths=np.array([450.0, 500.0, 600.0])))
    with pytest.raises(
        InputError, match=r"its image is HARV/Reflectance/Reflectance_Data; leave --scene-var"
    ):
        open_scene(neon(tmp_path / "a.h5"), variable="Aspect")


def test_other_variables_settle_axes_without_names(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"], file["gt"] = CUBE.transpose(1, 2, 0), np.ones((H, W), np.uint8)
    is_the_cube(open_scene(tmp_path / "a.h5"))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["cube"], file["wavelengths"] = CUBE.transpose(1, 2, 0), WAVELENGTHS
    is_the_cube(open_scene(tmp_path / "b.h5"))
    assert label_shape(f"{tmp_path / 'a.h5'}:gt") == (H, W)


@pytest.mark.parametrize(
    ("listed", "names", "centres"),
    [
        ({"long_name": ["B8A", "B4", "B3", "B2", "B12"]}, True, (864.7, 664.6, 559.8, 492.4, 2202.4)),
        ({"band_names": ["nir", "red", "green", "blue", "swir"]}, True, None),
        ({"long_name": "surface reflectance"}, False, None),
        ({"long_name": ["a", "b"]}, False, None),
    ],
)
def test_attributes_name_the_bands_as_rioxarray_writes_them(
    tmp_path: Path, listed: dict[str, Any], names: bool, centres: tuple[float, ...] | None
) -> None:
    values = {"x": (("x",), EASTING), "y": (("y",), NORTHING), "r": (("band", "y", "x"), CUBE)}
    scene = open_scene(write(tmp_path / "a.nc", values, {"r": listed}))
    assert (list(scene.band_names) == next(iter(listed.values()))) == names
    assert scene.wavelengths == (None if centres is None else pytest.approx(centres))
    assert any("those of Sentinel-2" in note for note in scene.notes) == (centres is not None)
