"""Runs of an experiment that are there already: they have the settings and the model, or are refused."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cards import change_card
from terramamba.core.files import write_yaml
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
