"""Weights are saved and loaded to the bit; what a bad file of them gets."""

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from terramamba.core.errors import InputError
from terramamba.core.memory import most_resident
from terramamba.models import SavedModel, create_model, load_model, save_model

TINY = {"preset": "tiny", "in_channels": 5, "num_classes": 3}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return tmp_path / "run" / "model.safetensors"


@pytest.fixture
def saved(weights: Path, seed: int) -> SavedModel:
    return save_model(create_model("ssa_mamba", **TINY), weights)


def refused(weights: Path, saved: SavedModel) -> str:
    """The one line that loading ends with."""
    with pytest.raises(InputError) as caught:
        load_model(weights, saved)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_saved_and_loaded_models_are_equal_to_the_bit(weights: Path, seed: int) -> None:
    model = create_model("ssa_mamba", **TINY, gate=False, branches="coupled", conv="centred")
    x = torch.rand(4, 5, 5, 5)
    model(x).sum().backward()  # moves the running means of the norms
    saved = save_model(model.eval(), weights)
    assert saved.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    before = torch.get_rng_state()
    again = load_model(weights, saved)
    assert torch.equal(torch.get_rng_state(), before)
    assert saved.name == again.spec_name == "ssa_mamba"
    assert again.options == model.options
    assert not again.training
    assert torch.equal(again(x), model(x))
    assert {
        key for key, value in model.state_dict().items() if not torch.equal(value, again.state_dict()[key])
    } == set()
    assert [path.name for path in weights.parent.iterdir()] == ["model.safetensors"]


def test_a_loaded_model_can_be_changed_and_saved_again(weights: Path, saved: SavedModel) -> None:
    model = load_model(weights, saved)
    torch.nn.init.ones_(model.head.bias)
    changed = save_model(model, weights)
    assert changed.sha256 != saved.sha256
    assert (load_model(weights, changed).head.bias == 1).all()


def test_half_precision_takes_half_the_space_and_is_read_as_single(weights: Path, saved: SavedModel) -> None:
    model, size = load_model(weights, saved), weights.stat().st_size
    rounded = save_model(model, weights, half=True)
    assert weights.stat().st_size < 0.7 * size
    for key, value in load_model(weights, rounded).state_dict().items():
        assert torch.equal(value, model.state_dict()[key].half().to(value.dtype))


def test_a_missing_file_is_named(weights: Path, saved: SavedModel) -> None:
    weights.unlink()
    assert f"{weights} does not exist" in refused(weights, saved)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_weights_are_damaged(weights: Path, saved: SavedModel, keep: int) -> None:
    weights.write_bytes(weights.read_bytes()[:keep])
    assert f"{weights} is damaged" in refused(weights, saved)


def test_one_flipped_bit_is_noticed(weights: Path, saved: SavedModel, seed: int) -> None:
    content = bytearray(weights.read_bytes())
    content[-1 - seed % 1000] ^= 1
    weights.write_bytes(content)
    assert f"{weights} is damaged" in refused(weights, saved)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("write", ["torch", "pickle"])
def test_pickles_stay_closed(weights: Path, saved: SavedModel, tmp_path: Path, write: str) -> None:
    sprung = tmp_path / "sprung"
    if write == "torch":
        torch.save({"weights": Trap(str(sprung))}, weights)
    else:
        weights.write_bytes(pickle.dumps(Trap(str(sprung))))
    assert "is a pickle" in refused(weights, saved)
    assert not sprung.exists()


def test_weights_of_another_run_are_noticed(weights: Path, saved: SavedModel) -> None:
    save_model(create_model("ssa_mamba", **TINY), weights)
    assert "not the one written with model.json" in refused(weights, saved)


def test_tensors_that_do_not_match_are_named(weights: Path, saved: SavedModel) -> None:
    model = load_model(weights, saved)
    save_file({**model.state_dict(), "head.bias": torch.zeros(7)}, weights)
    forged = replace(saved, sha256=hashlib.sha256(weights.read_bytes()).hexdigest())
    said = refused(weights, forged)
    assert "head.bias is (7,) torch.float32, the model has (3,) torch.float32" in said


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_no_numbers_are_named(weights: Path, saved: SavedModel, value: float) -> None:
    model = load_model(weights, saved)
    model.state_dict()["head.bias"][1] = value
    said = refused(weights, save_model(model, weights))
    assert said == f"{weights}: head.bias holds NaN or infinity; train the model anew"


def test_a_model_that_this_version_does_not_have_is_named(weights: Path, saved: SavedModel) -> None:
    said = refused(weights, replace(saved, name="alexnet"))
    assert f"{weights.with_name('model.json')} does not fit this version of terramamba" in said
    assert "alexnet" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"in_channels": 10**9}, "the model's in_channels is 1000000000, more than its weights have"),
        ({"num_classes": -(10**9)}, "the model's num_classes is -1000000000"),
        ({"depth": 10**7}, "the model's depth is 10000000"),
        (
            {"d_model": 4000, "d_state": 4000, "depth": 40},
            "make a larger model than that of the weights",
        ),
        ({"in_channels": 6}, "the model has"),
        ({"num_classes": 0}, ""),
    ],
)
def test_a_model_of_another_size_than_its_weights_takes_no_memory(
    weights: Path, saved: SavedModel, options: dict[str, int], said: str
) -> None:
    before = most_resident()
    message = refused(weights, replace(saved, options={**saved.options, **options}))
    assert said in message
    assert "model.json" in message
    assert most_resident() - before < 400


def test_options_that_make_no_model_are_named(weights: Path, seed: int) -> None:
    saved = save_model(create_model("svm", in_channels=3, num_classes=3, support_vectors=4), weights)
    message = refused(weights, replace(saved, options={**saved.options, "fitted_classes": -2}))
    assert "model.json: no svm has these options" in message
