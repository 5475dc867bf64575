"""The door of labels drawn as polygons: what they mean is decided here, once for a data set."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.data.labels.class_names import name_key
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import CHANGED, IGNORED, UNCHANGED, Meaning, ShapeValues
from terramamba.data.pairs.shape_dates import refuse_unchanged
from terramamba.data.pairs.shape_labels import (
    ShapeSource,
    as_texts,
    attribute_tables,
    attribute_values,
    telling_attributes,
)
from terramamba.data.pairs.value_names import meaning_of_name
from terramamba.raster.readers.array_path import file_of

_NO: dict[str, Meaning] = dict.fromkeys(("false", "no", "n", "0", "none", "nein", "non"), UNCHANGED)
"""Values of an attribute that is called after change."""


def with_shapes(
    pairs: Mapping[str, Sequence[PairFiles]],
    given: ShapeValues | None,
    kept: ShapeValues | None,
    *,
    only_stated: bool,
) -> tuple[Mapping[str, Sequence[PairFiles]], ShapeValues | None, list[str]]:
    """Have the pairs say what their polygons mean: as ``given``, else as ``kept`` of a run, else change.

    Also that meaning, None where no label is drawn, and notes. ``only_stated``: flags say what values mean,
    without an attribute. An area that a table names for a pair is its own.

    Raises:
        InputError: flags for polygons and none are there, or the other way round; an attribute or its values
            that no file has; polygons that lie on none of their images.
    """
    drawn = [pair for files in pairs.values() for pair in files if pair.is_drawn]
    if not drawn:
        if given is not None:
            flag = "--area" if given.attribute is None else "--changed-attribute"
            raise InputError(f"{flag}: is for labels drawn as polygons, and these are images; leave it out")
        return pairs, None, []
    meaning = given or kept or ShapeValues()
    grids = {str(pair.label): pair.grid for pair in reversed(drawn)}
    labels = list(dict.fromkeys(str(pair.label) for pair in drawn))
    if only_stated and meaning.attribute is None:
        raise InputError(
            f"{labels[0]}: is drawn as polygons; say with --changed-attribute whose values the stated ones "
            "are"
        )
    if meaning.area is not None and not Path(file_of(meaning.area)).exists():
        raise InputError(f"--area {meaning.area}: no such file; name the polygons of what was looked at")
    notes = []
    if meaning.attribute is not None:
        found = {
            value for label in labels for value in attribute_values(label, meaning.attributes, grids[label])
        }
        if meaning.changed and found and not set(map(name_key, found)) & set(map(name_key, meaning.changed)):
            raise InputError(
                f"{labels[0]}: no {meaning.attribute} is {' or '.join(meaning.changed)}; they are "
                f"{', '.join(sorted(found)[:12])}; correct --changed-values"
            )
        notes += _written_otherwise(meaning, found)
    else:
        tables = attribute_tables({label: grids[label] for label in labels})
        telling = telling_attributes(tables)
        if given is None and kept is None:
            _require_all_of_change(labels[0], telling)
            refuse_unchanged(labels[0], list(map(as_texts, tables)))
        if telling:
            others = ", ".join(f"{name} ({_listed(values)})" for name, values in telling.items())
            notes.append(
                f"all polygons of {count(len(labels), 'label')} mean changed, whatever their attributes say: "
                f"{others}; --changed-attribute and --changed-values choose among them"
            )
    told = {
        subset: [
            replace(pair, shapes=replace(meaning, area=pair.shapes.area or meaning.area))
            if pair.is_drawn
            else pair
            for pair in files
        ]
        for subset, files in pairs.items()
    }
    _require_on_images([pair for files in told.values() for pair in files])
    return told, meaning, notes


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values[:6]) + (", ..." if len(values) > 6 else "")


def _require_all_of_change(path: str, telling: Mapping[str, Sequence[str]]) -> None:
    """Refuse polygons of which an attribute says in words that some are of no change."""
    for name, values in telling.items():
        about = meaning_of_name(name) == CHANGED
        plain = _NO if about else {}
        says = {value: plain.get(value.lower(), meaning_of_name(value)) for value in values}
        others = [value for value, meaning in says.items() if meaning in (UNCHANGED, IGNORED)]
        if others:
            changed = ",".join(value for value in values if value not in others) or values[0]
            changed = f'"{changed}"' if " " in changed else changed
            raise InputError(
                f"{path}: {name} is {_listed(values)} in these labels, so that not all polygons mean "
                f"changed; say --changed-attribute {name} --changed-values {changed}, or "
                "other values"
            )


def _written_otherwise(meaning: ShapeValues, found: Collection[str]) -> list[str]:
    """Say which values of an attribute count as those that are stated, though they are written otherwise."""
    stated = {name_key(value): value for value in (*meaning.changed, *meaning.ignored)}
    others = sorted(value for value in found if stated.get(name_key(value), value) != value)
    if not others:
        return []
    said = ", ".join(f"{value!r} as {stated[name_key(value)]!r}" for value in others)
    return [f"{meaning.attribute}: capitals and spaces make no other value: {said}"]


def _require_on_images(pairs: Sequence[PairFiles]) -> None:
    """Raise ``InputError`` for a file of polygons that lie on none of the images that it is the label of."""
    lies: dict[str, bool] = {}
    for pair in pairs:
        if not pair.is_drawn:
            continue
        label, _ = pair.reference()
        assert isinstance(label.source, ShapeSource)
        meets = label.source.meets(label.grid.window)
        lies[label.path] = lies.get(label.path, False) or meets
    for path, meets in lies.items():
        if not meets:
            first = next(pair.before for pair in pairs if pair.label == path)
            raise InputError(
                f"{path}: none of its polygons lies on {first}; check the reference systems and the places"
            )
