"""Repeats with several seeds: folders, what is kept on resume, mean and standard deviation."""

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from cards import change_card
from terramamba.core.errors import InputError
from terramamba.core.files import write_json, write_yaml
from terramamba.models.weights import SavedModel
from terramamba.runs.model_card import write_card
from terramamba.runs.seeds import average, train_seeds
from terramamba.training.settings import TrainSettings


def result(settings: TrainSettings) -> dict:
    score = settings.seed / 10
    return {
        "folder": settings.out,
        "seed": settings.seed,
        "split_id": f"id{settings.seed}",
        "model": "toy",
        "test": {"oa": score, "per_class": [{"name": "water", "f1": score**2}], "absent": []},
    }


def train(calls: list[TrainSettings]):
    def one(settings: TrainSettings) -> dict:
        calls.append(settings)
        made = result(settings)
        write_yaml(Path(settings.out) / "config.yaml", {"seed": settings.seed})
        write_json(Path(settings.out) / "metrics.json", made)
        return made

    return one


def test_one_seed_is_one_run_in_its_own_folder(tmp_path):
    calls: list[TrainSettings] = []
    settings = TrainSettings(model="toy", out=str(tmp_path), seed=7)
    assert train_seeds(settings, train(calls)) == result(settings)
    assert calls == [settings]


def test_seeds_are_averaged_with_their_deviation(tmp_path):
    calls: list[TrainSettings] = []
    averaged = train_seeds(TrainSettings(model="toy", out=str(tmp_path), seed=5, seeds=3), train(calls))
    assert [(call.seed, call.seeds, Path(call.out).name) for call in calls] == [
        (5, 1, "seed-5"),
        (6, 1, "seed-6"),
        (7, 1, "seed-7"),
    ]
    scores = [0.5, 0.6, 0.7]
    oa = averaged["test"]["oa"]
    assert oa["mean"] == pytest.approx(statistics.mean(scores))
    assert oa["std"] == pytest.approx(statistics.stdev(scores))
    (water,) = averaged["test"]["per_class"]
    assert water["name"] == "water"
    assert water["f1"]["mean"] == pytest.approx(statistics.mean(score**2 for score in scores))
    assert averaged["seeds"] == [5, 6, 7]
    assert averaged["folder"] == str(tmp_path)
    assert averaged["model"] == "toy"
    assert "split_id" not in averaged
    assert json.loads((tmp_path / "metrics.json").read_text()) == averaged


def test_resume_keeps_finished_seeds_and_continues_the_others(tmp_path):
    settings = TrainSettings(model="toy", out=str(tmp_path), seed=1, seeds=3, resume=True)
    first = result(TrainSettings(model="toy", out=str(tmp_path / "seed-1"), seed=1))
    write_yaml(tmp_path / "seed-1" / "config.yaml", {})
    write_json(tmp_path / "seed-1" / "metrics.json", first)
    write_yaml(tmp_path / "seed-2" / "config.yaml", {})
    calls: list[TrainSettings] = []
    averaged = train_seeds(settings, train(calls))
    assert [(call.seed, call.resume) for call in calls] == [(2, True), (3, False)]
    assert averaged["test"]["oa"]["mean"] == pytest.approx(0.2)


def test_no_seed_at_all_is_refused():
    with pytest.raises(InputError, match="--seeds 0: at least 1"):
        train_seeds(TrainSettings(model="toy", out="unused", seeds=0), result)


def test_values_that_differ_and_have_no_mean_are_listed():
    runs = [{"folder": "a/b", "seed": seed, "stopped": word} for seed, word in ((1, "early"), (2, "late"))]
    assert average(runs) == {"seeds": [1, 2], "stopped": ["early", "late"]}


def test_what_earlier_seeds_say_of_their_place_is_not_followed(tmp_path):
    first = result(TrainSettings(model="toy", out=str(tmp_path / "elsewhere" / "seed-1"), seed=1))
    write_json(tmp_path / "runs" / "seed-1" / "metrics.json", first)
    settings = TrainSettings(model="toy", out=str(tmp_path / "runs"), seed=1, seeds=2, resume=True)
    assert train_seeds(settings, train([]))["folder"] == str(tmp_path / "runs")


@pytest.mark.parametrize("how", [{"resume": True}, {"overwrite": True}, {}])
def test_a_seed_whose_folder_is_a_link_is_refused(tmp_path, how):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "seed-2").symlink_to(tmp_path / "elsewhere")
    settings = TrainSettings(model="toy", out=str(tmp_path / "runs"), seed=1, seeds=2, **how)
    with pytest.raises(InputError, match="seed-2: is a link"):
        train_seeds(settings, train([]))
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_finished_run_of_a_model_that_has_another_default_by_now_is_refused(tmp_path):
    earlier = {"in_channels": 2, "num_classes": 1, "interaction": "position"}
    folder = tmp_path / "seed-5"
    settings = TrainSettings(model="glmamba", preset="nano", out=str(tmp_path), seed=5, seeds=2, resume=True)
    train([])(replace(settings, out=str(folder)))
    write_card(folder, change_card(model=SavedModel("glmamba", "nano", earlier, "0a" * 32)))
    with pytest.raises(InputError, match=r"seed-5: the model of this run has directions 'axes', today's"):
        train_seeds(settings, train([]))
    calls: list[TrainSettings] = []
    train_seeds(replace(settings, set={"directions": "axes"}), train(calls))
    assert [call.seed for call in calls] == [6]
    today = SavedModel("glmamba", "nano", {**earlier, "directions": "axes"}, "0a" * 32)
    write_card(folder, change_card(model=today))
    train_seeds(settings, train([]))
