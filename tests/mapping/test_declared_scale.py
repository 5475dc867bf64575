"""Images that declare scale and offset: training learns physical values, and the run says so to all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from programs import terramamba
from terramamba.api import train_change_detector, train_classifier
from terramamba.change.settings import ChangeSettings
from terramamba.core.run_files import CARD
from terramamba.landcover.explain.pixels import choose_pixels
from terramamba.landcover.settings import ClassifySettings
from terramamba.runs.folder import load_run

SIDE, BANDS = 36, 4
SCALE, OFFSET = 2e-4, -0.1
PLACE = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 5e6), "driver": "GTiff"}


def save(path: Path, values: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    with rasterio.open(
        path, "w", count=count, height=height, width=width, dtype=values.dtype, **PLACE
    ) as file:
        file.write(values)
        if (scale, offset) != (1.0, 0.0):
            file.scales, file.offsets = (scale,) * count, (offset,) * count
    return path


def declare(path: Path, scale: float = SCALE, offset: float = OFFSET) -> Path:
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (scale,) * file.count, (offset,) * file.count
    return path


def pixels(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def ground() -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers of three classes in stripes, and the classes."""
    random = np.random.default_rng(7)
    classes = np.broadcast_to(np.arange(SIDE) // 12 + 1, (SIDE, SIDE)).astype(np.uint8)
    level = 1000 * np.array([[1, 3, 2, 5], [2, 4, 6, 1], [4, 1, 3, 3]])[classes - 1].transpose(2, 0, 1)
    return (level + 2 * random.integers(-400, 400, level.shape)).astype(np.uint16), classes


def trained(scene: Path, labels: Path, out: Path) -> ClassifySettings:
    settings = ClassifySettings(
        scene=str(scene),
        labels=str(labels),
        out=str(out),
        model="random_forest",
        split="random",
        patch_size=1,
    )
    train_classifier(settings)
    return settings


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A scene as stored, the same declaring its scale, and a run of each."""
    folder = tmp_path_factory.mktemp("declared")
    values, classes = ground()
    files = {
        "labels": declare(save(folder / "labels.tif", classes[None]), 0.5, 0.0),
        "plain": save(folder / "plain.tif", values),
        "declaring": save(folder / "declaring.tif", values, SCALE, OFFSET),
        "floats": save(folder / "floats.tif", (values * SCALE + OFFSET).astype(np.float32)),
        "halved": save(folder / "halved.tif", values // 2, 2 * SCALE, OFFSET),
    }
    for name in ("plain", "declaring"):
        files[f"run of {name}"] = folder / f"run_{name}"
        trained(files[name], files["labels"], files[f"run of {name}"])
    return files


def mapped(made: dict[str, Path], run: str, scene: str, out: Path) -> tuple[Any, str]:
    done = terramamba("classify", "map", made[f"run of {run}"], made[scene], "--out", out / f"{scene}.tif")
    assert done.returncode == 0, done.stderr
    return pixels(out / f"{scene}.tif"), done.stderr


def test_training_learns_physical_values_and_says_so(made: dict[str, Path]) -> None:
    plain, declaring = (load_run(made[f"run of {name}"]) for name in ("plain", "declaring"))
    assert (plain.card.data.physical, declaring.card.data.physical) == (None, True)
    assert "physical" not in json.loads((made["run of plain"] / CARD).read_text())
    np.testing.assert_allclose(
        declaring.scaling.offset, np.array(plain.scaling.offset) * SCALE + OFFSET, rtol=1e-5
    )
    assert declaring.classes.names == plain.classes.names  # a label raster is never scaled
    notes = json.loads((made["run of declaring"] / "metrics.json").read_text())["notes"]
    plan = json.loads((made["run of declaring"] / "plan.json").read_text())
    said = "scale and offset that the file declares are applied: values are those stored x 0.0002 + -0.1"
    assert any(note.startswith(said) for note in notes)
    assert said in json.dumps(plan)


def test_a_run_of_numbers_as_stored_maps_what_declares_a_scale_as_before(
    made: dict[str, Path], tmp_path: Path
) -> None:
    before, silent = mapped(made, "plain", "plain", tmp_path)
    after, said = mapped(made, "plain", "declaring", tmp_path)
    assert np.array_equal(before, after)
    assert "declaring.tif: scale and offset that the file declares (x 0.0002 + -0.1) are not applied" in said
    assert "times" not in said  # nothing about other units
    assert "scale and offset" not in silent


def test_a_run_of_physical_values_maps_physical_values(made: dict[str, Path], tmp_path: Path) -> None:
    own, said = mapped(made, "declaring", "declaring", tmp_path)
    assert "are applied: values are those stored x 0.0002 + -0.1" in said
    for other in ("halved", "floats"):
        assert np.array_equal(mapped(made, "declaring", other, tmp_path)[0], own)
    _, said = mapped(made, "declaring", "plain", tmp_path)
    assert "plain.tif: scale and offset: the file declares none, while" in said


def explained_pixels(folder: Path) -> float:
    """The mean of what an explanation of a run looks at."""
    return float(choose_pixels(load_run(folder), None, None).scene.read()[0].mean())


def test_scores_and_explanations_follow_the_card(made: dict[str, Path], tmp_path: Path) -> None:
    """Also of a run of before on a scene that declares a scale, which it did not apply."""
    values, _ = ground()
    scene = save(tmp_path / "scene.tif", values)
    trained(scene, made["labels"], tmp_path / "run")
    declare(scene)
    for run in (tmp_path / "run", made["run of declaring"]):
        score = json.loads((run / "metrics.json").read_text())["test"]
        own = json.loads(terramamba("classify", "evaluate", run, "--json").stdout)
        assert own["test"] == score
        words = ("--scene", made["declaring"], "--labels", made["labels"])
        whole = json.loads(terramamba("classify", "evaluate", run, *words, "--json").stdout)
        assert whole["test"]["oa"] > 0.95
        assert (explained_pixels(run) > 100) == (run != made["run of declaring"])


def pairs(root: Path, later: tuple[float, float] | None) -> Path:
    """Pairs whose later dates are stored with 1000 more; the scale and offset ``later`` say so.

    None: the same in physical values.
    """
    random = np.random.default_rng(2)
    for subset in ("train", "val", "test"):
        before = random.integers(1000, 3000, (3, SIDE, SIDE))
        after = before + random.integers(-20, 20, before.shape)
        changed = np.zeros((SIDE, SIDE), np.uint8)
        changed[8:20, 6:18] = 255
        after[:, changed > 0] += 2500
        if later is None:
            for date, values in (("A", before), ("B", after)):
                save(root / subset / date / "1.tif", (values * 1e-4).astype(np.float32))
        else:
            save(root / subset / "A" / "1.tif", before.astype(np.uint16), 1e-4, 0.0)
            save(root / subset / "B" / "1.tif", (after + 1000).astype(np.uint16), *later)
        save(root / subset / "label" / "1.tif", changed[None])
    return root


def test_dates_with_unlike_offsets_are_compared_in_physical_values(tmp_path: Path) -> None:
    root = pairs(tmp_path / "pairs", (1e-4, -0.1))
    result, expected = (
        train_change_detector(ChangeSettings(data=str(data), out=str(out), model="cva"))
        for data, out in (
            (root, tmp_path / "run"),
            (pairs(tmp_path / "floats", None), tmp_path / "run of floats"),
        )
    )
    assert result["test"]["f1"] == pytest.approx(expected["test"]["f1"], abs=1e-3)
    assert not [note for note in result["notes"] if "between the dates in" in note]
    said = [note for note in result["notes"] if note.startswith("scale and offset")]
    assert [note.rpartition("(")[2].split(" images")[0] for note in said] == ["3 of 6", "3 of 6"]
    assert load_run(tmp_path / "run").card.data.physical
    own = json.loads(terramamba("change", "evaluate", tmp_path / "run", "--data", root, "--json").stdout)
    assert own["test"]["f1"] == result["test"]["f1"]
    dates = [root / "test" / date / "1.tif" for date in "AB"]
    done = terramamba("change", "map", tmp_path / "run", *dates, "--out", tmp_path / "c.tif")
    assert done.returncode == 0, done.stderr
    floats = [tmp_path / "floats" / "test" / date / "1.tif" for date in "AB"]
    for name, given in (("bare", dates), ("floats", floats)):
        bare = terramamba("change", "map", *given, "--model", "cva", "--out", tmp_path / f"{name}.tif")
        assert bare.returncode == 0, bare.stderr
    assert (pixels(tmp_path / "bare.tif") != pixels(tmp_path / "floats.tif")).mean() < 0.01
    (tmp_path / "run" / CARD).write_text(
        json.dumps(
            {k: v for k, v in json.loads((tmp_path / "run" / CARD).read_text()).items() if k != "physical"}
        )
    )
    before = terramamba("change", "map", tmp_path / "run", *dates, "--out", tmp_path / "before.tif")
    assert before.stderr.count("are not applied") == 2


def test_a_scale_that_one_date_alone_declares_is_a_warning(tmp_path: Path) -> None:
    root = pairs(tmp_path / "pairs", (1.0, 0.0))
    words = ("change", "train", "--data", root, "--model", "cva", "--out", tmp_path / "run", "--dry-run")
    done = terramamba(*words)
    assert done.returncode == 0, done.stderr
    assert "warning: scale declared at one date in 3 of 3 pairs; the first: " in done.stdout
