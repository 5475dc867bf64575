"""What the numbers in change masks mean: the record of it that a run keeps, what is stated, and the words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from terramamba.core.errors import InputError
from terramamba.core.typed import Bound, FieldError, Text, between
from terramamba.core.words import count

IGNORE = 255
"""What a mask is where nothing is known of change; also the value that usually says so in files."""
FLAGS = "--changed-values, --unchanged-values or --ignore-values"
"""What says what values mean."""
MOST_VALUES = 65_536
"""A range of values may hold so many."""

Meaning = Literal["changed", "unchanged", "ignored"]
CHANGED: Meaning = "changed"
UNCHANGED: Meaning = "unchanged"
IGNORED: Meaning = "ignored"

CUT = Annotated[int, between(1, IGNORE)]
Files = Annotated[int, Bound("a number of files", lambda number: number >= 0)]


@dataclass(frozen=True)
class Coding:
    """What each value means in masks of one kind."""

    changed: tuple[int, ...] = ()
    unchanged: tuple[int, ...] = ()
    ignored: tuple[int, ...] = ()
    """Without reference: neither learnt from nor scored."""
    cut: CUT | None = None
    """Of grey masks: this and above is changed, what is below is unchanged."""
    opaque: bool = False
    """Transparent pixels are read like all others; else they have no reference."""

    def __post_init__(self) -> None:
        listed = (*self.changed, *self.unchanged, *self.ignored)
        if len(set(listed)) < len(listed):
            raise FieldError("changed", self.changed, "apart from the unchanged and ignored values")

    def meaning(self, value: int) -> Meaning | None:
        """Tell what ``value`` means; None: nothing is known of it."""
        for listed, found in (
            (self.changed, CHANGED),
            (self.unchanged, UNCHANGED),
            (self.ignored, IGNORED),
        ):
            if value in listed:
                return found
        if self.cut is None or not 0 <= value <= IGNORE:
            return None
        return CHANGED if value >= self.cut else UNCHANGED

    def in_words(self) -> str:
        """Say it such as "0 unchanged, 255 changed"."""
        said = [] if self.cut is None else [f"below {self.cut} unchanged", f"{self.cut} and above changed"]
        groups = ((self.unchanged, "unchanged"), (self.changed, "changed"), (self.ignored, "no reference"))
        return ", ".join(said + [f"{values_in_words(values)} {name}" for values, name in groups if values])


ONE_BIT = Coding(changed=(1,), unchanged=(0,))
"""Of masks that hold one bit or yes and no."""


@dataclass(frozen=True)
class ShapeValues:
    """What polygons that are labels mean."""

    attribute: Text | None = None
    """Whose values say it, or two with a comma between them, where those changed whose two differ; None: all
    polygons are of change."""
    changed: tuple[Text, ...] = ()
    ignored: tuple[Text, ...] = ()
    """Values of what has no reference; all other polygons, and what lies between, are unchanged."""
    area: Text | None = None
    """File of polygons of what was looked at; what lies outside has no reference."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the attributes that say it."""
        if self.attribute is None:
            return ()
        return (self.attribute,) if self.changed else tuple(map(str.strip, self.attribute.split(",")))

    def in_words(self) -> str:
        """Say it such as "changed inside polygons, unchanged outside"."""
        said = "changed inside polygons, unchanged outside"
        if self.attribute is not None:
            how = f"is {' or '.join(self.changed)}" if self.changed else "differ"
            said = f"changed inside polygons whose {' and '.join(self.attributes)} {how}"
            said += f", no reference where it is {' or '.join(self.ignored)}" if self.ignored else ""
            said += ", unchanged elsewhere"
        return said + (f" within {self.area}, no reference beyond" if self.area is not None else "")


ALL_CHANGE = ShapeValues()
"""All polygons are of change, in all of the image."""


@dataclass(frozen=True)
class LabelValues:
    """What the values in the change masks of a whole data set mean, by kind of file."""

    files: Files
    """Masks that it was found from."""
    numbers: Coding | None = None
    """Of masks of whole numbers."""
    one_bit: Coding | None = None
    """Of masks of one bit, whose values settle themselves."""
    rows: tuple[Coding, ...] = ()
    """As a table states it row by row."""
    shapes: ShapeValues | None = None
    """Of labels drawn as polygons."""
    stated: bool = False
    """By flags, rather than found."""

    def in_words(self) -> str:
        """Say it such as "0 unchanged, 255 changed (found from 214 files)"."""
        kinds = [("", self.numbers), ("in one-bit masks ", self.one_bit)]
        kinds += [("in rows of the table ", coding) for coding in self.rows]
        said = [where + coding.in_words() for where, coding in kinds if coding is not None]
        if self.shapes is not None:
            said.append(self.shapes.in_words())
        if len(said) == 1 and self.one_bit is not None and self.shapes is None:
            said = [f"{self.one_bit.in_words()} (one-bit masks)"]
        how = "as stated, " if self.stated else "found from "
        return f"{'; '.join(said)} ({how}{count(self.files, 'file')})"

    def as_note(self) -> str:
        """Say the same among other notes on a data set."""
        return f"change masks: {self.in_words()}"


