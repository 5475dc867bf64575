"""ENVI's regions of interest as text."""

from pathlib import Path

import numpy as np
import pytest

from drawn import class_map, feature_map
from terramamba.core.errors import InputError
from terramamba.data.labels.labels import read_labels
from terramamba.data.labels.raster_labels import label_shape
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

REGIONS = """; ENVI Output of ROIs (4.8) [Mon Feb 11 09:00:00 2013]
; Number of ROIs: 3
; File Dimension: 9 x 6
;
; ROI name: healthy grass
; ROI rgb value: {0, 205, 0}
; ROI npts: 4
;
; ROI name: road: main
; ROI rgb value: {160, 32, 240}
; ROI npts: 2
;
; ROI name: water
; ROI rgb value: {0, 0, 205}
; ROI npts: 2
;   ID    X    Y       Map X       Map Y        Lat         Lon   B1
     1    1    1   271460.00  3290891.00  29.724000  -95.362000    7
     2    2    2   271461.00  3290891.00  29.724000  -95.362000    7
     3    8    1   271462.00  3290891.00  29.724000  -95.362000    7
     4    9    6   271462.00  3290891.00  29.724000  -95.362000    7

     1    4    3   271462.00  3290891.00  29.724000  -95.362000    7
     2    5    3   271462.00  3290891.00  29.724000  -95.362000    7

     1    5    3   271462.00  3290891.00  29.724000  -95.362000    7
     2    6    3   271462.00  3290891.00  29.724000  -95.362000    7
"""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    np.save(tmp_path / "scene.npy", np.random.default_rng(0).random((4, 6, 9)))
    return open_scene(tmp_path / "scene.npy", shape=(6, 9))


def saved(path: Path, text: str) -> str:
    path.write_text(text, newline="\r\n")
    return str(path)


def test_regions_label_their_pixels(tmp_path: Path, scene: Scene) -> None:
    path = saved(tmp_path / "regions.txt", REGIONS)
    assert label_shape(path) == (6, 9)
    labels = read_labels(path, scene)
    expected = np.zeros((6, 9), int)
    expected[0, 0] = expected[1, 1] = expected[0, 7] = expected[5, 8] = 1
    expected[2, 3], expected[2, 5] = 2, 3
    np.testing.assert_array_equal(class_map(labels), expected)
    assert labels.classes.names == ("healthy grass", "road: main", "water")
    assert labels.classes.colours == ((0, 205, 0), (160, 32, 240), (0, 0, 205))
    assert labels.by_name
    # pieces that touch at a corner are one feature
    assert feature_map(labels)[0, 0] == feature_map(labels)[1, 1]
    assert len(np.unique(feature_map(labels))) == 6
    assert labels.notes == (f"{path}: 1 pixels are in regions of two classes and left unlabelled",)


def test_columns_without_an_id_and_regions_of_one_name(tmp_path: Path, scene: Scene) -> None:
    text = REGIONS.replace("water", "healthy grass").replace(";   ID ", ";      ")
    lines = [line if line.startswith(";") else line[6:] for line in text.splitlines()]
    labels = read_labels(saved(tmp_path / "regions.txt", "\n".join(lines)), scene)
    assert labels.classes.names == ("healthy grass", "road: main")
    assert np.bincount(class_map(labels).ravel()).tolist() == [48, 5, 1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("9 x 6", "9 x 7"), r"regions of an image of 7 x 9 pixels, but .*scene.npy has 6 x 9"),
        (("npts: 4", "npts: 5"), "names 3 regions of 9 pixels in all, but lists 8"),
        (("    9    6", "   10    6"), "pixel X 10, Y 6 lies outside the 9 columns and 6 rows"),
        (("    9    6", "    0    6"), "pixel X 0, Y 6 lies outside"),
        (("    9    6", f"   9{30 * '0'}    6"), r"pixel X \d+, Y 6 lies outside"),
        (("    9    6", "    inf    6"), "the line '4 +inf +6.*has no pixel X, Y"),
        (("ID    X    Y", "ID"), "does not list the place of its pixels"),
        (("     1    4    3 ", "     1    a    3 "), "the line '1    a    3.*has no pixel X, Y"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, scene: Scene, change: tuple[str, str], says: str) -> None:
    path = saved(tmp_path / "regions.txt", REGIONS.replace(*change))
    with pytest.raises(InputError, match=says) as refused:
        read_labels(path, scene)
    assert "\n" not in str(refused.value)
    assert path in str(refused.value)


def test_regions_that_are_not_text(tmp_path: Path, scene: Scene) -> None:
    (tmp_path / "regions.roi").write_bytes(b"\x0a\x00\xff\x01binary")
    with pytest.raises(InputError, match=r"regions.roi: these regions are not text .*export them as ASCII"):
        read_labels(str(tmp_path / "regions.roi"), scene)


def test_regions_whose_names_differ_in_capitals_are_one_class_and_said(tmp_path: Path, scene: Scene) -> None:
    text = REGIONS.replace("ROI name: water", "ROI name: Healthy  Grass")
    labels = read_labels(saved(tmp_path / "regions.txt", text), scene)
    assert labels.classes.names == ("healthy grass", "road: main")
    assert any("'Healthy  Grass' and 'healthy grass' as 'healthy grass'" in note for note in labels.notes)
