"""Classifiers to compare with, through the commands: trained, mapped, and refused where they do not fit."""

import pytest
import rasterio

from terramamba.data.synthetic.files import make_scene


def train(workshop, out, model, *words):
    files = ("--scene", workshop.scene.scene, "--labels", workshop.scene.labels, "--out", out)
    return ("classify", "train", *files, "--model", model, "--split", "random", *words)


@pytest.mark.parametrize(
    ("model", "how", "short"),
    [("hybridsn", "program", ("--epochs", 1)), ("random_forest", "terramamba", ())],
)
def test_trained_and_mapped(model, how, short, workshop, tmp_path, terramamba, request) -> None:
    command = request.getfixturevalue(how)
    trained = command(*train(workshop, tmp_path / "run", model, "--patch-size", 3, *short))
    assert trained.status == 0, trained.err
    target = tmp_path / "map.tif"
    mapped = terramamba("classify", "map", tmp_path / "run", workshop.scene.scene, "--out", target)
    assert mapped.status == 0, mapped.err
    with rasterio.open(target) as found, rasterio.open(workshop.scene.scene) as scene:
        assert found.shape == scene.shape
        assert found.read(1).max() > 0


def test_another_side_than_that_of_the_patches_is_refused(workshop, tmp_path, terramamba) -> None:
    done = terramamba(
        *train(workshop, tmp_path / "run", "two_d_cnn", "--patch-size", 3, "--set", "patch_size=5")
    )
    assert done.status == 1
    assert "--set patch_size=5: the patches have 3 pixels a side" in done.err
    assert "give --patch-size 5" in done.err


def test_too_few_bands_are_refused_by_name(tmp_path, terramamba) -> None:
    made = make_scene(tmp_path / "scene", 0, height=60, width=60, bands=6)
    files = ("--scene", made.scene, "--labels", made.labels, "--out", tmp_path / "run")
    done = terramamba("classify", "train", *files, "--model", "resnet", "--split", "random")
    assert done.status == 1
    assert "resnet: in_channels=" in done.err
    assert "at least 7 bands" in done.err
    assert not (tmp_path / "run").exists()
