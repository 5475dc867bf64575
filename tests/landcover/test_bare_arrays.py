"""A run keeps how the axes of its scene were read, and uses arrays of either order alike."""

from pathlib import Path

import numpy as np
import pytest

from programs import terramamba
from terramamba.api import evaluate_classifier, map_classes
from terramamba.core.errors import InputError
from terramamba.data.splits.leakage import TRAIN, VALIDATION
from terramamba.data.splits.split_files import load_split
from terramamba.mapping.fit_to_run import open_for
from terramamba.raster.readers.open import open_scene
from terramamba.runs.folder import load_run

SHAPE, BANDS = (24, 20), 6


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene stored in three orders, its labels, and a run trained on the one with the bands first."""
    folder = tmp_path_factory.mktemp("bare")
    rng = np.random.default_rng(0)
    labels = np.kron((np.indices((6, 5)).sum(axis=0) % 2 + 1), np.ones((4, 4), int)).astype(np.uint8)
    cube = rng.normal(labels[..., None] * 10.0 + np.arange(BANDS), 1).astype(np.float32)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "bands_first.npy", cube.transpose(2, 0, 1))
    np.save(folder / "bands_last.npy", cube)
    np.save(folder / "square.npy", cube[:20, :20, :])
    done = terramamba(
        *("classify", "train", "--model", "random_forest", "--split", "random", "--patch-size", "3"),
        *("--scene", folder / "bands_first.npy", "--labels", folder / "labels.npy", "--out", folder / "run"),
    )
    assert done.returncode == 0, done.stderr
    assert "array 6 x 24 x 20, by the size of the labels read as bands, rows, columns" in done.stdout
    return folder


def test_arrays_of_either_order_are_mapped_alike(files: Path, tmp_path: Path) -> None:
    assert load_run(files / "run").card.data.axes == ("bands", "rows", "cols")
    for order in ("bands_first", "bands_last"):
        map_classes(files / "run", files / f"{order}.npy", tmp_path / f"{order}.tif")
    first, last = (open_scene(tmp_path / f"{order}.tif").read()[0] for order in ("bands_first", "bands_last"))
    assert np.array_equal(first, last)
    assert np.mean(first[0] == np.load(files / "labels.npy")) > 0.9


def test_the_command_says_how_it_read_the_array_and_obeys_the_flag(files: Path, tmp_path: Path) -> None:
    named = (files / "run", files / "bands_last.npy", "--out", tmp_path / "map.tif")
    done = terramamba("classify", "map", *named)
    assert done.returncode == 0, done.stderr
    assert "note: array 24 x 20 x 6, by the model's 6 bands read as rows, columns, bands" in done.stderr
    wrong = terramamba("classify", "map", *named, "--axes", "bands,rows,cols", "--overwrite")
    assert wrong.returncode == 1
    assert "bands_last.npy: has 24 bands, but the model in" in wrong.stderr
    check = terramamba("check", files / "bands_last.npy", "--axes", "rows,cols,bands")
    assert "24 rows x 20 columns, 6 bands" in check.stdout
    assert terramamba("check", files / "bands_last.npy").returncode == 1


def test_where_sizes_leave_it_open_the_array_is_read_as_the_own_scene_of_the_run(
    tmp_path: Path, files: Path
) -> None:
    run = load_run(files / "run")
    np.save(tmp_path / "a.npy", np.zeros((BANDS, BANDS, 9), np.float32))
    assert open_for(run, tmp_path / "a.npy").axes == ("bands", "rows", "cols")
    np.save(tmp_path / "b.npy", np.zeros((9, 5, 4), np.float32))
    with pytest.raises(
        InputError, match=r"b\.npy: array 9 x 5 x 4 has no axis that can be the 6 bands of the m"
    ):
        open_for(run, tmp_path / "b.npy")


def test_scoring_elsewhere_reads_arrays_so_too(files: Path) -> None:
    scored = evaluate_classifier(
        files / "run", scene=files / "bands_last.npy", labels=files / "labels.npy", progress=False
    )
    learnt = np.isin(load_split(files / "run").subsets, (TRAIN, VALIDATION))
    assert scored["pixels"] == SHAPE[0] * SHAPE[1] - np.count_nonzero(learnt)


def test_the_public_functions_take_the_same_words(files: Path, tmp_path: Path) -> None:
    mapped = map_classes(files / "run", files / "bands_last.npy")
    assert np.mean(mapped.values == np.load(files / "labels.npy")) > 0.9
    np.savez(tmp_path / "two.npz", a=np.load(files / "bands_last.npy"), b=np.load(files / "bands_last.npy"))
    named = map_classes(files / "run", tmp_path / "two.npz", scene_variable="b")
    assert np.array_equal(named.values, mapped.values)
    scored = evaluate_classifier(
        files / "run", scene=tmp_path / "two.npz", scene_variable="a", labels=files / "labels.npy"
    )
    assert scored["pixels"] == SHAPE[0] * SHAPE[1]
    with pytest.raises(InputError, match=r"axes rows,cols,bands: is for files of bare arrays; leave it out"):
        map_classes(files / "run", open_scene(files / "bands_last.npy", bands=6), axes="rows,cols,bands")
