"""Pictures of results: colours as asked, no data white, everything in one file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from terramamba.data.labels.class_table import ClassTable
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.data.synthetic.scene import CLASSES
from terramamba.raster.notebook_pictures import coloured
from terramamba.raster.quicklook import false_colour
from terramamba.raster.readers.open import open_scene
from terramamba.raster.vector.change_polygons import change_layer, trace_changes
from terramamba.raster.vector.polygon_files import write_drafts
from terramamba.report.figures import picture_change, picture_classification

LEGEND = ClassTable(tuple(range(1, 1 + len(CLASSES))), tuple(CLASSES), tuple(CLASSES.values()))


def colours_in(path: Path) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in np.asarray(Image.open(path))[..., :3].reshape(-1, 3)[::3]}


def test_classes_have_their_colours_and_other_codes_are_white() -> None:
    codes = np.array([[0, 1], [7, 9]], np.uint8)
    white = (255, 255, 255)
    expected = [[white, CLASSES["water"]], [CLASSES["roof"], white]]
    shown = coloured(codes, LEGEND.colour_of_code)
    assert shown.tolist() == [[list(colour) for colour in row] for row in expected]


def test_false_colour_shows_plants_red_and_no_data_white(tmp_path: Path, seed: int) -> None:
    made = make_scene(tmp_path, seed)
    scene = open_scene(made.scene)
    picture = false_colour(scene).astype(int)
    forest = open_scene(made.labels).read()[0][0] == list(CLASSES).index("forest") + 1
    assert (picture[forest, 0] - picture[forest, 1]).mean() > 30
    missing = ~scene.read(bands=[0])[1][0]
    assert missing.any()
    assert (picture[missing] == 255).all()


def test_picture_of_a_classification(tmp_path: Path, seed: int) -> None:
    made = make_scene(tmp_path, seed, height=60, width=60, bands=12)
    picture_classification(tmp_path / "p.png", made.scene, made.labels, made.cover, LEGEND)
    assert set(CLASSES.values()) <= colours_in(tmp_path / "p.png")


@pytest.mark.parametrize("known", [True, False])
def test_picture_of_a_change(tmp_path: Path, seed: int, known: bool) -> None:
    made = make_pairs(tmp_path, seed, train=0, val=0, test=0, scene=(96, 160))
    outlines = tmp_path / "outlines.gpkg"
    write_drafts(trace_changes(made.truth, made.truth), {str(outlines): outlines}, change_layer())
    picture_change(
        tmp_path / "p.png",
        made.before,
        made.after,
        made.truth,
        truth=made.truth if known else None,
        polygons=outlines,
    )
    found, missed = (90, 200, 110), (220, 70, 60)
    seen = colours_in(tmp_path / "p.png")
    assert (found in seen) == known
    assert (missed in seen) == known  # in the legend
