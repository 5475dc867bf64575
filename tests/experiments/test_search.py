"""Settings sought by optuna itself: proposals inside their bounds, the same ones again after an end."""

import csv
import shutil

import pytest
import yaml

from terramamba.api import run_experiment
from terramamba.core.errors import InputError
from terramamba.data.synthetic.files import make_scene
from terramamba.experiments.file import read_experiment
from terramamba.tasks import TASKS

TRIALS = 4
FILE = {
    "seeds": [0],
    "splits": {"block": {"split": "block"}, "random": {"split": "random"}},
    "settings": {"min_per_class": 4, "epochs": 1},
    "data": {"made_up": {"scene": "scene/scene.tif", "labels": "scene/labels.tif"}},
    "models": {"one_d_cnn": {"baseline": False}},
    "search": {
        "one_d_cnn": {
            "trials": TRIALS,
            "splits": ["block"],
            "space": {"lr": {"low": "1e-4", "high": 1e-1, "log": True}, "set.hidden": [20, 60]},
        }
    },
}


@pytest.fixture
def written(tmp_path):
    def write(**changes):
        file = tmp_path / "search.yaml"
        file.write_text(yaml.safe_dump(FILE | changes, sort_keys=False))
        return file

    return write


def rows(outcome):
    with outcome.written[0].open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_sought_is_found_again_after_an_end(written, tmp_path):
    pytest.importorskip("optuna", reason="optuna is not installed")
    make_scene(tmp_path / "scene", 0, height=60, width=60, bands=6)
    out = tmp_path / "out"
    first = run_experiment(written(), out, jobs=2, device="cpu")
    assert not first.failed
    found = [row for row in rows(first) if row["ablation"]]
    assert {(row["model"], row["split"]) for row in found} == {("one_d_cnn", "block")}
    names = [row["ablation"] for row in found]
    assert 2 <= len(set(names)) == len(names) <= TRIALS
    for row in found:
        rate, hidden = (word.partition("=")[2] for word in row["ablation"].split(", "))
        assert 1e-4 <= float(rate) <= 1e-1
        config = yaml.safe_load((out / row["folder"] / "config.yaml").read_text())
        assert (config["lr"], config["set"]) == (float(rate), {"hidden": int(hidden)})
        assert int(hidden) in (20, 60)
    block = [row for row in rows(first) if (row["model"], row["split"]) == ("one_d_cnn", "block")]
    best = max(block, key=lambda row: float(row["val_oa"]))
    label = f"one_d_cnn, {best['ablation']}" if best["ablation"] else "one_d_cnn"
    assert f"alone may choose: {label}." in (out / "tables.md").read_text()

    shutil.rmtree((out / found[-1]["folder"]).parent)
    again = run_experiment(written(), out, jobs=1, device="cpu")
    assert again.skipped == len(first.rows) - 1
    assert [(row["run"], row["ablation"], row["val_oa"]) for row in rows(again)] == [
        (row["run"], row["ablation"], row["val_oa"]) for row in rows(first)
    ]


def search(**changes):
    return {"search": {"one_d_cnn": FILE["search"]["one_d_cnn"] | changes}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {"forest": {}}}, "search.forest: none of the models"),
        (search(trials=0), "search.one_d_cnn.trials: 0; give how many"),
        (search(space={"lr": 3}), "search.one_d_cnn.space.lr: give a list of values, or low and high"),
        (search(space={"lr": {"low": 2, "high": 1}}), "space.lr: low 2 is not below high 1"),
        (search(space={"lr": {"low": 0.0, "high": 1, "log": True}}), "space.lr.log: True; give yes (from"),
        (search(space={"set.depth": [3]}), "space.set.depth: one_d_cnn has no such option"),
        (search(space={"epochs": {"low": 1.5, "high": 3}}), "space.epochs: 1.5 is not a whole number"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(changes, message, written, tmp_path):
    make_scene(tmp_path / "scene", 0, height=60, width=60, bands=6)
    with pytest.raises(InputError) as refused:
        read_experiment(written(**changes), TASKS)
    assert message in str(refused.value)
