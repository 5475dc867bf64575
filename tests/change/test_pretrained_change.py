"""Pretrained weights map, are scored and are trained on like a run; others are refused."""

import json
import shutil

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from rasterio.crs import CRS

import terramamba as tm
from cards import weights_card
from terramamba.change import scored_pairs
from terramamba.change.export import tile_network
from terramamba.change.judging import CLASSES
from terramamba.change.pretrained import ChangeWeights, own_part, pretrained_run
from terramamba.cli import main
from terramamba.core.errors import InputError
from terramamba.core.files import plain
from terramamba.data.scaling import Scaling
from terramamba.export.settings import ExportSettings
from terramamba.models.registry import create_model
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.weights.registry import save_weights

MEANINGS = ("buildings", "water")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder of weights that were never trained."""
    own = ChangeWeights(
        scaling=Scaling("standard", (0, 1, 2), (0.0,) * 3, (1.0,) * 3, (0.0,) * 3),
        scale_by="pair",
        threshold=0.5,
        meanings=MEANINGS,
        thresholds={"buildings": 0.4, "water": 0.6},
        pixel_sizes=(0.2, 2.0),
    )
    model = create_model("difference_mamba", in_channels=3, meanings=2, width=16, d_state=2)
    with torch.no_grad():
        for decoder in model.decoders:
            decoder.head.weight *= 50  # so that probabilities differ
    card = weights_card(task="change", classes=CLASSES, own=plain(own))
    return save_weights(tmp_path_factory.mktemp("w") / "a-test", model, card, "free").folder


@pytest.fixture
def dates(tmp_path):
    random = np.random.default_rng(0)
    paths = [tmp_path / "before.tif", tmp_path / "after.tif"]
    for path in paths:
        profile = {"driver": "GTiff", "count": 3, "height": 40, "width": 48, "dtype": "uint16"}
        place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 4e5, 0, -10, 5e6)}
        with rasterio.open(path, "w", **profile, **place) as file:
            file.write(random.integers(200, 3000, (3, 40, 48), dtype=np.uint16))
    return [str(path) for path in paths]


def test_a_map_comes_with_a_note_on_pixels_that_are_too_large(weights, dates, tmp_path, capsys):
    words = ["change", "map", *dates, "--weights", str(weights), "--what", "water"]
    assert main([*words, "--out", str(tmp_path / "c.tif"), "--polygons", str(tmp_path / "c.gpkg")]) == 0
    said = capsys.readouterr()
    assert (
        "pixels are 10 m wide, larger than those that the model was trained or tried on for water (0.2 to 2"
        " m)" in said.err
    )
    with rasterio.open(tmp_path / "c.tif") as file:
        assert file.crs.to_epsg() == 32633
        assert file.tags()["WHAT"] == "water"


def test_grey_pictures_are_told_from_colours(weights, dates, tmp_path, capsys):
    grey = str(tmp_path / "grey.tif")
    with rasterio.open(dates[0]) as file, rasterio.open(grey, "w", **file.profile) as copy:
        copy.write(np.repeat(file.read([1]), 3, axis=0))
    words = ["change", "map", grey, dates[1], "--weights", str(weights), "--what", "water"]
    assert main([*words, "--out", str(tmp_path / "c.tif")]) == 0
    said = capsys.readouterr().err
    assert f"{grey}: its three bands are all alike, as in radar or a grey picture" in said
    assert f"{dates[1]}: its three bands" not in said


def test_the_same_with_workers_and_from_python(weights, dates, tmp_path):
    detector = tm.pretrained_detector(weights)
    array = tm.map_change(detector, *dates, what="buildings", progress=False)
    tm.map_change(detector, *dates, tmp_path / "c.tif", what="buildings", workers=2, progress=False)
    with rasterio.open(tmp_path / "c.tif") as file:
        np.testing.assert_array_equal(file.read(1), array.values)


def test_images_are_shown_enlarged_as_a_user_would_enlarge_them(weights, tmp_path, capsys):
    paths = {name: tmp_path / f"{name}.tif" for name in ("before", "after", "larger before", "larger after")}
    for seed, name in enumerate(("before", "after")):
        coarse = np.random.default_rng(seed).uniform(0, 3000, (3, 5, 6)).astype(np.float32)
        for larger, pixel in (("", 10), ("larger ", 5)):
            values = coarse = zoomed(coarse, 2 if larger else 8)
            save(paths[larger + name], values, pixel)
    maps = []
    for larger, flags in (("", ["--enlarge", "2"]), ("larger ", [])):
        dates = [str(paths[larger + name]) for name in ("before", "after")]
        maps.append(tmp_path / f"{larger}p.tif")
        words = ["--weights", str(weights), "--what", "water", "--out", str(tmp_path / f"{larger}map.tif")]
        assert main(["change", "map", *dates, *words, "--probabilities", str(maps[-1]), *flags]) == 0
        assert ("10 m wide, seen as 5 m, larger" in capsys.readouterr().err) == bool(flags)
    with rasterio.open(maps[0]) as file, rasterio.open(maps[1]) as other:
        assert (file.shape, file.tags()["ENLARGED"]) == ((40, 48), "2")
        found, seen = (one.read(1).astype(float) for one in (file, other))
    # means of probabilities are those of logits where these differ little
    assert np.abs(found - seen.reshape(40, 2, 48, 2).mean(axis=(1, 3))).max() < 2
    assert np.ptp(found) > 8


@pytest.mark.parametrize("times", [0, 5])
def test_python_refuses_what_the_shell_refuses(times, weights, pairs_of_two):
    with pytest.raises(InputError, match=f"--enlarge {times}: a whole number from 1 to 4"):
        tm.evaluate_change_detector(
            pretrained_run(str(weights)), data=pairs_of_two, what="water", enlarge=times, progress=False
        )


def test_scores_of_enlarged_images_say_so_and_large_pairs_are_scored_by_tiles(
    weights, pairs_of_two, monkeypatch
):
    run = pretrained_run(str(weights))
    how = {"data": pairs_of_two, "what": "water", "enlarge": 2, "progress": False}
    whole = tm.evaluate_change_detector(run, **how)
    assert whole["protocol"].endswith("-enlarged-2")
    assert any("images are seen enlarged 2 times; threshold, calib" in note for note in whole["notes"])
    monkeypatch.setattr(scored_pairs, "WHOLE_PIXELS", 4 * 32 * 32 - 1)  # as they are, less
    seen = []
    tiles = scored_pairs.tiles
    monkeypatch.setattr(scored_pairs, "tiles", lambda *given: seen.append(given) or tiles(*given))
    by_tiles = tm.evaluate_change_detector(run, **how)
    assert {given[2:] for given in seen} == {(256, 32)}
    assert by_tiles["test"]["f1"] == pytest.approx(whole["test"]["f1"], abs=0.02)


def zoomed(values, times):
    """Bands with sides so many times as long, bilinear."""
    larger = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None], scale_factor=times, mode="bilinear"
    )
    return larger[0].numpy()


def save(path, values, pixel):
    """Write a GeoTIFF with pixels so many metres wide."""
    place = CRS.from_epsg(32633), Affine(pixel, 0, 4e5, 0, -pixel, 5e6)
    write_geotiff(path, values, Grid(*values.shape[1:], *place))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--model", "cva", "--enlarge", "2"], "cva compares pixel by pixel; leave it out"),
        (["--model", "ir_mad", "--enlarge", "5"], "a whole number from 1 to 4 is needed"),
    ],
)
def test_what_learnt_nothing_is_not_shown_images_enlarged(words, reason, dates, tmp_path, capsys):
    assert main(["change", "map", *dates, *words, "--out", str(tmp_path / "c.tif")]) in (1, 2)
    said = capsys.readouterr().err
    assert f"--enlarge {words[-1]}" in said
    assert reason in said
    assert not (tmp_path / "c.tif").exists()


def test_scores_come_with_the_notes_of_a_map(weights, dates, tmp_path):
    with rasterio.open(dates[0]) as file:
        profile, values = file.profile, file.read()
    label = str(tmp_path / "label.tif")
    with rasterio.open(label, "w", **{**profile, "count": 1, "dtype": "uint8"}) as file:
        file.write((values[0] > 2500).astype(np.uint8), 1)
    table = tmp_path / "pairs.csv"
    table.write_text(f"split,before,after,label\ntest,{dates[0]},{dates[1]},{label}\n")
    found = tm.evaluate_change_detector(
        pretrained_run(str(weights)), data=str(table), what="water", progress=False
    )
    (note,) = [note for note in found["notes"] if note.startswith("pixels are 10 m wide, larger")]
    assert note.endswith("(so in 1 of 1 pair that was looked at)")


def test_scores_say_what_the_weights_have_learnt_from(weights, pairs_of_two):
    found = tm.evaluate_change_detector(
        pretrained_run(str(weights)), data=pairs_of_two, what="water", progress=False
    )
    assert found["threshold"] == 0.6
    assert any("these weights learnt from nothing: scores on images" in note for note in found["notes"])


def test_a_detector_that_sees_each_pair_by_itself_is_a_network_for_the_pair_that_is_named(
    weights, dates, tmp_path
):
    run, pair = pretrained_run(str(weights)), dict(zip(("before", "after"), dates, strict=True))
    with pytest.raises(InputError, match=r"a-test: scales each pair by its own values.*--before and --after"):
        tile_network(run, ExportSettings(what="water"))
    with pytest.raises(InputError, match=r"choose with --what buildings \| water"):
        tile_network(run, ExportSettings(**pair))
    found = tile_network(run, ExportSettings(**pair, what="water"))
    assert found.facts["scaled_for"] == ["before.tif", "after.tif"]
    assert (found.facts["what"], found.facts["threshold"]) == ("water", 0.6)
    tile = []
    for date in dates:
        with rasterio.open(date) as file:
            tile.append(file.read())
    with torch.inference_mode():
        likely = found.network.eval()(torch.from_numpy(np.concatenate(tile)[None].astype(np.float32)))[0, 0]
    tm.map_change(run, *dates, tmp_path / "map.tif", probabilities=tmp_path / "p.tif", what="water")
    with rasterio.open(tmp_path / "p.tif") as file:
        assert np.abs(likely.numpy() * 254 - file.read(1)).max() < 0.5 + 254e-4


def test_of_a_pair_to_be_exported_for_both_dates_are_named(dates):
    with pytest.raises(
        InputError, match=r"--bands 1-3: is about .* name both --before and --after, or leave"
    ):
        ExportSettings(before=dates[0], bands="1-3")
    with pytest.raises(InputError, match="--nodata 0,255: is about the pair"):
        ExportSettings(nodata=[0.0, 255.0])


def test_what_is_published_of_a_run_is_the_run_again(weights):
    run = pretrained_run(str(weights))
    sizes = {"buildings": (0.2, 1.0), "water": (0.5, 30.0)}
    own = own_part(run, sizes)
    assert (own.pixel_sizes, own.pixel_sizes_of) == ((0.2, 30.0), sizes)
    assert own.thresholds == {"buildings": 0.4, "water": 0.6}
    assert (own.meanings, own.scale_by, own.threshold) == (MEANINGS, "pair", 0.5)


def test_training_begins_with_weights_by_their_folder(weights, tmp_path, pairs_of_two, capsys):
    words = [
        "change",
        "train",
        "--data",
        pairs_of_two,
        "--init",
        str(weights),
        "--out",
        str(tmp_path / "run"),
    ]
    assert main([*words, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "difference_mamba, default, width=16, d_state=2" in said
    assert "; it begins with changed as buildings" in said


@pytest.fixture(scope="module")
def pairs_of_two(tmp_path_factory):
    from terramamba.data.synthetic.files import make_pairs

    home = tmp_path_factory.mktemp("pairs")
    return str(make_pairs(home, 0, train=1, val=1, test=1, size=32, scene=(64, 64)).root)


def damaged_card(folder):
    path = folder / "card.json"
    record = json.loads(path.read_text())
    record["own"]["threshold"] = 7
    path.write_text(json.dumps(record))


def exchanged_file(folder):
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damaged_card, "card.json: own.threshold"),
        (exchanged_file, "is damaged or not the one that card.json was written with"),
        (lambda folder: (folder / "LICENSE").unlink(), "LICENSE: does not exist"),
    ],
)
def test_damaged_weights_are_refused(weights, dates, tmp_path, capsys, damage, words):
    own = tmp_path / "own"
    shutil.copytree(weights, own)
    damage(own)
    mapped = [
        "change",
        "map",
        *dates,
        "--weights",
        str(own),
        "--what",
        "water",
        "--out",
        str(tmp_path / "c.tif"),
    ]
    assert main(mapped) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "c.tif").exists()


def test_a_name_that_is_nearly_known_is_suggested(dates, tmp_path):
    with pytest.raises(InputError, match="no such weights"):
        tm.pretrained_detector("terramamba-chang")


def test_weights_and_an_untrained_detector_exclude_each_other(weights, dates, tmp_path, capsys):
    words = [
        "change",
        "map",
        *dates,
        "--weights",
        str(weights),
        "--model",
        "cva",
        "--out",
        str(tmp_path / "c.tif"),
    ]
    assert main(words) == 1
    assert "each says who maps; give one of them" in capsys.readouterr().err
