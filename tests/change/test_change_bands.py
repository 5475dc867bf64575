"""Which band is which in a set of pairs: decided once, kept in the run, and followed by all that use it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from programs import terramamba
from terramamba.api import evaluate_change_detector, map_change, train_change_detector
from terramamba.change.settings import ChangeSettings
from terramamba.change.training_domain import notes_on_domain
from terramamba.cli import main
from terramamba.core.errors import InputError
from terramamba.models.registry import model_spec
from terramamba.pipeline import plan_data
from terramamba.raster.readers.open import open_scene
from terramamba.runs.folder import load_run
from terramamba.tasks import CHANGE

SIDE = 32
SUBSETS = ("train", "val", "test")
NAMES = ("red", "green", "blue", "nir")


def dates(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Four 8-bit bands of unlike brightness before and after, and what changed."""
    random = np.random.default_rng(seed)
    level = np.array([40, 80, 120, 160])[:, None, None]
    before = level + random.normal(0, 8, (4, SIDE, SIDE))
    after = before + random.normal(0, 3, before.shape)
    changed = np.zeros((SIDE, SIDE), np.uint8)
    changed[8:20, 6:18] = 1
    after[:, changed > 0] += 50
    return before.clip(1, 254).astype(np.uint8), after.clip(1, 254).astype(np.uint8), changed


def save(path: Path, values: np.ndarray, names: Sequence[str] = (), **profile: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 5e6), "dtype": values.dtype}
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, **(place | profile)
    ) as file:
        file.write(values)
        if names:
            file.descriptions = list(names)
    return path


def make(root: Path, seed: int, names: Sequence[str] = (), later: Sequence[int] = (0, 1, 2, 3)) -> Path:
    """A pair in each subset; the later date has its bands in the order ``later``."""
    for number, subset in enumerate(SUBSETS):
        before, after, changed = dates(seed + number)
        save(root / subset / "A" / "1.tif", before, names)
        own = [names[band] for band in later] if names else ()
        save(root / subset / "B" / "1.tif", after[list(later)], own)
        save(root / subset / "label" / "1.tif", changed[None])
    return root


def trained(root: Path, out: Path, **options: Any) -> dict[str, Any]:
    return train_change_detector(ChangeSettings(data=str(root), out=str(out), model="cva", **options))


