"""Pairs of OSCD, whose dates are folders of 13 single bands, in some copies without georeferencing.

The folders are opened as any folder of bands is, so that what was trained on is mapped alike.
"""

from dataclasses import replace
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.raster.readers.open import open_scene

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Sentinel-2's bands by rising wavelength."""
EVERY = 5
"""Every fifth training region, in the order of names, is validation: none is published."""


def find_oscd(root: Path) -> dict[str, list[PairFiles]]:
    """Find the pairs of every labelled region by subset; raise ``InputError`` naming what is not there."""
    images, train, test = (
        _folder(root, f"Onera Satellite Change Detection dataset - {part}")
        for part in ("Images", "Train Labels", "Test Labels")
    )
    learning = [_pair(images, region, "train") for region in _regions(train)]
    subsets = {
        "train": [pair for place, pair in enumerate(learning) if place % EVERY != EVERY - 1],
        "val": [replace(pair, split="val") for pair in learning[EVERY - 1 :: EVERY]],
        "test": [_pair(images, region, "test") for region in _regions(test)],
    }
    for pairs in subsets.values():
        for pair in pairs:
            for folder in (pair.before, pair.after):
                _require_all_bands(Path(folder))
            before, _ = pair.open()
            label = open_scene(str(pair.label))
            if label.grid.window != before.grid.window:
                raise InputError(
                    f"{pair.label}: {label.height} x {label.width} pixels, but {pair.before} has "
                    f"{before.height} x {before.width}; unpack the archives again"
                )
    return {part: pairs for part, pairs in subsets.items() if pairs}


def _require_all_bands(folder: Path) -> None:
    absent = next((path for band in BANDS if not (path := folder / f"{band}.tif").is_file()), None)
    if absent is not None:
        raise InputError(f"{absent}: no such band; all 13 of Sentinel-2 are needed, unpack Images.zip again")


def _folder(root: Path, name: str) -> Path:
    """The folder, also where the archive put it into another of the same name."""
    for path in (root / name / name, root / name):
        if path.is_dir():
            return path
    raise InputError(f"{root / name}: no such folder; unpack the archives of OSCD below {root}")


def _regions(labels: Path) -> list[Path]:
    return sorted(path.parent.parent for path in labels.glob("*/cm/cm.png"))


def _pair(images: Path, region: Path, split: str) -> PairFiles:
    before, after = (str(images / region.name / f"imgs_{date}_rect") for date in (1, 2))
    return PairFiles(before, after, str(region / "cm" / "cm.png"), None, None, region.name, split)
