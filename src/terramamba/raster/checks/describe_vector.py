"""What a vector file holds, in words: the text of ``terramamba check LABELS.gpkg``."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import shapely
from jaxtyping import Shaped

from terramamba.core.words import shortened, written
from terramamba.raster.geogrid import crs_name
from terramamba.raster.vector.features import Features, read_features
from terramamba.raster.vector.vector_files import list_layers

SHOWN = 12
"""Values of an attribute that are listed."""


def describe_features(path: str) -> dict[str, str]:
    """Describe the file, and each layer with shapes, in lines: shapes, extent, attributes.

    Raises:
        InputError: the file or a layer cannot be read.
    """
    layers = list_layers(path)
    facts = {"file": path, "format": "vector"}
    for name, kind in layers.items():
        if kind is not None:
            facts[f"layer {name}"] = "\n".join(_layer(read_features(path, name)))
    tables = [name for name, kind in layers.items() if kind is None]
    if tables:
        facts["no shapes"] = f"tables only: {', '.join(tables)}"
    return facts


def _layer(features: Features) -> Iterable[str]:
    kinds = Counter(
        "none" if shape is None else f"{'empty ' * shape.is_empty}{shape.geom_type}"
        for shape in features.shapes
    )
    yield f"{len(features)} features: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    yield "no reference system" if features.crs is None else crs_name(features.crs)
    left, bottom, right, top = shapely.bounds(shapely.geometrycollections(features.shapes))
    if np.isfinite(left):
        yield f"x {left:.10g} to {right:.10g}, y {bottom:.10g} to {top:.10g}"
    for name, values in features.attributes.items():
        yield f"attribute {name!r}: {_values(values)}"


def _values(values: Shaped[np.ndarray, " n"]) -> str:
    """List the different values with their number, most frequent first; of many numbers the range."""
    if values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    counts = Counter(written(value) for value in values.tolist() if value is not None)
    if not counts:
        return "no values"
    if len(counts) <= SHOWN:
        return ", ".join(f"{shortened(value)} ({number})" for value, number in counts.most_common())
    if values.dtype.kind in "iuf":
        return f"{values.min():.6g} to {values.max():.6g}, {len(counts)} different"
    listed = ", ".join(shortened(value) for value, _ in counts.most_common(SHOWN))
    return f"{listed}, ... {len(counts)} different"
