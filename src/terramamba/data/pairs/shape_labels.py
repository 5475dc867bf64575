"""Labels of pairs drawn as polygons: inside is changed, or what an attribute says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.data.labels.class_names import name_key
from terramamba.data.pairs.label_values import ShapeValues
from terramamba.raster.geogrid import Grid
from terramamba.raster.scene import Scene
from terramamba.raster.vector.coverage import bounding_window, half_covered
from terramamba.raster.vector.features import Features, on_pixels, read_features
from terramamba.raster.vector.layers import LayerWanted
from terramamba.raster.windows import Window, evenly_spaced

HALF_A_PIXEL, MOST_SMALL = 0.5, 0.1
"""So many polygons may be too small without a word."""
MOST_CLASSES = 20
"""An attribute of more values says something else than what changed."""


@dataclass(frozen=True, eq=False)
class ShapeSource:
    """1 where polygons of change cover half of a pixel, else 0; not valid where nothing is known."""

    changed: Shaped[np.ndarray, " n"]
    """In pixels of the image."""
    ignored: Shaped[np.ndarray, " m"]
    area: Shaped[np.ndarray, " k"] | None
    """What was looked at; None: all of the image."""
    others: Shaped[np.ndarray, " o"] = field(default_factory=lambda: np.zeros(0, object))
    """Polygons of what is unchanged, which is what lies between polygons too."""

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        values = half_covered(self.changed, window).astype(np.uint8)
        valid = ~half_covered(self.ignored, window)
        if self.area is not None:
            valid &= half_covered(self.area, window)
        if shape != window.shape:
            rows, cols = (evenly_spaced(0, size, n) for size, n in zip(window.shape, shape, strict=True))
            values, valid = values[np.ix_(rows, cols)], valid[np.ix_(rows, cols)]
        return np.repeat(values[None], len(bands), axis=0), np.repeat(valid[None], len(bands), axis=0)

    def meets(self, window: Window) -> bool:
        """Tell whether the bounds of some polygon touch ``window``; so does a file without any."""
        every = [*self.changed, *self.ignored, *self.others]
        return not every or any(bounding_window(shape, window).pixels for shape in every)


def open_shapes(path: str, grid: Grid, image: str, values: ShapeValues) -> Scene:
    """Open the polygons of ``path`` as a mask (0, 1) on the ``grid`` of ``image``.

    Raises:
        InputError: it cannot be read or placed, holds no polygons, or lacks the attribute or its values.
    """
    features = _read(path, values.attributes, grid)
    shapes, notes = _polygons(features, grid, image)
    changed, ignored = np.ones(len(shapes), bool), np.zeros(len(shapes), bool)
    if values.attribute is not None and len(shapes):
        keys = [np.array(list(map(name_key, _texts(features, of)))) for of in values.attributes]
        of_change, without = (list(map(name_key, listed)) for listed in (values.changed, values.ignored))
        ignored = np.asarray(np.isin(keys, without).any(axis=0))
        # of two dates, what neither says is not known
        changed = np.isin(keys[0], of_change) if values.changed else np.not_equal(*keys)
        if not values.changed:
            ignored |= (keys[0] == "") & (keys[1] == "")
            changed &= ~ignored
    there = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    area = None
    if values.area is not None:
        area, of_area = _polygons(
            read_features(values.area, wanted=LayerWanted(polygons=True, grid=grid)), grid, image
        )
        notes = (*notes, *of_area)
        area = area[~shapely.is_missing(area) & ~shapely.is_empty(area)]
    notes = (*notes, *_too_small(path, shapes[changed & there]))
    source = ShapeSource(
        shapes[changed & there], shapes[ignored & there], area, shapes[~changed & ~ignored & there]
    )
    return Scene(path, "polygons", 1, "uint8", grid, source, notes=notes)


def _too_small(path: str, changed: Shaped[np.ndarray, " n"]) -> list[str]:
    """Say how many polygons of change, in pixels, are too small to be seen."""
    small = int(np.count_nonzero(shapely.area(changed) < HALF_A_PIXEL))
    if small <= MOST_SMALL * len(changed):
        return []
    return [
        f"{path}: {small:,} of {len(changed):,} polygons of change are smaller than half a pixel, and mark no"
        " pixel alone; give images with smaller pixels, or leave small changes out of what is scored"
    ]


def attribute_values(path: str, attributes: Sequence[str], grid: Grid) -> set[str]:
    """List the values of ``attributes`` of polygons on ``grid``; raises ``InputError`` where none has one."""
    features = _read(path, attributes, grid)
    return {text for of in attributes for text in _texts(features, of)} if len(features) else set()


def attribute_tables(labels: Mapping[str, Grid]) -> list[Mapping[str, Shaped[np.ndarray, " n"]]]:
    """Read the attributes of all ``labels``, which have the grid of each file."""
    return [_read(path, (), grid).attributes for path, grid in labels.items()]


def as_texts(table: Mapping[str, Shaped[np.ndarray, " n"]]) -> dict[str, list[str]]:
    """Return the attributes of a file with their values as somebody writes them."""
    return {name: list(map(_text, column)) for name, column in table.items()}


def telling_attributes(tables: Sequence[Mapping[str, Shaped[np.ndarray, " n"]]]) -> dict[str, list[str]]:
    """Find the attributes of all files that may say what changed, with their values.

    They have a few texts, yes and no, or numbers that repeat.
    """
    values: dict[str, list[str]] = {}
    kinds: dict[str, set[str]] = {}
    for table in tables:
        for name, texts in as_texts(table).items():
            values.setdefault(name, []).extend(texts)
            kinds.setdefault(name, set()).add(table[name].dtype.kind)
    found = {}
    for name, texts in values.items():
        different = sorted(set(texts) - {""})
        repeats = len(different) < len(texts) or bool(kinds[name] & {"O", "b"})
        if repeats and 1 < len(different) <= MOST_CLASSES:
            found[name] = different
    return found


def _read(path: str, attributes: Sequence[str], grid: Grid) -> Features:
    wanted = LayerWanted(attributes[0] if attributes else None, polygons=True, grid=grid)
    return read_features(path, wanted=wanted)


def _polygons(features: Features, grid: Grid, image: str) -> tuple[Shaped[np.ndarray, " n"], tuple[str, ...]]:
    shapes, notes = on_pixels(features, grid, image)
    kinds = {shape.geom_type for shape in shapes if shape is not None and not shape.is_empty}
    if kinds - {"Polygon", "MultiPolygon", "GeometryCollection"}:
        raise InputError(
            f"{features.path}: holds {', '.join(sorted(kinds))}; what changed is drawn as polygons, draw it "
            "so"
        )
    return shapes, notes


def _texts(features: Features, attribute: str) -> list[str]:
    if attribute not in features.attributes:
        raise InputError(
            f"{features.path}: has no attribute {attribute!r}; it has "
            f"{', '.join(features.attributes) or 'none'}; correct --changed-attribute"
        )
    return [_text(value) for value in features.attributes[attribute]]


def _text(value: object) -> str:
    """A value as somebody writes it: 2 and not 2.0; numbers and days that are missing are no text."""
    if value is None or value != value:
        return ""
    if isinstance(value, float | np.floating):
        return f"{float(value):.16g}"
    return str(value).strip()
