"""Arrays from .mat, .npy and .npz: both kinds of .mat, every order of axes, tables of pixels, text."""

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from terramamba.core.errors import InputError
from terramamba.raster.readers.arrays import list_arrays, load_arrays, pick_array, unflatten
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window

H, W, C = 5, 7, 3
# Where rows, columns and bands go, in the axes of the stored array.
ORDERS = {
    "rows, columns, bands": (0, 1, 2),
    "bands, rows, columns": (2, 0, 1),
    "rows, bands, columns": (0, 2, 1),
    "columns, rows, bands": (1, 0, 2),
    "bands, columns, rows": (2, 1, 0),
    "columns, bands, rows": (1, 2, 0),
}
KINDS = ["v5.mat", "v7.mat", "npy", "npz"]


def save(path: Path, kind: str, arrays: dict[str, np.ndarray]) -> str:
    """Save ``arrays`` as the programs concerned do; MATLAB's HDF5 has axes in reverse."""
    path = path.with_suffix("." + kind.split(".")[-1])
    if kind == "v5.mat":
        scipy.io.savemat(path, arrays, do_compression=True)
    elif kind == "v7.mat":
        with h5py.File(path, "w", userblock_size=512) as file:
            for name, array in arrays.items():
                at_least_2d = array.reshape(1, -1) if array.ndim < 2 else array
                data = file.create_dataset(name, data=at_least_2d.T, chunks=True, compression="gzip")
                data.attrs["MATLAB_class"] = np.bytes_("double")
    elif kind == "npy":
        np.save(path, next(iter(arrays.values())))
    else:
        np.savez(path, **arrays)
    return str(path)


def a_cube(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 5000, (H, W, C)).astype(np.uint16)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_labels_settle_the_axes(tmp_path: Path, seed: int, kind: str, order: str) -> None:
    cube = a_cube(seed)
    path = save(tmp_path / "a", kind, {"data": cube.transpose(ORDERS[order])})
    scene = open_scene(path, shape=(H, W))
    values, valid = scene.read()
    assert (scene.height, scene.width, scene.bands, scene.dtype) == (H, W, C, "uint16")
    assert np.array_equal(values, cube.transpose(2, 0, 1))
    assert valid.all()
    assert scene.notes[0].endswith(f"read as {order}")
    part, _ = scene.read(Window(1, 2, 3, 4), [2, 0, 2])
    assert np.array_equal(part, values[[2, 0, 2], 1:4, 2:6])
    assert part.flags.c_contiguous
    assert part.flags.writeable


@pytest.mark.parametrize("kind", KINDS)
def test_without_labels_the_order_must_be_given(tmp_path: Path, seed: int, kind: str) -> None:
    cube = a_cube(seed)
    path = save(tmp_path / "a", kind, {"data": cube})
    with pytest.raises(
        InputError, match=r"5 x 7 x 3: nothing says which axis holds the bands; .* --axes row"
    ):
        open_scene(path)
    scene = open_scene(path, axes="rows,cols,bands")
    assert np.array_equal(scene.read()[0], cube.transpose(2, 0, 1))
    assert (scene.crs, scene.transform, scene.wavelengths) == (None, None, None)
    again = pickle.loads(pickle.dumps(scene))
    assert np.array_equal(again.read()[0], scene.read()[0])


@pytest.mark.parametrize("kind", KINDS)
def test_previews_are_thinned_out(tmp_path: Path, seed: int, kind: str) -> None:
    cube = np.random.default_rng(seed).normal(size=(40, 9, 2)).astype(np.float32)
    values, valid = open_scene(save(tmp_path / "a", kind, {"data": cube}), bands=2).preview(10)
    assert values.shape == valid.shape == (2, 10, 9)
    assert np.isin(values, cube).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_is_one_band(tmp_path: Path, seed: int, kind: str) -> None:
    labels = a_cube(seed)[..., 0]
    path = save(tmp_path / "a", kind, {"gt": labels})
    assert np.array_equal(open_scene(path).read()[0], labels[None])
    name = "array" if kind == "npy" else "gt"
    assert np.array_equal(open_scene(path, variable=name, shape=(W, H)).read()[0], labels.T[None])


