"""What a file is taken for as class labels, in words: the last part of ``terramamba check LABELS``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import shapely

from terramamba.core.display import Shown, Table
from terramamba.core.errors import InputError
from terramamba.data.labels.class_codes import NO_CODE, as_codes, counted, is_whole
from terramamba.data.labels.class_table import MAX_CLASSES
from terramamba.data.labels.legend import Legend, legend_of
from terramamba.data.labels.palette import Colour
from terramamba.data.labels.styled_classes import find_styled_classes
from terramamba.data.labels.unlabelled import CodeCounts, settle_codes, weigh_codes
from terramamba.raster.sample_statistics import spread_windows
from terramamba.raster.scene import Scene
from terramamba.raster.vector.features import read_features
from terramamba.raster.vector.vector_files import list_layers
from terramamba.raster.windows import Window, pieces

TITLE = "as class labels"
PIXELS_AT_ONCE = 4_000_000
MOST_COUNTED = 400_000_000
"""Of an image that has more pixels, counted in whole blocks, a sample is counted: 10 seconds' work."""
MOST_SAMPLED = 8_000_000

LISTED = 40
"""More codes without any name are hardly classes but an image."""


def describe_label_image(scene: Scene) -> Shown | None:
    """Say which classes the one band of ``scene`` holds; None where it holds no codes of classes."""
    if scene.bands != 1:
        return None
    legend = legend_of(scene)
    windows = _windows(scene)
    found, no_data = _count(scene, legend, windows)
    if found is None or not any(found.counts) or (len(found.counts) > LISTED and not legend.names):
        return None
    notes = legend.notes
    if windows is not None:
        seen = sum(window.pixels for window in windows)
        notes = (*notes, f"counted in {seen:,} pixels that are spread over the image, not in all of them")
    shown = _shown(scene.path, found, legend.colours, notes)
    if not no_data:
        return shown
    declared = "by its mask" if scene.nodata is None else f"as {scene.nodata:g} is declared"
    lines = [f"no data {declared} ({no_data:,} pixels)", *shown.facts.get("unlabelled", "").splitlines()]
    return replace(shown, facts={**shown.facts, "unlabelled": "\n".join(lines)})


def describe_label_shapes(path: str) -> Shown:
    """Say which classes the shapes of each layer are of, or why that has to be asked for."""
    tables: list[Table] = []
    facts: dict[str, str] = {}
    layers = [name for name, kind in list_layers(path).items() if kind is not None]
    for layer in layers:
        features = read_features(path, layer)
        at = f" (layer {layer})" if len(layers) > 1 else ""
        try:
            classes = find_styled_classes(path, features.attributes)
        except InputError as error:
            facts[TITLE + at] = str(error)
            continue
        coded = classes.codes > 0
        codes, numbers = np.unique(classes.codes[coded], return_counts=True)
        counts = dict(zip(codes.tolist(), numbers.tolist(), strict=True))
        parts = np.array([len(shapely.get_parts(shape)) for shape in features.shapes[coded]], np.int64)
        found = CodeCounts(counts, classes.names, of="features")
        shown = _shown(
            path, found, classes.colours, classes.notes, f"by the attribute {classes.attribute!r}{at}"
        )
        tables += shown.tables
        facts |= {name + at: said for name, said in shown.facts.items()}
        if parts.sum() > len(parts):
            facts[f"parts{at}"] = f"{parts.sum():,}, which --split polygon counts as polygons of their own"
        if not coded.all():
            facts[f"without a class{at}"] = f"{np.count_nonzero(~coded):,} features"
    return Shown(tuple(tables), facts)


def _windows(scene: Scene) -> list[Window] | None:
    """The windows of a sample, where ``scene`` is too large to be counted as a whole."""
    stored = scene.storage.decoded([range(scene.height)], [range(scene.width)]) // scene.storage.bytes
    return spread_windows(scene, (0,), MOST_SAMPLED) if stored > MOST_COUNTED else None


def _count(scene: Scene, legend: Legend, windows: Sequence[Window] | None) -> tuple[CodeCounts | None, int]:
    """What codes there are, None for what are none, and how many pixels have no data.

    Looks at ``windows``, or everywhere.
    """
    counts: Counter[int] = Counter()
    missing = no_data = 0
    for window in windows or pieces(scene.height, scene.width, PIXELS_AT_ONCE):
        (values,), (valid,) = scene.read(window)
        values = np.where(valid, values, 0)
        if not is_whole(values):
            return None, 0
        codes = np.where(valid, as_codes(scene.path, values), NO_CODE)
        missing += int(np.count_nonzero(valid & (codes == NO_CODE)))
        no_data += int(np.count_nonzero(~valid))
        counts += counted(codes)
        if len(counts) > MAX_CLASSES + 1:
            return None, 0
    held = no_data if scene.nodata is not None else 0
    return CodeCounts(dict(counts), legend.names, missing, scene.nodata, held), no_data


def _shown(
    path: str, found: CodeCounts, colours: Mapping[int, Colour], notes: tuple[str, ...], by: str = ""
) -> Shown:
    facts: dict[str, str] = {}
    weighed = weigh_codes(path, found)
    out, notes = weighed.codes, (*notes, *weighed.notes)
    try:
        settle_codes(path, found)
    except InputError as error:
        facts["to be settled"] = str(error)
    rows = [
        (
            str(code),
            found.names.get(code, f"class {code}"),
            "#" + "".join(f"{part:02x}" for part in colours[code]) if code in colours else "",
            f"{number:,}",
        )
        for code, number in sorted(found.counts.items())
        if code not in out
    ]
    left_out = [f"{code} ({found.counts[code]:,} {found.of}): {why}" for code, why in out.items()]
    if found.missing:
        left_out.append(f"below 0 or NaN ({found.missing:,} {found.of}): never a class")
    if left_out:
        facts["unlabelled"] = "\n".join(left_out)
    if notes:
        facts["labels"] = "\n".join(notes)
    title = f"{TITLE} {by}".rstrip()
    return Shown((Table(title, ("code", "class", "colour", found.of), tuple(rows)),), facts)
