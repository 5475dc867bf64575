"""Training begins with an earlier run: its weights and sizes, and what of them other data cannot take."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from cards import change_card, plain_scaling
from terramamba.change.pretrained import pretrained_run
from terramamba.change.settings import ChangeSettings
from terramamba.cli import main
from terramamba.models.registry import create_model
from terramamba.runs.folder import Run, load_run
from terramamba.runs.initial_weights import begin_with, with_sizes_of

SIDE = 24


def detector(*meanings, **options):
    sizes = {"width": 8, "d_state": 1, "meanings": len(meanings) or 1, **options}
    card = change_card(source_bands=3, scaling=plain_scaling(3), meanings=meanings or None)
    return Run(Path("RUN"), create_model("difference_mamba", in_channels=3, **sizes), card)


@pytest.mark.parametrize("own", [False, True])
def test_encoders_begin_with_those_of_a_run_that_shares_them_otherwise(own, seed):
    run = detector("buildings", "water", own_encoders=not own).model.eval()
    model = detector("water", own_encoders=own)
    card = change_card(source_bands=3, scaling=plain_scaling(3), meanings=("buildings", "water"))
    begun = begin_with(model.model, Run(Path("RUN"), run, card), "RUN", model.card.data)
    assert begun.words == "the weights of RUN"
    x = torch.randn(1, 2, 3, 32, 32)
    torch.testing.assert_close(model.model.eval()(x), run(x, torch.tensor([1])))


def test_what_belongs_to_meanings_is_no_size_that_others_begin_with():
    settings = ChangeSettings(data="D", out="O", init="RUN", model="difference_mamba")
    shipped = with_sizes_of(settings, pretrained_run("terramamba-change"), "change")
    assert shipped.set == {"own_encoders": True}


def test_each_meaning_begins_with_the_decoder_of_its_name(seed):
    run, two, one = detector("buildings", "water"), detector("roads", "water"), detector()
    begun = begin_with(two.model, run, "RUN", two.card.data)
    assert begun.words == "the weights of RUN; it begins with roads as buildings"
    heads = [decoder.head.weight for decoder in (*run.model.decoders, *two.model.decoders)]
    assert torch.equal(heads[2], heads[0])
    assert torch.equal(heads[3], heads[1])
    assert not torch.equal(heads[0], heads[1])
    begun = begin_with(one.model, run, "RUN", one.card.data)
    assert begun.words.endswith("it begins with changed as buildings")


@pytest.fixture
def scene(tmp_path):
    """A scene of 5 bands with 3 classes, as words of the command line, and one of 6 bands with 4."""
    random = np.random.default_rng(0)
    words = {}
    for name, bands, classes in (("a", 5, 3), ("b", 6, 4)):
        labels = np.repeat(np.arange(1, classes + 1, dtype=np.uint8), SIDE // classes)[:, None]
        labels = labels * np.ones((1, SIDE), np.uint8)
        cube = random.normal(size=(bands, *labels.shape)).astype(np.float32)
        cube[:classes] += 2 * (labels == np.arange(1, classes + 1)[:, None, None])
        np.save(tmp_path / f"{name}.npy", cube)
        np.save(tmp_path / f"{name}_labels.npy", labels)
        words[name] = [
            "--scene",
            str(tmp_path / f"{name}.npy"),
            "--labels",
            str(tmp_path / f"{name}_labels.npy"),
        ]
    return words


def train(words, out, *more, model="spectralformer"):
    common = ["classify", "train", "--model", model, "--patch-size", "3", "--split", "random"]
    common += ["--train-fraction", "16", "--val-fraction", "16", "--min-per-class", "1", "--epochs", "2"]
    return main([*common, *words, "--out", str(out), *more])


SMALL = ["--set", "depth=2", "--set", "d_model=16"]


def test_a_run_goes_on_from_another_with_its_sizes(scene, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(scene["a"], first, *SMALL) == 0
    assert train(scene["a"], second, "--init", str(first), "--lr", "1e-9") == 0
    assert f"begins with  the weights of {first}" in capsys.readouterr().err
    old, new = (load_file(run / "model.safetensors") for run in (first, second))
    assert old.keys() == new.keys()
    for name, value in old.items():
        np.testing.assert_allclose(new[name], value, atol=1e-6, err_msg=name)
    assert load_run(second).card.model.options["d_model"] == 16
    assert not any(
        "began with" in note for note in json.loads((second / "metrics.json").read_text())["notes"]
    )


def test_other_classes_and_bands_draw_anew_what_depends_on_them(scene, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(scene["a"], first, *SMALL) == 0
    assert train(scene["b"], second, "--init", str(first), "--lr", "1e-9") == 0
    said = capsys.readouterr().err
    assert "drawn anew: " in said
    old, new = (load_file(run / "model.safetensors") for run in (first, second))
    same = [name for name in new if old.get(name) is not None and old[name].shape == new[name].shape]
    assert len(same) > len(new) / 2
    for name in same:
        np.testing.assert_allclose(new[name], old[name], atol=1e-6, err_msg=name)
    notes = json.loads((second / "metrics.json").read_text())["notes"]
    assert any("learnt from another split" in note for note in notes)


def test_a_run_that_cannot_be_gone_on_from_is_refused(scene, tmp_path, capsys):
    first = tmp_path / "first"
    assert train(scene["a"], first, *SMALL) == 0
    capsys.readouterr()
    for more, model, said in (
        (["--init", str(first)], "two_d_cnn", "this run is of spectralformer; give --model spectralformer"),
        (["--init", str(first), "--set", "d_model=32"], "spectralformer", "has d_model=16; leave one"),
        (["--init", str(tmp_path / "none")], "spectralformer", "no such run folder"),
        (["--init", str(first)], "svm", "--init"),
        (["--init", str(first), "--encoder-weights", "imagenet"], "spectralformer", "give one of them"),
    ):
        assert train(scene["a"], tmp_path / "second", *more, model=model) == 1
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
        assert not (tmp_path / "second").exists()


def test_resuming_and_repeating_from_its_settings_begin_with_it_again(scene, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(scene["a"], first, *SMALL) == 0
    assert train(scene["a"], second, "--init", str(first)) == 0
    config = ["classify", "train", "--config", str(second / "config.yaml"), "--out", str(tmp_path / "again")]
    assert main(config) == 0
    old, new = (load_file(run / "model.safetensors") for run in (second, tmp_path / "again"))
    for name, value in old.items():
        np.testing.assert_array_equal(new[name], value)
