"""``terramamba explain`` as a user calls it: what is printed and written, and what is refused."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from cards import change_card, cover_card, land_cover_classes, save_run
from terramamba.data.scaling import Scaling
from terramamba.models.registry import create_model
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window
from terramamba.runs.model_card import PatchShape

BANDS = 12
PATCH = 5


@dataclass(frozen=True)
class Untrained:
    """A run folder of each model, with fresh weights: enough for looking at what it does."""

    ssa: Path
    gl: Path


@pytest.fixture(scope="module")
def untrained(workshop, tmp_path_factory: pytest.TempPathFactory) -> Untrained:
    home = tmp_path_factory.mktemp("untrained")
    alive = [band for band in range(BANDS) if band != workshop.scene.dead_band]

    def scaling(bands: list[int], factor: float) -> Scaling:
        count = len(bands)
        return Scaling("standard", tuple(bands), (0.0,) * count, (factor,) * count, (0.5,) * count)

    cover = cover_card(
        source_bands=BANDS,
        scaling=scaling(alive, 1e-4),
        patches=PatchShape(PATCH, "reflect"),
        classes=land_cover_classes(4),
    )
    change = change_card(source_bands=3, scaling=scaling([0, 1, 2], 1 / 255))
    ssa = create_model("ssa_mamba", preset="tiny", in_channels=len(alive), num_classes=4)
    save_run(ssa, home / "ssa", cover)
    save_run(create_model("glmamba", preset="nano", in_channels=3), home / "gl", change)
    return Untrained(home / "ssa", home / "gl")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def is_a_picture(path: Path) -> bool:
    with Image.open(path) as picture:
        return len(np.unique(np.asarray(picture))) > 20


def test_a_classifier_on_its_own_validation_pixels(workshop, program, tmp_path) -> None:
    done = program("explain", workshop.cover_run, "--repeats", "2", "--bands-per-group", "4", cwd=None)
    assert done.status == 2
    assert "--out must be given" in done.err
    out = tmp_path / "deep" / "why"
    words = ("explain", workshop.cover_run, workshop.scene.scene, "--out", out, "--repeats", "2")
    done = program(*words, "--bands-per-group", "4")
    assert done.status == 0, done.err
    assert "overall accuracy" in done.out
    assert "svm has none" in done.out
    record = json.loads((out / "explain.json").read_text())
    assert "validation pixels of the run" in record["pixels"]["which"]
    assert record["pixels"]["classes_from"] == "labels"
    metrics = json.loads((workshop.cover_run / "metrics.json").read_text())
    if record["pixels"]["count"] < 500:  # all of them, so the score is the run's own
        assert record["importance"]["oa"] == pytest.approx(metrics["validation"]["oa"])
    rows = rows_of(out / "band_importance.csv")
    used = [int(band) for row in rows for band in row["bands"].split()]
    assert sorted(used) == [band for band in range(1, BANDS + 1) if band != workshop.scene.dead_band + 1]
    assert all(float(row["from_nm"]) <= float(row["to_nm"]) for row in rows)
    assert {path.name for path in out.iterdir()} == {*record["files"], "explain.json"}
    assert is_a_picture(out / "band_importance.png")


def test_attention_of_named_pixels_of_another_scene(workshop, untrained, program, tmp_path) -> None:
    scene, out = open_scene(workshop.scene.scene), tmp_path / "why"
    at = rasterio.transform.xy(scene.transform, 30, 41)
    named = ("--pixel", "59,59", "--pixel=20,7", "--at", f"{at[0]},{at[1]}")
    done = program("explain", scene.path, untrained.ssa, *named, "--samples", "40", "--out", out)
    assert done.status == 0, done.err
    assert "not measured: it needs labelled pixels" in done.out
    assert "of 25 pixels in effect" in done.out
    record = json.loads((out / "explain.json").read_text())
    assert [entry["pixel"] for entry in record["named_pixels"]] == [[59, 59], [20, 7], [30, 41]]
    for entry in record["named_pixels"]:
        assert sum(entry["probability"].values()) == pytest.approx(1, abs=1e-5)
    for row, col, shape in ((59, 59, (3, 3)), (30, 41, (PATCH, PATCH))):  # the corner is mirrored onto itself
        assert is_a_picture(out / f"pixel_{row}_{col}.png")
        with rasterio.open(out / f"pixel_{row}_{col}_attention.tif") as file:
            assert file.shape == shape
            assert file.crs == scene.crs
            assert file.index(*rasterio.transform.xy(scene.transform, row, col)) == (2, 2)
            np.testing.assert_allclose(file.read().sum(axis=(1, 2)), 1, rtol=1e-5)
    sums: dict[tuple[str, ...], float] = {}
    for entry in rows_of(out / "attention.csv"):
        key = entry["class"], entry["map"], entry["asking"]
        sums[key] = sums.get(key, 0.0) + float(entry["weight"])
    assert len(sums) >= 4
    assert list(sums.values()) == pytest.approx([1.0] * len(sums), abs=1e-4)
    assert is_a_picture(out / "attention.png")


def test_labels_of_a_scene_give_band_importance(workshop, untrained, terramamba, tmp_path) -> None:
    out = tmp_path / "why"
    files = (workshop.scene.scene, "--labels", workshop.scene.labels)
    how = ("--samples", "60", "--repeats", "1", "--bands-per-group", "6")
    done = terramamba("explain", untrained.ssa, *files, *how, "--out", out)
    assert done.status == 0, done.err
    record = json.loads((out / "explain.json").read_text())
    assert record["pixels"]["count"] == 60
    assert str(workshop.scene.labels) in record["pixels"]["which"]
    assert len(record["importance"]["groups"]) == 2
    assert any("does not know" in note for note in record["notes"])


def test_a_pair_is_explained_where_most_is_marked(workshop, untrained, program, tmp_path) -> None:
    pairs, out = workshop.pairs, tmp_path / "why"
    words = ("explain", untrained.gl, pairs.before, pairs.after, "--out", out)
    done = program(*words, "--size", "48")
    assert done.status == 0, done.err
    assert "where most is marked, of all 6 windows" in done.out
    record = json.loads((out / "explain.json").read_text())
    window = record["window"]
    assert (window["height"], window["width"]) == (48, 48)
    scene = open_scene(pairs.before)
    for name, bands in (("activations", 12), ("grad_cam", 12), ("probability", 1)):
        with rasterio.open(out / f"{name}.tif") as file:
            assert (file.count, file.height, file.width) == (bands, 48, 48)
            assert file.crs == scene.crs
            assert file.transform == scene.grid.crop(Window(**window)).transform
            values = file.read(masked=True)
            assert values.count() == bands * record["usable_pixels"]
            if name == "probability":
                assert (values >= record["threshold"]).sum() == record["marked_pixels"]
    assert len(rows_of(out / "layers.csv")) == 12
    assert is_a_picture(out / "activations.png")
    assert is_a_picture(out / "grad_cam.png")
    again = program(*words, "--window", "5,6,40,33", "--overwrite")
    assert again.status == 0, again.err
    with rasterio.open(out / "grad_cam.tif") as file:
        assert file.shape == (40, 33)


def mask_of_rows(path: Path, scene: Scene, rows: int) -> Path:
    """A mask of the first ``rows`` rows of ``scene``."""
    marked = np.zeros((1, scene.height, scene.width), np.uint8)
    marked[:, :rows] = 1
    write_geotiff(path, marked, scene.grid)
    return path


def test_a_mask_leaves_pixels_of_a_scene_out(workshop, untrained, terramamba, tmp_path) -> None:
    scene = open_scene(workshop.scene.scene)
    mask, out = mask_of_rows(tmp_path / "clouds.tif", scene, 50), tmp_path / "why"
    words = ("explain", untrained.ssa, scene.path, "--mask", mask, "--out", out, "--pixel")
    done = terramamba(*words, "49,30")
    assert done.status == 1
    assert "no data at row 49, column 30" in done.err
    assert not out.exists()
    done = terramamba(*words, "50,30", "--samples", "100000")
    assert done.status == 0, done.err
    record = json.loads((out / "explain.json").read_text())
    assert record["masks"] == [str(mask)]
    whole = scene.height * scene.width
    assert record["pixels"]["count"] == whole * (scene.height - 50) // scene.height
    assert f"{whole - record['pixels']['count']} pixels without data are left out" in record["notes"]


def test_a_mask_leaves_pixels_of_a_pair_out(workshop, untrained, terramamba, tmp_path) -> None:
    mask, out = mask_of_rows(tmp_path / "clouds.tif", open_scene(workshop.pairs.before), 12), tmp_path / "why"
    words = (
        "explain",
        untrained.gl,
        workshop.pairs.before,
        workshop.pairs.after,
        "--mask",
        mask,
        "--out",
        out,
    )
    done = terramamba(*words, "--window", "0,4,12,20")
    assert done.status == 1
    assert "no pixel with data at both dates" in done.err
    done = terramamba(*words, "--window", "5,6,40,33")
    assert done.status == 0, done.err
    record = json.loads((out / "explain.json").read_text())
    assert (record["masks"], record["usable_pixels"]) == ([str(mask)], 33 * 33)
    with rasterio.open(out / "grad_cam.tif") as file:
        values = file.read(masked=True)
        assert values.mask[:, :7].all()
        assert not values.mask[:, 7:].any()


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (("--pixel", "60,0"), "outside"),
        (("--pixel", "1,2,3"), "is not ROW,COL"),
        (("--pixel", "1.5,2"), "whole numbers"),
        (("--at", "0,0"), "outside"),
        (("--pixel", "0,0", "--samples", "1"), "--samples 1"),
        (("--bands-per-group", "0"), "--bands-per-group 0"),
        (("--window", "0,0,9,9"), "--window: is for runs for change"),
        (("--labels", "missing.tif"), "missing.tif"),
    ],
)
def test_a_classifier_refuses(flags, error, workshop, untrained, terramamba, tmp_path) -> None:
    out = tmp_path / "why"
    done = terramamba("explain", untrained.ssa, workshop.scene.scene, *flags, "--out", out)
    assert done.status == 1
    assert error in done.err.splitlines()[-1]
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (("--window", "90,0,10,10"), "not inside"),
        (("--window", "1,2,3"), "is not ROW,COL,HEIGHT,WIDTH"),
        (("--window", "0,0,4,4", "--pixel", "1,1"), "give one of them"),
        (("--pixel", "1,1", "--pixel", "2,2"), "name one place"),
        (("--size", "0"), "--size 0"),
        (("--window", "0,0,0,5"), "at least 1 high"),
        (("--repeats", "3"), "--repeats: is for runs for classify"),
    ],
)
def test_a_pair_is_refused(flags, error, workshop, untrained, terramamba, tmp_path) -> None:
    out = tmp_path / "why"
    done = terramamba(
        "explain", untrained.gl, workshop.pairs.before, workshop.pairs.after, *flags, "--out", out
    )
    assert done.status == 1
    assert error in done.err.splitlines()[-1]
    assert not any(tmp_path.iterdir())


def test_files_and_runs_that_do_not_fit(workshop, untrained, program, terramamba, tmp_path) -> None:
    def refused(error: str, *words: object, how=terramamba) -> None:
        done = how("explain", *words, "--out", tmp_path / "why")
        assert done.status == 1, done.out
        assert len(done.err.splitlines()) == 1
        assert error in done.err
        assert [path.name for path in tmp_path.iterdir()] == ["full"]

    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    scene, pairs = workshop.scene.scene, workshop.pairs
    refused("has 3 bands", untrained.ssa, pairs.before, how=program)
    refused("needs BEFORE and AFTER", untrained.gl, scene)
    refused("parts of glmamba", workshop.change_run, pairs.before, pairs.after)
    for more in ((), ("--overwrite",)):
        done = terramamba("explain", untrained.ssa, scene, "--out", tmp_path / "full", *more)
        assert done.status == 1
        assert "is not empty" in done.err
        assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
