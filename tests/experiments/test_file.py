"""The YAML file: what is right is planned, what is wrong is named with its key."""

from pathlib import Path

import pytest
import yaml

from terramamba.core.errors import InputError
from terramamba.data.catalog import CATALOG, SceneSet
from terramamba.experiments.file import read_experiment
from terramamba.experiments.plan import plan_runs
from terramamba.models.registry import create_model, model_spec
from terramamba.tasks import TASKS

RIGHT = {
    "seeds": [3, 5],
    "variables": {"root": "nowhere"},
    "settings": {"epochs": 2, "patch_size": 5, "crop_size": 64, "lr": "1e-3"},
    "splits": {"block": {"split": "block"}, "random": {"split": "random", "train_fraction": 0.2}},
    "data": {
        "a scene": {"scene": "${root}/cube.mat", "labels": "${root}/gt.mat", "splits": ["random"]},
        "another": {"scene": "${root}/cube.mat", "labels": "${root}/gt.mat"},
        "pairs": {"data": "${root}", "epochs": 7, "seeds": 3},
    },
    "models": {
        "ssa_mamba": {"preset": "tiny", "set": {"d_state": 4, "depth": 2}, "lr": 0.5},
        "forest": {"model": "random_forest", "only": ["another"]},
        "glmamba": None,
    },
    "ablations": {
        "no gate": {"of": "ssa_mamba", "set": {"gate": False}, "only": ["another"]},
        "no residuals": {"of": "ssa_mamba", "set": {"residuals": False}, "splits": ["block"]},
    },
    "sweep": {"ssa_mamba": {"set.depth": [1, 3], "patch_size": [3]}},
}


@pytest.fixture
def write(tmp_path):
    (tmp_path / "here").mkdir()
    for name in ("cube.mat", "gt.mat"):
        (tmp_path / "here" / name).touch()

    def written(**changes):
        path = tmp_path / "experiment.yaml"
        path.write_text(yaml.safe_dump(RIGHT | changes))
        return path

    return written


def planned(path, tmp_path, **variables):
    return plan_runs(read_experiment(path, TASKS, {"root": "here"} | variables), tmp_path / "out")


def test_every_combination_is_planned_once_with_the_settings_of_all_levels(write, tmp_path):
    runs = planned(write(), tmp_path)
    found = {(r.data, r.split, r.model, r.ablation): [] for r in runs}
    for run in runs:
        found[run.data, run.split, run.model, run.ablation].append(run.settings.seed)
    varied = ("", "depth=1", "depth=3", "patch_size=3")
    expected = {("a scene", "random", "ssa_mamba", name) for name in varied}
    expected |= {
        ("another", split, "ssa_mamba", name) for split in RIGHT["splits"] for name in (*varied, "no gate")
    }
    expected |= {("another", "block", "ssa_mamba", "no residuals")}
    expected |= {("another", split, "forest", "") for split in RIGHT["splits"]}
    expected |= {("pairs", "given", "glmamba", "")}
    assert set(found) == expected
    assert all(seeds == ([0, 1, 2] if key[0] == "pairs" else [3, 5]) for key, seeds in found.items())
    assert len({run.folder for run in runs}) == len(runs)

    (full,) = (r for r in runs if (r.data, r.ablation, r.settings.seed) == ("a scene", "", 3))
    assert full.settings.set == {"d_state": 4, "depth": 2}
    assert (full.settings.lr, full.settings.epochs, full.settings.train_fraction) == (0.5, 2, 0.2)
    assert full.settings.scene == str(tmp_path / "here" / "cube.mat")
    (deeper,) = (r for r in runs if (r.data, r.ablation, r.settings.seed) == ("a scene", "depth=3", 5))
    assert deeper.settings.set == {"d_state": 4, "depth": 3}
    (pairs,) = (r for r in runs if (r.task.name, r.settings.seed) == ("change", 2))
    assert (pairs.settings.epochs, pairs.settings.crop_size, pairs.settings.lr) == (7, 64, 0.001)
    assert not pairs.baseline


