"""What values in the labels of pairs mean, from the files to training, model card and scoring."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from terramamba.api import evaluate_change_detector, map_change, train_change_detector, write_report
from terramamba.change.settings import ChangeSettings
from terramamba.cli.shared.scores import show_scores
from terramamba.core.errors import InputError
from terramamba.data.pairs.label_values import Coding, LabelValues
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.report.maps import MapFiles
from terramamba.runs.folder import load_run
from terramamba.tasks import CHANGE

SIDE = 24
PLACE = Affine(0.5, 0, 600_000, 0, -0.5, 3_400_000)
UTM = CRS.from_epsg(32614)

Label = Callable[[str, int, np.ndarray], dict[str, Any]]
"""Part, number and truth (0, 1) of a pair, and what is written as its label: values and options."""


def tiff(path: Path, values: np.ndarray, transform: Affine = PLACE, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    bands = np.atleast_3d(values.T).T
    write_geotiff(path, bands, Grid(*bands.shape[1:], UTM, transform), **options)


def make(root: Path, label: Label, seed: int, parts: dict[str, int] | None = None) -> Path:
    """Pairs in which squares get brighter by far, with the labels that ``label`` makes of the truth."""
    rng = np.random.default_rng(seed)
    for part, number in (parts or {"train": 2, "val": 2, "test": 2}).items():
        for index in range(number):
            before = rng.integers(60, 90, (2, SIDE, SIDE), np.uint8)
            after, truth = before.copy(), np.zeros((SIDE, SIDE), np.uint8)
            row, col = rng.integers(2, SIDE - 10, 2)
            truth[row : row + 8, col : col + 8] = 1
            after[:, truth > 0] += 100
            tiff(root / part / "A" / f"{index}.tif", before)
            tiff(root / part / "B" / f"{index}.tif", after)
            written = label(part, index, truth)
            tiff(root / part / "label" / f"{index}.tif", **written)
    return root


def plain(part: str, number: int, truth: np.ndarray) -> dict[str, Any]:
    return {"values": truth}


def scaled(part: str, number: int, truth: np.ndarray) -> dict[str, Any]:
    return {"values": truth * np.uint8(255)}


def train(data: Path, out: Path, **options: Any) -> dict[str, Any]:
    return train_change_detector(ChangeSettings(data=str(data), out=str(out), model="cva", **options))


def refused(data: Path, tmp_path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        train(data, tmp_path / "run", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
    return str(caught.value)


@dataclass(frozen=True)
class Plain:
    """A set with plain labels, made with ``seed``, and the test matrix of a run on it."""

    data: Path
    seed: int
    confusion: list[list[int]]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, seed_of: Callable[[str], int]) -> Plain:
    """What labels that say the same otherwise must give."""
    home, seed = tmp_path_factory.mktemp("expected"), seed_of("label values")
    data = make(home / "plain", plain, seed)
    return Plain(data, seed, train(data, home / "run")["test"]["confusion"])


def test_a_run_keeps_and_says_what_values_mean(tmp_path: Path, expected: Plain) -> None:
    result = train(make(tmp_path / "data", scaled, expected.seed), tmp_path / "run")
    assert result["test"]["confusion"] == expected.confusion
    assert result["notes"][0] == "change masks: 0 unchanged, 255 changed (found from 6 files)"
    kept = load_run(tmp_path / "run").card.data.label_values
    assert kept == LabelValues(6, Coding((255,), (0,)))
    card = json.loads((tmp_path / "run" / "model.json").read_text())
    assert card["label_values"]["numbers"]["changed"] == [255]
    again = evaluate_change_detector(tmp_path / "run", data=str(tmp_path / "data"))
    assert again["test"]["confusion"] == expected.confusion
    # other data, coded otherwise, are read by what they say, and a line says that they contradict
    other = evaluate_change_detector(tmp_path / "run", data=str(expected.data))
    assert other["test"]["confusion"] == expected.confusion
    words = "the masks hold 0, 1, while those that the run was trained with mean 0 unchanged, 255 changed"
    assert other["notes"][0].startswith(words)


def test_scores_of_values_that_were_not_learnt_say_so(tmp_path: Path, expected: Plain) -> None:
    make(tmp_path, plain, expected.seed)
    for path in sorted(tmp_path.glob("test/[AB]/*.tif")):
        tiff(path, open_scene(path).read()[0].astype(np.uint16) + 1000)
    run = expected.data.parent / "run"
    notes = evaluate_change_detector(run, data=str(tmp_path))["notes"]
    (note,) = [note for note in notes if "those that the model was trained on" in note]
    assert "are higher than" in note
    assert note.endswith("(so in 2 of 2 pairs that were looked at)")
    same = evaluate_change_detector(run, data=str(expected.data))["notes"]
    assert not any("trained on" in note for note in same)


def test_a_page_doubts_a_map_of_another_run_that_has_no_weights(tmp_path: Path, expected: Plain) -> None:
    run = expected.data.parent / "run"
    dates = (expected.data / "test" / date / "0.tif" for date in "AB")
    map_change(run, *dates, tmp_path / "map.tif", progress=False)
    files = MapFiles(str(tmp_path / "map.tif"))
    doubt = "was made by a run called run, and this one is other: cva has no weights"
    for name, said in (("run", False), ("other", True)):
        folder = shutil.copytree(run, tmp_path / name)
        page = write_report([folder], tmp_path / f"{name}.html", map_files=files)
        assert (doubt in page.read_text()) is said
    card = tmp_path / "other" / "model.json"
    card.write_text(card.read_text().replace('"cva"', '"pca_kmeans"'))
    with pytest.raises(InputError, match=r"was made by another model \(cva, .* than that in .* \(pca_kmeans"):
        write_report([card.parent], tmp_path / "page.html", map_files=files)


def test_nodata_0_is_unchanged_and_said(tmp_path: Path, expected: Plain) -> None:
    data = make(
        tmp_path / "data", lambda part, number, truth: {"values": truth, "nodata": 0.0}, expected.seed
    )
    result = train(data, tmp_path / "run")
    assert result["test"]["confusion"] == expected.confusion
    assert any("declares 0 as nodata, which is the only value beside 1" in note for note in result["notes"])


def test_two_codings_in_one_set_are_refused_or_stated(tmp_path: Path, expected: Plain) -> None:
    def mixed(part: str, number: int, truth: np.ndarray) -> dict[str, Any]:
        return {"values": truth * np.uint8(255 if number else 1)}

    data = make(tmp_path / "data", mixed, expected.seed)
    said = refused(data, tmp_path)
    assert "0.tif: marks with 1, and " in said
    assert "1.tif with 255, in one set; say --changed-values 1,255" in said
    result = train(data, tmp_path / "run", changed_values=["1", "255"])
    assert result["test"]["confusion"] == expected.confusion
    assert "(as stated, 6 files)" in result["notes"][0]


def test_255_is_never_changed_where_1_is(tmp_path: Path, seed: int) -> None:
    def ignored(part: str, number: int, truth: np.ndarray) -> dict[str, Any]:
        values = truth if part == "train" else truth * np.uint8(0)
        values = values.copy()
        values[:4] = 255
        return {"values": values}

    data = make(tmp_path / "data", ignored, seed)
    result = train(data, tmp_path / "run")
    (warning,) = json.loads((tmp_path / "run" / "plan.json").read_text())["warnings"]
    assert warning.startswith("the val and test masks mark no change")
    assert np.sum(result["test"]["confusion"]) == 2 * (SIDE - 4) * SIDE
    assert np.sum(result["test"]["confusion"], axis=1)[1] == 0
    # scored alone, by what the run has learnt: 255 stays without reference
    alone = evaluate_change_detector(tmp_path / "run", data=str(data))
    assert any(note.startswith("no mask marks any change") for note in alone["notes"])
    assert alone["test"]["confusion"] == result["test"]["confusion"]
    stated = evaluate_change_detector(
        tmp_path / "run", data=str(data), changed_values=["255"], unchanged_values=["0"]
    )
    assert np.sum(stated["test"]["confusion"], axis=1)[1] == 2 * 4 * SIDE


def test_levels_are_refused_or_stated(tmp_path: Path, expected: Plain) -> None:
    def levels(part: str, number: int, truth: np.ndarray) -> dict[str, Any]:
        values = truth * np.uint8(3)
        values[:5][values[:5] == 0] = 1
        return {"values": values}

    data = make(tmp_path / "data", levels, expected.seed)
    assert "hold 0, 1, 3, and which of them mean changed is not known" in refused(data, tmp_path)
    result = train(data, tmp_path / "run", changed_values=["3"])
    assert result["test"]["confusion"] == expected.confusion
    assert load_run(tmp_path / "run").card.data.label_values.numbers == Coding((3,), (0, 1))


def test_black_masks_are_warned_of_on_top(tmp_path: Path, seed: int) -> None:
    data = make(tmp_path / "data", lambda part, number, truth: {"values": truth * np.uint8(0)}, seed)
    result = train(data, tmp_path / "run")
    assert result["notes"][0].startswith("no mask marks any change")
    assert "nothing changed anywhere, so nothing can be learnt or scored" in result["notes"][0]
    assert json.loads((tmp_path / "run" / "plan.json").read_text())["warnings"] == [result["notes"][0]]


def test_a_part_without_unchanged_pixels_is_refused(tmp_path: Path, seed: int) -> None:
    def full(part: str, number: int, truth: np.ndarray) -> dict[str, Any]:
        return {"values": truth | np.uint8(part == "val")}

    said = refused(make(tmp_path / "data", full, seed), tmp_path)
    assert "no pixel is unchanged in the val masks, read as 0 unchanged, 1 changed" in said


def test_a_part_without_reference_is_refused(tmp_path: Path, seed: int) -> None:
    data = make(tmp_path / "data", lambda _, n, truth: {"values": truth, "nodata": 9.0}, seed)
    for path in (data / "test" / "label").iterdir():
        tiff(path, np.full((SIDE, SIDE), 9, np.uint8), nodata=9.0)
    assert "no pixel has a reference in the test masks" in refused(data, tmp_path)


def test_a_table_states_values_row_by_row(tmp_path: Path, expected: Plain) -> None:
    data = make(tmp_path / "data", lambda _, n, truth: {"values": truth + np.uint8(1 + 4 * n)}, expected.seed)
    rows = [
        f"{part},{part}/A/{n}.tif,{part}/B/{n}.tif,{part}/label/{n}.tif,{2 + 4 * n},{1 + 4 * n}"
        for part in ("train", "val", "test")
        for n in (0, 1)
    ]
    table = data / "pairs.csv"
    table.write_text("\n".join(["split,before,after,label,changed_values,unchanged_values", *rows]))
    result = train(table, tmp_path / "run")
    assert result["test"]["confusion"] == expected.confusion
    again = evaluate_change_detector(tmp_path / "run", data=str(table))
    assert again["test"]["confusion"] == expected.confusion
    table.write_text("before,after,label,changed_values\nval/A/0.tif,val/B/0.tif,val/label/0.tif,two")
    with pytest.raises(InputError, match=r"line 2: changed_values: 'two' is no whole number"):
        evaluate_change_detector(tmp_path / "run", data=str(table), split="all")


def cloud(data: Path, covered: Callable[[str, str], bool]) -> None:
    for path in data.glob("*/A/*.tif"):
        part = path.parent.parent.name
        values = np.full((SIDE, SIDE), covered(part, path.stem), np.uint8)
        tiff(path.parent.parent / "mask" / path.name, values)


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_clouds_over_a_whole_part_are_said_before_training(tmp_path: Path, seed: int, part: str) -> None:
    data = make(tmp_path / "data", plain, seed)
    cloud(data, lambda where, _: where == part)
    assert f"no pixel of the 2 {part} pairs can be used" in refused(data, tmp_path)


def test_a_pair_without_a_pixel_to_score_is_left_out_and_said(tmp_path: Path, seed: int) -> None:
    data = make(tmp_path / "data", plain, seed, {"train": 2, "val": 2, "test": 3})
    whole = train(data, tmp_path / "whole")["test"]
    assert whole["pairs"] == 3
    cloud(data, lambda part, name: part == "test" and name in "01")
    result = train(data, tmp_path / "run")
    assert result["test"]["pairs"] == 1
    assert result["test"]["f1_interval"] is None
    (note,) = [note for note in result["notes"] if "2 of 3 test pairs hold no pixel" in note]
    assert note.endswith("test/A/0.tif")
    scored = evaluate_change_detector(tmp_path / "run", data=str(data))
    assert scored["test"] == result["test"]
    assert note in scored["notes"]


def test_without_a_test_part_a_run_says_that_nothing_was_tested(tmp_path: Path, seed: int, capsys) -> None:
    data = make(tmp_path / "data", plain, seed, {"train": 2, "val": 2})
    result = train(data, tmp_path / "run", chosen_on_test=True)
    assert result["test"] == {"pairs": 0, "confusion": [[0, 0], [0, 0]]}
    assert result["protocol"] == "pairs-2-2-0"
    assert result["notes"][0].startswith("no test pairs: nothing was tested")
    show_scores(CHANGE, result)
    assert "2 validation pairs (nothing was tested)" in capsys.readouterr().out
    assert "was not tested: its data have no test pairs" in (tmp_path / "run" / "report.html").read_text()
    train(data, tmp_path / "other")
    page = write_report([tmp_path / "run", tmp_path / "other"], tmp_path / "both.html")
    assert "None of the 2 runs was tested" in page.read_text()
    with pytest.raises(InputError, match="no labelled pairs in its test subset"):
        evaluate_change_detector(tmp_path / "run", data=str(data))
    assert evaluate_change_detector(tmp_path / "run", data=str(data), split="val")["test"]["pairs"] == 2


def test_a_label_beside_its_images_is_refused(tmp_path: Path, seed: int) -> None:
    beside = PLACE @ Affine.translation(SIDE, 0)
    data = make(tmp_path / "data", lambda _, n, truth: {"values": truth, "transform": beside}, seed)
    assert "0.tif: does not lie on " in refused(data, tmp_path)
