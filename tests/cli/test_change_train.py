"""A published change detector from pairs to a map, by the commands that train all others."""

import json

import numpy as np
import pytest
import rasterio

from terramamba.runs.model_card import read_card


@pytest.mark.parametrize("words", [("--set", "width=7"), ("--set", "depth=2"), ("--preset", "huge")])
def test_what_the_model_does_not_have_is_refused_and_nothing_is_left(
    words, workshop, terramamba, tmp_path
) -> None:
    run = tmp_path / "run"
    done = terramamba(
        *("change", "train", "--data", workshop.pairs.root, "--model", "fc_ef", "--out", run, *words)
    )
    assert done.status != 0
    assert words[1].split("=")[0] in done.err
    assert "Traceback" not in done.err
    assert not list(run.glob("model*"))


def test_tinycd_is_trained_scored_and_applied(workshop, program, terramamba, tmp_path, seed) -> None:
    run, change = tmp_path / "run", tmp_path / "change.tif"
    words = ("--epochs", 1, "--batch-size", 2, "--crops-per-pair", 2, "--device", "cpu")
    data = ("--data", workshop.pairs.root, "--model", "tinycd", "--set", "drop_path=0.0")
    done = program("change", "train", *data, *words, "--seed", seed % 1000, "--out", run)
    assert done.status == 0, done.err
    assert "285,128 parameters" in done.out
    assert read_card(run).model.options["drop_path"] == 0.0
    assert json.loads((run / "metrics.json").read_text())["protocol"] == "pairs-2-2-2"
    images = (workshop.pairs.before, workshop.pairs.after)
    mapped = terramamba("change", "map", run, *images, "--out", change, "--device", "cpu")
    assert mapped.status == 0, mapped.err
    with rasterio.open(change) as found, rasterio.open(images[0]) as image:
        assert (found.shape, found.transform) == (image.shape, image.transform)
        assert set(np.unique(found.read(1))) <= {0, 1, 255}
