"""The one rule of what the values in change masks mean: from all that all files of a data set say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from terramamba.core.errors import InputError
from terramamba.core.words import percent
from terramamba.data.pairs.label_values import FLAGS, IGNORE, Coding, StatedValues, values_in_words
from terramamba.data.pairs.mask_facts import MaskFacts, MaskTally
from terramamba.data.pairs.value_names import contradicts, named_coding, names_in_words

CUT = 128
"""Grey masks are cut here: this and above is changed."""
NEAR = 16
"""Values at most this far from 0 and 255 are near the ends; JPEG at quality 50 leaves 99 % there."""
NEARLY_ALL = 0.97
"""Share of the pixels near the ends that makes a mask of many values one of two."""
LEVEL = 0.01
"""A value between the ends that more than this share of the pixels has is a level of its own."""
FEWEST_GREYS = 8
"""Compression and smoothing leave at least so many values; fewer are levels that somebody gave."""


@dataclass(frozen=True)
class Found:
    """What values mean, and sentences about what was decided on the way."""

    coding: Coding
    notes: tuple[str, ...] = ()


def find_coding(masks: Sequence[MaskFacts], stated: StatedValues | None = None) -> Found:
    """Find the meaning of the values in ``masks``, which are all those of one data set.

    What is ``stated`` wins, then what the files call their values. Else, declared nodata values left out:
    0 and one other value: that one is changed. 0, 1 and 255 together in a mask: 255 has no reference. Greys
    that nearly all lie near 0 and 255: 128 and above is changed. A declared nodata value has no reference,
    but 0 is unchanged where nothing else could be.

    Raises:
        InputError: two readings are possible; names the file and the flag that settles it.
    """
    tally = MaskTally(masks)
    if stated is not None:
        return _as_stated(tally, stated)
    named = named_coding(tally)
    if named is None:
        found = _by_values(tally, set())
        return Found(found.coding, (*found.notes, *names_in_words(tally, found.coding)))
    known = {*named.changed, *named.unchanged, *named.ignored}
    if tally.values <= known | set(tally.nodata):
        ignored = tuple(sorted({*named.ignored, *(set(tally.nodata) - known)}))
        coding = Coding(named.changed, named.unchanged, ignored)
        return Found(coding, (f"{tally.named[0].path}: calls its values so: {coding.in_words()}",))
    found = _by_values(tally, set())
    if contradicts(named, found.coding):
        raise InputError(
            f"{tally.named[0].path}: calls its values so: {named.in_words()}; by their numbers they are "
            f"{found.coding.in_words()}; say which with {FLAGS}"
        )
    return found


def _by_values(tally: MaskTally, told: set[int]) -> Found:
    """``find_coding`` by values and declared nodata alone; those ``told`` are known to be no reference."""
    declared = set(tally.nodata) - {0}
    ignored = tuple(sorted(told | declared))
    values = tally.values - set(ignored)
    values, opaque, notes = _with_transparent(tally, values)
    if 0 in tally.nodata and 0 in values:
        notes = (*notes, _zero_as_unchanged(tally, values))
    if values == {0} and declared - told:
        value = min(declared - told)
        raise InputError(
            f"{tally.nodata[value]}: declares {value} as nodata, the only value beside 0; say "
            f"--changed-values {value} where it means changed, --ignore-values {value} where it has no "
            "reference"
        )
    if values <= {0}:
        return Found(Coding((), (0,), ignored, opaque=opaque), notes)
    if values == {0, 1, IGNORE}:
        if not tally.first(lambda found: {1, IGNORE} <= found):
            raise _two_codings(tally, values)
        return Found(Coding((1,), (0,), (*ignored, IGNORE), opaque=opaque), notes)
    if 0 in values and len(values) == 2:
        return Found(Coding((max(values),), (0,), ignored, opaque=opaque), notes)
    near = _near_the_ends(tally, values)
    if near is None:
        raise _two_readings(tally, values)
    where = tally.first(lambda found: len(found) > 2)
    grey = (
        f"{where}: a grey mask; in this set {percent(near)} of the pixels are within {NEAR} of 0 or 255, "
        f"and {CUT} and above counts as changed"
    )
    return Found(Coding(ignored=ignored, cut=CUT, opaque=opaque), (*notes, grey))


def _with_transparent(tally: MaskTally, values: set[int]) -> tuple[set[int], bool, tuple[str, ...]]:
    """``values`` with 0 where transparent pixels are the background; whether they are; and a word on it."""
    if not tally.transparent or len(values) != 1:
        return values, False, ()
    (value,) = values
    where = next(iter(tally.transparent.values()))
    if value == 0:
        raise InputError(
            f"{where}: is transparent in part, and all masks of the set are 0 wherever they are not, so that "
            "what changed may stand in the transparency alone; save the masks as one band without it"
        )
    if set(tally.transparent) != {0}:
        raise InputError(
            f"{where}: is transparent where it is not {value}, so no pixel is unchanged; save the mask as "
            "one band without transparency"
        )
    note = (
        f"{where}: is transparent where it is 0, and all that is not is {value}; 0 is read as unchanged, and "
        "not as pixels without reference"
    )
    return values | {0}, True, (note,)


def _zero_as_unchanged(tally: MaskTally, values: set[int]) -> str:
    """Say that a declared nodata value of 0 is read as unchanged; raises where something else may be."""
    rest = values - {0} - ({IGNORE} if 1 in values else set())
    if len(rest) > 1:
        raise InputError(
            f"{tally.nodata[0]}: declares 0 as nodata and holds {values_in_words(values - {0})} beside it; "
            f"say what they and 0 mean with {FLAGS}"
        )
    beside = f"is the only value beside {min(rest)}" if rest else "is all that the masks hold"
    return (
        f"{tally.nodata[0]}: declares 0 as nodata, which {beside} and is read as unchanged; where it has no "
        "reference, say --ignore-values 0"
    )


def _near_the_ends(tally: MaskTally, values: set[int]) -> float | None:
    """Share of the pixels near 0 and 255, where these are greys of a mask of two levels; else None."""
    if (
        max(values) > IGNORE
        or len(values) < FEWEST_GREYS
        or max(values) < IGNORE - NEAR
        or min(values) > NEAR
    ):
        return None
    total = sum(tally.pixels[value] for value in values)
    between = {value: tally.pixels[value] for value in values if NEAR < value < IGNORE - NEAR}
    shades = len(between) + len([value for value in values if IGNORE - NEAR <= value < IGNORE])
    near = 1 - sum(between.values()) / total
    if near < NEARLY_ALL or any(pixels > LEVEL * total for pixels in between.values()) or shades < 2:
        return None
    return None if tally.first(lambda found: found == {0, 1}) else near


def _two_codings(tally: MaskTally, values: set[int]) -> InputError:
    """Some masks have one value beside 0, others another."""
    one, other = sorted(values - {0})[:2]
    first = tally.first(lambda found: one in found)
    second = tally.first(lambda found: other in found)
    return InputError(
        f"{first}: marks with {one}, and {second} with {other}, in one set; say --changed-values "
        f"{one},{other} where both mean changed, --ignore-values {other} where that has no reference"
    )


def _two_readings(tally: MaskTally, values: set[int]) -> InputError:
    """Values that can be read in more than one way, or in none."""
    listed = values_in_words(values)
    if not values:
        return InputError(
            f"{tally.masks[0].path}: no mask of the set holds a value that means changed or unchanged; check "
            f"the masks and {FLAGS}"
        )
    if len(values) == 1:
        nan = sum(mask.nan for mask in tally.masks)
        rest = f" ({nan:,} are NaN, without reference: write 0 where those are)" if nan else ""
        return InputError(
            f"{tally.first(lambda found: bool(found & values))}: the masks hold {listed} alone, so no pixel "
            f"is unchanged{rest}; say what it means with {FLAGS}"
        )
    marks = values - {0}
    if 0 in values and tally.first(lambda found: len(found & marks) > 1) == "":
        return _two_codings(tally, values)
    most = max(len(values & set(mask.counts)) for mask in tally.masks)
    where = tally.first(lambda found: len(found & values) == most)
    names = {value: name for mask in tally.named for value, name in mask.names.items() if value in values}
    called = "".join(f", {value} is called {name!r}" for value, name in sorted(names.items())[:6])
    without = "" if 0 in values else ", without 0"
    numbers = f"; 1-{max(values)} where they number what changed" if values >= set(range(4)) else ""
    return InputError(
        f"{where}: the masks of this set hold {listed}{without}{called}, and which of them mean changed is "
        f"not known; say it with --changed-values, such as --changed-values {max(values)} (the others are "
        f"unchanged then{numbers}), and --ignore-values for what has no reference"
    )


def _as_stated(tally: MaskTally, stated: StatedValues) -> Found:
    """The meaning of values of which some, or all, are stated."""
    if stated.changed is None and stated.unchanged is None:
        return _by_values(tally, set(stated.ignored or ()))
    opaque = _background_is_transparent(tally, stated)
    values = tally.values | ({0} if opaque else set())
    left = values - stated.listed
    for group in (stated.changed, stated.unchanged):
        if group is not None and left - {0} and not set(group) & values:
            raise InputError(
                f"{stated.place}: no mask holds {values_in_words(group)}; they hold {values_in_words(values)}"
            )
    changed, unchanged, ignored = (set(of or ()) for of in (stated.changed, stated.unchanged, stated.ignored))
    declared = left & set(tally.nodata)
    if stated.changed is None:
        changed, without = _marks(tally, left - declared)
        ignored |= without | declared
    elif stated.unchanged is None:
        unchanged = _background(left, declared)
        ignored |= left - unchanged
    elif left - declared:
        where = tally.first(lambda found: bool(found & (left - declared)))
        raise InputError(
            f"{where}: holds {values_in_words(left - declared)}, of which {stated.place} says nothing; add "
            "it to one of the lists"
        )
    else:
        ignored |= declared
    no_reference = tuple(sorted(ignored))
    if stated.changed is not None and _reaches_the_end(stated.changed):
        return Found(Coding((), stated.unchanged or (), no_reference, min(changed), opaque))
    return Found(Coding(tuple(sorted(changed)), tuple(sorted(unchanged)), no_reference, opaque=opaque))


def _background_is_transparent(tally: MaskTally, stated: StatedValues) -> bool:
    """Tell whether only transparent pixels can be the unchanged ones."""
    if 0 not in tally.transparent or 0 in tally.values:
        return False
    if stated.unchanged is not None:
        return 0 in stated.unchanged
    return not tally.values - stated.listed - set(tally.nodata)


def _background(left: set[int], declared: set[int]) -> set[int]:
    """Which of the values that nobody speaks of are unchanged, when the changed ones are stated.

    255, and what is declared as nodata, have no reference where something else is left.
    """
    usual = declared | ({IGNORE} & left if max(left, default=0) <= IGNORE else set())
    return (left - usual) or ({0} & left) or (left - declared)


def _marks(tally: MaskTally, left: set[int]) -> tuple[set[int], set[int]]:
    """Which of the values that nobody speaks of are changed, and which have no reference."""
    if {1, IGNORE} == left and tally.first(lambda found: left <= found):
        return {1}, {IGNORE}
    if IGNORE in left and len(left) > 1:
        where = tally.first(lambda found: IGNORE in found)
        raise InputError(
            f"{where}: holds {IGNORE}, and others {values_in_words(left - {IGNORE})}; say what it means with "
            "--changed-values or --ignore-values"
        )
    return left, set()


def _reaches_the_end(values: Iterable[int]) -> bool:
    """Tell whether these are all values from one on up to 255: greys that are cut."""
    found = set(values)
    return len(found) > 2 and min(found) > 0 and found == set(range(min(found), IGNORE + 1))
