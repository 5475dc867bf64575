"""Scenes without the pixels that masks mark: clouds, shadows, whatever is not to be used.

A mask is a raster of any format whose non-zero pixels are to be left out, or a vector file of polygons whose
inside is (``drawn_mask``). Where a raster has no data itself it marks nothing, nor does it outside its
extent. Of the flags of EMIT's mask product those of clouds, cirrus,
clouds made wider and the spacecraft count: water is no defect, and the aggregate flag holds it. Layers of
providers whose good pixels are not 0 have rules of their own (``quality_layers``). Pixels left out are as
pixels without data to all that follows.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.core.words import percent
from terramamba.raster.readers.emit import as_the_sensor_saw
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_values
from terramamba.raster.scene import Scene, Source
from terramamba.raster.vector.vector_files import is_vector_file
from terramamba.raster.views.drawn_mask import DrawnMask, open_drawn
from terramamba.raster.views.grid_mapping import GridMapping, same_pixels
from terramamba.raster.views.quality_layers import QualityLayer, quality_layer
from terramamba.raster.windows import BY_PIXEL, Storage, Window, evenly_spaced, sample_windows

PIXELS_AT_ONCE = 4_000_000
_BEYOND = "what lies beyond is not masked"
_RULE = "are left out, snow and water are not"
PLAIN = ({0, 1}, {0, 255})
"""Values of a mask, whatever its name: quality layers have others."""
NEARLY_ALL = 0.98
"""A mask that covers less of a scene is said to."""
MOST_MARKS = 16
"""More values, or parts of 1, are no marks but measured: chances of a cloud, say, of which few are 0."""
MUCH = 0.5
"""Masks that leave out more of a scene are said to: they may be the wrong way round."""
_DEFECT = re.compile(r"cloud|cirrus|spacecraft")


def masked(scene: Scene, masks: Sequence[str | os.PathLike[str]]) -> Scene:
    """Return ``scene`` without data where one of ``masks`` is not 0 (in any band), or inside its polygons.

    A raster has the scene's pixels, or georeferencing; on another grid, a pixel of the scene is what the
    mask's pixel at its centre is. Polygons lie in any reference system and mark what they cover half of.
    Opens the masks, and reads some pixels of those that a provider's quality layers are called like.

    Raises:
        InputError: a mask that cannot be read, has another size and no georeferencing, holds other shapes
            than polygons, or lies elsewhere.
    """
    if not masks:
        return scene
    layers: list[MaskLayer | DrawnMask] = []
    names, notes = list[str](), scene.notes
    for path in [os.fspath(mask) for mask in masks]:
        if is_vector_file(path):
            drawn = open_drawn(path, scene)
            layers.append(drawn)
            names.append(f"inside the polygons of {path}")
            notes += drawn.notes
        else:
            raster = open_scene(path, shape=(scene.height, scene.width))
            layer = _layer(raster, scene)
            layers.append(layer)
            covered = 1.0 if layer.mapping is None else layer.mapping.covered()
            if covered < NEARLY_ALL:
                notes += (f"{path} covers about {percent(covered)} of {scene.path}: {_BEYOND}",)
            if layer.quality is not None:
                notes += (
                    f"{path}: taken for {layer.quality.called}: clouds, their shadows and fill {_RULE}",
                )
            names.append(f"where {_in_words(path, raster, layer)}")
    return replace(
        scene,
        source=MaskedSource(scene.source, tuple(layers)),
        notes=(*notes, f"masked: no data {', '.join(names)}"),
    )


def noted_of_masks(scene: Scene) -> list[str]:
    """Say what is doubtful of the masks of ``scene``: they leave out most of it, cover a part, are no marks.

    And that some have rules of their own. Reads them.
    """
    said = [note for note in scene.notes if note.endswith((_BEYOND, _RULE))]
    return [*said, *doubtful_masks(scene)]


def doubtful_masks(scene: Scene) -> list[str]:
    """Say which masks of ``scene`` were measured, and that all leave out more than half of it; reads them."""
    return [*_measured_masks(scene), *much_left_out(masked_fraction(scene), f"of the pixels of {scene.path}")]


def masked_fraction(scene: Scene) -> float:
    """Return the fraction of pixels that the masks of ``scene`` leave out; estimated for large scenes."""
    source = scene.source
    if not isinstance(source, MaskedSource):
        return 0.0
    windows = sample_windows(scene.height, scene.width, PIXELS_AT_ONCE, _storage_of(source))
    marked = sum(np.count_nonzero(source.marked(window, window.shape)) for window in windows)
    return marked / sum(window.pixels for window in windows)


def _measured_masks(scene: Scene) -> list[str]:
    """Say which masks hold more values than marks do."""
    source = scene.source
    if not isinstance(source, MaskedSource):
        return []
    windows = sample_windows(scene.height, scene.width, PIXELS_AT_ONCE, _storage_of(source))
    said = []
    for layer in source.layers:
        if isinstance(layer, DrawnMask) or layer.quality is not None:
            continue
        read = (layer.read(window, window.shape) for window in windows)
        held = np.unique(np.concatenate([np.unique(values[known]) for values, known in read]))
        if len(held) > MOST_MARKS or (held != np.round(held)).any():
            said.append(
                f"{layer.path} holds {len(held):,} values from {held[0]:g} to {held[-1]:g}, as chances of"
                " clouds and other measurements do, and a pixel is left out wherever that is not 0; where"
                " that is not meant give a mask of 0 and 1"
            )
    return said


def much_left_out(share: float, of_what: str) -> list[str]:
    """Say that masks leave out ``share``, where it is more than half: they may be the wrong way round."""
    if share <= MUCH:
        return []
    return [
        f"masks leave out {percent(share)} {of_what}: a mask is 0 where pixels are to be used; turn round"
        " one that is 0 where they are not"
    ]


def _storage_of(source: "MaskedSource") -> Storage:
    storages = [layer.storage for layer in source.layers if isinstance(layer, MaskLayer)]
    return max(storages, key=Storage.block_bytes, default=BY_PIXEL)


def unmasked_source(scene: Scene) -> Source:
    """Return where the pixels of ``scene`` come from, whatever masks leave of them."""
    source = scene.source
    return source.source if isinstance(source, MaskedSource) else source


@dataclass(frozen=True)
class MaskLayer:
    """The ``bands`` of the mask at ``path``, whose files have a ``storage``.

    ``mapping`` leads to its pixels where they are not the scene's. A pixel is left out where one of the bands
    is not 0, or as the ``quality`` layer that it is has it.
    """

    path: str
    source: Source
    bands: tuple[int, ...]
    storage: Storage
    mapping: GridMapping | None
    quality: QualityLayer | None

    def marked(self, window: Window, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
        """Tell where the mask leaves pixels out in ``window`` of the scene, thinned out to ``shape``."""
        values, known = self.read(window, shape)
        left_out = values != 0 if self.quality is None else self.quality.left_out(values)
        return np.asarray((known & left_out).any(axis=0))

    def read(
        self, window: Window, shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read its values in ``window`` of the scene, thinned out to ``shape``, and which it has."""
        bands = self.bands
        if self.mapping is None:
            values, valid = self.source.read(window, bands, shape)
        else:
            values, valid = np.zeros((len(bands), *shape)), np.zeros((len(bands), *shape), bool)
            rows = evenly_spaced(window.row, window.height, shape[0])
            coordinates = self.mapping.centre_coordinates(
                rows, evenly_spaced(window.col, window.width, shape[1])
            )
            thinned = shape != window.shape
            self.mapping.take_nearest(self.source, coordinates, bands, values, valid, thinned=thinned)
        return values, valid & (values == values)


