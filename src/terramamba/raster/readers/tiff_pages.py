"""TIFF with a page for each band, as programs write that save an array of more than four bands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.readers.datasets import dataset_of
from terramamba.raster.readers.gdal import PAGES
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.readers.tiff_entries import places_of_pages
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

FEWEST = 5
"""Pages that are bands; fewer may be a picture with a small one of itself, layers, or several labels."""


def with_pages_as_bands(scene: Scene) -> Scene:
    """Return the first page of a TIFF with all pages as bands, where they are one band each of one kind.

    ``scene`` itself where it has one page, or pages differ in size or type: its notes then say so.
    """
    source = scene.source
    said = next((note for note in scene.notes if PAGES in note), None)
    if said is None or scene.bands > 1 or not isinstance(source, GdalSource) or source.mask != "none":
        return scene
    pages = len(dataset_of(source.path).subdatasets)
    if pages < FEWEST or scene.palette is not None:
        return scene
    found = PagesSource(source.path, scene.nodata, places_of_pages(source.path, pages + 1))
    if found.places and len(found.places) != pages:  # some are copies that are thinned out, or masks
        return scene
    opened = (dataset_of(found.name(page)) for page in range(pages))
    kinds = {(image.count, image.shape, image.dtypes[0]) for image in opened}
    if kinds != {(1, (scene.height, scene.width), scene.dtype)}:
        return scene
    note = (
        f"its {pages} pages, one band each of one size and type, are read as {pages} bands of"
        f" {scene.height} x {scene.width} pixels"
    )
    return replace(
        scene,
        bands=pages,
        source=found,
        band_names=tuple(f"band {i + 1}" for i in range(pages)),
        wavelengths=None,
        fwhm=None,
        bad_bands=(False,) * pages,
        declared=None,
        overviews=False,
        notes=tuple(note if one == said else one for one in scene.notes),
    )


@dataclass(frozen=True)
class PagesSource:
    """Pixels of a TIFF whose pages are bands; ``nodata`` is that of the first.

    ``places`` are where in the file they begin; empty where that is not known.
    """

    path: str
    nodata: float | None
    places: tuple[int, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        parts = [
            GdalSource(self.name(band), (1,), (self.nodata,), None, "none").read(window, (0,), shape)
            for band in bands or (0,)
        ]
        values, valid = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        return values[: len(bands)], valid[: len(bands)]

    def name(self, page: int) -> str:
        """Call a page (0-based) as GDAL does, by its place where it can: it counts through all before it."""
        at = f"off:{self.places[page]}" if self.places else f"{page + 1}"
        return f"GTIFF_DIR:{at}:{self.path}"
