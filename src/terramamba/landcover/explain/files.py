"""The files of a classifier's explanation: tables, and for named pixels GeoTIFFs; pictures beside them."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from terramamba.core.files import write_csv
from terramamba.explain.attention import QUERIES
from terramamba.landcover.explain import pictures as pictures
from terramamba.landcover.explain.explanation import ClassExplanation, PixelAnswer
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.windows import Window
from terramamba.scores.metrics import TRUTH, class_recall

ALL_CLASSES = "all classes"


def write_attention(folder: Path, found: ClassExplanation) -> None:
    """Write ``attention.csv`` and ``attention.png``, means by class; nothing without attention."""
    if found.attention is None:
        return
    means, pixels = {ALL_CLASSES: found.attention.mean()}, {ALL_CLASSES: len(found.classes)}
    for code, name in enumerate(found.names):
        if (own := found.classes == code).any():
            means[name], pixels[name] = found.attention.mean(own), int(own.sum())
    half = found.attention.weights.shape[-1] // 2
    rows = [
        {
            "class": name,
            "map": of,
            "asking": who.removesuffix(" asks").removesuffix(" ask"),
            "row_offset": row - half,
            "column_offset": col - half,
            "weight": f"{weight:.6g}",
        }
        for name, mean in means.items()
        for who, of_who in zip(QUERIES, mean, strict=True)
        for of, weights in zip(found.attention.maps, of_who, strict=True)
        for (row, col), weight in np.ndenumerate(weights)
    ]
    write_csv(folder / "attention.csv", rows)
    pictures.picture_attention(folder / "attention.png", means, pixels, found.attention)


def write_importance(folder: Path, found: ClassExplanation) -> None:
    """Write ``band_importance.csv`` and its picture, and by class ``band_importance_classes.csv``."""
    importance = found.importance
    if importance is None:
        return
    rows, of_classes = [], []
    recall_as_is = class_recall(importance.base)
    for i, group in enumerate(found.groups):
        nm = group.wavelengths or (None, None)
        about = {
            "group": i + 1,
            "bands": " ".join(map(str, group.bands)),
            "from_nm": nm[0],
            "to_nm": nm[1],
        }
        drops = {"oa": importance.oa[i], "aa": importance.aa[i]}
        rows.append(
            about
            | {f"{score}_drop_mean": drop.mean() for score, drop in drops.items()}
            | {f"{score}_drop_std": deviation(drop) for score, drop in drops.items()}
            | {f"{score}_drop_{n + 1}": v for score, drop in drops.items() for n, v in enumerate(drop)}
        )
        of_classes += [
            about
            | {"class": name, "recall": float(recall_as_is[k])}
            | {"recall_drop_mean": recall.mean(), "recall_drop_std": deviation(recall)}
            for k, (name, recall) in enumerate(zip(found.names, importance.recall[i].T, strict=True))
            if importance.base[k, TRUTH]
        ]
    write_csv(folder / "band_importance.csv", rows)
    write_csv(folder / "band_importance_classes.csv", of_classes)
    pictures.picture_importance(folder / "band_importance.png", found.groups, importance, found.names)


def write_pixels(folder: Path, found: ClassExplanation) -> None:
    """Write a picture of each named pixel, and its attention on the ground as a GeoTIFF."""
    for number, answer in enumerate(found.answers):
        name = f"pixel_{answer.pixel[0]}_{answer.pixel[1]}"
        pictures.picture_pixel(folder / f"{name}.png", found, number)
        if answer.attention is not None:
            weights, window = on_the_ground(found, number)
            labels = [f"{who}, {of}" for who in QUERIES for of in answer.attention.maps]
            write_geotiff(
                folder / f"{name}_attention.tif",
                weights,
                found.chosen.scene.grid.crop(window),
                band_names=labels,
                tags={"TIFFTAG_IMAGEDESCRIPTION": f"attention around {_place(answer)}, mean over heads"},
            )


def on_the_ground(found: ClassExplanation, number: int) -> tuple[Float32[np.ndarray, "b h w"], Window]:
    """Lay the weights of a named pixel (query x map, h, w) on the scene's pixels, and say where these are.

    Tokens beyond the scene's edge are its mirror image: their weights go to the pixels that they mirror.
    """
    attention = found.answers[number].attention
    assert attention is not None
    rows, cols = found.patches.rows[number], found.patches.cols[number]
    inside = [axis[axis >= 0] for axis in (rows, cols)]
    grid = Grid(found.chosen.scene.height, found.chosen.scene.width)
    top, left = (int(axis.min()) for axis in inside)
    window = Window(top, left, int(inside[0].max()) + 1 - top, int(inside[1].max()) + 1 - left)
    assert grid.window.contains(window)
    mean = attention.mean()
    weights = np.zeros((mean.shape[0] * mean.shape[1], *window.shape), np.float32)
    known = np.ix_(range(len(weights)), rows >= 0, cols >= 0)
    flat = mean.reshape(len(weights), len(rows), len(cols))[known]
    for here, ground in zip(flat, weights, strict=True):
        np.add.at(ground, np.ix_(inside[0] - top, inside[1] - left), here)
    return weights, window


def deviation(repeats: np.ndarray) -> float:
    """Compute the standard deviation (n - 1); nan of a single repeat."""
    return float(repeats.std(ddof=1)) if len(repeats) > 1 else float("nan")


def _place(answer: PixelAnswer) -> str:
    return f"row {answer.pixel[0]}, column {answer.pixel[1]}"
