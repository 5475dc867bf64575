"""Pairs of OSCD, whose dates are folders of 13 single bands, in some copies without georeferencing."""

from dataclasses import dataclass, replace
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.raster.readers.band_stack import StackSource
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Sentinel-2's bands by rising wavelength."""
EVERY = 5
"""Every fifth training region, in the order of names, is validation: none is published."""


@dataclass(frozen=True)
class BandFolders(PairFiles):
    """A pair whose dates are folders of bands, resampled to one size by the authors."""

    def _dates(self) -> tuple[Scene, Scene]:
        """The earlier and the later date; raises ``InputError`` where they do not fit."""
        before, after = (stack_of(Path(folder)) for folder in (self.before, self.after))
        if before.grid.window != after.grid.window:
            raise InputError(
                f"{self.after}: {after.height} x {after.width} pixels, but {self.before} has "
                f"{before.height} x {before.width}; take imgs_1_rect and imgs_2_rect of one region"
            )
        return before, after


def stack_of(folder: Path) -> Scene:
    """Open the bands ``B01.tif`` ... ``B12.tif`` of a folder as one scene."""
    paths = [folder / f"{band}.tif" for band in BANDS]
    absent = next((path for path in paths if not path.is_file()), None)
    if absent is not None:
        raise InputError(f"{absent}: no such band; all 13 of Sentinel-2 are needed, unpack Images.zip again")
    scenes = [open_scene(str(path)) for path in paths]
    for scene in scenes:
        if scene.bands != 1 or scene.grid.window != scenes[0].grid.window:
            raise InputError(
                f"{scene.path}: {scene.bands} band(s) of {scene.height} x {scene.width} pixels, but "
                f"{paths[0].name} has {scenes[0].height} x {scenes[0].width}; unpack Images.zip again"
            )
    return replace(
        scenes[0],
        path=str(folder),
        format="13 bands of Sentinel-2",
        bands=len(BANDS),
        source=StackSource(tuple(scene.source for scene in scenes)),
        band_names=BANDS,
        bad_bands=(),
    )


def find_oscd(root: Path) -> dict[str, list[PairFiles]]:
    """Find the pairs of every labelled region by subset; raise ``InputError`` naming what is not there."""
    images, train, test = (
        _folder(root, f"Onera Satellite Change Detection dataset - {part}")
        for part in ("Images", "Train Labels", "Test Labels")
    )
    learning = [_pair(images, region, "train") for region in _regions(train)]
    parts = {
        "train": [pair for place, pair in enumerate(learning) if place % EVERY != EVERY - 1],
        "val": [replace(pair, split="val") for pair in learning[EVERY - 1 :: EVERY]],
        "test": [_pair(images, region, "test") for region in _regions(test)],
    }
    for pairs in parts.values():
        for pair in pairs:
            before, _ = pair.open()
            label = open_scene(str(pair.label))
            if label.grid.window != before.grid.window:
                raise InputError(
                    f"{pair.label}: {label.height} x {label.width} pixels, but {pair.before} has "
                    f"{before.height} x {before.width}; unpack the archives again"
                )
    return {part: pairs for part, pairs in parts.items() if pairs}


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
    return BandFolders(before, after, str(region / "cm" / "cm.png"), None, None, region.name, split)
