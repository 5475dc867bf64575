"""A run of each job with its map, made once, and a browser to look at reports."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from report.browser import PATIENCE
from terramamba.api import map_change, map_classes, train_change_detector, train_classifier
from terramamba.change.settings import ChangeSettings
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.landcover.settings import ClassifySettings
from terramamba.report.maps import MapFiles

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

NAMES = ['</script><b>bold"', "a & b", f"it's {'long' * 20}", "{{data}}", "<img src=x>", "Wälder", "plain"]
"""Class names that a page has to take as words."""


@dataclass(frozen=True)
class Made:
    cover: Path
    cover_files: MapFiles
    change: Path
    change_files: MapFiles
    labels: Path
    """Of the scene, as the classifier had them."""
    truth: Path
    """Mask of the pair that was mapped, which is none of the detector's own."""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, seed_of: Callable[[str], int]) -> Made:
    drawn = seed_of("images of reports")
    home = tmp_path_factory.mktemp("report")
    scene = make_scene(home / "scene", drawn, height=60, width=60, bands=12)
    pairs = make_pairs(home / "pairs", drawn, train=2, val=2, test=2, size=64, scene=(96, 128))
    cover, change = home / "cover", home / "change"
    with rasterio.open(scene.labels) as file:
        found = file.read(1)
    train_classifier(
        ClassifySettings(
            out=str(cover),
            scene=str(scene.scene),
            labels=str(scene.labels),
            class_names=NAMES[: len(np.unique(found[found > 0]))],
            model="one_d_cnn",
            epochs=2,
            split="random",
            device="cpu",
        )
    )
    train_change_detector(ChangeSettings(out=str(change), data=str(pairs.root), model="cva", device="cpu"))
    land, likely, sure = (home / f"cover{what}.tif" for what in ("", "_p", "_c"))
    map_classes(cover, scene.scene, land, probabilities=likely, certainty=sure, device="cpu")
    changed, change_likely = home / "change.tif", home / "change_p.tif"
    map_change(
        change, pairs.before, pairs.after, changed, probabilities=change_likely, device="cpu", threshold=0.4
    )
    return Made(
        cover,
        MapFiles(str(land), scene=str(scene.scene), probabilities=str(likely), certainty=str(sure)),
        change,
        MapFiles(
            str(changed), before=str(pairs.before), after=str(pairs.after), probabilities=str(change_likely)
        ),
        scene.labels,
        pairs.truth,
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser that is not the user's; the tests are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("there is no Chromium on PATH")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=program, args=["--disable-dev-shm-usage"], timeout=PATIENCE
        )
        yield started
        started.close()
