"""Many files as one scene: tiles side by side on one grid, or single bands of one place (``band_stack``).

Tiles must agree in coordinate reference system, pixel size and alignment, number and type of bands; pixels
outside every tile are not valid. Where tiles overlap, the first valid one in the order given counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from affine import Affine
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.raster.band_identity import bands_of
from terramamba.raster.band_matching import NAMES_SHOWN, match_bands
from terramamba.raster.declared_scale import DeclaredScale
from terramamba.raster.geogrid import Grid, compose, same_crs
from terramamba.raster.readers.alpha import AlphaUse, one_use
from terramamba.raster.readers.band_stack import are_bands, are_named_bands, stack
from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window, evenly_spaced, pieces

UNLIKE = "name the image that is meant, or give tiles of one kind alone"
MOSTLY = 0.5
"""Tiles that share more of the smaller one than this show the same ground."""
MOST_NOTES = 8
"""Notes of other tiles than the first; where each tile has its own, more would hide the rest."""
PIXEL_TOLERANCE = 0.05
WAVELENGTH_TOLERANCE_NM = 1.0
COMPARED_AT_ONCE = 4_000_000
"""Pixels of two tiles that are compared together."""

OpenOne = Callable[[str, AlphaUse | None], Scene]
"""Opens one file of any format, its alpha band as it is told to or as its values say: given by the table of
formats, which names this reader too."""


def open_tiles(
    paths: Sequence[str], open_one: OpenOne, name: str | None = None, alpha: AlphaUse | None = None
) -> Scene:
    """Open several images as one scene: bands where all are single bands of one place, else a mosaic.

    An alpha band is the same in all of them.

    Raises:
        InputError: an image does not fit the others; names the first.
    """
    if not paths:
        raise InputError("an empty list of images; give at least one")
    name = name or f"{paths[0]} and {len(paths) - 1} more"
    scenes = [open_one(path, alpha) for path in paths]
    use = alpha or one_use({scene.path: scene.alpha for scene in scenes}, name)
    scenes = [
        open_one(path, use) if scene.alpha is not None and scene.alpha.use != use else scene
        for path, scene in zip(paths, scenes, strict=True)
    ]
    if len(scenes) == 1:
        return scenes[0]
    first, named = scenes[0], are_named_bands(scenes)
    for scene in scenes:
        _require(
            scene,
            named or scene.transform is not None,
            "has no georeferencing, so it cannot be placed beside others",
        )
        size = f"{scene.height} x {scene.width} pixels, {first.path} has {first.height} x {first.width}"
        _require(scene, not named or scene.grid.window == first.grid.window, f"has {size}")
    for scene in scenes[1:]:
        _require_alike(scene, first)
    if named or are_bands(scenes):
        return stack(scenes, name)
    scenes = [first, *(_with_bands_of(first, scene) for scene in scenes[1:])]
    for scene in scenes[1:]:
        _require_one_mosaic(scene, first)
    return _mosaic(scenes, name)


@dataclass(frozen=True)
class MosaicSource:
    """Pixels of tiles, each with its window of the mosaic; ``fill`` stands outside all of them.

    ``paths`` are those of the tiles.
    """

    tiles: tuple[tuple[Source, Window], ...]
    dtype: str
    fill: float
    paths: tuple[str, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        values = np.full((len(bands), *shape), self.fill, dtype=self.dtype)
        valid = np.zeros(values.shape, dtype=bool)
        # The mosaic's rows and columns that are shown: every one, unless the result is thinned out.
        rows = evenly_spaced(window.row, window.height, shape[0])
        cols = evenly_spaced(window.col, window.width, shape[1])
        for source, own in reversed(self.tiles):
            shared = own.intersect(window)
            top, bottom = np.searchsorted(rows, (shared.row, shared.bottom))
            left, right = np.searchsorted(cols, (shared.col, shared.right))
            if not shared.pixels or top == bottom or left == right:
                continue
            part, good = source.read(shared.relative_to(own), bands, (int(bottom - top), int(right - left)))
            inside = (slice(None), slice(top, bottom), slice(left, right))
            values[inside] = np.where(good, part, values[inside])
            valid[inside] |= good
        return values, valid

    def differing(self) -> int:
        """Count the pixels for which two tiles have data of other values; the first of them counts."""
        found = 0
        places = [_box(own) for _, own in self.tiles]
        near = shapely.STRtree(places).query(places)
        for i, j in sorted((i, j) for i, j in near.T.tolist() if i < j):
            (one, own), (other, place) = self.tiles[i], self.tiles[j]
            shared = own.intersect(place)
            for strip in pieces(shared.height, shared.width, COMPARED_AT_ONCE) if shared.pixels else ():
                part = Window(shared.row + strip.row, shared.col + strip.col, *strip.shape)
                first, second = (
                    source.read(part.relative_to(whole), (0,), part.shape)
                    for source, whole in ((one, own), (other, place))
                )
                found += int(np.count_nonzero((first[0] != second[0]) & first[1] & second[1]))
        return found

    def beside(self, others: Sequence[Window], row: int, col: int) -> list[str]:
        """List the paths of the tiles that share no pixel with ``others``.

        The first pixel of the mosaic is at ``row``, ``col`` of the image that ``others`` are windows of.
        """
        here = [Window(own.row + row, own.col + col, *own.shape) for _, own in self.tiles]
        near = shapely.STRtree([_box(other) for other in others]).query([_box(own) for own in here])
        pairs = [(i, others[j]) for i, j in near.T.tolist()]
        touched = {i for i, other in pairs if here[i].intersect(other).pixels}
        return [path for i, path in enumerate(self.paths) if i not in touched]


def _box(window: Window) -> shapely.Polygon:
    return shapely.box(window.col, window.row, window.right, window.bottom)


def _mosaic(scenes: Sequence[Scene], name: str) -> Scene:
    first = scenes[0]
    windows = [_window_in(first, scene) for scene in scenes]
    row, col = min(w.row for w in windows), min(w.col for w in windows)
    height, width = max(w.bottom for w in windows) - row, max(w.right for w in windows) - col
    whole = Window(row, col, height, width)
    tiles = tuple((scene.source, w.relative_to(whole)) for scene, w in zip(scenes, windows, strict=True))
    return replace(
        first,
        path=name,
        format=f"mosaic of {len(scenes)} {first.format} tiles",
        grid=first.grid.crop(whole),
        source=MosaicSource(tiles, first.dtype, _fill(first), tuple(scene.path for scene in scenes)),
        notes=(*first.notes, *_notes_of_others(scenes), *_hidden(scenes, windows)),
        declared=_declared(scenes),
    )


def _hidden(scenes: Sequence[Scene], windows: Sequence[Window]) -> list[str]:
    """Say which tiles lie on the ground of an earlier one, as images of another date do."""
    places = [_box(window) for window in windows]
    found = []
    for i, j in sorted(shapely.STRtree(places).query(places).T.tolist()):
        shared = windows[i].intersect(windows[j]).pixels
        if i < j and shared > MOSTLY * min(windows[i].pixels, windows[j].pixels):
            found.append((scenes[i].path, scenes[j].path))
    if not found:
        return []
    more = f", and so do {count(len(found) - 1, 'further pair')}" if len(found) > 1 else ""
    return [
        f"{found[0][0]} and {found[0][1]} show the same ground{more}: where both have data the first"
        " counts; of two dates name the one that is meant"
    ]


def _is_applied(scene: Scene) -> bool:
    """Whether the values of a tile are physical ones as they are read."""
    return scene.declared is not None and scene.declared.applied


def _declared(scenes: Sequence[Scene]) -> DeclaredScale | None:
    """What all tiles declare; where each is unpacked by its own scale, that values are physical, no more."""
    first = scenes[0]
    if first.declared is None or all(scene.declared == first.declared for scene in scenes):
        return first.declared
    none = (1.0,) * first.bands, (0.0,) * first.bands
    return DeclaredScale(*none, first.dtype, applied=True)


def _notes_of_others(scenes: Sequence[Scene]) -> list[str]:
    """The notes of tiles that the first has not, each with the first tile that has it."""
    found: dict[str, list[str]] = {}
    for scene in scenes[1:]:
        for note in scene.notes:
            if note not in scenes[0].notes:
                found.setdefault(note, []).append(scene.path)
    more = {note: f" and {len(paths) - 1} more" if len(paths) > 1 else "" for note, paths in found.items()}
    said = [f"{paths[0]}{more[note]}: {note}" for note, paths in found.items()]
    left = len(said) - MOST_NOTES
    return said if left <= 0 else [*said[:MOST_NOTES], f"{count(left, 'further note')} of other tiles"]


def _fill(scene: Scene) -> float:
    """Return the nodata value where the scene's type can hold it, else 0."""
    dtype = np.dtype(scene.dtype)
    if scene.nodata is None:
        return 0.0
    holds = dtype.kind == "f" or np.iinfo(dtype).min <= scene.nodata <= np.iinfo(dtype).max
    return scene.nodata if holds else 0.0