@pytest.mark.parametrize("kind", ["v5.mat", "v7.mat"])
@pytest.mark.parametrize("pixels_last", [True, False])
def test_tables_of_pixels_are_read_column_by_column(
    tmp_path: Path, seed: int, kind: str, pixels_last: bool
) -> None:
    cube = a_cube(seed)
    table = cube.transpose(2, 0, 1).reshape(C, H * W, order="F")
    sizes = {"nRow": np.array([[H]]), "nCol": np.array([[W]]), "nBand": np.array([[C]])}
    others = {"SlectBands": np.arange(C, dtype=float)[:, None], "maxValue": np.array([[5000.0]])}
    arrays = {"Y": table if pixels_last else table.T}
    path = save(tmp_path / "a", kind, {**others, **arrays, **sizes})
    scene = open_scene(path)
    assert (scene.height, scene.width, scene.bands) == (H, W, C)
    assert np.array_equal(scene.read()[0], cube.transpose(2, 0, 1))
    assert np.array_equal(scene.read(Window(2, 1, 2, 3), [1])[0][0], cube[2:4, 1:4, 1])
    assert np.array_equal(unflatten(table, H, W), cube.transpose(2, 0, 1))
    assert np.array_equal(open_scene(path, shape=(H, W)).read()[0], scene.read()[0])
    with pytest.raises(InputError, match=r"is 5 x 7 pixels, the labels are 7 x 5; give matching labels"):
        open_scene(path, shape=(W, H))
    bare = save(tmp_path / "bare", kind, arrays)
    assert np.array_equal(open_scene(bare, shape=(H, W)).read()[0], scene.read()[0])


def test_text_comes_as_text(tmp_path: Path) -> None:
    names = ["1-tree", "2-water"]
    cells = np.empty((2, 1), object)
    cells[:, 0] = names
    mixed = np.empty((1, 2), object)
    mixed[0, :] = ["x", np.ones(3)]
    scipy.io.savemat(tmp_path / "v5.mat", {"cood": cells, "A": np.ones((2, 6)), "title": "x", "mixed": mixed})
    found = load_arrays(str(tmp_path / "v5.mat"))
    assert found["cood"].tolist() == names
    assert found["title"].tolist() == ["x"]
    assert set(found) == {"cood", "A", "title", "mixed{1}", "mixed{2}"}
    with h5py.File(tmp_path / "v7.mat", "w") as file:
        references = file.create_group("#refs#")
        cells_7 = file.create_dataset("cood", (1, 2), dtype=h5py.ref_dtype)
        cells_7.attrs["MATLAB_class"] = np.bytes_("cell")
        for i, name in enumerate(names):
            text = references.create_dataset(str(i), data=np.array([[ord(c)] for c in name], np.uint16))
            text.attrs["MATLAB_class"] = np.bytes_("char")
            cells_7[0, i] = text.ref
        title = file.create_dataset("title", data=np.array([[ord("x")]], np.uint16))
        title.attrs["MATLAB_class"] = np.bytes_("char")
        file.create_group("a structure")
        file["A"] = np.ones((6, 2))
    found = load_arrays(str(tmp_path / "v7.mat"))
    assert found["cood"].tolist() == names
    assert found["title"].tolist() == ["x"]
    assert set(found) == {"cood", "A", "title"}
    assert found["A"].shape == (2, 6)
    assert set(list_arrays(str(tmp_path / "v7.mat"))) == {"A"}


def test_values_come_in_plain_types(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", mask=np.eye(3, dtype=bool), swapped=np.arange(4.0).astype(">f4"))
    found = load_arrays(str(tmp_path / "a.npz"))
    assert (found["mask"].dtype, found["swapped"].dtype) == (np.dtype("uint8"), np.dtype("float32"))
    assert np.array_equal(found["swapped"], np.arange(4))
    np.save(tmp_path / "mask.npy", np.eye(3, dtype=bool))
    scene = open_scene(tmp_path / "mask.npy")
    assert scene.dtype == str(scene.read()[0].dtype) == "uint8"
    np.save(tmp_path / "swapped.npy", np.ones((2, 2, 2), ">i2"))
    scene = open_scene(tmp_path / "swapped.npy", axes="rows,cols,bands")
    assert scene.dtype == str(scene.read()[0].dtype) == "int16"


@pytest.mark.parametrize("kind", ["v5.mat", "v7.mat", "npz"])
def test_choosing_an_array(tmp_path: Path, kind: str) -> None:
    arrays = {
        "Y": np.ones((4, 4, 9)),
        "label": np.ones((4, 4, 2)),
        "DSM": np.ones((4, 4)),
        "M": np.ones((9, 2)),
    }
    path = save(tmp_path / "a", kind, arrays)
    listed = list_arrays(path)
    assert {name: info.shape for name, info in listed.items()} == {n: a.shape for n, a in arrays.items()}
    scene = open_scene(path)
    assert scene.bands == 9
    assert scene.notes[1] == "the largest array; others are label (choose with --scene-variable)"
    named = open_scene(path, variable="label")
    assert (named.bands, len(named.notes)) == (2, 1)
    alike = save(tmp_path / "alike", kind, {"X": np.ones((4, 4, 9)), "Y": np.ones((4, 4, 9))})
    with pytest.raises(
        InputError, match=r"several 3-D arrays: X 4 x 4 x 9, Y 4 x 4 x 9; choose one with --s"
    ):
        open_scene(alike)
    with pytest.raises(
        InputError, match=r"no array 'X'; it holds .*DSM 4 x 4.*; name one with --scene-variable"
    ):
        open_scene(path, variable="X")
    assert pick_array(listed, path, ndim=(2,), shape=(4, 4)) == "DSM"
    assert pick_array(load_arrays(path), path, ndim=(2,), shape=(3, 3), variable="M") == "M"
    with pytest.raises(InputError, match=r"several 2-D arrays: .*; choose one with --label-variable"):
        pick_array(listed, path, ndim=(2,), shape=(8, 8), flag="--label-variable")


def test_what_does_not_fit(tmp_path: Path) -> None:
    path = save(tmp_path / "a", "npy", {"x": np.ones((4, 5, 6))})
    with pytest.raises(InputError, match=r"array 4 x 5 x 6 does not fit 7 x 8 pixels; give a scene, labels"):
        open_scene(path, shape=(7, 8))
    path = save(tmp_path / "b", "v5.mat", {"x": np.ones((4, 5, 6, 2))})
    with pytest.raises(
        InputError, match=r"b\.mat: no 2-D array; it holds x 4 x 5 x 6 x 2; save one image alone"
    ):
        open_scene(path)
    with pytest.raises(InputError, match=r"x 4 x 5 x 6 x 2 has 4 axes; a scene has 2 or 3"):
        open_scene(path, variable="x")
    path = save(tmp_path / "c", "v5.mat", {"title": np.array("only text")})
    with pytest.raises(
        InputError, match=r"c\.mat: no 2-D array; it holds no numeric arrays; give another file"
    ):
        open_scene(path)
    path = save(tmp_path / "d", "v5.mat", {"x": np.ones((2, 3, 4), complex)})
    with pytest.raises(InputError, match=r"d\.mat: x holds complex128 values; give an array of real numbers"):
        open_scene(path, axes="rows,cols,bands")


@pytest.mark.parametrize("name", ["a.mat", "a.npy", "a.npz"])
@pytest.mark.parametrize("content", [b"", b"not an array at all" * 40])
def test_damaged_files(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        InputError, match=rf"{name}: cannot be read as .*; save or fetch the file again"
    ) as caught:
        open_scene(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_off_files(tmp_path: Path, seed: int, kind: str) -> None:
    noise = np.random.default_rng(seed).normal(size=(30, 30, 3))
    path = Path(save(tmp_path / "a", kind, {"data": noise}))
    path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(InputError, match=r"cannot be read as"):
        open_scene(path, axes="rows,cols,bands").read()


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{}, 1]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"a\.npy: cannot be read as NumPy \.npy \("):
        open_scene(tmp_path / "a.npy")


