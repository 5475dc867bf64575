"""A program of others, geodeep, runs a model file on a GeoTIFF; its classes are ours to within a pixel."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy.ndimage import binary_dilation, median_filter

from programs import python
from terramamba.api import map_classes, train_classifier
from terramamba.landcover.settings import ClassifySettings

geodeep = pytest.importorskip("geodeep", reason="geodeep is not installed; pip install geodeep")
pytest.importorskip("onnx", reason="onnx is not installed")

SIDE = 96


def draw(folder: Path, seed: int) -> tuple[Path, Path]:
    """A picture of three classes in rectangles, in bytes, and its labels."""
    labels = np.ones((SIDE, SIDE), np.uint8)
    labels[20:50, 15:60], labels[60:85, 40:85] = 2, 3
    means = np.array([[0, 0, 0], [60, 120, 70], [200, 90, 80], [90, 100, 210]])
    noise = np.random.default_rng(seed).normal(0, 12, (3, SIDE, SIDE))
    image = np.clip(means[labels].transpose(2, 0, 1) + noise, 0, 255).astype(np.uint8)
    place = {"crs": "EPSG:32633", "transform": Affine(0.5, 0, 300_000, 0, -0.5, 5_800_000)}
    for name, values in (("image.tif", image), ("labels.tif", labels[None])):
        shape = {"count": len(values), "height": SIDE, "width": SIDE, "dtype": "uint8"}
        tiled = {"tiled": True, "blockxsize": 32, "blockysize": 32}
        with rasterio.open(folder / name, "w", driver="GTiff", **shape, **tiled, **place) as file:
            file.write(values)
    return folder / "image.tif", folder / "labels.tif"


def test_geodeep_finds_the_same_classes_to_within_a_pixel(seed, tmp_path):
    image, labels = draw(tmp_path, seed)
    run, model = tmp_path / "run", tmp_path / "model.onnx"
    files = {"scene": str(image), "labels": str(labels), "out": str(run)}
    network = {"model": "ssa_mamba", "preset": "tiny", "patch_size": 5}
    train_classifier(ClassifySettings(**files, **network, split="random", epochs=3), progress=False)
    words = ["export", run, "--out", model, "--tile", 48, "--tilings", 1, "--deepness"]
    done = python("-m", "terramamba", *words)
    assert done.returncode == 0, done.stderr
    ours = map_classes(run, image, mode="fast", tilings=1, progress=False).values - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = geodeep.segment(str(image), str(model))
        polygons = json.loads(geodeep.segment(str(image), str(model), output_type="geojson"))["features"]
    smooth = median_filter(ours, 5, mode="nearest")  # as geodeep smooths
    border = np.zeros(ours.shape, bool)
    border[:, 1:] |= smooth[:, 1:] != smooth[:, :-1]
    border[1:] |= smooth[1:] != smooth[:-1]
    assert len(np.unique(smooth)) == 3
    assert not np.any((found != smooth) & ~binary_dilation(border, np.ones((3, 3), bool)))
    assert {feature["properties"]["class"] for feature in polygons} == {f"class {code}" for code in (1, 2, 3)}
