"""Arrays of .npy files, read by pieces."""

import os
from pathlib import Path

import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.raster.readers import npy
from terramamba.raster.readers.array_scene import open_array
from terramamba.raster.readers.axes import Asked
from terramamba.raster.windows import Window

CUBE = Asked(axes=("rows", "cols", "bands"))


def any_index(random: np.random.Generator, shape: tuple[int, ...]) -> tuple[slice | int, ...]:
    index: list[slice | int] = []
    for length in shape:
        if length and random.random() < 0.2:
            index.append(int(random.integers(length)))
        else:
            begin, end = sorted(int(place) for place in random.integers(0, length + 2, 2))
            index.append(slice(begin, end, int(random.integers(1, 4))))
    return tuple(index)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">i2", "?"])
@pytest.mark.parametrize("shape", [(5, 7, 3), (20, 11, 13), (6, 4), (0, 3, 2)])
def test_pieces_are_those_of_the_array(
    tmp_path: Path,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    order: str,
    dtype: str,
    shape: tuple[int, ...],
) -> None:
    random = np.random.default_rng(seed)
    array = np.asarray((100 * random.random(shape)).astype(dtype), order=order)
    np.save(tmp_path / "a.npy", array)
    for at_once in (1, 64, 1 << 20):
        monkeypatch.setattr(npy, "READ_ANYWAY_BYTES", at_once)
        opened = npy.open_npy(str(tmp_path / "a.npy"))
        for _ in range(10):
            index = any_index(random, shape)
            np.testing.assert_array_equal(opened[index], array[index])


def test_what_was_read_is_nobody_elses(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((9, 9, 9), np.float32))
    scene = open_array(str(tmp_path / "a.npy"), asked=CUBE)
    part, _ = scene.read(Window(2, 2, 2, 2))
    part[:] = 5
    assert scene.read()[0].max() == 1


def test_a_file_that_is_cut_while_it_is_open_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.ones((300, 40, 8), np.float32))
    scene = open_array(str(path), asked=CUBE)
    scene.read(Window(290, 0, 10, 40))
    os.truncate(path, path.stat().st_size // 3)
    scene.read(Window(0, 0, 10, 40))
    with pytest.raises(InputError, match=r"a\.npy: cannot be read .*it was cut"):
        scene.read(Window(290, 0, 10, 40))
    with pytest.raises(InputError, match=r"a\.npy: cannot be read"):
        open_array(str(path), asked=CUBE)
