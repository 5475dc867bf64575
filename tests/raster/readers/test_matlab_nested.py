"""Cubes in structures and cells of MATLAB, and one word for a file and its array."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from terramamba.core.errors import InputError
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.arrays import list_arrays
from terramamba.raster.readers.open import open_scene

CUBE = np.random.default_rng(0).random((6, 7, 5))
GT = np.arange(42).reshape(6, 7) % 4


def five(path: Path, **arrays: object) -> Path:
    scipy.io.savemat(path, arrays)
    return path


def seven(path: Path, *, places: int = 1) -> Path:
    """``scene.Data`` and ``scene.info.wavelength`` as MATLAB saves them, or an array of them; ``gt``."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["gt"] = GT.T.astype(np.uint8)
        scene = file.create_group("scene")
        if places == 1:
            scene["Data"] = CUBE.T
            scene["info/wavelength"] = np.linspace(400, 800, 5)[:, None]
            return path
        references = file.create_group("#refs#")
        fields = scene.create_dataset("Data", (1, places), h5py.ref_dtype)
        for i in range(places):
            fields[0, i] = references.create_dataset(f"x{i}", data=CUBE.T + i).ref
    return path


def test_the_only_cube_is_found_in_a_structure(tmp_path: Path) -> None:
    inside = {"Data": CUBE, "info": {"wavelength": np.linspace(400, 800, 5)}}
    for path in (five(tmp_path / "5.mat", scene=inside, gt=GT), seven(tmp_path / "7.mat")):
        named = open_scene(path, variable="scene.Data"), open_scene(f"{path}:scene.Data")
        for scene in (open_scene(path), *named):
            assert np.array_equal(scene.read()[0], CUBE.transpose(2, 0, 1))
            assert scene.wavelengths == pytest.approx((400, 500, 600, 700, 800))
        assert set(list_arrays(str(path))) == {"gt", "scene.Data", "scene.info.wavelength"}
        assert np.array_equal(open_scene(f"{path}:gt").read()[0][0], GT)


def test_members_of_arrays_of_structures_and_of_cells(tmp_path: Path) -> None:
    many = np.zeros((1, 2), [("Data", object)])
    many["Data"][0] = [CUBE, CUBE + 1]
    cells = np.empty((1, 2), object)
    cells[0] = [GT, CUBE]
    path = five(tmp_path / "5.mat", scenes=many, cells=cells)
    for known in (path, seven(tmp_path / "7.mat", places=2)):
        name = "scene" if known != path else "scenes"
        scene = open_scene(known, variable=f"{name}(2).Data", bands=5)
        assert np.array_equal(scene.read()[0], CUBE.transpose(2, 0, 1) + 1)
        with pytest.raises(
            InputError, match=rf"several 3-D arrays: {name}\(1\)\.Data 6 x 7 x 5, {name}\(2\)"
        ):
            open_scene(known, bands=5)
    assert np.array_equal(open_scene(path, variable="cells{2}", bands=5).read()[0], CUBE.transpose(2, 0, 1))


def test_a_2d_array_is_not_the_scene_for_want_of_a_cube(tmp_path: Path) -> None:
    alone = five(tmp_path / "gt.mat", gt=GT)
    assert open_scene(alone).bands == 1
    beside = five(tmp_path / "both.mat", gt=GT, spectrum=np.arange(9.0))
    with pytest.raises(
        InputError, match=r"no 3-D array; it holds gt 6 x 7 beside spectrum 1 x 9; give the file"
    ):
        open_scene(beside)
    assert open_scene(beside, variable="gt").bands == 1


def test_a_file_and_its_array_in_one_word(tmp_path: Path) -> None:
    path = five(tmp_path / "a.mat", gt=GT)
    assert split_variable(f"{path}:gt", None, "--x") == (str(path), "gt")
    assert split_variable(f"{path}:gt", "gt", "--x") == (str(path), "gt")
    for whole in (
        str(path),
        r"C:\data\a.mat",
        "https://host:80/a.mat",
        "netcdf:a.nc:x",
        f"{tmp_path}/no.mat:gt",
    ):
        assert split_variable(whole, "v", "--x") == (whole, "v")
    with pytest.raises(
        InputError, match=r"--x other: .*a\.mat:gt names gt already; leave one of the two out"
    ):
        split_variable(f"{path}:gt", "other", "--x")
