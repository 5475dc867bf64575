"""A map and points of which a person said what is there: accuracies and areas with 95 % intervals."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from jaxtyping import Int64, Shaped

from terramamba.assessment.class_map import ClassMap, names_of, opened_map, read_class_map
from terramamba.core.display import Shown, Table, as_html, in_percent
from terramamba.core.errors import InputError
from terramamba.data.labels.class_names import name_key
from terramamba.raster.vector.coverage import pixels_of_points
from terramamba.raster.vector.features import Features, on_pixels, read_features
from terramamba.raster.vector.layers import LayerWanted
from terramamba.raster.vector.own_attributes import NOT_SAID, REFERENCE, STRATUM
from terramamba.scores.area_estimation import LEAST_POINTS, AreaEstimates, Estimate, estimate_areas

SHOWN = 6


@dataclass(frozen=True, eq=False)
class Assessment:
    """What reference points say of a map: classes in the order of ``names``, areas in ``unit``."""

    map: str
    names: tuple[str, ...]
    mapped: tuple[float, ...]
    unit: str
    counts: Int64[np.ndarray, "k k"]
    """Points by map class (rows) and reference class (columns)."""
    estimates: AreaEstimates
    notes: tuple[str, ...]

    @property
    def shown(self) -> Shown:
        """The table of classes, with the overall accuracy and the notes below."""
        estimates = self.estimates
        rows = [
            (
                name,
                str(int(self.counts[i].sum())),
                _percent(estimates.users[i]),
                _percent(estimates.producers[i]),
                f"{self.mapped[i]:,.2f}",
                f"{estimates.areas[i].value:,.2f}",
                f"{estimates.areas[i].margin:,.2f}",
            )
            for i, name in enumerate(self.names)
        ]
        columns = ("class", "points", "user's, %", "producer's, %", "mapped", "estimated", "+-")
        title = f"accuracy, and {self.unit}, with 95 % intervals"
        facts = {
            "overall accuracy": f"{_percent(estimates.overall)} %",
            "points": f"{int(self.counts.sum()):,}",
            "map": self.map,
        }
        if self.notes:
            facts["notes"] = "\n".join(self.notes)
        return Shown((Table(title, columns, tuple(rows)),), facts)

    def _repr_html_(self) -> str:
        return as_html(self.shown)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values; accuracies as fractions, intervals as halves."""
        found = self.estimates
        return {
            "map": self.map,
            "unit": self.unit,
            "points": int(self.counts.sum()),
            "overall_accuracy": _plain(found.overall),
            "classes": [
                {
                    "name": name,
                    "mapped": self.mapped[i],
                    "area": _plain(found.areas[i]),
                    "users_accuracy": _plain(found.users[i]),
                    "producers_accuracy": _plain(found.producers[i]),
                }
                for i, name in enumerate(self.names)
            ],
            "confusion": self.counts.tolist(),
            "notes": list(self.notes),
        }