def _require_alike(scene: Scene, first: Scene) -> None:
    other = first.path
    bands = count(scene.bands, "band")
    _require(scene, scene.bands == first.bands, f"has {bands}, {other} has {first.bands}", UNLIKE)
    _require(
        scene, scene.dtype == first.dtype, f"holds {scene.dtype} values, {other} holds {first.dtype}", UNLIKE
    )
    _require(scene, scene.palette == first.palette, f"has other colours in its palette than {other}", UNLIKE)
    _require(scene, same_crs(scene.crs, first.crs), f"is in {_crs(scene)}, {other} is in {_crs(first)}")


def _with_bands_of(first: Scene, scene: Scene) -> Scene:
    """Return a tile with its bands in the order of the first, where wavelengths or names tell them apart."""
    try:
        return match_bands(scene, bands_of(first))
    except InputError as error:
        own, theirs = (", ".join(tile.band_names[:NAMES_SHOWN]) for tile in (scene, first))
        if scene.wavelengths and first.wavelengths:
            known = (scene.wavelengths, first.wavelengths)
            own, theirs = (", ".join(f"{nm:g} nm" for nm in of[:NAMES_SHOWN]) for of in known)
        raise InputError(
            f"{scene.path}: has the bands {own}, but {first.path} has {theirs}; give tiles of the "
            "same bands, or name them alike"
        ) from error


