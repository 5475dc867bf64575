"""Runs of an experiment: those that are there already fit or are refused, and one that fails says why.

Files that fail all runs of a set are named before the first of them.
"""

import errno
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from affine import Affine
from rasterio.crs import CRS

from cards import change_card
from terramamba import pipeline
from terramamba.core.errors import InputError
from terramamba.core.files import write_yaml
from terramamba.experiments import pool
from terramamba.experiments.experiment import run_experiment
from terramamba.experiments.one_run import do_run
from terramamba.experiments.plan import PlannedRun, is_done, other_settings
from terramamba.models.weights import SavedModel
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.runs.model_card import write_card
from terramamba.runs.run_lock import at_work
from terramamba.tasks import TASKS

EARLIER = {"in_channels": 2, "num_classes": 1}


@pytest.mark.parametrize(
    ("wanted", "options", "difference"),
    [
        ({}, {"directions": "channels"}, None),
        ({"directions": "axes"}, {}, None),
        ({}, {}, "the model of this run has directions 'axes', today's 'channels'"),
    ],
)
def test_a_finished_run_counts_where_its_model_is_the_one_that_is_asked_for(
    wanted: dict[str, Any], options: dict[str, Any], difference: str | None, tmp_path: Path
) -> None:
    task = TASKS["change"]
    settings = task.settings(data="pairs", model="glmamba", preset="nano", set=wanted, out=str(tmp_path))
    write_yaml(tmp_path / "config.yaml", asdict(settings))
    write_card(tmp_path, change_card(model=SavedModel("glmamba", "nano", EARLIER | options, "0a" * 32)))
    said = other_settings(PlannedRun(task, "pairs", "given", "glmamba", "", False, settings))
    assert said is None if difference is None else difference in str(said)


@pytest.mark.parametrize("refuse", ["write_text", None])
@pytest.mark.parametrize("error", [InputError("a.tif: is damaged; fetch it again"), KeyError("inside")])
def test_a_run_that_fails_says_why_also_where_the_disk_does_not_take_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    error: Exception,
    refuse: str | None,
) -> None:
    def failing(*_: object) -> None:
        raise error

    def full(*_: object) -> None:
        raise InputError("failed.txt: cannot be written") from OSError(errno.ENOSPC, "full")

    for name in ("terramamba.experiments.pool.end_with_parent", "terramamba.core.devices.use_threads"):
        monkeypatch.setattr(name, lambda *_: None)
    monkeypatch.setattr(logging, "lastResort", logging.lastResort)
    monkeypatch.setattr("terramamba.experiments.one_run.do_run", failing)
    if refuse is not None:
        monkeypatch.setattr(pool, refuse, full)
    task = TASKS["change"]
    settings = task.settings(data="pairs", model="glmamba", out=str(tmp_path / "run"))
    run = PlannedRun(task, "pairs", "given", "glmamba", "", False, settings)
    with pytest.raises(SystemExit):
        pool._work(run, failing, 1)
    assert capsys.readouterr().err == ""
    found = pool.failure_of(run)
    assert found is None if refuse else str(error) in str(found)