def test_a_shape_below_zero_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((99, 99), np.uint8))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(99, 99)", b"(-9, 99)"))
    with pytest.raises(InputError, match=r"a\.npy: cannot be read as NumPy \.npy \("):
        open_scene(tmp_path / "a.npy")


REAL = {
    "indian_pines_mnf20/MNF_20_Indian.mat": (20, 145, 145, "float32"),
    "indian_pines_mnf20/Indian_pines_gt.mat": (1, 145, 145, "uint8"),
    "indian_pines_mnf20/indianpines_disjoint_dset.mat": (1, 145, 145, "uint8"),
    "jasper_ridge/jasperRidge2_R198.mat": (198, 100, 100, "uint16"),
    "samson/samson_1.mat": (156, 95, 95, "float64"),
}


@pytest.mark.parametrize("name", REAL)
def test_real_cubes(real_data: Callable[[str], Path], name: str) -> None:
    scene = open_scene(real_data(f"hyperspectral/{name}"), bands=REAL[name][0])
    assert (scene.bands, scene.height, scene.width, scene.dtype) == REAL[name]


def test_real_tables_of_pixels(real_data: Callable[[str], Path]) -> None:
    folder = real_data("hyperspectral/jasper_ridge")
    table = scipy.io.loadmat(folder / "jasperRidge2_R198.mat")["Y"]
    values, _ = open_scene(folder / "jasperRidge2_R198.mat").read()
    assert np.array_equal(values, table.reshape(198, 100, 100, order="F"))
    abundances = load_arrays(str(folder / "end4.mat"))
    assert abundances["cood"].tolist() == ["1-tree", "2-water", "3-dirt", "4-road"]
    largest = unflatten(abundances["A"], 100, 100).argmax(axis=0)
    assert np.bincount(largest.ravel()).tolist() == [3493, 3326, 2428, 753]


def test_real_file_of_several_arrays(real_data: Callable[[str], Path]) -> None:
    path = real_data("hyperspectral/muufl_crop/muffle_dataset_130_90.mat")
    scene = open_scene(path)
    assert (scene.bands, scene.height, scene.width) == (64, 90, 90)
    assert "others are MPN, label" in scene.notes[1]
    assert open_scene(path, variable="DSM").bands == 1


def test_an_array_whose_name_leads_nowhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cube.mat"
    scipy.io.savemat(path, {"cube": np.zeros((H, W, C))})
    path.write_bytes(path.read_bytes().replace(b"cube", b"cu.e"))
    with pytest.raises(InputError, match=r"cube\.mat: its array 'cu\.e' cannot be read; save or fetch"):
        open_scene(str(path), axes="rows,cols,bands").read()
