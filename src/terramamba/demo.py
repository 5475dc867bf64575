"""Both jobs on made-up images, from files to files: what ``terramamba demo`` runs.

Models and images are small, so that it takes about a minute on two cores. The scores mean something all the
same: they come from parts of the images that were not trained on, and they collapse when the labels that are
trained on are shuffled (a test does), which is how one knows that something was learnt.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from terramamba.api import (
    evaluate_change_detector,
    evaluate_classifier,
    map_change,
    map_classes,
    train_change_detector,
    train_classifier,
    write_report,
)
from terramamba.change.settings import ChangeSettings
from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.core.folder_lock import require_no_link
from terramamba.core.output_place import require_place
from terramamba.core.progress import say
from terramamba.core.run_files import REPORT
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.readers.open import open_scene
from terramamba.report.figures import picture_change, picture_classification
from terramamba.report.maps import MapFiles
from terramamba.runs.folder import load_run
from terramamba.scores.metrics import change_f1, class_counts, confusion_matrix
from terramamba.scores.score import Scores, columns
from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES

LAND_COVER_RECIPE: dict[str, Any] = {
    "preset": "tiny",
    "recipe": "published",
    "epochs": 2,
    "batch_size": 16,
    "lr": 3e-3,
    "warmup_epochs": 1,
    "token_loss": 0.5,
    "train_fraction": 0.3,
    "val_fraction": 0.1,
    "patch_size": 7,
}
"""How land cover is learnt."""
CHANGE_RECIPE: dict[str, Any] = {
    "model": "glmamba",
    "preset": "nano",
    "recipe": "published",
    "epochs": 13,
    "batch_size": 8,
    "lr": 6e-3,
    "warmup_epochs": 1,
    "optimizer": "adamw",
    "schedule": "cosine",
    "loss": "bce_dice",
    "crop_size": 64,
    "crops_per_pair": 4,
    "exchange_dates": 0.5,
}
"""How change is learnt."""


def run_demo(
    out: str | Path,
    *,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Make images, train, score and map both jobs under ``out``; the content of ``out/summary.json``.

    Raises:
        InputError: ``out`` is not empty and ``overwrite`` is not set, or there is no such device.
    """
    home = Path(out)
    require_place(home)
    if not overwrite and home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise InputError(f"{home}: is there already; give --overwrite, or another folder with --out")
    for path in home.rglob("*"):
        require_no_link(path)
    resolve_device(device)
    home.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with _one_thread():
        summary: dict[str, Any] = {
            "seed": seed,
            "classify": _classify(home, seed, device, overwrite),
            "change": _change(home, seed, device, overwrite),
        }
    summary["seconds"] = round(time.monotonic() - start, 1)
    write_json(home / "summary.json", summary)
    return summary


@contextmanager
def _one_thread() -> Iterator[None]:
    """Models this small gain little from a second thread, and lose much where another job has its core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _classify(home: Path, seed: int, device: str, overwrite: bool) -> dict[str, Any]:
    say("1 of 2: land cover; making up a hyperspectral scene and labels ...")
    made = make_scene(home / "scene", seed, overwrite=overwrite)
    run, picture = home / "land_cover_run", home / "land_cover.png"
    land_cover, probabilities = home / "land_cover.tif", home / "land_cover_probabilities.tif"
    train_classifier(
        ClassifySettings(
            out=str(run),
            scene=str(made.scene),
            labels=str(made.labels),
            split="block",
            seed=seed,
            device=device,
            overwrite=overwrite,
            **LAND_COVER_RECIPE,
        )
    )
    scores = _in_columns(evaluate_classifier(run, device=device)["test"], LAND_COVER_SCORES)
    map_classes(run, made.scene, land_cover, probabilities=probabilities, device=device, overwrite=overwrite)
    files = MapFiles(str(land_cover), scene=str(made.scene), probabilities=str(probabilities))
    picture_classification(picture, made.scene, made.labels, land_cover, load_run(run).classes)
    return {
        **scores,
        "run": str(run),
        "map": str(land_cover),
        "picture": str(picture),
        "page": str(write_report([run], run / REPORT, map_files=files, overwrite=True)),
    }


def _change(home: Path, seed: int, device: str, overwrite: bool) -> dict[str, Any]:
    say("2 of 2: change; making up pairs of images with change masks ...")
    made = make_pairs(home / "pairs", seed, overwrite=overwrite)
    run, picture = home / "change_run", home / "change.png"
    changed, polygons = home / "change.tif", home / "change.gpkg"
    probabilities = home / "change_probabilities.tif"
    train_change_detector(
        ChangeSettings(
            out=str(run),
            data=str(made.root),
            seed=seed,
            device=device,
            overwrite=overwrite,
            **CHANGE_RECIPE,
        )
    )
    scores = _in_columns(
        evaluate_change_detector(run, data=str(made.root), device=device)["test"], CHANGE_SCORES
    )
    map_change(
        run,
        made.before,
        made.after,
        changed,
        probabilities=probabilities,
        polygons=polygons,
        min_area=10.0,
        device=device,
        overwrite=overwrite,
    )
    files = MapFiles(
        str(changed), before=str(made.before), after=str(made.after), probabilities=str(probabilities)
    )
    picture_change(picture, made.before, made.after, changed, truth=made.truth, polygons=polygons)
    return {
        **scores,
        "f1_of_map": _score_map(changed, made.truth),
        "run": str(run),
        "map": str(changed),
        "polygons": str(polygons),
        "picture": str(picture),
        "page": str(write_report([run], run / REPORT, map_files=files, overwrite=True)),
    }


def _score_map(changed: Path, truth: Path) -> float:
    (found,), (valid,) = open_scene(changed).read()
    (real,), _ = open_scene(truth).read()
    return float(change_f1(class_counts(confusion_matrix(real[valid], found[valid], 2))))


def _in_columns(found: Mapping[str, Any], scores: Scores) -> dict[str, Any]:
    """What ``found`` has of the scores that stand in tables."""
    return {name: found[name] for name in dict.fromkeys(one.within or one.key for one in columns(scores))}