def assess_map(
    path: str | Path, points: str | Path, *, reference: str = REFERENCE, layer: str | None = None
) -> Assessment:
    """Assess a map by points that ``draw_points`` drew from it and a person gave a reference.

    Args:
        path: The map.
        points: Vector file of points; the attribute ``reference`` says the class, by its name or its value.
        reference: Name of that attribute.
        layer: Layer of the file, where it has several.

    Raises:
        InputError: a file cannot be read, a class is unknown, points were drawn from another map, or a class
            of the map has too few points.
    """
    found = read_class_map(path)
    features = read_features(str(points), layer, wanted=LayerWanted(reference, grid=found.grid))
    if reference not in features.attributes:
        raise InputError(
            f"{points}: has no attribute {reference!r}; it has {', '.join(features.attributes) or 'none'};"
            " name the one that says what is there with --reference"
        )
    rows, cols, notes = _pixels(features, found)
    features, chosen = _each_once(features, reference, notes)
    rows, cols = rows[chosen], cols[chosen]
    mapped, known = _values_at(str(path), rows, cols)
    said = [str(value).strip() for value in features.attributes[reference].tolist()]
    notes += _strata_notes(features, found, mapped)
    classes = _Classes(found)
    named = [text if text.lower() not in NOT_SAID else None for text in said]
    counted = [
        (classes.of_value(int(value)), classes.of_text(text, str(points)))
        for value, there, text in zip(mapped, known, named, strict=True)
        if there and text is not None
    ]
    left = sum(text is None for text in named)
    if left:
        notes.append(f"{left} of {len(named)} points have no reference yet and are left out")
    if outside := int((~known).sum()):
        notes.append(f"{outside} points lie where the map has no class and are left out")
    counts = np.zeros((len(classes.names), len(classes.names)), np.int64)
    np.add.at(counts, tuple(np.array(counted, np.int64).reshape(-1, 2).T), 1)
    if counted and not counts[:, : len(found.classes)].any():
        raise InputError(
            f"{points}: none of its references ({', '.join(classes.beyond)}) is a class of the map; it has "
            f"{', '.join(classes.names[: len(found.classes)])}: call them as the map does, by name or value"
        )
    if classes.beyond:
        notes.append(f"classes of the reference that the map has not: {', '.join(classes.beyond)}")
    areas, unit = found.areas()
    areas += [0.0] * (len(classes.names) - len(areas))
    for name, area, row in zip(classes.names, areas, counts, strict=True):
        if area > 0 and row.sum() < LEAST_POINTS:
            raise InputError(
                f"{points}: {row.sum()} points with a reference where the map has {name!r}, and"
                f" {LEAST_POINTS} are needed; look at more of its points, or draw more (`terramamba sample`)"
            )
    estimates = estimate_areas(counts, np.array(areas))
    return Assessment(str(path), tuple(classes.names), tuple(areas), unit, counts, estimates, tuple(notes))


class _Classes:
    """Classes of the map, then those that only the reference has, each found by name or value."""

    def __init__(self, found: ClassMap) -> None:
        self.names = list(names_of(found.classes).values())
        self._by_value = {value: i for i, value in enumerate(found.values)}
        self._by_key = {name_key(name): i for i, name in enumerate(self.names)}

    def of_value(self, value: int) -> int:
        return self._by_value[value]

    def of_text(self, text: str | None, points: str) -> int:
        assert text is not None
        if name_key(text) in self._by_key:
            return self._by_key[name_key(text)]
        try:
            number = float(text)
        except ValueError:
            number = None
        if number is not None:
            if number not in self._by_value:
                raise InputError(
                    f"{points}: the reference {text} is no value of the map; it has"
                    f" {', '.join(f'{value} {self.names[i]}' for value, i in self._by_value.items())}"
                )
            return self._by_value[int(number)]
        like = get_close_matches(name_key(text), self._by_key, n=1)
        if like:
            near = self.names[self._by_key[like[0]]]
            raise InputError(
                f"{points}: the reference {text!r} is no class of the map, but {near!r} is;"
                " correct the points, or call a class that the map has not otherwise"
            )
        self._by_key[name_key(text)] = len(self.names)
        self.names.append(text)
        return len(self.names) - 1

    @property
    def beyond(self) -> list[str]:
        """Classes that the map has not."""
        return self.names[len(self._by_value) :]


