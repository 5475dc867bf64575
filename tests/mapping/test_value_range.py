"""Values in other units than those of the training are noted before a map is made."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from job_cases import Jobs

from terramamba.mapping.value_range import value_range_warning
from terramamba.raster.readers.open import open_scene
from terramamba.runs.folder import load_run


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
    (note,) = (line for line in ended.said.splitlines() if "the same units" in line)
    assert note.startswith(f"note: {scenes[0]}: its values are about ")
    times = int(note.split(" times smaller than those")[0].rpartition(" ")[2].replace(",", ""))
    assert 5_000 < times < 20_000
    usual = jobs.run(tmp_path, [*job.command("--shard", "1/9")])
    assert "the same units" not in usual.said


@pytest.mark.parametrize("times", [0.0, 1 / 255, 0.2, 1.0, 5.0, 100.0])
def test_how_much_is_too_much(jobs: Jobs, tmp_path: Path, times: float) -> None:
    run = load_run(jobs.classify.words[2])
    scene = scaled(jobs.home / "scene.tif", tmp_path / "scene.tif", times)
    said = value_range_warning(run, open_scene(scene))
    assert (said is None) == (1 / 30 < times < 30)
