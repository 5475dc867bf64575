"""``--patch-size search``: validation chooses the side of the patches, and the run says which."""

from dataclasses import replace
from pathlib import Path

import pytest

from terramamba.core.documents import read_yaml
from terramamba.core.errors import InputError
from terramamba.data.synthetic.files import make_scene
from terramamba.landcover.patch_search import alternatives
from terramamba.landcover.settings import SEARCHED_SIDES, ClassifySettings
from terramamba.pipeline import plan_training, train
from terramamba.tasks import LAND_COVER


def test_the_best_side_on_validation_is_trained(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terramamba.landcover.patch_search.SEARCHED_SIDES", (3, 5))
    made = make_scene(tmp_path / "scene", seed, height=40, width=40, bands=6)
    settings = ClassifySettings(
        scene=str(made.scene),
        labels=str(made.labels),
        out=str(tmp_path / "run"),
        model="ssa_mamba",
        preset="tiny",
        split="random",
        patch_size="search",
        epochs=1,
        device="cpu",
    )
    result = train(LAND_COVER, settings)
    said = capsys.readouterr().err
    assert "has the best score on validation, in % (patch_size 3: " in said
    kept = read_yaml(tmp_path / "run" / "config.yaml", "")
    assert f"patch_size {kept['patch_size']} has the best score" in said
    assert "patch_size" in kept["decided"]
    assert result["protocol"].endswith(f"-p{kept['patch_size']}")
    again = train(LAND_COVER, replace(settings, patch_size=kept["patch_size"], out=str(tmp_path / "again")))
    assert again["test"] == result["test"]
    with pytest.raises(InputError, match="is not empty"):
        train(LAND_COVER, settings)
    assert "best score" not in capsys.readouterr().err  # refused before anything was tried
    resumed = train(LAND_COVER, replace(settings, resume=True))
    assert resumed["test"] == result["test"]
    assert "best score" not in capsys.readouterr().err  # the run goes on with the side that it has
    with pytest.raises(InputError, match=r"--patch-size search: is for training"):
        plan_training(LAND_COVER, settings)


def test_what_sees_single_spectra_has_no_side_to_search() -> None:
    settings = ClassifySettings(scene="s", labels="l", out="o", model="ssa_mamba", patch_size="search")
    assert [one.patch_size for one in alternatives(settings).values()] == list(SEARCHED_SIDES)
    assert alternatives(replace(settings, patch_size=5)) == {}
    with pytest.raises(InputError, match=r"--patch-size search: svm sees single spectra; leave it out"):
        alternatives(replace(settings, model="svm"))


def test_an_even_side_is_refused() -> None:
    with pytest.raises(InputError, match="--patch-size 6: an odd number of pixels"):
        ClassifySettings(scene="s", out="o", patch_size=6)
