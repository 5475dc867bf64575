"""Samples of torchgeo's convention, in and out: pairs, folders of pairs, and our own data as such samples.

One sample with one image is a scene, and its mask labels, wherever these can be given (``given``).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import Dataset

from terramamba.api.in_memory import LabelsLike, SceneLike, label_file, open_scene
from terramamba.change.samples import PairDataset
from terramamba.core.arguments import checked
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.whole_folder import make_whole
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.labels.labels import read_labels
from terramamba.data.pairs.image_pair import subset_named
from terramamba.data.pairs.label_values import IGNORE
from terramamba.data.pairs.settle_labels import code_labels
from terramamba.data.scaling import Scaling
from terramamba.data.settings import VectorOptions
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.torchgeo_samples import Sample, mask_of_sample, pair_of_sample
from terramamba.raster.scene import Scene
from terramamba.raster.windows import tiles

LAYOUT = ("A", "B", "label")
EVER = (float("-inf"), float("inf"), 1.0)
"""Time in ``bounds``: any."""


@runtime_checkable
class Indexed(Protocol):
    """A dataset of torch: so many samples, by their numbers."""

    def __len__(self) -> int:
        """Count them."""

    def __getitem__(self, index: int) -> Sample:
        """Return one."""


@checked
def pair_from_sample(sample: Sample) -> tuple[Scene, Scene]:
    """Make the two scenes of a sample of torchgeo's convention.

    Its dates are ``image`` (2, c, h, w), or ``image1`` and ``image2``. They lie where its ``crs``, and
    ``transform`` or ``bounds``, say.

    Raises:
        InputError: there are not two dates, or bounds that are not understood.
    """
    return pair_of_sample(sample)


@checked
def write_pairs(samples: Mapping[str, Iterable[Sample] | Indexed], out: StrPath) -> Path:
    """Write samples of two dates with masks as a folder of pairs, to train and score change detectors on.

    Args:
        samples: For each subset (train, val, test) a dataset, or anything else that gives samples; they are
            taken one by one. The mask, (h, w) or (1, h, w), holds 0 unchanged, 1 changed, 255 to be ignored.
        out: Folder to make, for ``ChangeSettings(data=...)``: as LEVIR-CD's, with GeoTIFFs.

    Returns:
        The folder.

    Raises:
        InputError: ``out`` is there, a sample lacks a date or its mask, or a mask holds other numbers.
    """

    def fill(folder: Path) -> None:
        for subset, found in samples.items():
            folders = [folder / subset / name for name in LAYOUT]
            for one in folders:
                one.mkdir(parents=True)
            for number, sample in enumerate(_each(found)):
                before, after = pair_of_sample(sample)
                mask = _mask(sample, f"{subset} {number}")
                name = f"{number:05}.tif"
                for place, date in zip(folders, (before, after), strict=False):
                    write_geotiff(place / name, _plain(date.read()[0]), before.grid)
                write_geotiff(folders[-1] / name, mask[None], before.grid, nodata=IGNORE)

    folder = Path(out)
    make_whole(folder, fill)
    return folder


class SceneSamples(Dataset[dict[str, Tensor]]):
    """Tiles of a scene as samples of torchgeo's convention.

    A sample has ``image`` (c, h, w) float32, 0 where there is no data; with labels ``mask`` (h, w) int64, the
    codes of classes, 0 where nothing is known; where the scene has a place, ``transform`` (6) and ``bounds``
    (9: start, stop and step of x, y and time) float64. All tiles have one size, so that batches hold them.

    Args:
        scene: The scene, as ``open_scene`` takes it.
        labels: Its labels: a file, a GeoDataFrame, or whole numbers (rows, columns).
        size: Side of the tiles in pixels; of smaller scenes their own.
        overlap: Pixels that neighbouring tiles share at least.
        class_attribute: Attribute of labels that are shapes that says the class.

    Attributes:
        crs: Reference system of the scene; None where it has none.
        names: Names of the codes in masks.

    Raises:
        InputError: scene or labels cannot be read or do not fit each other; an overlap not below the size.
    """

    def __init__(
        self,
        scene: SceneLike,
        labels: LabelsLike | None = None,
        *,
        size: int = 256,
        overlap: int = 0,
        class_attribute: str | None = None,
    ) -> None:
        if not 0 <= overlap < size:
            raise InputError(f"overlap {overlap}: give 0 or more, and less than the size, {size}")
        self.scene = open_scene(scene)
        self.crs, self.names = self.scene.crs, dict[int, str]()
        self._codes: np.ndarray | None = None
        self._tiles = tiles(self.scene.height, self.scene.width, size, overlap)
        if labels is not None:
            with label_file(labels) as path:
                assert path is not None
                found = read_labels(path, self.scene, vector=VectorOptions(class_attribute=class_attribute))
            codes = np.array(found.classes.codes, np.uint16)[found.targets]
            self._codes, self.names = found.pixels.draw(codes), found.classes.name_of_code

    def __len__(self) -> int:
        return len(self._tiles)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        window = self._tiles[index]
        values, valid = self.scene.read(window)
        sample = {"image": torch.from_numpy(np.where(valid, values, 0).astype(np.float32))}
        if self._codes is not None:
            known = np.where(valid.all(axis=0), self._codes[window.slices], 0)
            sample["mask"] = torch.from_numpy(known.astype(np.int64))
        grid = self.scene.grid.crop(window)
        if grid.transform is not None:
            place = [float(v) for v in tuple(grid.transform)[:6]]
            sample["transform"] = torch.tensor(place, dtype=torch.float64)
            x, y = zip(*(grid.corners or ()), strict=True)
            steps = [(max(side) - min(side)) / n for side, n in ((x, grid.width), (y, grid.height))]
            ends = (min(x), max(x), steps[0], min(y), max(y), steps[1], *EVER)
            sample["bounds"] = torch.tensor(ends, dtype=torch.float64)
        return sample


class PairSamples(Dataset[dict[str, Tensor]]):
    """Image pairs with change masks as samples of torchgeo's convention.

    A sample has ``image`` (2, c, h, w) float32, the values of the files, 0 where there is no data, and
    ``mask`` (1, h, w) int64: 0 unchanged, 1 changed, 255 to be ignored.

    Args:
        data: Folder or table of pairs, or the name of a set of the catalogue, as of training.
        split: Subset: train, val or test.
        root: Where the set lies that ``data`` names, or what paths in a table are relative to.

    Raises:
        InputError: as training; no such subset.
    """

    def __init__(self, data: StrPath, *, split: str = "train", root: StrPath | None = None) -> None:
        subsets, _, _ = load_pairs(str(data), None if root is None else str(root))
        wanted = subset_named(split)
        if wanted not in subsets:
            raise InputError(f"{data}: no subset {split!r}; it has {', '.join(subsets)}")
        pairs = code_labels(subsets).pairs[wanted]
        bands = range(pairs[0].open()[0].bands)
        count = len(bands)
        unscaled = Scaling("standard", tuple(bands), (0.0,) * count, (1.0,) * count, (0.0,) * count)
        self._pairs = PairDataset(pairs, unscaled, crop_size=None, augment=False, seed=0)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        sample = self._pairs[index]
        return {"image": sample["image"], "mask": sample["mask"][None]}


def _each(samples: Iterable[Sample] | Indexed) -> Iterator[Sample]:
    """Take samples one by one; datasets of torch may have no end of their own but their length."""
    if isinstance(samples, Indexed):
        for index in range(len(samples)):
            yield samples[index]
    else:
        yield from samples


def _mask(sample: Sample, name: str) -> UInt8[np.ndarray, "h w"]:
    mask = mask_of_sample(sample)
    other = np.setdiff1d(mask, (0, 1, IGNORE))
    if len(other):
        raise InputError(
            f"mask of sample {name}: holds {other[0]}; give 0 unchanged, 1 changed, {IGNORE} to be ignored"
        )
    return mask.astype(np.uint8)


def _plain(values: np.ndarray) -> np.ndarray:
    """Values as GeoTIFF has a type for; torch's whole numbers are of 64 bits, its halves of 16."""
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    return values.astype(np.int32) if values.dtype.itemsize > 4 else values