def test_what_is_given_for_all_models_reaches_those_that_obey_it(write, tmp_path):
    forest, network = (
        next(run.settings for run in planned(write(), tmp_path) if (run.data, run.model) == ("another", name))
        for name in ("forest", "ssa_mamba")
    )
    assert (forest.epochs, forest.lr, forest.patch_size) == (None, None, 5)
    assert (network.epochs, network.patch_size) == (2, 5)


def test_an_experiment_may_be_gone_on_with_from_another_folder(write, tmp_path, monkeypatch):
    here = write()
    (tmp_path / "elsewhere").mkdir()
    plans = []
    for folder, path in ((tmp_path, Path(here.name)), (tmp_path / "elsewhere", Path("..") / here.name)):
        monkeypatch.chdir(folder)
        plans.append(planned(path, tmp_path))
    assert [run.settings for run in plans[0]] == [run.settings for run in plans[1]]


PUBLISHED = {"model": "bit", "protocol": "p", "source": "s"}

WRONG = {
    "unknown key": ({"modles": {}}, "modles: unknown key; did you mean models?"),
    "no data": ({"data": {}}, "data: must be given"),
    "setting": ({"settings": {"epoch": 3}}, "settings.epoch: no setting"),
    "kind": ({"settings": {"epochs": "many"}}, "settings.epochs: 'many' is not a whole number"),
    "number": ({"settings": {"lr": "fast"}}, "settings.lr: 'fast' is not a number"),
    "yes for a number": ({"settings": {"epochs": True}}, "settings.epochs: True is not a whole number"),
    "bound": ({"settings": {"epochs": 0}}, "settings.epochs 0: at least 1 is needed"),
    "choice": ({"splits": {"s": {"split": "blocks"}}}, "splits.s.split: 'blocks' is not one of block, "),
    "model": ({"models": {"ssa": {}}}, "models.ssa: model 'ssa' is unknown"),
    "preset": ({"models": {"ssa_mamba": {"preset": "huge"}}}, "models.ssa_mamba.preset: 'huge'"),
    "option": (
        {"models": {"ssa_mamba": {"set": {"depht": 1}}}, "ablations": {}, "sweep": {}},
        "models.ssa_mamba.set.depht: ssa_mamba has no such option",
    ),
    "steps of a solver": (
        {"models": {"svm": {"lr": 0.1}}, "ablations": {}, "sweep": {}},
        "models.svm.lr 0.1: svm is not trained by gradient steps; leave it out",
    ),
    "steps of what learns nothing": (
        {"models": {"cva": None}, "ablations": {"x": {"of": "cva", "epochs": 3}}, "sweep": {}},
        "ablations.x.epochs 3: cva is not trained by gradient steps",
    ),
    "sweep of a solver": (
        {"models": {"svm": None}, "ablations": {}, "sweep": {"svm": {"batch_size": [4]}}},
        "sweep.svm.batch_size 4: svm is not trained by gradient steps",
    ),
    "ablation of nothing": ({"ablations": {"x": {"of": "svm"}}}, "ablations.x.of: 'svm' is none of"),
    "sweep": ({"sweep": {"ssa_mamba": {"patch_size": 3}}}, "sweep.ssa_mamba.patch_size: give a list"),
    "seeds": ({"seeds": 0}, "seeds: 0; give how many"),
    "many seeds": ({"seeds": 10**9}, "seeds: 1000000000; give how many (1 to 1,000), or a list"),
    "seeds of a set": (
        {"data": {"a": {"data": "here", "seeds": [2, 2]}}},
        "data.a.seeds: a seed is named twice",
    ),
    "seed twice": ({"seeds": [1, 1]}, "seeds: a seed is named twice"),
    "own": ({"settings": {"out": "x"}}, "settings.out: the experiment sets it"),
    "on test": ({"settings": {"chosen_on_test": True}}, "settings.chosen_on_test: an experiment never"),
    "variable": ({"data": {"a": {"data": "${rot}"}}}, "data.a.data: ${rot} is no variable"),
    "nothing there": ({"data": {"a": {"data": "gone"}}}, "gone does not exist"),
    "published": (
        {"data": {"a": {"data": "here", "published": [{"model": "bit"}]}}},
        "data.a.published.scores: must be given",
    ),
    "published words": (
        {"data": {"a": {"data": "here", "published": [PUBLISHED | {"scores": {"f1": "high"}}]}}},
        "data.a.published.scores.f1: 'high' is not a number",
    ),
    "published share": (
        {"data": {"a": {"data": "here", "published": [PUBLISHED | {"scores": {"f1": 910}}]}}},
        "data.a.published.scores.f1: 910 is no score in per cent, from 0 to 100",
    ),
    "published score": (
        {"data": {"a": {"data": "here", "published": [PUBLISHED | {"scores": {"aa": 90}}]}}},
        "data.a.published.scores: 'aa' is none of: f1, iou",
    ),
    "catalogue": ({"data": {"a": {"data": "salinas"}}}, "data.a.root: say where "),
    "shared folder": (
        {"models": {"a b": {"model": "cva"}, "a/b": {"model": "cva"}}, "ablations": {}, "sweep": {}},
        "would share",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_key(changes, message, write, tmp_path):
    with pytest.raises(InputError) as refused:
        planned(write(**changes), tmp_path)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_variable_that_the_file_does_not_have_is_refused(write, tmp_path):
    with pytest.raises(InputError, match="--set rot: no such variable; variables has: root"):
        planned(write(), tmp_path, rot="x")


EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "experiments").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_plan_models_that_can_be_built(example, write, tmp_path):
    """With other data in place of theirs; the smallest preset stands for the others."""
    content = yaml.safe_load(example.read_text())
    assert content["variables"] == {"data_root": "data"}
    scene = {"scene": "here/cube.mat", "labels": "here/gt.mat"}
    for name, entry in content["data"].items():
        is_scene = "scene" in entry or isinstance(CATALOG.get(entry["data"]), SceneSet)
        files = scene if is_scene else {"data": "here"}
        kept = {k: v for k, v in entry.items() if k not in ("scene", "labels", "data", "root")}
        content["data"][name] = kept | files
    path = write()
    path.write_text(yaml.safe_dump(content))
    runs = plan_runs(read_experiment(path, TASKS), tmp_path / "out")
    assert {run.data for run in runs} == set(content["data"])
    assert {run.settings.recipe for run in runs} == {content["settings"].get("recipe", "practical")}
    assert {run.model for run in runs} == set(content["models"])
    assert {run.ablation for run in runs} - {""} >= set(content.get("ablations", ()))
    varied = {(r.model, r.ablation): r.settings for r in runs if r.ablation}
    for settings in varied.values():
        model, options = settings.model, settings.set
        least = {"ssa_mamba": "tiny", "glmamba": "nano"}[model]
        sizes = {"in_channels": 3} | ({"num_classes": 2} if model_spec(model).task == "classify" else {})
        create_model(model, preset=least, **(sizes | options))


def test_the_small_suite_finds_all_of_the_real_samples(real_data, tmp_path):
    (small,) = (path for path in EXAMPLES if path.stem == "small")
    runs = plan_runs(read_experiment(small, TASKS, {"data_root": real_data(".")}), tmp_path)
    assert {run.task.name for run in runs} == {"classify", "change"}
    assert len({run.data for run in runs}) == 10


def test_models_whose_names_differ_in_case_alone_are_refused(write, tmp_path):
    path = write(models={"forest": {"model": "svm"}, "Forest": {"model": "svm"}}, ablations={}, sweep={})
    with pytest.raises(InputError, match=r"would share .*; rename one of them"):
        planned(path, tmp_path)
