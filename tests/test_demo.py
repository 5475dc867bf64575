"""The demo learns something real: its marks are reached, and only with true labels."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyogrio import read_info

from programs import python
from terramamba.cli import main
from terramamba.data.synthetic.files import UTM
from terramamba.raster.readers.open import open_scene

ACCURACY_MARK = 0.9
F1_MARK = 0.6


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a demo, and what it printed."""
    home = tmp_path_factory.mktemp("of a demo") / "demo"
    # In a fresh interpreter, so that one thorough test meets the imports of all the rooms as a user does.
    done = python("-m", "terramamba", "demo", "--out", home, fresh=True)
    assert done.returncode == 0, done.stderr
    return home, done.stdout


def test_demo_reaches_its_marks_and_leaves_maps_polygons_and_pictures(demo: tuple[Path, str]) -> None:
    home, printed = demo
    summary = json.loads((home / "summary.json").read_text())
    land_cover, change = summary["classify"], summary["change"]
    assert land_cover["oa"] >= ACCURACY_MARK
    assert change["f1"] >= F1_MARK
    for job, score in ((land_cover, "oa"), (change, "f1")):
        assert f"{100 * job[score]:.2f} %" in printed
        metrics = json.loads((Path(job["run"]) / "metrics.json").read_text())
        assert job[score] == metrics["test"][score]
        page = Path(job["page"])
        assert page == Path(job["run"]) / "report.html"
        assert str(page) in printed
        assert 'id="data"' in page.read_text()  # the layers of a map
        made, picture = open_scene(job["map"]), np.asarray(Image.open(job["picture"]))
        assert made.crs == UTM
        assert made.transform is not None
        assert picture.shape[0] > 400
        assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 100
    assert set(np.unique(open_scene(land_cover["map"]).read()[0])) == set(range(8))
    assert set(np.unique(open_scene(change["map"]).read()[0])) == {0, 1, 255}
    outlines = read_info(change["polygons"])
    assert outlines["features"] > 10
    assert {"area_m2", "mean_probability"} <= set(outlines["fields"])


def test_shuffled_labels_miss_the_marks(demo: tuple[Path, str], tmp_path: Path) -> None:
    # in a process of its own, where no run-time checks of shapes slow it down
    done = python(Path(__file__).with_name("shuffled_demo.py"), demo[0], tmp_path / "shuffled")
    assert done.returncode == 0, done.stderr
    accuracy, f1 = map(float, done.stdout.split())
    assert accuracy < ACCURACY_MARK
    assert f1 < F1_MARK


def test_a_folder_in_use_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: is there already; give --overwrite, or another folder with --out\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_links_in_the_folder_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "scene").symlink_to(tmp_path / "elsewhere")
    assert main(["demo", "--out", str(tmp_path / "demo"), "--overwrite"]) == 1
    assert "demo/scene: is a link" in capsys.readouterr().err
    assert not any((tmp_path / "elsewhere").iterdir())
