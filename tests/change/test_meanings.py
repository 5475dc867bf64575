"""A detector learns several meanings of "changed", each pair scaled by itself; one of them is asked for."""

import csv
import json

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine

import terramamba as tm
from terramamba.cli import main
from terramamba.core.errors import InputError

SIDE = 32


def write(path, values):
    profile = {"driver": "GTiff", "count": len(values), "height": SIDE, "width": SIDE, "dtype": values.dtype}
    place = {"crs": "EPSG:32633", "transform": Affine(0.5, 0, 4e5, 0, -0.5, 5e6)}
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write(values)
    return path.name


def pair(folder, name, seed, what):
    """A pair in which a bright square and a dark one appear; the label marks that which ``what`` means."""
    random = np.random.default_rng(seed)
    before = random.normal(100, 4, size=(3, SIDE, SIDE))
    after = before + random.normal(0, 2, size=before.shape)
    row, col = random.integers(0, SIDE // 2 - 8, 2)
    bright = np.zeros((SIDE, SIDE), bool)
    dark = bright.copy()
    bright[row : row + 8, col : col + 8] = True
    dark[row + 16 : row + 24, col + 16 : col + 24] = True
    after[:, bright], after[:, dark] = 200, 10
    marked = bright if what == "roofs" else dark
    dates = [values.clip(1, 255).astype(np.uint8) for values in (before, after)]
    files = [write(folder / f"{name}_{i}.tif", values) for i, values in enumerate(dates)]
    return [*files, write(folder / f"{name}_label.tif", (marked[None] * 255).astype(np.uint8))]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    rows = []
    for subset, count in (("train", 4), ("val", 2), ("test", 2)):
        for i in range(count):
            what = ("roofs", "water")[i % 2]
            name = f"{subset}{i}"
            rows.append([subset, *pair(folder, name, len(rows), what), what])
    path = folder / "pairs.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["split", "before", "after", "label", "what"], *rows])
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    settings = tm.ChangeSettings(
        data=str(table),
        out=str(out),
        model="difference_mamba",
        set={"width": 16, "d_state": 2},
        scale_by="pair",
        epochs=2,
        batch_size=4,
        crops_per_pair=4,
        crop_size=32,
        lr=2e-2,
        device="cpu",
    )
    tm.train_change_detector(settings, progress=False)
    return out


def probability(run, dates, meaning):
    """What the model says of a pair that is scaled by its own mean and deviation."""
    images = np.stack([rasterio.open(path).read().astype(np.float64) for path in dates])
    both = images.transpose(1, 0, 2, 3).reshape(3, -1)
    low, high = np.percentile(both, 0.5, axis=1), np.percentile(both, 99.5, axis=1)
    both = np.minimum(np.maximum(both, low[:, None]), high[:, None])
    scaled = (images - both.mean(axis=1)[:, None, None]) / both.std(axis=1)[:, None, None]
    with torch.no_grad():
        logits = run.model(torch.from_numpy(scaled).float()[None], torch.tensor([meaning]))
    return torch.sigmoid(logits)[0, 0].numpy()


def test_a_map_is_of_the_meaning_that_was_asked_for(run, table, tmp_path):
    dates, loaded = [table.parent / f"test0_{i}.tif" for i in (0, 1)], tm.load_run(run)
    found = {}
    for meaning, what in enumerate(("roofs", "water")):
        out, likely = tmp_path / f"{what}.tif", tmp_path / f"{what}_p.tif"
        tm.map_change(run, *dates, out, what=what, probabilities=likely, progress=False)
        with rasterio.open(likely) as file:
            found[what] = file.read(1) / 254
        expected = probability(loaded, dates, meaning)
        np.testing.assert_allclose(found[what], expected, atol=0.6 / 254)
        cut = loaded.card.judged.thresholds[what]
        clear = np.abs(expected - cut) > 1e-4
        with rasterio.open(out) as file:
            np.testing.assert_array_equal((file.read(1) == 1)[clear], (expected >= cut)[clear])
            assert file.tags()["WHAT"] == what
    assert np.abs(found["roofs"] - found["water"]).max() > 1 / 254


def test_the_card_names_the_meanings_and_a_threshold_for_each(run):
    card = json.loads((run / "model.json").read_text())
    assert card["meanings"] == ["roofs", "water"]
    assert set(card["thresholds"]) == {"roofs", "water"}
    assert card["scale_by"] == "pair"


def test_maps_do_not_depend_on_how_a_pair_is_stretched(run, table, tmp_path):
    dates = [table.parent / f"test1_{i}.tif" for i in (0, 1)]
    brighter = []
    for path in dates:
        with rasterio.open(path) as file:
            values = file.read().astype(np.uint16) * 40 + 300
        brighter.append(tmp_path / path.name)
        write(brighter[-1], values)
    plain, stretched = (
        tm.map_change(run, *files, what="water", progress=False).values for files in (dates, brighter)
    )
    np.testing.assert_array_equal(plain, stretched)


def test_pairs_are_scored_for_what_their_table_says_each_at_its_threshold(run, table):
    loaded, counts = tm.load_run(run), np.zeros((2, 2), int)
    for i, what in enumerate(("roofs", "water")):
        likely = probability(loaded, [table.parent / f"test{i}_{date}.tif" for date in (0, 1)], i)
        with rasterio.open(table.parent / f"test{i}_label.tif") as file:
            truth = file.read(1) > 0
        np.add.at(
            counts,
            (truth.ravel().astype(int), (likely >= loaded.card.judged.thresholds[what]).ravel().astype(int)),
            1,
        )
    found = tm.evaluate_change_detector(run, data=table, progress=False)
    np.testing.assert_allclose(found["test"]["confusion"], counts, atol=3)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (None, "has learnt several meanings of changed; choose with --what roofs | water"),
        ("roads", "--what roads: .* knows roofs | water; choose one of them"),
    ],
)
def test_a_meaning_that_is_not_known_is_refused(run, table, tmp_path, what, words):
    dates = [table.parent / f"test0_{i}.tif" for i in (0, 1)]
    with pytest.raises(InputError, match=words):
        tm.map_change(run, *dates, tmp_path / "c.tif", what=what, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_row_without_a_meaning_beside_others_is_refused(table, tmp_path, capsys):
    lines = table.read_text().splitlines()
    bare = table.with_name("bare.csv")
    bare.write_text("\n".join([*lines[:-1], lines[-1].rsplit(",", 1)[0] + ","]))
    words = [
        "change",
        "train",
        "--data",
        str(bare),
        "--model",
        "difference_mamba",
        "--out",
        str(tmp_path / "r"),
    ]
    assert main(words) == 1
    assert "nothing in column what, which other pairs have" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_model_that_learns_one_meaning_refuses_several(table, tmp_path, capsys):
    words = ["change", "train", "--data", str(table), "--model", "glmamba", "--out", str(tmp_path / "r")]
    assert main(words) == 1
    assert "learns one meaning of changed" in capsys.readouterr().err
