"""Values in other units than those of the training are noted before a map is made."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from job_cases import Jobs

from terramamba.mapping.value_range import training_differences, value_range_warning
from terramamba.raster.checks.scales import scene_scales
from terramamba.raster.readers.open import open_scene
from terramamba.runs.folder import Run, load_run


def scaled(path: Path, target: Path, times: float) -> Path:
    with rasterio.open(path) as image:
        profile, values = image.profile, image.read()
    with rasterio.open(target, "w", **(profile | {"dtype": "float32"})) as file:
        file.write(np.where(values == image.nodata, values, values * times).astype(np.float32))
    return target


@pytest.mark.parametrize(("kind", "names"), [("classify", ["scene"]), ("change", ["before", "after"])])
def test_other_units_are_noted(jobs: Jobs, tmp_path: Path, kind: str, names: list[str]) -> None:
    job = getattr(jobs, kind)
    run = job.words[2]
    scenes = [scaled(jobs.home / f"{name}.tif", tmp_path / f"{name}.tif", 1e-4) for name in names]
    out = tmp_path / "out"
    out.mkdir()
    ended = jobs.run(out, [*job.words[:2], run, *map(str, scenes), "--out", "map.tif"])
    assert ended.status == 0, ended.said
    (note,) = (
        line for line in ended.said.splitlines() if line.startswith("note: ") and "the same units" in line
    )
    assert note.startswith(f"note: {scenes[0]}: its values are about ")
    times = int(note.split(" times smaller than those")[0].rpartition(" ")[2].replace(",", ""))
    assert 5_000 < times < 20_000
    usual = jobs.run(tmp_path, [*job.command("--shard", "1/9")])
    assert "the same units" not in usual.said


@pytest.mark.parametrize("times", [0.0, 1 / 255, 0.2, 1.0, 5.0, 100.0])
def test_how_much_is_too_much_of_a_run_without_quantiles(jobs: Jobs, tmp_path: Path, times: float) -> None:
    run = load_run(jobs.classify.words[2])
    scene = scaled(jobs.home / "scene.tif", tmp_path / "scene.tif", times)
    said = value_range_warning(run, open_scene(scene))
    assert (said is None) == (1 / 30 < times < 30)


def changed(source: Path, target: Path, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    with rasterio.open(source) as image:
        profile, values = image.profile, image.read().astype(np.float32)
    with rasterio.open(target, "w", **(profile | {"dtype": "float32"})) as file:
        file.write(np.where(values == profile["nodata"], values, change(values)).astype(np.float32))
    return target


def with_quantiles(jobs: Jobs) -> Run:
    """The run with what it would have kept of its scene."""
    run = load_run(jobs.classify.words[2])
    trained = scene_scales(open_scene(jobs.home / "scene.tif"), run.scaling.bands)
    assert trained is not None
    return replace(run, card=replace(run.card, data=replace(run.card.data, quantiles=trained[0].rows)))


@pytest.mark.parametrize(
    ("lose", "words"),
    [
        (
            lambda values: np.where(np.indices(values.shape)[0] == 1, np.nan, values),
            "no data anywhere in band 2, which",
        ),
        (
            lambda values: np.where(np.indices(values.shape)[0] > 1, 7, values),
            "nothing but 7 in bands 3-4, where what",
        ),
        (lambda values: values, None),
    ],
)
def test_bands_that_were_not_recorded_are_said(
    jobs: Jobs, tmp_path: Path, lose: Callable[[np.ndarray], np.ndarray], words: str | None
) -> None:
    scene = open_scene(changed(jobs.home / "scene.tif", tmp_path / "scene.tif", lose))
    said = training_differences(with_quantiles(jobs), scene)
    lost = [note for note in said if "no data anywhere" in note or "nothing but" in note]
    assert len(lost) == (words is not None)
    assert words is None or lost[0].startswith(f"{scene.path}: {words}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda values: values + 1000, "higher than those that the model was trained on by about 1,000"),
        (lambda values: values * 2, "about 2 times larger than those that the model was trained on"),
        # where much larger, much alike is enough; beyond all values of training by an offset and a gain
        (lambda values: 4 * np.abs(values) ** 1.2, "about 3.5 times larger in all bands than"),
        (lambda values: 9 + values / 3, "nearly all its values lie above nearly all that the model was"),
        (lambda values: values / 10_000, "about 10,000 times smaller than"),
        (lambda values: np.where(np.indices(values.shape)[1] == 3, 1e9, values), "--nodata 1000000000"),
    ],
)
def test_other_values_than_those_of_training_are_said(
    jobs: Jobs, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], words: str
) -> None:
    own, run = jobs.home / "scene.tif", with_quantiles(jobs)
    assert training_differences(run, open_scene(own)) == []
    scene = changed(own, tmp_path / "scene.tif", change)
    said = training_differences(run, open_scene(scene))
    assert all(note.startswith(str(scene)) for note in said)
    assert sum(words in note for note in said) == 1


@pytest.mark.parametrize(
    ("learnt", "kind", "times", "said"),
    [
        (2000.0, "uint8", 0.06, "it holds bytes, those were none"),
        (2000.0, "uint16", 0.06, None),  # a dark scene of one sensor
        (60.0, "uint16", 8.0, "those were bytes, it holds none"),
        (60.0, "uint8", 3.0, None),
        (0.2, "float32", 8.0, None),
    ],
)
def test_pictures_stretched_to_bytes_are_told_from_measurements(
    jobs: Jobs, tmp_path: Path, learnt: float, kind: str, times: float, said: str | None
) -> None:
    run = load_run(jobs.classify.words[2])
    scaling = run.scaling
    bands = len(scaling.bands)
    rows = tuple((learnt * step,) * bands for step in (0.5, 0.8, 1.0, 1.2))
    data = replace(
        run.card.data,
        quantiles=rows,
        scaling=replace(scaling, offset=(0.0,) * bands, factor=(1 / learnt,) * bands, fill=(1.0,) * bands),
    )
    with rasterio.open(jobs.home / "scene.tif") as image:
        profile = {**image.profile, "dtype": kind, "nodata": None}
    values = np.random.default_rng(0).uniform(0.8, 1.2, (profile["count"], 60, 60)) * learnt * times
    with rasterio.open(tmp_path / "scene.tif", "w", **(profile | {"width": 60, "height": 60})) as file:
        file.write(values.astype(kind))
    warned = value_range_warning(
        replace(run, card=replace(run.card, data=data)), open_scene(tmp_path / "scene.tif")
    )
    assert (warned is None) == (said is None)
    assert said is None or said in str(warned)