@dataclass(frozen=True)
class StatedValues:
    """What somebody says of the values in masks; None: nothing."""

    changed: tuple[int, ...] | None
    unchanged: tuple[int, ...] | None
    ignored: tuple[int, ...] | None
    place: str
    """Where it is said, for messages."""

    @property
    def listed(self) -> set[int]:
        """All values that are spoken of."""
        return {*(self.changed or ()), *(self.unchanged or ()), *(self.ignored or ())}


def stated_values(
    changed: Sequence[str] | None,
    unchanged: Sequence[str] | None,
    ignored: Sequence[str] | None,
    place: str = "",
) -> StatedValues | None:
    """Read what is said of values, each list of whole numbers and of ranges such as ``128-255``.

    None where nothing is said. ``place`` is where, but for flags.

    Raises:
        InputError: what is no whole number, or a value in two of the lists.
    """
    names = ("changed_values", "unchanged_values", "ignore_values")
    called = [f"{place}: {name}" if place else "--" + name.replace("_", "-") for name in names]
    lists = [
        None if given is None else _whole_numbers(given, name)
        for given, name in zip((changed, unchanged, ignored), called, strict=True)
    ]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        both = set(lists[first] or ()) & set(lists[second] or ())
        if both:
            other = names[second] if place else called[second]
            raise InputError(f"{called[first]} and {other}: both list {min(both)}; a value means one thing")
    if all(found is None for found in lists):
        return None
    where = place or " ".join(
        f"{flag} {','.join(map(str, given))}"
        for flag, given in zip(called, (changed, unchanged, ignored), strict=True)
        if given is not None
    )
    return StatedValues(lists[0], lists[1], lists[2], where)


def shape_values(
    attribute: str | None,
    changed: Sequence[str] | None,
    unchanged: Sequence[str] | None,
    ignored: Sequence[str] | None,
    area: str | None,
) -> ShapeValues | None:
    """Read what flags say of polygons; None where they say nothing.

    Raises:
        InputError: an attribute without values of change, or a value in two lists.
    """
    if attribute is None:
        return None if area is None else ShapeValues(area=area)
    if not changed and attribute.count(",") != 1:
        raise InputError(
            f"--changed-attribute {attribute}: say which of its values mean changed with --changed-values, or"
            " give two attributes, such as class_2018,class_2020, where polygons changed whose two differ"
        )
    if unchanged:
        raise InputError(
            f"--unchanged-values: polygons whose {attribute} is not listed are unchanged; leave it out"
        )
    both = set(changed or ()) & set(ignored or ())
    if both:
        raise InputError(
            f"--changed-values: {min(both)!r} is in --ignore-values too; a value means one thing"
        )
    return ShapeValues(attribute, tuple(changed or ()), tuple(ignored or ()), area)


def values_in_words(values: Iterable[float], most: int = 8) -> str:
    """List values in their order, runs of three and more shortened, and no more than ``most`` of these.

    >>> values_in_words([0, 128, 129, 130, 255])
    '0, 128 to 130, 255'
    """
    runs: list[list[float]] = []
    for value in sorted(set(values)):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    said = []
    for low, high in runs:
        if high - low < 2:
            said += [f"{low:.16g}"] if low == high else [f"{low:.16g}", f"{high:.16g}"]
        else:
            said.append(f"{low:.16g} to {high:.16g}")
    return ", ".join(said[:most] + ["..."] * (len(said) > most))


def _whole_numbers(given: Sequence[str], name: str) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for text in given:
        low, dash, high = str(text).strip().partition("-")
        ends = [part.strip() for part in ((low, high) if dash else (low,))]
        if not all(end.isdecimal() and len(end) < 10 for end in ends):
            raise InputError(f"{name}: {text!r} is no whole number from 0, nor a range such as 128-255")
        first, last = int(ends[0]), int(ends[-1])
        if not first <= last < first + MOST_VALUES:
            raise InputError(f"{name}: {text!r} is no range of up to {MOST_VALUES:,} values, lowest first")
        found |= dict.fromkeys(range(first, last + 1))
    if not found:
        raise InputError(f"{name}: lists no value; give one or more, such as 255")
    return tuple(found)
