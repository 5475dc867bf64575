"""Models by name, and the options that they are built with."""

import json

import pytest

from programs import python
from terramamba.core.errors import InputError
from terramamba.models import create_model, list_models, model_spec
from terramamba.tasks import TASKS

TINY = {"preset": "tiny", "in_channels": 5, "num_classes": 3}


def test_names_by_task():
    assert set(list_models()) == {name for task in TASKS for name in list_models(task)}
    assert {"ssa_mamba", "svm"} <= set(list_models("classify"))
    assert "glmamba" in list_models("change")
    with pytest.raises(InputError, match=f"choose one of: {', '.join(TASKS)}"):
        list_models("segment")


@pytest.mark.parametrize("name", ["ssa_mamba", "svm"])
def test_records_are_whole(name):
    spec = model_spec(name)
    assert spec.name == name
    assert spec.task == "classify"
    assert spec.default_preset in spec.presets
    known = spec.parameters()
    assert {option for options in spec.presets.values() for option in options} <= set(known)
    assert {"in_channels", "num_classes"} <= set(known)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("mamba", {}, "choose one of: ssa_mamba"),
        ("ssa_mamba", {**TINY, "preset": "huge"}, "choose one of: paper, small, tiny"),
        ("ssa_mamba", {**TINY, "width": 3}, "no option 'width'; it has: in_channels"),
        ("ssa_mamba", {**TINY, "attention": "both"}, "give one of asymmetric, symmetric, reversed, none"),
        ("ssa_mamba", {**TINY, "depth": "two"}, "depth='two'; give a whole number"),
        ("ssa_mamba", {**TINY, "depth": True}, "depth=True; give a whole number"),
        ("ssa_mamba", {**TINY, "gate": 1}, "gate=1; give true or false"),
        ("ssa_mamba", {**TINY, "dropout": "a bit"}, "give a number"),
        ("ssa_mamba", {**TINY, "dropout": 1}, "from 0 to below 1"),
        ("ssa_mamba", {**TINY, "heads": 3}, "d_model=32; give an even multiple of heads=3"),
        ("ssa_mamba", {**TINY, "d_state": 0}, "d_state=0; give at least 1"),
        ("ssa_mamba", {"in_channels": 5}, "needs the option 'num_classes'"),
        ("svm", {"in_channels": 5, "num_classes": "all"}, "num_classes='all'; give a whole number"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(name, options, words):
    with pytest.raises(InputError) as caught:
        create_model(name, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_are_resolved_and_in_words_of_json():
    model = create_model("ssa_mamba", **TINY, depth=2)
    assert (model.spec_name, model.preset) == ("ssa_mamba", "tiny")
    assert model.options["d_model"] == 32
    assert model.options["depth"] == 2
    assert model.options["step"] == "exp"
    assert json.loads(json.dumps(model.options)) == model.options


def test_importing_the_models_imports_no_baseline():
    code = (
        "import sys, terramamba.models\n"
        "heavy = ('sklearn', 'rasterio', 'accelerate', 'terramamba.models.baselines', 'yaml')\n"
        "sys.exit(', '.join(name for name in heavy if name in sys.modules) or 0)"
    )
    python("-c", code, check=True, timeout=120, fresh=True)