def _pixels(
    features: Features, found: ClassMap
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"], list[str]]:
    """Row and column of each point; beyond the map -1."""
    shapes, notes = on_pixels(features, found.grid, found.path)
    kinds = Counter(shapely.get_type_id(shapes).tolist())
    if set(kinds) != {int(shapely.GeometryType.POINT)}:
        raise InputError(f"{features.path}: holds other shapes than points; give the points that were drawn")
    xy = shapely.get_coordinates(shapes)
    if len(xy) != len(shapes):
        raise InputError(f"{features.path}: holds points without a place; remove them")
    pixels, on_border = pixels_of_points(xy)
    rows, cols = pixels.T
    inside = (rows >= 0) & (cols >= 0) & (rows < found.grid.height) & (cols < found.grid.width)
    borders = int(np.count_nonzero(on_border & inside))
    said = f"{borders} points lie on the border of pixels, of which the one to the right and below counts"
    return np.where(inside, rows, -1), np.where(inside, cols, -1), [*notes, *[said] * (borders > 0)]


def _each_once(
    features: Features, reference: str, notes: list[str]
) -> tuple[Features, Int64[np.ndarray, " m"]]:
    """Leave out points that repeat another, with a note; return the others and which they are.

    Raises:
        InputError: two points at one place have different references.
    """
    texts = [str(value).strip() for value in features.attributes[reference].tolist()]
    said = [name_key(text) for text in texts]
    first: dict[tuple[float, ...], int] = {}
    for i, place in enumerate(map(tuple, shapely.get_coordinates(features.shapes).tolist())):
        other = first.setdefault(place, i)
        if said[other] in NOT_SAID:
            first[place] = i
        elif said[i] not in (*NOT_SAID, said[other]):
            raise InputError(
                f"{features.path}: points {other + 1} and {i + 1} lie at one place, and their {reference} is "
                f"{texts[other]!r} and {texts[i]!r}; keep the right one"
            )
    chosen = np.array(sorted(first.values()), np.int64)
    if len(chosen) < len(said):
        notes.append(f"{len(said) - len(chosen)} points repeat another at the same place and are left out")
    kept = {name: values[chosen] for name, values in features.attributes.items()}
    return replace(features, shapes=features.shapes[chosen], attributes=kept), chosen


def _values_at(
    path: str, rows: Int64[np.ndarray, " n"], cols: Int64[np.ndarray, " n"]
) -> tuple[Int64[np.ndarray, " n"], Shaped[np.ndarray, " n"]]:
    """Value of the map at each pixel, and whether there is a class; pixels of one row are read together."""
    values, known = np.zeros(len(rows), np.int64), np.zeros(len(rows), bool)
    with opened_map(path) as file:
        for row in np.unique(rows[rows >= 0]):
            own = rows == row
            place = ((int(row), int(row) + 1), (0, file.width))
            values[own] = file.read(1, window=place)[0, cols[own]]
            known[own] = file.read_masks(1, window=place)[0, cols[own]] != 0
    return values, known


def _strata_notes(features: Features, found: ClassMap, mapped: Int64[np.ndarray, " n"]) -> list[str]:
    """Say where strata are none of the map.

    Raises:
        InputError: points say that they were drawn from a map with other values there.
    """
    strata = features.attributes.get(STRATUM)
    if strata is None:
        return []
    values = {str(value): value for value in found.values}
    values |= {name_key(name): value for value, name in names_of(found.classes).items()}
    if strata.dtype.kind not in "iuf":
        texts = [name_key(str(text)) for text in strata.tolist()]
        unknown = sorted({text for text in texts if text not in values})
        if unknown:
            return [
                f"the attribute {STRATUM} ({', '.join(unknown[:SHOWN])}) names no classes of the map and is "
                "not used: points are weighed by the area of the class that the map has there"
            ]
        strata = np.array([values[text] for text in texts])
    other = int((strata != mapped).sum())
    if other:
        raise InputError(
            f"{features.path}: {other} of {len(mapped)} points were drawn where {found.path} has another"
            " class; assess the map that they were drawn from, or draw points of this one"
        )
    return []


def _plain(estimate: Estimate) -> Mapping[str, float | None]:
    return {"value": estimate.value, "margin": estimate.margin}


def _percent(estimate: Estimate) -> str:
    if estimate.value is None or estimate.margin is None:
        return ""
    return f"{in_percent(estimate.value)} +- {in_percent(estimate.margin)}"
