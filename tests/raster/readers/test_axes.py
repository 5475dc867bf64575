"""Which axis holds the bands: settled by what the file, the labels, the model or the flag say, or refused."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from terramamba.core.errors import InputError
from terramamba.raster.readers.axes import Asked, InFile, in_words, role_of_name, settle
from terramamba.raster.readers.open import open_scene

NOTHING = InFile()
WHAT = "a.npy: cube"


def order(lengths: tuple[int, ...], asked: Asked = Asked(), in_file: InFile = NOTHING) -> str:  # noqa: B008
    return in_words(settle(lengths, WHAT, asked, in_file)[0], len(lengths))


@pytest.mark.parametrize("lengths", [(145, 145, 200), (200, 145, 145), (610, 340, 103), (20, 20, 20)])
def test_sizes_alone_settle_nothing(lengths: tuple[int, ...]) -> None:
    with pytest.raises(
        InputError, match=r"cube: nothing says which axis holds the bands; say so with --axes"
    ):
        order(lengths)


def test_whoever_knows_something_settles_it() -> None:
    assert order((9, 7, 5), Asked(axes=("bands", "cols", "rows"))) == "bands, columns, rows"
    assert order((9, 7, 5), Asked(shape=(7, 5))) == "bands, rows, columns"
    assert order((9, 7, 5), Asked(shape=(5, 7))) == "bands, columns, rows"
    assert order((9, 7, 5), Asked(bands=7)) == "rows, bands, columns"
    assert order((9, 7, 5), in_file=InFile(roles=("cols", None, "rows"))) == "columns, bands, rows"
    assert order((9, 7, 5), in_file=InFile(bands=((5, "wavelengths"),))) == "rows, columns, bands"
    assert order((9, 7, 5), in_file=InFile(size=(((9, 5), "gt"),))) == "rows, bands, columns"
    assert order((9, 9, 9), Asked(bands=9, like=("rows", "cols", "bands"))) == "rows, columns, bands"


def test_what_settles_it_is_said() -> None:
    assert settle((9, 7, 5), WHAT, Asked(shape=(7, 5)), NOTHING)[1] == "the size of the labels"
    axes, why = settle((9, 7, 7), WHAT, Asked(shape=(7, 7)), NOTHING)
    assert axes == (1, 2, 0)
    assert why == "the size of the labels (rows taken to come before columns, which a square does not tell)"
    assert settle((9, 7, 5), WHAT, Asked(bands=5), NOTHING)[1] == "the model's 5 bands"


def test_two_axes_that_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"nothing says which axis"):
        order((20, 30, 20), Asked(shape=(20, 30)))
    with pytest.raises(InputError, match=r"nothing says which axis"):
        order((20, 30, 20), Asked(bands=20))
    # an entry of another length than any axis says nothing of this array
    with pytest.raises(InputError, match=r"nothing says which axis"):
        order((20, 30, 40), in_file=InFile(bands=((224, "wavelengths"),)))


def test_what_contradicts_the_array_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"cube does not fit 7 x 8 pixels; give a scene, labels and masks of one size"
    ):
        order((4, 5, 6), Asked(shape=(7, 8)))
    with pytest.raises(InputError, match=r"cube has no axis that can be the 9 bands of the model"):
        order((4, 5, 6), Asked(bands=9))
    with pytest.raises(InputError, match=r"cube has axes named bands, bands, which are no rows, columns and"):
        order((4, 5, 6), in_file=InFile(roles=("bands", "bands", None)))


def test_names_of_axes() -> None:
    assert role_of_name("northing") == role_of_name("Downtrack") == role_of_name("/group/lat") == "rows"
    assert role_of_name("crosstrack") == role_of_name("Longitude") == "cols"
    assert role_of_name("wavelengths") == role_of_name("spectral") == "bands"
    assert role_of_name("phony_dim_0") is None


def test_the_flag_is_for_bare_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 5, 6)))
    assert open_scene(tmp_path / "a.npy", axes="cols, rows, bands").height == 5
    with pytest.raises(InputError, match=r"--axes rows,cols: is no order of rows, cols and bands, such as"):
        open_scene(tmp_path / "a.npy", axes="rows,cols")
    (tmp_path / "a.csv").write_text("image\n")
    with pytest.raises(
        InputError, match=r"--axes: .*a\.csv is CSV table, which says itself how its axes lie"
    ):
        open_scene(tmp_path / "a.csv", axes="rows,cols,bands")


def test_other_entries_of_a_file_settle_it(tmp_path: Path) -> None:
    cube = np.random.default_rng(0).random((6, 7, 5))
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"cube": cube.transpose(2, 0, 1), "wavelength": np.linspace(0.4, 0.8, 5)})
    scene = open_scene(path)
    assert np.array_equal(scene.read()[0], cube.transpose(2, 0, 1))
    assert scene.wavelengths == pytest.approx((400, 500, 600, 700, 800))
    assert scene.notes == (
        "cube 5 x 6 x 7, by the length of wavelength read as bands, rows, columns",
        "wavelengths have no unit; 0.4 to 0.8 are taken for micrometres by their size",
    )
    scipy.io.savemat(path, {"cube": cube, "nRow": 6, "nCol": 7})
    assert open_scene(path).bands == 5
    scipy.io.savemat(path, {"cube": cube, "gt": np.ones((6, 7))})
    assert open_scene(path).bands == 5
    scipy.io.savemat(path, {"cube": cube, "M": np.ones((6, 7))})  # endmembers, maybe
    with pytest.raises(InputError, match=r"nothing says which axis"):
        open_scene(path)
