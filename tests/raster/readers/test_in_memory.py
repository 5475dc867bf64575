"""Scenes in memory: of NumPy, xarray and rasterio."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.vrt import WarpedVRT

import programs
from terramamba.api import open_scene
from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.raster.windows import Window

PLACE = Affine(10, 0, 300_000, 0, -20, 5_800_000)
VALUES = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)


def test_an_array_is_a_scene_with_a_place() -> None:
    given = scene_from_array(
        VALUES, wavelengths=[500, 800], crs=32633, transform=PLACE, nodata=5, names=["green", "nir"]
    )
    assert (given.bands, given.height, given.width, given.dtype) == (2, 3, 4, "float32")
    assert (given.crs, given.transform) == (CRS.from_epsg(32633), PLACE)
    assert (given.wavelengths, given.band_names, given.nodata) == ((500.0, 800.0), ("green", "nir"), 5.0)
    values, valid = given.read(Window(1, 0, 2, 2), [1])
    np.testing.assert_array_equal(values, VALUES[1:, 1:, :2])
    assert valid.all()
    assert np.argwhere(~given.read()[1]).tolist() == [[0, 1, 1]]
    np.testing.assert_array_equal(given.preview(2, [0])[0], VALUES[:1][:, [0, 2]][:, :, [1, 3]])


def test_masked_and_not_a_number_are_no_data() -> None:
    holes = VALUES.copy()
    holes[0, 0, 0] = np.nan
    assert np.argwhere(~scene_from_array(holes).read()[1]).tolist() == [[0, 0, 0]]
    masked = np.ma.masked_equal(VALUES.astype(np.int16), 7)
    assert np.argwhere(~scene_from_array(masked, nodata=-1).read()[1]).tolist() == [[0, 1, 3]]
    with pytest.raises(InputError, match="say with nodata which one"):
        scene_from_array(masked)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (VALUES[0], {}, r"shape \(3, 4\); give \(bands, rows, columns\)"),
        (VALUES.astype(complex), {}, "holds complex128 values"),
        (VALUES, {"wavelengths": [500.0]}, "wavelengths: 1 for 2 bands"),
        (VALUES, {"names": ["a", "b", "c"]}, "names: 3 for 2 bands"),
        (VALUES, {"crs": "EPSG:nowhere"}, "crs EPSG:nowhere: is not understood"),
        (VALUES, {"transform": (1, 2, 3)}, "has 3 numbers"),
    ],
)
def test_what_is_no_scene_is_refused(array: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        scene_from_array(array, **options)


def test_a_bare_array_is_refused_with_what_to_call() -> None:
    code = "import numpy, terramamba as tm\ntry: tm.open_scene(numpy.ones((1, 2, 2)))\n"
    code += "except tm.InputError as error: print(error)"
    assert "give scene_from_array(array, ...)" in programs.python("-c", code).stdout


class TestXarray:
    xarray = pytest.importorskip("xarray", reason="xarray is not installed: its arrays are not tried")

    def array(self, **attrs: object):
        coords = {
            "y": [5_799_990.0, 5_799_970.0, 5_799_950.0],
            "x": [300_005.0, 300_015.0, 300_025.0, 300_035.0],
            "wavelength": ("band", [0.5, 0.8], {"units": "um"}),
            "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(32633).to_wkt()}),
        }
        return self.xarray.DataArray(VALUES, dims=("band", "y", "x"), coords=coords, attrs=attrs)

    def test_it_is_a_scene_with_its_place_and_wavelengths(self) -> None:
        given = open_scene(self.array(_FillValue=5, long_name=("green", "nir")))
        assert (given.crs, given.transform) == (CRS.from_epsg(32633), PLACE)
        assert (given.wavelengths, given.band_names, given.nodata) == ((500.0, 800.0), ("green", "nir"), 5.0)
        np.testing.assert_array_equal(given.read()[0], VALUES)

    def test_axes_may_lie_otherwise_and_a_part_keeps_its_place(self) -> None:
        part = self.array().transpose("y", "x", "band").isel(y=slice(1, None), x=slice(2, None))
        given = open_scene(part)
        np.testing.assert_array_equal(given.read()[0], VALUES[:, 1:, 2:])
        assert given.transform == Affine(10, 0, 300_020, 0, -20, 5_799_980)

    def test_one_band_has_no_axis_of_its_own(self) -> None:
        assert open_scene(self.array().isel(band=0, drop=True)).bands == 1

    def test_without_a_place_there_is_none(self) -> None:
        given = open_scene(self.xarray.DataArray(VALUES, dims=("band", "y", "x")))
        assert (given.crs, given.transform) == (None, None)

    def test_uneven_steps_and_other_axes_are_refused(self) -> None:
        with pytest.raises(InputError, match="steps of its coordinate x differ"):
            open_scene(self.array().isel(x=[0, 1, 3]))
        with pytest.raises(InputError, match="with the axes time, band, y, x"):
            open_scene(self.array().expand_dims("time"))


def test_an_open_dataset_is_the_scene_of_its_file(tmp_path) -> None:
    grid = Grid(3, 4, CRS.from_epsg(32633), Affine(10, 0, 300_000, 0, -10, 5_800_000))
    write_geotiff(tmp_path / "a.tif", VALUES, grid, nodata=5)
    with rasterio.open(tmp_path / "a.tif") as dataset:
        given = open_scene(dataset)
        assert (given.path, given.format, given.nodata) == (str(tmp_path / "a.tif"), "GeoTIFF", 5.0)
        with WarpedVRT(dataset, crs="EPSG:32634") as warped:
            other = open_scene(warped)
            assert (other.crs, other.bands) == (CRS.from_epsg(32634), 2)
            np.testing.assert_array_equal(other.read()[0], warped.read())
    about = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "uint8", "transform": PLACE}
    with (
        rasterio.open(tmp_path / "b.tif", "w", **about) as new,
        pytest.raises(InputError, match="open to be written"),
    ):
        open_scene(new)


def test_a_notebook_shows_what_is_known_and_a_picture() -> None:
    given = scene_from_array(VALUES, wavelengths=[500, 800], crs=32633, transform=PLACE)
    shown = given._repr_html_()
    for part in ("3 x 4 pixels", "500 to 800 nm", "EPSG:32633", "10 x 20 metres", "data:image/png;base64,"):
        assert part in shown
    axes = given.plot()
    assert axes.get_images()[0].get_extent() == [300_000, 300_040, 5_799_940, 5_800_000]
    axes.figure.canvas.draw()
    written = [label.get_text() for label in axes.get_xticklabels()]
    assert "300020" in written
    assert len(written) <= 5
    assert axes.get_images()[0].get_array().shape == (3, 4, 3)


def test_a_tensor_is_an_array_and_its_memory_is_shared() -> None:
    torch = pytest.importorskip("torch")
    values = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(scene_from_array(values).read()[0], values.numpy())


def test_bands_without_a_wavelength_are_left_out() -> None:
    scene = scene_from_array(np.arange(12).reshape(3, 2, 2), wavelengths=[0, 500, 600])
    assert scene.wavelengths == (500.0, 600.0)
    assert np.array_equal(scene.read()[0], np.arange(4, 12).reshape(2, 2, 2))
    assert any("left out" in note for note in scene.notes)


def test_a_tensor_that_learns_is_an_array_and_what_numpy_does_not_know_is_refused() -> None:
    torch = pytest.importorskip("torch")
    learning = torch.ones(2, 3, 4, requires_grad=True)
    assert scene_from_array(learning).read()[0].sum() == 24
    for odd in (learning.bfloat16(), torch.ones(2, 3, 4).to_sparse(), torch.empty(2, 3, 4, device="meta")):
        with pytest.raises(InputError, match=r"array: holds no numbers that NumPy knows .*in float32"):
            scene_from_array(odd)
