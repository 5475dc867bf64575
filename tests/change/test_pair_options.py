"""Pairs on unlike grids and with masks, through the commands: exit code, message, what was learnt from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from scipy.ndimage import gaussian_filter

from programs import terramamba
from terramamba.core.files import plain
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.quality_report import doubts, survey
from terramamba.data.pairs.statistics import fit_pair_scaling
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

UTM33 = CRS.from_epsg(32633)
SIDE = 48
PARTS = ("train", "val", "test")


def metrics(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "metrics.json").read_text()))


def place(right: float = 0, down: float = 0) -> Affine:
    return Affine(10, 0, 500_000 + 10 * right, 0, -10, 5_800_000 - 10 * down)


def save(path: Path, values: np.ndarray, transform: Affine | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    crs = None if transform is None else UTM33
    write_geotiff(path, values, Grid(*values.shape[1:], crs, transform))


def make(root: Path, seed: int, moved: tuple[int, int] = (0, 0)) -> None:
    """One pair a part; the later date begins ``moved`` columns and rows further, and has a brighter block."""
    rng = np.random.default_rng(seed)
    for part in PARTS:
        right, down = moved
        ground = gaussian_filter(rng.normal(size=(2, SIDE + 20, SIDE + 20)), (0, 1, 1)) * 400 + 1000
        after = ground.copy()
        after[:, 20:32, 20:32] += 2000
        label = np.zeros((1, SIDE, SIDE), np.uint8)
        label[:, 10:22, 10:22] = 1
        cut = slice(10, 10 + SIDE)
        save(root / part / "A" / "1.tif", ground[:, cut, cut].astype(np.int16), place())
        rows, cols = slice(10 + down, 10 + down + SIDE), slice(10 + right, 10 + right + SIDE)
        save(root / part / "B" / "1.tif", after[:, rows, cols].astype(np.int16), place(right, down))
        save(root / part / "label" / "1.tif", label)


def test_other_grids_are_refused_or_warped(tmp_path: Path, seed: int) -> None:
    make(tmp_path / "data", seed, moved=(3, 2))
    words = ("change", "train", "--data", tmp_path / "data", "--model", "cva", "--out", tmp_path / "run")
    refused = terramamba(*words)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert (
        "differ in place: the second begins 2 rows below and 3 columns right of the first" in refused.stderr
    )
    assert "give --align bilinear (or cubic)" in refused.stderr
    assert not (tmp_path / "run").exists()

    done = terramamba(*words, "--align", "bilinear")
    assert done.returncode == 0, done.stderr
    assert "3 of 3 later dates warped onto the grid of the earlier" in done.stdout
    assert "(bilinear): was EPSG:32633" in done.stdout
    result = metrics(tmp_path / "run")
    # Warped by whole pixels, the later date is what it was, but for the strip that it does not show.
    confusion = np.array(result["test"]["confusion"])
    assert confusion.sum() == (SIDE - 2) * (SIDE - 3)
    assert result["test"]["f1"] > 0.9

    evaluate = ("change", "evaluate", tmp_path / "run", "--data", tmp_path / "data")
    again = terramamba(*evaluate, "--align", "bilinear")
    assert again.returncode == 0, again.stderr
    assert "1 of 1 later date warped onto the grid of the earlier" in again.stdout
    shown = [line for line in done.stdout.splitlines() if line.startswith("  F1")]
    assert shown == [line for line in again.stdout.splitlines() if line.startswith("  F1")]


def test_masked_pixels_are_neither_learnt_from_nor_scored(tmp_path: Path, seed: int) -> None:
    """What is masked may hold anything: scaling, model and scores are the same."""
    rng = np.random.default_rng(seed)
    results = {}
    for name in ("plain", "spoilt"):
        root = tmp_path / name
        make(root, seed)
        for part in PARTS:
            mask = np.zeros((1, SIDE, SIDE), np.uint8)
            mask[:, :8], mask[:, 30:36, 30:40] = 255, 1
            later = np.zeros_like(mask)
            later[:, :, 40:] = 7
            save(root / part / "mask_before" / "1.tif", mask)
            save(root / part / "mask_after" / "1.tif", later, place())
            if name == "spoilt":
                spoil(root / part, (mask + later)[0] > 0, rng)
        run = tmp_path / f"run-{name}"
        done = terramamba("change", "train", "--data", root, "--model", "cva", "--out", run)
        assert done.returncode == 0, done.stderr
        marked = float(((mask + later) > 0).mean())
        assert f"masks leave out {100 * marked:.4g} % of the pixels" in done.stdout
        results[name] = metrics(run)
        assert np.array(results[name]["test"]["confusion"]).sum() == round((1 - marked) * SIDE**2)
        results[name]["scaling"] = plain(fit_pair_scaling(find_pairs(root)["train"], 2))
        card = json.loads((run / "model.json").read_text())
        assert card["scaling"] == results[name]["scaling"]
    for key in ("threshold", "validation", "test", "scaling"):
        assert results["plain"][key] == results["spoilt"][key]


def test_masks_that_leave_most_out_are_warned_of(tmp_path: Path, seed: int) -> None:
    """As those are that mark what is to be used."""
    make(tmp_path, seed)
    for columns, warned in ((8, []), (40, ["masks leave out 83.33 % of the pixels: a mask is 0 wher"])):
        for part in PARTS:
            mask = np.zeros((1, SIDE, SIDE), np.uint8)
            mask[:, :, :columns] = 1
            (tmp_path / part / "mask" / "1.tif").unlink(missing_ok=True)
            save(tmp_path / part / "mask" / "1.tif", mask)
        assert [said[:55] for said in doubts(find_pairs(tmp_path))] == warned


def spoil(folder: Path, where: np.ndarray, rng: np.random.Generator) -> None:
    """Clouds: values far from all others at both dates, and labels of change, where the masks mark."""
    for name in ("A", "B", "label"):
        scene = open_scene(folder / name / "1.tif")
        values = scene.read()[0].copy()
        values[:, where] = 1 if name == "label" else rng.integers(9000, 32000, (2, int(where.sum())))
        (folder / name / "1.tif").unlink()
        write_geotiff(folder / name / "1.tif", values, scene.grid)


def test_one_array_of_files_that_hold_several(tmp_path: Path, seed: int) -> None:
    """Training, scoring and mapping of the named one give what files with nothing else in them give."""
    alone, several, out = tmp_path / "alone", tmp_path / "several", tmp_path / "out"
    out.mkdir()
    make(alone, seed)
    for image in sorted(alone.glob("*/[AB]/1.tif")):
        path = several / image.relative_to(alone).with_suffix(".npz")
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.moveaxis(open_scene(image).read()[0], 0, 2)
        np.savez(path, image=values, noise=values[::-1])
    rows = (f"{part},{part}/A/1.npz,{part}/B/1.npz,{alone / part}/label/1.tif" for part in PARTS)
    table = several / "pairs.csv"
    table.write_text("\n".join(["split,before,after,label", *rows]))
    named = ("--scene-variable", "image")

    def jobs(data: Path, kind: str, *words: str) -> list[tuple[object, ...]]:
        root = table.parent if data == table else data
        run, dates = f"{root}-run", [root / "test" / date / f"1.{kind}" for date in "AB"]
        return [
            ("change", "train", "--data", data, "--model", "cva", "--out", run, *words),
            ("change", "evaluate", run, "--data", data, *words),
            ("change", "map", run, *dates, "--out", out / f"{root.name}.tif", *words),
        ]

    expected = [terramamba(*job) for job in jobs(alone, "tif")]
    for refusing, job in zip(jobs(table, "npz"), jobs(table, "npz", *named), strict=True):
        refused = terramamba(*refusing)
        assert refused.returncode == 1
        assert len(refused.stderr.splitlines()) == 1
        assert "1.npz: several 3-D arrays: image 48 x 48 x 2, noise 48 x 48 x 2" in refused.stderr
        assert "choose one with --scene-variable" in refused.stderr
        assert not list(out.glob("several*"))
        done = terramamba(*job)
        assert done.returncode == 0, done.stderr
        like = expected.pop(0)
        assert like.returncode == 0, like.stderr
        if job[1] != "map":
            scores = [line for line in like.stdout.splitlines() if line.startswith("  ")]
            assert [line for line in done.stdout.splitlines() if line.startswith("  ")] == scores
    found, whole = (open_scene(out / f"{data.name}.tif").read()[0] for data in (several, alone))
    np.testing.assert_array_equal(found, whole)
    assert whole[0, 10:22, 10:22].mean() > 0.9
    missing = terramamba(*jobs(table, "npz", "--scene-variable", "other")[1])
    assert missing.returncode == 1
    assert "1.npz: no array 'other'; it holds image 48 x 48 x 2, noise 48 x 48 x 2" in missing.stderr


def test_a_mask_of_another_size_is_refused(tmp_path: Path, seed: int) -> None:
    make(tmp_path / "data", seed)
    for part in PARTS:
        save(tmp_path / "data" / part / "mask" / "1.tif", np.zeros((1, SIDE, SIDE + 1), np.uint8))
    words = ("change", "train", "--data", tmp_path / "data", "--model", "cva", "--out", tmp_path / "run")
    done = terramamba(*words)
    assert done.returncode == 1
    assert "1.tif: a mask of 48 x 49 pixels" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("offset", [(0.0, 0.0), (2.0, -1.0)])
def test_shifts_of_the_pairs_are_reported(tmp_path: Path, seed: int, offset: tuple[float, float]) -> None:
    make(tmp_path / "data", seed, moved=(int(offset[0]), int(offset[1])))
    for part in PARTS:
        # The content lies elsewhere, and the georeferencing does not say so.
        path = tmp_path / "data" / part / "B" / "1.tif"
        values = open_scene(path).read()[0].copy()
        path.unlink()
        save(path, values, place())
    notes = survey(find_pairs(tmp_path / "data"))
    (note,) = (note for note in notes if note.startswith("shift between"))
    assert "of 3 pairs where it could be estimated" in note
    assert float(note.split()[4]) == pytest.approx(np.hypot(*offset), abs=0.1)
    assert ("it is not corrected" in note) == (offset != (0, 0))


def test_a_date_that_is_laid_on_the_other_without_a_place_of_its_own_is_said(
    tmp_path: Path, seed: int
) -> None:
    make(tmp_path, seed)
    said = "one date alone is georeferenced in 2 pairs, and the other is taken to show the same pixels"
    assert not [note for note in survey(find_pairs(tmp_path)) if note.startswith("one date alone")]
    for part in PARTS[:2]:
        path = tmp_path / part / "B" / "1.tif"
        values = open_scene(path).read()[0].copy()
        path.unlink()
        save(path, values)
    (note,) = (note for note in survey(find_pairs(tmp_path)) if note.startswith("one date alone"))
    assert note == f"{said}; the first without is {tmp_path / 'train' / 'B' / '1.tif'}"


def test_check_compares_warps_and_masks(tmp_path: Path, seed: int) -> None:
    make(tmp_path, seed, moved=(3, 2))
    before, after = (tmp_path / "train" / date / "1.tif" for date in ("A", "B"))
    mask = np.zeros((1, SIDE, SIDE), np.uint8)
    mask[:, :12] = 1
    save(tmp_path / "mask.tif", mask, place())
    done = terramamba("check", before, after)
    assert done.returncode == 1
    assert "give --align bilinear (or cubic)" in done.stderr
    assert "overlap  89.84 % of the first, 89.84 % of the second" in done.stdout
    done = terramamba("check", before, after, "--align", "cubic", "--mask", tmp_path / "mask.tif")
    assert done.returncode == 0, done.stderr
    assert f"note: {after} was warped onto {before} (cubic): was EPSG:32633" in done.stdout
    assert "masked   25 % of the pixels" in done.stdout
    assert "shift    the second shows everything 0.0" in done.stdout
    assert f"a pair of {SIDE} x {SIDE} pixels, 2 bands" in done.stdout
    done = terramamba("check", before, "--mask", f"{tmp_path / 'mask.tif'},{tmp_path / 'train/label/1.tif'}")
    assert done.returncode == 0, done.stderr
    assert f"masked       {100 * (12 * SIDE + 10 * 12) / SIDE**2:.4g} % of the pixels" in done.stdout
    alone = terramamba("check", before, "--align", "cubic")
    assert alone.returncode == 1
    assert "name two scenes" in alone.stderr
