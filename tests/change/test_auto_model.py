"""Where no model is named the best one is trained, or that of the run which is gone on from."""

from dataclasses import replace

import pytest

import terramamba as tm
from terramamba.change import auto_model
from terramamba.cli import main
from terramamba.core.errors import InputError
from terramamba.data.synthetic.files import make_pairs
from terramamba.models.encoders.pretrained import IMAGENET


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    home = tmp_path_factory.mktemp("pairs")
    return str(make_pairs(home, 0, train=1, val=1, test=1, size=32, scene=(64, 64)).root)


def test_the_best_model_is_named_with_an_encoder_that_knows_something(data, tmp_path):
    found = tm.resolved(tm.ChangeSettings(data=data, out=str(tmp_path / "run")))
    assert (found.model, found.encoder_weights) == ("difference_mamba", "imagenet")
    published = tm.resolved(tm.ChangeSettings(data=data, out=str(tmp_path / "run"), recipe="published"))
    assert (published.model, published.encoder_weights) == ("difference_mamba", None)


def test_an_encoder_from_scratch_has_no_rate_of_its_own(data, tmp_path):
    given = {"data": data, "out": str(tmp_path / "run"), "encoder_rate": 0.5}
    assert tm.resolved(tm.ChangeSettings(**given)).encoder_rate == 0.5
    with pytest.raises(InputError, match=r"--encoder-rate 0\.5: the encoder begins from scratch"):
        tm.resolved(tm.ChangeSettings(**given, recipe="published"))


def test_without_the_package_of_weights_it_begins_from_scratch_and_says_how_to_get_it(
    data, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(auto_model, "IMAGENET", replace(IMAGENET, package="no_such_package"))
    words = ["change", "train", "--data", data, "--out", str(tmp_path / "run"), "--dry-run"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "note: difference_mamba begins from scratch" in said.err
    assert "pip install 'terramamba[pretrained]'" in said.err
    assert "difference_mamba, default" in said.out


def test_a_run_that_is_gone_on_from_says_which_model(data, tmp_path):
    run = str(tmp_path / "run")
    settings = tm.ChangeSettings(
        data=data, out=run, model="fc_ef", epochs=1, batch_size=1, crops_per_pair=1, device="cpu"
    )
    tm.train_change_detector(settings, progress=False)
    resumed = tm.train_change_detector(
        tm.ChangeSettings(
            data=data, out=run, epochs=1, batch_size=1, crops_per_pair=1, device="cpu", resume=True
        ),
        progress=False,
    )
    assert resumed["model"] == "fc_ef"
    more = tm.resolved(tm.ChangeSettings(data=data, out=str(tmp_path / "more"), init=run))
    assert (more.model, more.encoder_weights) == ("fc_ef", None)


def test_a_size_that_the_best_model_has_not_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="nano"):
        tm.resolved(tm.ChangeSettings(data=data, out=str(tmp_path / "run"), preset="nano"))


def test_land_cover_has_a_best_model_too():
    from terramamba.tasks import LAND_COVER

    assert LAND_COVER.best_model(tm.ClassifySettings(scene="s", labels="l", out="o")).model == "ssa_mamba"