@dataclass(frozen=True)
class MaskedSource:
    """Pixels of ``source``; not valid where one of ``layers`` marks them."""

    source: Source
    layers: tuple[MaskLayer | DrawnMask, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        values, valid = self.source.read(window, bands, shape)
        return values, valid & ~self.marked(window, shape)

    def marked(self, window: Window, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
        """Tell where any of the masks leaves a pixel out."""
        left_out = np.zeros(shape, bool)
        for layer in self.layers:
            left_out |= layer.marked(window, shape)
        return left_out


def _layer(mask: Scene, scene: Scene) -> MaskLayer:
    found = quality_layer(mask.path, mask.band_names, lambda: any(_values(mask) <= plain for plain in PLAIN))
    bands, quality = (_marking(mask), None) if found is None else ((found[0],), found[1])
    storage = mask.storage.times(len(bands))
    if same_pixels(mask.grid, scene.grid):
        return MaskLayer(mask.path, mask.source, bands, storage, None, quality)
    raw = as_the_sensor_saw(mask) if scene.transform is None else None
    if raw is not None and raw.grid.window == scene.grid.window:
        return MaskLayer(mask.path, raw.source, bands, storage, None, quality)
    if mask.transform is None or scene.transform is None:
        if mask.turned != scene.turned:
            raise InputError(
                f"{mask.path}: a mask without georeferencing may lie either way round on {scene.path}, whose "
                "rows are stored from the south or columns from the east; give one with georeferencing"
            )
        if mask.grid.window == scene.grid.window:
            return MaskLayer(mask.path, mask.source, bands, storage, None, quality)
        raise InputError(
            f"{mask.path}: a mask of {mask.height} x {mask.width} pixels, but {scene.path} has "
            f"{scene.height} x {scene.width}, and not both are georeferenced; give the mask of this scene"
        )
    mapping = GridMapping(scene.grid, mask.grid)
    if not mapping.meets():
        raise InputError(
            f"{mask.path}: lies nowhere on {scene.path}; check the reference systems and the places, or "
            "leave this mask out"
        )
    return MaskLayer(mask.path, mask.source, bands, storage, mapping, quality)


def _values(mask: Scene) -> set[float]:
    """Return the values of the only band of a mask, of a sample of its pixels."""
    values, valid = sample_values(mask, (0,), PIXELS_AT_ONCE)
    return {float(value) for value in np.unique(values[valid])}


def _marking(mask: Scene) -> tuple[int, ...]:
    """The bands of a mask that leave pixels out: all, but of EMIT's flags only some."""
    names = [name.strip().lower() for name in mask.band_names]
    if not any(name.startswith("aggregate") for name in names):
        return tuple(range(mask.bands))
    found = tuple(i for i, name in enumerate(names) if _DEFECT.search(name) and name.endswith("flag"))
    if not found:
        raise InputError(
            f"{mask.path}: an aggregate flag, but none for clouds, cirrus or the spacecraft among "
            f"{', '.join(mask.band_names)}; give a mask of one band"
        )
    return found


def _in_words(path: str, mask: Scene, layer: MaskLayer) -> str:
    """What of a mask leaves pixels out."""
    if layer.quality is not None:
        return f"{path} has clouds, their shadows or fill"
    if len(layer.bands) == mask.bands:
        return f"{path} is not 0"
    return f"{path} ({', '.join(mask.band_names[band] for band in layer.bands)}) is not 0"
