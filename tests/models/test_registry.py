"""Models by name; saving and loading; what a bad model file gets."""

import json
import pickle
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from terramamba.core.errors import InputError
from terramamba.models import create_model, list_models, load_model, model_spec, save_model

TINY = {"preset": "tiny", "in_channels": 5, "num_classes": 3}


@pytest.fixture
def folder(tmp_path, seed):
    save_model(create_model("ssa_mamba", **TINY), tmp_path / "run", {"task": "classify"})
    return tmp_path / "run"


def refused(folder):
    """The one line that loading ``folder`` ends with."""
    with pytest.raises(InputError) as caught:
        load_model(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_names_by_task():
    assert set(list_models()) == {*list_models("classify"), *list_models("change")}
    assert {"ssa_mamba", "svm"} <= set(list_models("classify"))
    assert "glmamba" in list_models("change")
    with pytest.raises(InputError, match="choose one of: classify, change"):
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
        ("ssa_mamba", {**TINY, "attention": "both"}, "choose one of: asymmetric, symmetric, reversed, none"),
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


def test_saved_and_loaded_models_are_equal_to_the_bit(tmp_path, seed):
    model = create_model("ssa_mamba", **TINY, gate=False, branches="coupled", conv="centred")
    x = torch.rand(4, 5, 5, 5)
    model(x).sum().backward()  # moves the running means of the norms
    save_model(
        model.eval(), tmp_path / "new" / "run", {"task": "classify", "classes": [{"name": "Wald – Forêt"}]}
    )
    before = torch.get_rng_state()
    again, card = load_model(tmp_path / "new" / "run")
    assert torch.equal(torch.get_rng_state(), before)
    assert card["classes"] == [{"name": "Wald – Forêt"}]
    assert card["model"]["name"] == again.spec_name == "ssa_mamba"
    assert again.options == model.options
    assert not again.training
    assert torch.equal(again(x), model(x))
    assert {
        key for key, value in model.state_dict().items() if not torch.equal(value, again.state_dict()[key])
    } == set()
    assert sorted(path.name for path in (tmp_path / "new" / "run").iterdir()) == [
        "model.json",
        "model.safetensors",
    ]


def test_a_loaded_model_can_be_changed_and_saved_again(folder):
    model, card = load_model(folder)
    torch.nn.init.ones_(model.head.bias)
    save_model(model, folder, card)
    again, _ = load_model(folder)
    assert (again.head.bias == 1).all()


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_missing_files(folder, name):
    (folder / name).unlink()
    assert f"{folder / name} does not exist" in refused(folder)


@pytest.mark.parametrize("content", [b"", b"\x80\x04garbage", b"\xff" * 40, b"{", b"[1, 2]"])
def test_damaged_json(folder, content):
    (folder / "model.json").write_bytes(content)
    assert str(folder / "model.json") in refused(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "format 1"),
        ({"model": None}, "does not say which model"),
        ({"model": {"name": "ssa_mamba"}}, "does not say which model"),
        ({"model": {"name": "alexnet", "preset": "x", "options": {}}}, "alexnet"),
    ],
)
def test_json_that_does_not_fit(folder, change, words):
    card = json.loads((folder / "model.json").read_text())
    if change.get("model") and "options" in change["model"]:
        change = {"model": {**change["model"], "sha256": card["model"]["sha256"]}}
    (folder / "model.json").write_text(json.dumps({**card, **change}))
    message = refused(folder)
    assert words in message
    assert str(folder / "model.json") in message


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_weights(folder, keep):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    assert f"{weights} is damaged" in refused(folder)


def test_one_flipped_bit_is_noticed(folder, seed):
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1 - seed % 1000] ^= 1
    weights.write_bytes(content)
    assert f"{weights} is damaged" in refused(folder)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("write", ["torch", "pickle"])
def test_pickles_stay_closed(folder, tmp_path, write):
    sprung = tmp_path / "sprung"
    weights = folder / "model.safetensors"
    if write == "torch":
        torch.save({"weights": Trap(str(sprung))}, weights)
    else:
        weights.write_bytes(pickle.dumps(Trap(str(sprung))))
    assert "is a pickle" in refused(folder)
    assert not sprung.exists()


def test_weights_of_another_run_are_noticed(folder, tmp_path):
    save_model(create_model("ssa_mamba", **TINY), tmp_path / "other", {})
    (tmp_path / "other" / "model.safetensors").replace(folder / "model.safetensors")
    assert "not the one written with model.json" in refused(folder)


def test_tensors_that_do_not_match_are_named(folder):
    import hashlib

    weights, card = folder / "model.safetensors", folder / "model.json"
    model, _ = load_model(folder)
    tensors = {**model.state_dict(), "head.bias": torch.zeros(7)}
    save_file(tensors, weights)
    record = json.loads(card.read_text())
    record["model"]["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    card.write_text(json.dumps(record))
    assert "head.bias is (7,) torch.float32, the model has (3,) torch.float32" in refused(folder)


def test_importing_the_models_imports_no_baseline():
    code = (
        "import sys, terramamba.models\n"
        "heavy = ('sklearn', 'rasterio', 'accelerate', 'terramamba.models.baselines', 'yaml')\n"
        "sys.exit(', '.join(name for name in heavy if name in sys.modules) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
