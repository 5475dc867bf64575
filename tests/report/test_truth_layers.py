"""Layers that say what is true: labels, split and errors of land cover; mask, hits and misses of change."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from report.conftest import Made
from report.test_report_page import band, payload, read, refused, retagged, unpacked
from terramamba.api import evaluate_change_detector, write_report
from terramamba.change import report_truth as of_change
from terramamba.landcover import report_truth as of_land_cover
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.report.colours import VIRIDIS


def shown_of(page: Path) -> tuple[dict[str, Any], str]:
    reader, text = read(page)
    return payload(text), "".join(reader.texts)


def layer(shown: dict[str, Any], name: str) -> np.ndarray:
    return unpacked(shown["layers"][name])[0]


def test_a_map_of_the_runs_own_scene_has_truth_split_and_errors(made: Made, tmp_path: Path) -> None:
    shown, said = shown_of(write_report([made.cover], tmp_path / "r.html", map_files=made.cover_files))
    assert list(shown["layers"]) == ["map", "probability", "certainty", "truth", "split", "errors"]
    names = [entry["name"] for entry in shown["classes"]]
    known = json.loads((made.cover / "model.json").read_text())["classes"]
    place = {row["code"]: names.index(row["name"]) for row in known} | {0: 255}
    labels, land = band(str(made.labels)), band(made.cover_files.land)
    truth, split, errors = (layer(shown, name) for name in ("truth", "split", "errors"))
    assert np.array_equal(truth, np.vectorize(place.get)(labels))
    with rasterio.open(made.cover / "split.tif") as file:
        subsets = file.read(1)
    assert np.array_equal(split, np.array([255, 0, 1, 2])[subsets])
    judged = (labels > 0) & (land > 0)
    wanted = np.where(judged, (labels != land) + 2 * (subsets != 3), 255)
    assert np.array_equal(errors, wanted)
    assert [kind["name"] for kind in shown["layers"]["errors"]["kinds"]] == [
        kind.name for kind in of_land_cover.JUDGED
    ]
    right = int(((labels == land) & judged & (subsets == 3)).sum())
    assert f"right {right:,} pixels" in said


def test_labels_of_another_place_are_named(made: Made, tmp_path: Path) -> None:
    scene = open_scene(str(made.labels))
    half = band(str(made.labels)).copy()
    half[:, 30:] = 0
    write_geotiff(tmp_path / "half.tif", half[None], scene.grid, nodata=0)
    files = replace(made.cover_files, truth=str(tmp_path / "half.tif"))
    shown, _ = shown_of(write_report([made.cover], tmp_path / "r.html", map_files=files))
    assert np.array_equal(layer(shown, "truth") == 255, half == 0)


def test_what_cannot_be_had_is_left_out_with_a_sentence(made: Made, tmp_path: Path) -> None:
    moved, model = tmp_path / "moved.tif", tmp_path / "model"
    with rasterio.open(made.cover_files.land) as file:
        retagged(made.cover_files.land, moved, 40_000.0, **file.tags())
    bare = replace(made.cover_files, land=str(moved), scene=None, probabilities=None, certainty=None)
    shown, said = shown_of(write_report([made.cover], tmp_path / "r.html", map_files=bare))
    assert list(shown["layers"]) == ["map"]
    assert "The split is no layer here" in said
    assert "Truth and errors are no layers here" in said
    model.mkdir()
    for name in ("model.json", "metrics.json"):
        shutil.copy(made.cover / name, model)
    shown, said = shown_of(write_report([model], tmp_path / "m.html", map_files=made.cover_files))
    assert "truth" not in shown["layers"]
    assert "Name labels with --truth" in said
    shown, said = shown_of(write_report([made.change], tmp_path / "c.html", map_files=made.change_files))
    assert list(shown["layers"]) == ["map", "probability"]
    assert "is of none of the labelled pairs in" in said


def test_a_mask_brings_hits_misses_and_false_alarms(made: Made, tmp_path: Path) -> None:
    files = replace(made.change_files, truth=str(made.truth))
    shown, said = shown_of(write_report([made.change], tmp_path / "r.html", map_files=files))
    truth, land = band(str(made.truth)) > 0, band(files.land)
    found = layer(shown, "errors")
    kinds = {"hit": truth & (land == 1), "miss": truth & (land == 0), "false alarm": ~truth & (land == 1)}
    names = [kind["name"] for kind in shown["layers"]["errors"]["kinds"]]
    for name, where in kinds.items():
        assert np.array_equal(found == names.index(name), where), name
        assert f"{name} {int(where.sum()):,} pixel" in said
    assert np.array_equal(found == 255, land > 1)
    assert np.array_equal(layer(shown, "truth") == 1, truth)


def test_what_evaluation_wrote_of_a_pair_is_its_truth(made: Made, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name, path in (
        ("A", made.change_files.before),
        ("B", made.change_files.after),
        ("label", str(made.truth)),
    ):
        (data / "test" / name).mkdir(parents=True)
        shutil.copy(str(path), data / "test" / name / "one.tif")
    evaluate_change_detector(made.change, data=data, out=tmp_path / "scores", device="cpu")
    errors = next((tmp_path / "scores").glob("errors_*.tif"))
    files = replace(made.change_files, truth=str(errors))
    shown, _ = shown_of(write_report([made.change], tmp_path / "r.html", map_files=files))
    known = band(str(errors)) != 255
    assert np.array_equal((layer(shown, "truth") == 1)[known], (band(str(made.truth)) > 0)[known])
    # The same pair, found among the run's own data.
    other = tmp_path / "other"
    shutil.copytree(made.change, other)
    config = (other / "config.yaml").read_text()
    own = next(line for line in config.splitlines() if line.startswith("data: "))
    (other / "config.yaml").write_text(config.replace(own, f"data: {data}"))
    shown, _ = shown_of(write_report([other], tmp_path / "o.html", map_files=made.change_files))
    assert np.array_equal(layer(shown, "truth") == 1, band(str(made.truth)) > 0)


def test_a_truth_that_does_not_fit_is_refused(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = ("--out", tmp_path / "r.html")
    said = refused(capsys, made.change, "--map", made.change_files.land, "--truth", tmp_path / "no.png", *to)
    assert "no.png" in said
    cover, land = made.cover, made.cover_files.land
    assert "model.json" in refused(capsys, cover, "--map", land, "--truth", cover / "model.json", *to)
    said = refused(capsys, cover, "--map", land, "--certainty", made.cover_files.probabilities, *to)
    assert "classify map --certainty" in said


SEEN = {
    "as it is": np.eye(3),
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""How linear light is seen, by Machado, Oliveira and Fernandes (2009), severity 1."""


def lab(colours: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB, which distances of colours are measured in."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = colours @ np.transpose(to_xyz) / [0.9505, 1.0, 1.089]
    f = np.cbrt(np.maximum(xyz, 0.008856))
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("eye", SEEN)
@pytest.mark.parametrize(
    "colours",
    [
        [kind.colour for kind in of_land_cover.JUDGED],
        [kind.colour for kind in of_land_cover.SUBSETS.values()],
        [kind.colour for kind in of_change.JUDGED],
        [kind.colour for kind in of_change.TRUE],
        VIRIDIS,
    ],
)
def test_colours_can_be_told_apart_by_colour_blind_people(eye: str, colours: Any) -> None:
    linear = (np.array(colours) / 255) ** 2.2
    seen = lab(np.clip(linear @ np.transpose(SEEN[eye]), 0, 1))
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    assert apart[~np.eye(len(seen), dtype=bool)].min() > 15
