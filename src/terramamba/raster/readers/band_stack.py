"""Files of single bands as one scene: bands in order, coarser ones on the grid of the finest.

Bands are ordered by wavelength where the wavelength of each is known, from its file or from the naming of
Landsat and Sentinel-2; else by name. A coarser band gives each pixel of the finest grid the value of the
pixel in which its centre lies; nothing is averaged, so no value appears that the sensor did not measure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.declared_scale import DeclaredScale
from terramamba.raster.geogrid import Grid, compose, same_crs
from terramamba.raster.readers.band_names import BandFile, band_of_file, centres_of_names, names_note
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window, evenly_spaced

STRAIGHT = 1e-6
"""Grids whose axes differ in direction by less than this are parallel."""
_NAMED = re.compile(r"(?P<scene>.*?)(?:^|[_.-])B(?:and)?[_-]?(?P<band>[0-9]{1,2}A?)", re.I)
SAME_PIXEL = 0.05
"""Points that are at most this fraction of a pixel apart are the same."""


def are_bands(scenes: Sequence[Scene]) -> bool:
    """Tell whether images are single bands of one place: one band each, the same ground to a coarse pixel."""
    if any(scene.bands != 1 or scene.transform is None for scene in scenes):
        return False
    finest = _finest(scenes)
    return all(_covers_the_same(scene.grid, finest.grid) for scene in scenes)


def are_named_bands(scenes: Sequence[Scene]) -> bool:
    """Tell whether images without georeferencing are bands of one scene by their names: B01, B02, ... B8A."""
    if any(scene.bands != 1 or scene.transform is not None or scene.crs is not None for scene in scenes):
        return False
    found = [_NAMED.fullmatch(Path(scene.path).stem) for scene in scenes]
    named = [match for match in found if match is not None]
    numbers = {match["band"].upper().lstrip("0") for match in named}
    return len(numbers) == len(scenes) and len({match["scene"] for match in named}) == 1


def stack(scenes: Sequence[Scene], name: str) -> Scene:
    """Make one scene of single bands of one place (``are_bands``, ``are_named_bands``), on the finest's grid.

    Raises:
        InputError: the names of the files tell that they are of several scenes.
    """
    _require_one_scene(scenes)
    scenes = _one_of_each([_with_fill(scene) for scene in scenes])
    known = [band_of_file(scene.path) for scene in scenes]
    waves = [_wavelength(scene, band) for scene, band in zip(scenes, known, strict=True)]
    names = [_name(scene, band) for scene, band in zip(scenes, known, strict=True)]
    called = centres_of_names(names) if set(waves) == {None} else None
    waves = waves if called is None else list(called)
    if None not in waves:
        order = sorted(range(len(scenes)), key=lambda i: waves[i] or 0.0)
        scenes, known = [scenes[i] for i in order], [known[i] for i in order]
        waves = [waves[i] for i in order]
    finest = _finest(scenes)
    layers = tuple(_on_grid(scene, finest.grid) for scene in scenes)
    coarser = sum(isinstance(layer, CoarserSource) for layer in layers)
    notes = finest.notes if called is None else (*finest.notes, names_note(names))
    if coarser:
        notes += (f"{coarser} of the bands have larger pixels: brought onto the finest grid, nearest pixel",)
    satellites = {band.satellite for band in known if band is not None}
    scales = {scene.scale for scene in scenes}
    if len(satellites) == 1 and None not in known:
        kind = f"{len(scenes)} bands of {satellites.pop()}"
    else:
        kind = f"{len(scenes)} single-band {finest.format} files"
    return replace(
        finest,
        path=name,
        format=kind,
        bands=len(scenes),
        source=StackSource(layers),
        band_names=tuple(_name(scene, band) for scene, band in zip(scenes, known, strict=True)),
        wavelengths=None if None in waves else tuple(w for w in waves if w is not None),
        fwhm=None,
        bad_bands=tuple(scene.bad_bands[0] for scene in scenes),
        scale=scales.pop() if len(scales) == 1 else None,
        declared=_declared(scenes),
        notes=notes,
    )


@dataclass(frozen=True)
class StackSource:
    """Pixels of single-band images of one place, each a band."""

    layers: tuple[Source, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        if not bands:
            return self.layers[0].read(window, bands, shape)
        parts = [self.layers[band].read(window, (0,), shape) for band in bands]
        return np.concatenate([values for values, _ in parts]), np.concatenate([valid for _, valid in parts])


@dataclass(frozen=True)
class CoarserSource:
    """Pixels of an image with larger pixels, seen on a finer grid.

    Row r of the grid lies at ``down[0] * r + down[1]`` in rows of the image, of which there are ``height``;
    columns likewise. Pixels of the grid outside the image are not valid.
    """

    source: Source
    height: int
    width: int
    down: tuple[float, float]
    right: tuple[float, float]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        rows = _positions(window.row, window.height, shape[0], self.down)
        cols = _positions(window.col, window.width, shape[1], self.right)
        row_inside, col_inside = (rows >= 0) & (rows < self.height), (cols >= 0) & (cols < self.width)
        if not row_inside.any() or not col_inside.any():
            nothing, none = self.source.read(Window(0, 0, 1, 1), bands, (1, 1))
            out = (len(bands), *shape)
            return np.zeros(out, nothing.dtype), np.zeros(out, none.dtype)
        rows, cols = rows.clip(0, self.height - 1), cols.clip(0, self.width - 1)
        top, left = int(rows[row_inside].min()), int(cols[col_inside].min())
        here = Window(
            top, left, int(rows[row_inside].max()) + 1 - top, int(cols[col_inside].max()) + 1 - left
        )
        # A thinned-out read thins the image out, too.
        small = min(here.height, shape[0]), min(here.width, shape[1])
        values, valid = self.source.read(here, bands, small)
        y = ((rows - top).clip(0, here.height - 1) * small[0]) // here.height
        x = ((cols - left).clip(0, here.width - 1) * small[1]) // here.width
        good = valid[:, y][:, :, x] & row_inside[:, None] & col_inside
        return np.ascontiguousarray(values[:, y][:, :, x]), good


def _positions(start: int, length: int, count: int, steps: tuple[float, float]) -> Int[np.ndarray, " n"]:
    middles = evenly_spaced(start, length, count) + 0.5
    return np.floor(steps[0] * middles + steps[1]).astype(np.int64)


def _finest(scenes: Sequence[Scene]) -> Scene:
    return min(scenes, key=lambda scene: abs(scene.transform.determinant) if scene.transform else 0.0)


def _covers_the_same(grid: Grid, finest: Grid) -> bool:
    """Tell whether the corners of two grids are the same: exactly, or to a pixel of a coarser grid."""
    if not same_crs(grid.crs, finest.crs) or grid.transform is None or finest.transform is None:
        return False
    to_pixels = compose(~grid.transform, finest.transform)
    if abs(to_pixels.b) + abs(to_pixels.d) > STRAIGHT or to_pixels.a <= 0 or to_pixels.e <= 0:
        return False
    ends = (
        to_pixels.c,
        to_pixels.f,
        to_pixels.a * finest.width + to_pixels.c - grid.width,
        to_pixels.e * finest.height + to_pixels.f - grid.height,
    )
    coarser = max(to_pixels.a, to_pixels.e) < 1 - STRAIGHT
    return max(abs(end) for end in ends) <= (1.0 if coarser else SAME_PIXEL)


def _on_grid(scene: Scene, finest: Grid) -> Source:
    if scene.transform is None or finest.transform is None:  # all of one size, by ``are_named_bands``
        return scene.source
    steps = compose(~scene.transform, finest.transform)
    apart = max(abs(steps.a - 1) * finest.width, abs(steps.e - 1) * finest.height, abs(steps.c), abs(steps.f))
    if apart <= SAME_PIXEL and (scene.height, scene.width) == (finest.height, finest.width):
        return scene.source
    return CoarserSource(scene.source, scene.height, scene.width, (steps.e, steps.f), (steps.a, steps.c))


def _require_one_scene(scenes: Sequence[Scene]) -> None:
    first: tuple[str, str] | None = None
    for scene in scenes:
        band = band_of_file(scene.path)
        if band is None:
            continue
        first = first or (band.scene, scene.path)
        if band.scene != first[0]:
            raise InputError(
                f"{scene.path}: is of another scene than {first[1]}; give the bands of one scene"
            )


def _one_of_each(scenes: Sequence[Scene]) -> list[Scene]:
    """Keep the finest of bands that are there in several pixel sizes, as Sentinel-2 delivers them."""
    finest: dict[tuple[str, str], Scene] = {}
    for scene in scenes:
        band = band_of_file(scene.path)
        key = ("", scene.path) if band is None else (band.satellite, band.band)
        finest[key] = _finest([finest[key], scene]) if key in finest else scene
    return list(finest.values())


def _with_fill(scene: Scene) -> Scene:
    """Take 0 for no data in a band of a known satellite whose file names no such value."""
    if scene.nodata is not None or band_of_file(scene.path) is None:
        return scene
    if not isinstance(scene.source, GdalSource):
        return scene
    return replace(scene, nodata=0.0, source=replace(scene.source, nodata=(0.0,)))


def _wavelength(scene: Scene, band: BandFile | None) -> float | None:
    if scene.wavelengths is not None:
        return scene.wavelengths[0]
    return None if band is None else band.nanometres


def _declared(scenes: Sequence[Scene]) -> DeclaredScale | None:
    """What the only band of each scene declares."""
    if all(scene.declared is None for scene in scenes):
        return None
    told = [scene.declared for scene in scenes]
    applied = all(one is not None and one.applied for one in told)
    # what is applied as a band is read is not to be applied again for the sake of others
    known = [one if one is not None and one.applied == applied else None for one in told]
    scales = tuple(1.0 if one is None else one.scales[0] for one in known)
    offsets = tuple(0.0 if one is None else one.offsets[0] for one in known)
    stored = known[0].stored if applied and known[0] is not None else scenes[0].dtype
    return DeclaredScale(scales, offsets, stored, applied)


def _name(scene: Scene, band: BandFile | None) -> str:
    own = scene.band_names[0]
    if own != "band 1":
        return own
    return Path(scene.path).stem if band is None else band.band
