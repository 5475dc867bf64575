"""The files of a split in a run folder: split.json, and a map of the subsets."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from jaxtyping import Int, UInt8

from terramamba.core.documents import read_json
from terramamba.core.errors import InputError
from terramamba.core.files import atomic_path, write_json
from terramamba.core.run_files import SPLIT, SPLIT_ARRAY, SPLIT_IMAGE
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import LEFT_OUT, SUBSET_NAMES, TEST, TRAIN, VALIDATION
from terramamba.data.splits.split import PIXELS_AT_ONCE, Split
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.readers.gdal_source import GDAL_CACHE_BYTES
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import strips


def save_split(split: Split, folder: Path, grid: Grid, targets: Int[np.ndarray, " m"]) -> None:
    """Write ``split.tif`` (``split.npy`` where the scene is not georeferenced) and ``split.json``.

    ``targets``, 0..K-1, are counted by subset.
    """
    if grid.transform is not None:
        colours = {TRAIN: (213, 94, 0), VALIDATION: (240, 228, 66), TEST: (0, 114, 178)}
        writing = RasterWriter(
            folder / SPLIT_IMAGE,
            grid,
            bands=1,
            dtype="uint8",
            nodata=float(LEFT_OUT),
            colours=colours,
            class_names=SUBSET_NAMES,
            overwrite=True,
        )
        with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES), writing as writer:
            for window, image in split.subset_maps():
                writer.write(image[None], window)
    else:
        with atomic_path(folder / SPLIT_ARRAY) as draft:
            np.save(draft, np.concatenate([image for _, image in split.subset_maps()]))
    record = {
        "kind": split.kind,
        "seed": split.seed,
        "patch_size": split.patch_size,
        "block_size": split.block_size,
        "reach": split.reach,
        "id": split.id,
        "roles": {name: subset for subset, name in SUBSET_NAMES.items()},
        "counts": split.counts(targets),
        "leakage": split.leakage,
        "notes": split.notes,
    }
    write_json(folder / SPLIT, record)


def load_split(folder: Path) -> Split:
    """Read the split that ``save_split`` wrote, or an earlier version of it.

    Raises:
        InputError: a file is missing, or the two do not belong together.
    """
    record = _read_record(folder / SPLIT)
    image, array = folder / SPLIT_IMAGE, folder / SPLIT_ARRAY
    if image.exists():
        pixels, subsets = _read_map(image)
    elif array.exists():
        drawn = np.load(array, allow_pickle=False)
        pixels, subsets = PixelList.of(drawn != LEFT_OUT), drawn[drawn != LEFT_OUT]
    else:
        raise InputError(
            f"{folder}: {SPLIT} without {SPLIT_IMAGE} or {SPLIT_ARRAY}; restore it or train again"
        )
    split = Split(
        record["kind"],
        record["seed"],
        record["patch_size"],
        pixels,
        subsets,
        tuple(record["notes"]),
        record["block_size"],
        reach=record["reach"],
    )
    if split.id != record["id"]:
        raise InputError(f"{folder}: {SPLIT} is of another split (id {record['id']}); train again")
    return split


def _read_map(image: Path) -> tuple[PixelList, UInt8[np.ndarray, " m"]]:
    """Read the pixels that have a subset in ``image``, and their subsets."""
    scene = open_scene(image)
    keys, subsets = [], []
    for window in strips(scene.height, scene.width, max(1, PIXELS_AT_ONCE // scene.width)):
        drawn = scene.read(window)[0].ravel()
        index = np.flatnonzero(drawn != LEFT_OUT)
        keys.append(window.row * scene.width + index)
        subsets.append(drawn[index])
    return PixelList((scene.height, scene.width), np.concatenate(keys)), np.concatenate(subsets)


def _read_record(path: Path) -> dict[str, Any]:
    record = read_json(path, "train again")
    try:
        needed = {name: record[name] for name in ("kind", "seed", "patch_size", "notes", "id")}
        return {**needed, "block_size": record.get("block_size"), "reach": record.get("reach", 0)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as a split ({error}); train again") from error