SIDE = 12
PARTS, DATES = ("train", "val", "test"), ("", "_after")
PAIRS = "before,after,label,split\n" + "".join(
    f"{part}.tif,{part}_after.tif,mask.tif,{part}\n" for part in PARTS
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Images of three places at two dates, and labels, on one grid."""
    rng = np.random.default_rng(0)
    images = {
        f"{name}{date}": rng.integers(1, 99, (3, SIDE, SIDE), np.uint8) for name in PARTS for date in DATES
    }
    mask = np.zeros((1, SIDE, SIDE), np.uint8)
    mask[:, 4:8] = 1
    grid = Grid(SIDE, SIDE, CRS.from_epsg(32633), Affine(10, 0, 600_000, 0, -10, 5_400_000))
    for name, values in (images | {"mask": mask, "labels": mask + 1}).items():
        write_geotiff(tmp_path / f"{name}.tif", values, grid)
    return tmp_path


@pytest.mark.parametrize(
    ("data", "tables", "said"),
    [
        ({"data": "pairs.csv"}, {"pairs.csv": PAIRS}, "test_after.tif"),
        ({"data": "pairs.csv"}, {"pairs.csv": PAIRS.rpartition("test.tif")[0]}, "no test pairs"),
        ({"data": "pairs.csv"}, {"pairs.csv": PAIRS.replace(",label", ",gt")}, "'gt'"),
        ({"data": "pairs.csv", "changed_values": ["7"]}, {"pairs.csv": PAIRS}, "no mask holds 7"),
        ({"scene": "s.csv", "labels": "labels.tif"}, {"s.csv": "image\ntrain.tif\ngone.tif\n"}, "gone.tif"),
        ({"scene": "val.tif", "labels": "labels.csv"}, {"labels.csv": "x,y\n600005,5399995\n"}, "labels.csv"),
    ],
)
def test_files_that_fail_every_run_of_a_set_are_named_before_the_first_run(
    data: dict[str, Any], tables: dict[str, str], said: str, files: Path
) -> None:
    for name, text in tables.items():
        (files / name).write_text(text)
    if "test_after" in said:
        (files / said).unlink()
    good = {"scene": "val.tif", "labels": "labels.tif"}
    study = {"data": {"good": good, "wrong": data}, "models": {"svm": {}, "cva": {}}, "seeds": 3}
    file = files / "study.yaml"
    file.write_text(yaml.safe_dump(study, sort_keys=False))

    def never(*_: object) -> None:
        raise AssertionError("a run began")

    with pytest.raises(InputError, match=rf"study.yaml: data.wrong: .*{said}") as refused:
        run_experiment(file, files / "out", tasks=TASKS, train=never, device="cpu")
    assert "\n" not in str(refused.value)
    assert not (files / "out").exists()


def kept_in(folder: Path) -> dict[str, bytes]:
    """All files of a run but those of one that is to replace it."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".new-run" not in path.parts]
    return {path.name: path.read_bytes() for path in paths}


def test_a_run_with_other_settings_stays_until_the_one_that_replaces_it_is_complete(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "pairs.csv").write_text(PAIRS)
    task, out = TASKS["change"], files / "run"
    settings = task.settings(data=str(files / "pairs.csv"), model="cva", out=str(out), device="cpu")
    earlier = PlannedRun(task, "pairs", "given", "cva", "", False, settings)
    do_run(earlier, pipeline.train)
    wanted = replace(earlier, settings=replace(settings, nodata=[7.0]))
    assert is_done(earlier)
    assert not is_done(wanted)
    assert "the run has nodata None, not [7.0]" in str(other_settings(wanted))
    before = kept_in(out)
    with pytest.raises(InputError, match="the run has nodata"):
        do_run(wanted, pipeline.train)

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    anew = replace(wanted, settings=replace(wanted.settings, overwrite=True))
    with monkeypatch.context() as training:
        training.setattr("terramamba.pipeline.training._fitted", ended)
        with pytest.raises(KeyboardInterrupt):
            do_run(anew, pipeline.train)
    assert kept_in(out) == before
    assert is_done(earlier)  # for those who give the earlier file again
    assert not is_done(wanted)
    assert other_settings(wanted) is None  # it is gone on with, with or without --overwrite
    do_run(wanted, pipeline.train)
    assert is_done(wanted)
    assert not is_done(earlier)
    assert not (out / ".new-run").exists()


def test_a_run_that_was_killed_at_its_very_end_is_finished(files: Path) -> None:
    (files / "pairs.csv").write_text(PAIRS)
    task, out = TASKS["change"], files / "run"
    settings = task.settings(data=str(files / "pairs.csv"), model="cva", out=str(out), device="cpu")
    run = PlannedRun(task, "pairs", "given", "cva", "", False, settings)
    do_run(run, pipeline.train)
    whole = {path.name for path in out.iterdir()}
    for name in ("report.html", "measured.json"):  # before the page, and in the exchange with another run
        (out / name).unlink()
    (out / ".report.4711.part.html").touch()
    do_run(run, pipeline.train)
    assert {path.name for path in out.iterdir()} == whole
    (out / ".new-run.moved").mkdir()
    for name in ("config.yaml", "metrics.json"):
        (out / name).rename(out / ".new-run.moved" / name)
    do_run(run, pipeline.train)
    assert {path.name for path in out.iterdir()} == whole


def test_one_process_at_a_time_does_the_runs_of_a_folder(files: Path) -> None:
    (files / "pairs.csv").write_text(PAIRS)
    file, out = files / "study.yaml", files / "out"
    file.write_text(yaml.safe_dump({"data": {"pairs": {"data": "pairs.csv"}}, "models": {"cva": {}}}))
    with at_work(out), pytest.raises(InputError, match="out: another run is at work on it"):
        run_experiment(file, out, tasks=TASKS, train=pipeline.train, device="cpu")
