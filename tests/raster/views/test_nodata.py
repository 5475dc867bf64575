"""Values that a flag makes no data, as if the file declared them."""

from pathlib import Path

import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.raster.readers.open import open_scene
from terramamba.raster.views.nodata import in_words, require_held, without_values


@pytest.mark.parametrize(
    ("dtype", "fill", "flag"),
    [
        ("uint16", 65535, 65535.0),
        ("int16", -9999, -9999.0),
        ("float32", 0.0, 0.0),
        ("float32", np.finfo(np.float32).min, -3.4e38),
        ("float64", 1e30, 1e30),
        ("uint8", 7, 7.0),
    ],
)
def test_each_band_lacks_data_where_it_has_the_value(
    tmp_path: Path, dtype: str, fill: float, flag: float
) -> None:
    values = (np.arange(1, 61).reshape(3, 4, 5) + 10).astype(dtype)
    values[:, 0, 0] = values[1, 2, 3] = fill
    np.save(tmp_path / "scene.npy", np.moveaxis(values, 0, 2))
    scene = without_values(open_scene(tmp_path / "scene.npy", axes="rows,cols,bands"), [-5.5, flag])
    read, valid = scene.read()
    np.testing.assert_array_equal(read, values)
    expected = np.ones(values.shape, bool)
    expected[:, 0, 0] = expected[1, 2, 3] = False
    np.testing.assert_array_equal(valid, expected)
    assert any(in_words([flag]) in note for note in scene.notes)


def test_a_value_that_no_pixel_can_have_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", np.ones((4, 5, 2), np.uint8))
    scene = open_scene(tmp_path / "scene.npy", axes="rows,cols,bands")
    with pytest.raises(InputError, match=r"--nodata -9999,0\.5: .*scene\.npy has values of the type uint8"):
        require_held([scene], [-9999.0, 0.5])
    require_held([scene], [-9999.0, 0.0])
    assert without_values(scene, [-9999.0]) is scene


@pytest.mark.parametrize(
    ("value", "words"),
    [(-9999.0, "-9999"), (1e30, "1e+30"), (0.1, "0.1"), (-3.4028234663852886e38, "-3.4028235e+38")],
)
def test_values_are_written_as_the_flag_takes_them(value: float, words: str) -> None:
    assert in_words([value]) == words
    assert np.float32(words) == np.float32(value)
