"""The demo learns something real: its marks are reached, and only with true labels."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyogrio import read_info

from terramamba.cli import main
from terramamba.data.synthetic import UTM
from terramamba.demo import run_demo
from terramamba.raster.scene import open_scene

ACCURACY_MARK = 0.9
F1_MARK = 0.6


def test_demo_reaches_its_marks_and_leaves_maps_polygons_and_pictures(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    summary = run_demo(home)
    land_cover, change = summary["classify"], summary["change"]
    assert land_cover["oa"] >= ACCURACY_MARK
    assert change["f1"] >= F1_MARK
    assert json.loads((home / "summary.json").read_text()) == summary
    for job in (land_cover, change):
        metrics = json.loads((Path(job["run"]) / "metrics.json").read_text())["test"]
        assert {name: job[name] for name in job if name in metrics} == {
            name: metrics[name] for name in metrics if name in job
        }
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


def test_shuffled_labels_miss_the_marks(tmp_path: Path) -> None:
    summary = run_demo(tmp_path / "demo", shuffle_labels=True)
    assert summary["classify"]["oa"] < ACCURACY_MARK
    assert summary["change"]["f1"] < F1_MARK


def test_a_folder_in_use_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: is there already; give --overwrite, or another folder with --out\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
