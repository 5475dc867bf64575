"""Runs of an experiment: those that are there already fit or are refused, and one that fails says why."""

import errno
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cards import change_card
from terramamba.core.errors import InputError
from terramamba.core.files import write_yaml
from terramamba.experiments import pool
from terramamba.experiments.plan import PlannedRun, other_settings
from terramamba.models.weights import SavedModel
from terramamba.runs.model_card import write_card
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