def _require_one_mosaic(scene: Scene, first: Scene) -> None:
    if scene.wavelengths and first.wavelengths:
        apart = max(abs(a - b) for a, b in zip(scene.wavelengths, first.wavelengths, strict=True))
        _require(
            scene,
            apart <= WAVELENGTH_TOLERANCE_NM,
            f"has wavelengths up to {apart:.4g} nm off those of {first.path}",
            UNLIKE,
        )
    own, theirs = (
        "no scale" if tile.declared is None else f"the scale {tile.declared.in_words()}"
        for tile in (scene, first)
    )
    alike = scene.declared == first.declared or (_is_applied(scene) and _is_applied(first))
    _require(scene, alike, f"declares {own}, but {first.path} {theirs}", UNLIKE)
    _window_in(first, scene)


def _window_in(first: Scene, scene: Scene) -> Window:
    """Return where ``scene`` lies in pixels of ``first``, whose upper-left pixel is (0, 0)."""
    relative = _relative(scene.grid, first.grid)
    size = max(scene.height, scene.width)
    bent = max(abs(v) for v in (relative.a - 1, relative.b, relative.d, relative.e - 1)) * size
    _require(scene, bent <= PIXEL_TOLERANCE, f"has pixels of another size or direction than {first.path}")
    row, col = round(relative.f), round(relative.c)
    off = max(abs(relative.f - row), abs(relative.c - col))
    _require(scene, off <= PIXEL_TOLERANCE, f"lies {off:.2f} pixels off the pixel grid of {first.path}")
    return Window(row, col, scene.height, scene.width)


def _relative(grid: Grid, first: Grid) -> Affine:
    assert grid.transform is not None
    assert first.transform is not None
    return compose(~first.transform, grid.transform)


def _require(
    scene: Scene, condition: bool, problem: str, remedy: str = "warp it to the others' grid or leave it out"
) -> None:
    if not condition:
        raise InputError(f"{scene.path}: {problem}; {remedy}")


def _crs(scene: Scene) -> str:
    return "no coordinate reference system" if scene.crs is None else scene.crs.to_string()
