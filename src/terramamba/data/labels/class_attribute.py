"""The attribute of vector labels that says the class: found, and turned into codes and names.

n features
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, Shaped

from terramamba.core import words
from terramamba.core.errors import InputError
from terramamba.data.labels.class_names import merged_in_words, one_spelling
from terramamba.data.labels.unlabelled import NO_VALUE
from terramamba.raster.vector.own_attributes import (
    CLASS,
    CLASS_POLYGONS,
    CODE,
    NOT_SAID,
    REFERENCE,
    REFERENCE_POINTS,
)

MAX_CLASSES = 255
"""An attribute with more different values than this says no classes."""

FEW = 5
"""So many different numbers may be classes however seldom they repeat."""

_WHOLE = re.compile(r"([+-]?\d+)(?:[.,]0*)?")
"""A whole number written as text."""

_DAY = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}(?:[T ].*)?|\d{1,2}([-/.])\d{1,2}\2\d{4}(?: .*)?")
_SUBSETS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "calibration"}

MEASURES = {
    "pixels",
    "area",
    "area_m2",
    "shape_area",
    "shape_length",
    "perimeter",
    "count",
    "fid",
    "objectid",
}
"""What is measured or counted of shapes, in small letters: whole numbers that may repeat, but no classes."""
COLOURS = {"red", "green", "blue"}
"""In small letters, what says together how a class is drawn, as ArcGIS writes it beside name and value."""

OF_A_MAP = "they are the patches of a map: what is learnt from them, and scored, are its mistakes, too"

SHOWN = 6
"""Values of an attribute that a message lists."""


@dataclass(frozen=True, eq=False)
class ClassAttribute:
    """The class of every feature: a code, or 0 for none. ``names`` is empty where the file has numbers alone.

    ``by_name``: it has text alone, whose values the codes only count. ``note`` says what is to be known of
    them; ``is_zero``: which have the number 0; ``below`` have one below 0, and no class therefore.
    """

    attribute: str
    codes: Int[np.ndarray, " n"]
    names: Mapping[int, str]
    is_zero: Bool[np.ndarray, " n"]
    note: str | None = None
    below: int = 0
    by_name: bool = False


def find_classes(
    path: str,
    attributes: Mapping[str, Shaped[np.ndarray, " n"]],
    wanted: str | None = None,
    shown: str | None = None,
) -> ClassAttribute:
    """Find the class of each feature by the attribute ``wanted``, by ``shown`` or the only one that may be.

    Whole numbers are codes, whether stored as numbers or as text; other text is sorted and coded 1, 2, ...;
    capitals and spaces around it make no other class.
    A missing value, an empty text, 0, negative numbers and, among numbers, "NA" and the like mean unlabelled.
    An attribute can be meant when its values are classes of that kind, several and not more than 255, and
    some of them repeat (an attribute that is different for every feature counts them); more than 5 numbers
    twice or more on average (measurements that happen to be whole do not). Where none does, the only one
    of that kind is meant, or the only text. ``shown`` is the attribute that a map of them shows; it counts
    where it says classes. Where one text and one number, or several, tell the same shapes apart, the text
    names the classes and the only number is their code. Of class polygons that this package wrote, value and
    name of the class go together; of its reference points what a person said counts, never what the map says.

    Raises:
        InputError: no such attribute, one that says no classes, or none or several that could be meant.
    """
    if not attributes:
        file = Path(path)
        if file.suffix.lower() == ".shp" and not any(map(Path.is_file, _beside(file, ".dbf"))):
            raise InputError(
                f"{path}: its attributes, which lie in {file.stem}.dbf, are not beside it; fetch them"
            )
        raise InputError(f"{path}: its shapes have no attributes; add one that says the class of each")
    if wanted is not None:
        if wanted not in attributes:
            near = words.meant(wanted, attributes)
            raise InputError(f"{path}: has no attribute {wanted!r}; it has {_listed(attributes)}{near}")
        candidate = _classes(wanted, attributes[wanted])
        if candidate is None:
            raise InputError(
                f"{path}: attribute {_described(wanted, attributes[wanted])} says no classes; choose one of "
                "text or whole numbers with --class-attribute"
            )
        if not candidate.codes.any():
            raise InputError(
                f"{path}: attribute {_described(wanted, attributes[wanted])} says no class of any of its "
                f"{len(candidate.codes)} shapes; fill in text or numbers from 1, or choose another with "
                "--class-attribute"
            )
        return candidate
    if set(attributes) >= REFERENCE_POINTS:
        said = [None if str(one).strip().lower() in NOT_SAID else one for one in attributes[REFERENCE]]
        return find_classes(path, {**attributes, REFERENCE: np.array(said, object)}, REFERENCE)
    own_style = shown is None or shown == CLASS or shown not in attributes
    if (
        own_style
        and set(attributes) >= CLASS_POLYGONS
        and (own := _code_and_name(path, attributes)) is not None
    ):
        return own
    if shown is not None and shown in attributes:
        styled = _classes(shown, attributes[shown])
        if styled is not None and 1 <= len(_present(styled)) <= MAX_CLASSES:
            return styled
    told: dict[str, ClassAttribute] = {}
    drawn = {name.lower() for name in attributes} > COLOURS
    for name, values in attributes.items():
        skipped = name.lower() in (MEASURES | COLOURS if drawn else MEASURES) and len(attributes) > 1
        found = None if skipped else _classes(name, values)
        if found is None or not 1 <= len(_present(found)) <= MAX_CLASSES:
            continue
        # a different number for each feature counts them, where something else can say the class
        if found.names or len(attributes) == 1 or not _differs(found):
            told[name] = found
    aside = {name for name in told if _says_when_or_what_for(attributes[name])}
    told = {name: found for name, found in told.items() if name not in aside} or told
    several = {name: found for name, found in told.items() if _repeats(found)}
    # one feature each, or one value for all: then text says more than numbers
    texts = {name: found for name, found in told.items() if found.names}
    for candidates in (several, *(() if several else (told, texts))):
        if len(candidates) == 1:
            return next(iter(candidates.values()))
        if (one := _name_and_number(list(candidates.values()))) is not None:
            return one
    meant = {name: attributes[name] for name in several or texts or told} or attributes
    if not told:
        raise InputError(
            f"{path}: no attribute can say the class, by text or whole numbers from 1, up to {MAX_CLASSES} "
            f"different ones; it has {_listed(meant)}; add one, or choose with --class-attribute"
        )
    raise InputError(
        f"{path}: several attributes can say the class; choose with --class-attribute: {_listed(meant)}"
    )


def _code_and_name(path: str, attributes: Mapping[str, Shaped[np.ndarray, " n"]]) -> ClassAttribute | None:
    """Classes of polygons that this package wrote; None where they only have attributes of the same names."""
    coded, texts = _classes(CODE, attributes[CODE]), attributes[CLASS].tolist()
    if coded is None or coded.names or not coded.codes.any():
        return None
    pairs = {(code, text) for code, text in zip(coded.codes.tolist(), texts, strict=True) if code}
    names = dict(pairs)
    if not len(pairs) == len(names) == len(set(names.values())) or not all(names.values()):
        raise InputError(
            f"{path}: its polygons are those of a map, of which {CODE} or {CLASS} was changed alone, so that"
            f" they do not go together; say with --class-attribute {CODE} or {CLASS} which of them counts"
        )
    return replace(coded, attribute=CLASS, names=names, note=OF_A_MAP)


def _name_and_number(candidates: Sequence[ClassAttribute]) -> ClassAttribute | None:
    """The one text among ``candidates`` that all tell the same shapes apart, with a number for its code.

    None where they do not, where several are text, or where shapes are too few to know.
    """
    texts = [one for one in candidates if one.by_name]
    numbers = [one for one in candidates if not one.by_name]
    if len(texts) != 1 or not numbers:
        return None
    (text,) = texts
    classes = len(_present(text))
    if 2 * classes > int(np.count_nonzero(text.codes)):
        return None
    for number in numbers:
        pairs = set(zip(text.codes.tolist(), number.codes.tolist(), strict=True)) - {(0, 0)}
        if not len(pairs) == classes == len(_present(number)) or any(0 in pair for pair in pairs):
            return None
    alike = ", ".join(repr(number.attribute) for number in numbers)
    if len(numbers) > 1:
        said = f"{alike} tell the same classes apart as {text.attribute!r}, which names them"
        return replace(text, note="; ".join(filter(None, (text.note, said))))
    codes = numbers[0].codes
    names = {code: text.names[int(text.codes[codes == code][0])] for code in _present(numbers[0]).tolist()}
    said = f"{text.attribute!r} names the classes whose codes {alike} holds"
    return replace(
        numbers[0], attribute=text.attribute, names=names, note="; ".join(filter(None, (text.note, said)))
    )


def _beside(file: Path, suffix: str) -> tuple[Path, Path]:
    return file.with_suffix(suffix), file.with_suffix(suffix.upper())


def _differs(candidate: ClassAttribute) -> bool:
    return 1 < len(_present(candidate)) == int(np.count_nonzero(candidate.codes))


def _says_when_or_what_for(values: Shaped[np.ndarray, " n"]) -> bool:
    """Whether all texts are days, or subsets that features are to train, validate or test in."""
    texts = {str(value).strip() for value in values if value is not None and str(value).strip()}
    days = all(_DAY.fullmatch(text) for text in texts)
    return bool(texts) and (days or {text.lower() for text in texts} <= _SUBSETS)


def _repeats(candidate: ClassAttribute) -> bool:
    """Whether the values are those of several classes, not of each feature or of measurements."""
    classes, labelled = len(_present(candidate)), int(np.count_nonzero(candidate.codes))
    few = bool(candidate.names) or 2 * classes <= labelled or classes <= FEW
    return 1 < classes < labelled and few


def _present(candidate: ClassAttribute) -> Int[np.ndarray, " k"]:
    codes = np.unique(candidate.codes)
    return codes[codes > 0]


def _classes(name: str, values: Shaped[np.ndarray, " n"]) -> ClassAttribute | None:
    """None: measurements, dates or lists."""
    if values.dtype.kind in "iu":
        return _numbered(name, values.astype(np.int64), np.ones(len(values), bool))
    if values.dtype.kind == "f":
        numbers = np.nan_to_num(values, nan=0.0)
        if (numbers != np.floor(numbers)).any() or (np.abs(numbers) > 2**53).any():
            return None
        return _numbered(name, numbers.astype(np.int64), ~np.isnan(values))
    if values.dtype.kind == "b":
        values = np.where(values, "true", "false").astype(object)
    if values.dtype.kind != "O" or not all(value is None or isinstance(value, str) for value in values):
        return None
    texts = ["" if value is None else value.strip() for value in values]
    whole = [None if text.lower() in NO_VALUE else _WHOLE.fullmatch(text) for text in texts]
    if all(number is not None for number, text in zip(whole, texts, strict=True) if _says(text)):
        known = np.array([number is not None for number in whole], bool)
        return _numbered(
            name, np.array([int(number[1]) if number else 0 for number in whole], np.int64), known
        )
    written = ["" if value is None or not value.strip() else value for value in values]
    spelling = one_spelling(text for text in written if text)
    names = sorted(set(spelling.values()))
    code_of = {text: code for code, text in enumerate(names, start=1)}
    place = {"": 0} | {text: code_of[chosen] for text, chosen in spelling.items()}
    codes = np.array([place[text] for text in written], np.int64)
    numbered = dict(enumerate(names, start=1))
    none = np.zeros(len(codes), bool)
    return ClassAttribute(name, codes, numbered, none, merged_in_words(spelling), by_name=True)


def _says(text: str) -> bool:
    return bool(text) and text.lower() not in NO_VALUE


def _numbered(name: str, codes: Int[np.ndarray, " n"], known: Bool[np.ndarray, " n"]) -> ClassAttribute:
    """Take numbers for codes, where they are ``known``; those below 0 are none, and 0 is none either."""
    below = int(np.count_nonzero(known & (codes < 0)))
    return ClassAttribute(
        name, np.where(known, np.maximum(codes, 0), 0), {}, known & (codes == 0), below=below
    )


def _listed(attributes: Mapping[str, Shaped[np.ndarray, " n"]]) -> str:
    return ", ".join(_described(name, values) for name, values in attributes.items())


def _described(name: str, values: Shaped[np.ndarray, " n"]) -> str:
    different = list(dict.fromkeys(words.written(value) for value in values if value is not None))
    more = f", ... {len(different)} values" if len(different) > SHOWN else ""
    return f"{name!r} ({', '.join(map(words.shortened, different[:SHOWN])) or 'empty'}{more})"
