"""Learns as ``terramamba demo`` does, from its images, with labels exchanged: ``shuffled_demo.py DEMO OUT``.

Prints what is scored on test labels, which are as they were: overall accuracy and F1.
"""

import json
import sys
from pathlib import Path
from shutil import copyfile

import numpy as np
import torch

from terramamba.api import train_change_detector, train_classifier
from terramamba.change.settings import ChangeSettings
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import TEST, TRAIN, VALIDATION
from terramamba.data.splits.split import block_split
from terramamba.demo import CHANGE_RECIPE, LAND_COVER_RECIPE
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene


def shuffled_labels(labels: Path, out: Path) -> dict[str, str]:
    """Label files of a block split whose training and validation labels are exchanged between pixels."""
    scene, random = open_scene(labels), np.random.default_rng(0)
    codes = scene.read()[0][0]
    split = block_split(
        PixelList.of(codes > 0),
        codes[codes > 0].astype(np.int16) - 1,
        min_per_class=20,
        seed=0,
        **{name: LAND_COVER_RECIPE[name] for name in ("train_fraction", "val_fraction", "patch_size")},
    )
    paths = {}
    for name, subset in (("train", TRAIN), ("val", VALIDATION), ("test", TEST)):
        where, own = split.pixels.draw(split.subsets == subset), np.zeros_like(codes)
        own[where] = codes[where] if subset == TEST else random.permutation(codes[where])
        paths[f"{name}_labels"] = str(out / f"{name}_labels.tif")
        write_geotiff(paths[f"{name}_labels"], own[None], scene.grid, nodata=0)
    return paths


def shuffled_masks(pairs: Path, out: Path) -> Path:
    """A copy of the pairs in which every training and validation pair has its neighbour's mask."""
    for subset in ("train", "val", "test"):
        names = sorted(path.name for path in (pairs / subset / "A").iterdir())
        for kind in ("A", "B", "label"):
            (out / subset / kind).mkdir(parents=True)
            step = int(kind == "label" and subset != "test")
            for name, source in zip(names, names[step:] + names[:step], strict=True):
                copyfile(pairs / subset / kind / source, out / subset / kind / name)
    return out


if __name__ == "__main__":
    demo, out = map(Path, sys.argv[1:])
    out.mkdir()
    torch.set_num_threads(1)
    how = {"seed": 0, "device": "cpu"}
    given = {"scene": str(demo / "scene" / "scene.tif"), "split": "given"}
    given |= shuffled_labels(demo / "scene" / "labels.tif", out)
    train_classifier(ClassifySettings(out=str(out / "land_cover"), **given, **LAND_COVER_RECIPE, **how))
    pairs = str(shuffled_masks(demo / "pairs", out / "pairs"))
    train_change_detector(ChangeSettings(out=str(out / "change"), data=pairs, **CHANGE_RECIPE, **how))
    for run, score in (("land_cover", "oa"), ("change", "f1")):
        print(json.loads((out / run / "metrics.json").read_text())["test"][score])
