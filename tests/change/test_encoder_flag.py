"""What training begins with is in the card of its run, and of those that begin with that run."""

import json
import re

import pytest
from safetensors.torch import save_file

import terramamba as tm
from lite0 import public_names
from terramamba.cli import main
from terramamba.data.synthetic.files import make_pairs
from terramamba.models.encoders.efficientnet_lite0 import EfficientNetLite0
from terramamba.models.origin import WeightsOrigin
from terramamba.runs.folder import load_run


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """The words of a command that trains on tiny pairs, and the folder they are in."""
    home = tmp_path_factory.mktemp("pairs")
    data = make_pairs(home, 0, train=1, val=1, test=1, size=32, scene=(64, 64)).root
    save_file(public_names(EfficientNetLite0(3)), home / "lite0.safetensors")
    short = ["--epochs", "1", "--batch-size", "1", "--crops-per-pair", "1", "--device", "cpu"]
    return home, ["change", "train", "--data", str(data), "--model", "unet_diff", "--set", "width=4", *short]


def test_whose_weights_they_are_goes_from_run_to_run(words, tmp_path, capsys):
    home, train = words
    first, second = tmp_path / "first", tmp_path / "second"
    begin = ["--encoder", "efficientnet_lite0", "--encoder-weights", str(home / "lite0.safetensors")]
    assert main([*train, *begin, "--out", str(first)]) == 0
    assert re.search("begins with +the encoder of lite0.safetensors: ", capsys.readouterr().err)
    assert main([*train, "--init", str(first), "--out", str(second)]) == 0
    origin = load_run(first).card.origin
    assert isinstance(origin, WeightsOrigin)
    assert (origin.name, origin.licence) == ("lite0.safetensors", "those who gave it set the terms")
    assert load_run(second).card.origin == origin
    assert json.loads((second / "model.json").read_text())["origin"]["sha256"] == origin.sha256
    assert load_run(second).model.options["encoder"] == "efficientnet_lite0"
    assert origin.sha256[:16] in (first / "report.html").read_text()


def test_a_model_without_a_choice_refuses_the_flag(words, tmp_path, capsys):
    _, train = words
    out = ["--out", str(tmp_path / "run"), "--dry-run"]
    assert main([*train, "--model", "fc_ef", "--encoder", "efficientnet_lite0", *out]) == 1
    said = capsys.readouterr().err
    assert "--encoder efficientnet_lite0: fc_ef: its encoder is its own alone" in said
    assert said.count("error: ") == 1
    settings = tm.ChangeSettings(data="none", out="run", model="svm", encoder="efficientnet_lite0")
    with pytest.raises(tm.InputError, match="its own alone"):
        tm.resolved(settings)