def pixels(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def test_four_bands_as_gdal_writes_them_by_default_are_four(tmp_path: Path, seed: int) -> None:
    result = trained(make(tmp_path / "data", seed), tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert (run.card.data.source_bands, run.scaling.bands) == (4, (0, 1, 2, 3))
    (note,) = (note for note in result["notes"] if "transparency" in note)
    assert "used as a band (6 of 6 images" in note
    assert np.sum(result["test"]["confusion"]) == SIDE * SIDE


def test_an_empty_fourth_band_is_what_it_is_in_the_others(tmp_path: Path, seed: int) -> None:
    root = make(tmp_path / "data", seed)
    values = pixels(root / "val" / "A" / "1.tif")
    values[3] = 0
    save(root / "val" / "A" / "1.tif", values)
    trained(root, tmp_path / "run")
    assert load_run(tmp_path / "run").card.data.source_bands == 4


def test_a_set_that_disagrees_is_refused_and_settled_by_a_flag(tmp_path: Path, seed: int) -> None:
    root = make(tmp_path / "data", seed)
    values = pixels(root / "train" / "B" / "1.tif")
    values[3] = 255
    save(root / "train" / "B" / "1.tif", values)
    with pytest.raises(
        InputError, match=r"transparency in .*B/1\.tif .*measured .*--bands 1-4 or --bands 1-3"
    ):
        trained(root, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    trained(root, tmp_path / "four", bands="1-4")
    assert load_run(tmp_path / "four").scaling.bands == (0, 1, 2, 3)
    result = trained(root, tmp_path / "three", bands="1-3")
    assert load_run(tmp_path / "three").scaling.bands == (0, 1, 2)
    assert result["notes"][0] == "bands used, as --bands 1-3 says: 1-3 of 4"


def test_true_transparency_masks_both_dates(tmp_path: Path, seed: int) -> None:
    root = make(tmp_path / "data", seed)
    for path in root.glob("*/[AB]/1.tif"):
        values = pixels(path)
        values[3] = 255
        values[3, :4] = 0
        save(path, values)
    result = trained(root, tmp_path / "run")
    assert load_run(tmp_path / "run").card.data.source_bands == 3
    assert np.sum(result["test"]["confusion"]) == SIDE * (SIDE - 4)


def test_chosen_bands_are_kept_and_followed(tmp_path: Path, seed: int) -> None:
    """A model of some bands is the model that was trained on files of these alone."""
    root = make(tmp_path / "data", seed)
    result = trained(root, tmp_path / "run", bands="4,1")
    few = tmp_path / "few"
    for path in root.glob("*/*/1.tif"):
        values = pixels(path)
        save(few / path.relative_to(root), values if path.parent.name == "label" else values[[3, 0]])
    alone = trained(few, tmp_path / "alone")
    assert result["test"] == alone["test"]
    assert load_run(tmp_path / "run").scaling.bands == (3, 0)
    again = evaluate_change_detector(tmp_path / "run", data=str(root))
    assert again["test"] == result["test"]
    before, after = (root / "test" / date / "1.tif" for date in "AB")
    map_change(tmp_path / "run", before, after, tmp_path / "a.tif")
    small = (few / "test" / date / "1.tif" for date in "AB")
    map_change(tmp_path / "alone", *small, tmp_path / "b.tif")
    assert np.array_equal(pixels(tmp_path / "a.tif"), pixels(tmp_path / "b.tif"))


def test_the_model_says_whether_the_fourth_band_is_one(tmp_path: Path, seed: int) -> None:
    """Near infrared that is saturated all over looks like transparency, but a model of four bands knows."""
    root = make(tmp_path / "data", seed)
    trained(root, tmp_path / "four")
    trained(root, tmp_path / "three", bands="1-3")
    bright = []
    for date in "AB":
        values = pixels(root / "test" / date / "1.tif")
        values[3] = 255
        bright.append(save(tmp_path / date / "bright.tif", values))
    for run in ("four", "three"):
        map_change(tmp_path / run, *bright, tmp_path / f"{run}.tif")
        assert set(np.unique(pixels(tmp_path / f"{run}.tif"))) <= {0, 1}
    looks = make(tmp_path / "bright", seed)
    for date in "AB":
        save(looks / "test" / date / "1.tif", pixels(bright["AB".index(date)]))
    found = evaluate_change_detector(tmp_path / "four", data=str(looks))
    assert np.sum(found["test"]["confusion"]) == SIDE * SIDE


def test_dates_in_another_order_are_put_right_by_their_names(tmp_path: Path, seed: int) -> None:
    straight = trained(make(tmp_path / "straight", seed, NAMES), tmp_path / "run")
    turned = make(tmp_path / "turned", seed, NAMES, later=(3, 2, 1, 0))
    result = trained(turned, tmp_path / "other")
    assert result["test"] == straight["test"]
    assert load_run(tmp_path / "other").card.data.band_names == NAMES
    (note,) = (note for note in result["notes"] if note.startswith("bands matched"))
    assert note.startswith("bands matched by name: 4, 3, 2, 1 of 4 are used, in this order (3 of 6 images")
    before, after = (turned / "test" / date / "1.tif" for date in "AB")
    done = terramamba("change", "map", tmp_path / "run", before, after, "--out", tmp_path / "a.tif")
    assert done.returncode == 0, done.stderr
    assert "bands matched by name: 4, 3, 2, 1 of 4 are used, in this order" in done.stderr
    map_change(
        tmp_path / "run", *((tmp_path / "straight" / "test" / d / "1.tif") for d in "AB"), tmp_path / "b.tif"
    )
    assert np.array_equal(pixels(tmp_path / "a.tif"), pixels(tmp_path / "b.tif"))


def test_other_names_are_refused_and_numbers_settle_it(tmp_path: Path, seed: int) -> None:
    root = make(tmp_path / "data", seed, NAMES)
    other = ("B4", "B3", "B2", "B8")
    for date in ("train/B", "test/A", "test/B"):
        save(root / date / "1.tif", pixels(root / date / "1.tif"), other)
    with pytest.raises(InputError, match=r"has no band named red, but .* has one; it has B4, B3.*--bands"):
        trained(root, tmp_path / "run")
    result = trained(root, tmp_path / "run", bands="1-4")
    plain = trained(make(tmp_path / "plain", seed), tmp_path / "plain-run")
    assert result["test"] == plain["test"]
    before, after = (root / "test" / date / "1.tif" for date in "AB")
    words = ("change", "map", tmp_path / "run", before, after, "--out", tmp_path / "a.tif")
    refused = terramamba(*words)
    assert (refused.returncode, "--bands" in refused.stderr) == (1, True)
    done = terramamba(*words, "--bands", "1-4")
    assert done.returncode == 0, done.stderr
    found = evaluate_change_detector(tmp_path / "run", data=str(root), bands="1-4")
    assert found["test"] == result["test"]


def test_pictures_with_palettes_are_read_in_their_colours(tmp_path: Path, seed: int) -> None:
    """Numbers of colours mean nothing: each picture has a palette of its own."""
    root = make(tmp_path / "data", seed)
    for path in root.glob("*/[AB]/1.tif"):
        colours = np.moveaxis(pixels(path)[:3], 0, -1)
        Image.fromarray(colours).quantize(200).save(path.with_suffix(".png"))
        path.unlink()
    result = trained(root, tmp_path / "run")
    assert load_run(tmp_path / "run").card.data.source_bands == 3
    assert any(note.startswith("bands are red, green and blue") for note in result["notes"])
    assert result["test"]["f1"] > 0.8


def test_resuming_with_other_bands_is_refused(tmp_path: Path, seed: int) -> None:
    root = make(tmp_path / "data", seed)
    trained(root, tmp_path / "run", bands="1,2")
    settings = ChangeSettings(
        data=str(root), out=str(tmp_path / "run"), model="cva", bands="1,3", resume=True
    )
    with pytest.raises(InputError, match="bands '1,2', not '1,3'"):
        train_change_detector(settings)
    with pytest.raises(InputError, match="--bands 7"):
        train_change_detector(replace(settings, bands="7", resume=False, overwrite=True))


def test_codes_among_the_bands_are_said_by_training_and_by_maps_without_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, subset in enumerate(SUBSETS):
        for folder, values in zip(("A", "B", "label"), dates(number), strict=True):
            if folder == "label":
                save(tmp_path / subset / folder / "1.tif", values[None])
                continue
            values[3] = 4 + (np.arange(SIDE) > 20) * 2
            save(tmp_path / subset / folder / "1.tif", values)
    said = "the model uses band 4, which holds 4,6 alone, as codes do, and no measurement; --bands 1-3 leaves"
    plan = plan_data(CHANGE, ChangeSettings(data=str(tmp_path), out="run", model="cva"))
    assert said in str(plan.shown)
    pair = [str(tmp_path / "test" / date / "1.tif") for date in ("A", "B")]
    words = ["change", "map", *pair, "--model", "cva", "--out", str(tmp_path / "m.tif")]
    assert main(words) == 0
    assert said in capsys.readouterr().err
    assert main([*words, "--overwrite", "--bands", "1-3"]) == 0
    assert "as codes do" not in capsys.readouterr().err


@pytest.mark.parametrize(("later", "level"), [("L2A", 2), ("L1C", None)])
def test_a_run_keeps_the_level_of_the_products_that_it_learnt_from(
    tmp_path: Path, later: str, level: int | None
) -> None:
    for number, subset in enumerate(SUBSETS):
        before, after, changed = dates(number)
        for kind, values in (("L2A", before), (later, after)):
            save(tmp_path / f"S2A_MSI{kind}_{subset}" / f"{values is after}.tif", values)
        save(tmp_path / f"{subset}.tif", changed[None])
    row = "S2A_MSIL2A_{0}/False.tif,S2A_MSI{1}_{0}/True.tif,{0}.tif,{0}"
    rows = [row.format(subset, later) for subset in SUBSETS]
    (tmp_path / "pairs.csv").write_text("\n".join(["before,after,label,split", *rows]))
    settings = ChangeSettings(data=str(tmp_path / "pairs.csv"), out="run", model="cva")
    assert CHANGE.prepare(settings, model_spec("cva")).card.level == level


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"model": "fc_siam_diff"}, (10.0, 10.0)),
        ({"model": "fc_siam_diff", "zoom": 2.5}, (4.0, 25.0)),
        ({"model": "cva"}, None),  # has learnt from none
    ],
)
def test_a_run_keeps_how_wide_the_pixels_are_that_it_learnt_from(
    tmp_path: Path, options: dict[str, Any], sizes: tuple[float, float] | None
) -> None:
    settings = ChangeSettings(data=str(make(tmp_path, 1)), out="run", **options)
    assert CHANGE.prepare(settings, model_spec(settings.model)).card.pixel_sizes == sizes
    if options == {"model": "fc_siam_diff"}:
        path = tmp_path / "train" / "A" / "1.tif"
        later = tmp_path / "train" / "B" / "1.tif"
        for one in (path, later):
            save(one, pixels(one), crs=None)
        assert CHANGE.prepare(settings, model_spec(settings.model)).card.pixel_sizes is None


def test_a_run_that_learnt_from_colours_has_a_word_on_grey_pictures(tmp_path: Path) -> None:
    trained(make(tmp_path / "data", 1), tmp_path / "run")
    run = load_run(tmp_path / "run")
    grey = save(tmp_path / "grey.tif", dates(4)[0][[1, 1, 1, 1]])
    colour, greyed = open_scene(tmp_path / "data" / "test" / "A" / "1.tif"), open_scene(grey)
    (note,) = notes_on_domain(run, (colour, greyed), colour.grid, None, 1)
    assert note.startswith(f"{grey}: its four bands are all alike, as in radar or a grey picture; the model")
    assert notes_on_domain(run, (colour, colour), colour.grid, None, 1) == []
    alike = replace(run.card.data, quantiles=((1.0,) * 4, (2.0,) * 4, (3.0,) * 4, (4.0,) * 4))
    once_grey = replace(run, card=replace(run.card, data=alike))
    assert notes_on_domain(once_grey, (greyed, greyed), colour.grid, None, 1) == []
