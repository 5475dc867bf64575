"""Which values of a label file are classes and which mean unlabelled: decided, or asked for in doubt."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from terramamba.core.errors import InputError
from terramamba.core.words import meant
from terramamba.data.labels.class_table import ClassTable

FLAG = "--ignore-classes"
NONE = "none"
"""Given for codes: nothing is left out but what else is named."""

NO_VALUE = frozenset({"na", "n/a", "#n/a", "nan", "null", "<null>", "(null)", "none", "-"})
"""What programs write where nothing is known, in small letters."""
UNLABELLED_NAMES = NO_VALUE | frozenset(
    {"unclassified", "unlabelled", "unlabeled", "undefined", "no data", "nodata", "no-data", "void", "masked"}
    | {"not labelled", "not labeled", "no label", "ignore", "ignored", "missing"}
)
BACKGROUND_NAMES = frozenset({"background", "back ground", "back-ground", "unknown"})
"""Names of what may be a class, and may be what nobody looked at."""

FILL_CODES = frozenset({99, 127, 254, 255, 999, 9999, 32767, 65534, 65535})
"""Values that often stand for no data or a border without being declared."""

FAR = 5
"""A code at so many times all others, and at 50 or more, is not one of a row."""
LEAST_FAR = 50

COMMONEST = 3
"""0 is by far the commonest value at more than half of all, and more than so often as any other."""


@dataclass(frozen=True)
class CodeCounts:
    """The values of a label file: how often each whole number from 0 is there, and their names.

    ``missing``: pixels that hold NaN or less than 0 without that being declared as no data. ``nodata``: the
    declared value, which ``no_data`` pixels hold. ``hidden``: the file has a mask, which leaves out some
    of its pixels, ``masked`` of those on the scene. ``row``: somebody gave the codes one by one from 0 on.
    ``of``: what is counted, for messages.
    """

    counts: Mapping[int, int]
    names: Mapping[int, str] = field(default_factory=dict)
    missing: int = 0
    nodata: float | None = None
    no_data: int = 0
    hidden: bool = False
    masked: int = 0
    row: bool = False
    of: str = "pixels"

    @property
    def zero_may_count(self) -> bool:
        """Whether something makes 0 a class, or may."""
        said = self.nodata not in (None, 0) or self.missing > 0 or self.hidden
        return said or _is_name(self.names.get(0))


@dataclass(frozen=True)
class Unlabelled:
    """The codes that are left out and those in doubt, each with why; sentences on what was decided."""

    codes: Mapping[int, str]
    notes: tuple[str, ...] = ()
    doubts: Mapping[int, str] = field(default_factory=dict)


def settle_codes(
    path: str,
    found: CodeCounts,
    *,
    ignore: Sequence[int | str] | None = None,
    named: int | None = None,
    known: ClassTable | None = None,
) -> Unlabelled:
    """Say which codes of ``found`` mean unlabelled.

    ``ignore`` (--ignore-classes) are codes and names that are left out; "none" among them makes a class of
    what else would be left out or asked for. Without that: a name such as "Unclassified" is no class. 0 is a
    class where another value is declared as no data, else it is unlabelled. In doubt are 0 where it is by far
    the commonest, where values below 0 are there, or where its name speaks against the rule; a code without a
    name that fills files elsewhere (255, 65535, 99, ...) or lies far above the others; and "background". How
    many classes have names (``named``), or the classes of a run (``known``), end a doubt.

    Raises:
        InputError: no number is above 0 and others are below, or a doubt that nothing ends; it names the flag
            both ways.
    """
    if found.missing and not any(code > 0 for code in found.counts):
        raise InputError(
            f"{path}: {found.missing:,} {found.of} hold numbers below 0 or NaN, which are never a class, and "
            "none a number above 0; number the classes from 1"
        )
    weighed = weigh_codes(path, found, ignore=ignore, known=known)
    doubts, sure = weighed.doubts, set(found.counts) - set(weighed.codes) - set(weighed.doubts)
    if doubts and named == len(sure):
        return Unlabelled(
            {**weighed.codes, **dict.fromkeys(doubts, "no name is given for it")}, weighed.notes
        )
    if doubts and named != len(sure) + len(doubts):
        raise _asked(path, found, weighed, ignore)
    return Unlabelled(weighed.codes, weighed.notes)


def weigh_codes(
    path: str,
    found: CodeCounts,
    *,
    ignore: Sequence[int | str] | None = None,
    known: ClassTable | None = None,
) -> Unlabelled:
    """Say which codes mean unlabelled and which may, about which ``settle_codes`` asks."""
    asked = None if ignore is None else [str(word).strip() for word in ignore]
    out: dict[int, str] = {}
    doubts: dict[int, str] = {}
    notes: list[str] = []
    for code in sorted(found.counts):
        name = (found.names.get(code) or "").strip()
        if asked is not None and (str(code) in asked or (name and name.lower() in map(str.lower, asked))):
            out[code] = f"{FLAG} says so"
        elif asked is not None and NONE in asked:
            continue
        elif name.lower() in UNLABELLED_NAMES:
            out[code] = f"it is called {name!r}"
        elif code == 0:
            _settle_zero(path, found, known, out, doubts, notes)
        elif asked is None and name.lower() in BACKGROUND_NAMES:
            doubts[code] = f"is called {name!r}"
    sure = [code for code in found.counts if code > 0 and code not in out and code not in doubts]
    if found.no_data and found.nodata and sure and 0 < found.nodata <= max(sure) + 1:
        notes.append(
            f"{path}: {found.nodata:g} ({found.no_data:,} {found.of}) is declared as no data, though it is "
            f"one of the row of the codes (up to {max(sure)}); where it is a class, take the declaration out "
            "(gdal_edit.py -unsetnodata)"
        )
    if asked is None:
        doubts |= _far_codes(sure, found.names)
    if known is not None:
        # a class that the run has not is not scored and named; only a 0 of the run may still be meant or not
        doubts = {code: why for code, why in doubts.items() if code == 0 and 0 in known.codes}
        if 0 in found.counts and found.missing and 0 not in known.codes:
            out.setdefault(0, "the run has no class 0")
    return Unlabelled(out, tuple(notes), doubts)


def require_found(paths: str, ignore: Sequence[int | str] | None, counts: Sequence[CodeCounts]) -> None:
    """Raise ``InputError`` where ``ignore`` names what is in none of the files; 0 may always be named."""
    codes = {str(code) for found in counts for code in found.counts}
    names = {name.strip().lower(): name for found in counts for name in found.names.values() if name.strip()}
    for word in (str(word).strip() for word in ignore or ()):
        number = word.removeprefix("-").isdecimal()
        if word in (NONE, "0") or word in codes or word.lower() in names or (number and word.startswith("-")):
            continue
        there = ", ".join([*sorted(codes, key=int)[:12], *list(names.values())[:12]])
        raise InputError(
            f"{FLAG} {word}: {paths} has no such {'code' if number else 'class'}; it has "
            f"{there or 'no class'}{meant(word, names)}"
        )


def _settle_zero(
    path: str,
    found: CodeCounts,
    known: ClassTable | None,
    out: dict[int, str],
    doubts: dict[int, str],
    notes: list[str],
) -> None:
    name, zero = found.names.get(0), found.counts[0]
    total = sum(found.counts.values())
    others = max((number for code, number in found.counts.items() if code), default=0)
    declared = found.nodata not in (None, 0)
    if found.missing:
        doubts[0] = f"is there beside {found.missing:,} {found.of} below 0 or NaN"
    elif found.hidden and not _is_name(name):
        doubts[0] = "is there beside others that a mask inside the file leaves out"
    elif declared and _is_name(name):
        return
    elif declared and name:
        doubts[0] = f"is called {name!r}, but {found.nodata:g} is declared as no data"
    elif declared and zero > total / 2 and zero > COMMONEST * others:
        doubts[0] = f"is by far the commonest value, and {found.nodata:g} is declared as no data"
    elif declared:
        notes.append(
            f"{path}: 0 is a class ({zero:,} {found.of}), as {found.nodata:g} is declared as no data; where "
            f"0 is unlabelled, say {FLAG} 0"
        )
    elif _is_name(name):
        doubts[0] = f"is called {name!r}, but no value is declared as no data"
    elif found.row and not name:
        doubts[0] = f"begins a row of codes up to {max(found.counts)}, as of classes that count from 0"
    elif known is not None and 0 in known.codes:
        doubts[0] = "is a class of the run, but here no value is declared as no data"
    else:
        out[0] = f"it is called {name!r}" if name else "no other value is declared as no data"


def _is_name(name: str | None) -> bool:
    """Whether ``name`` is that of a class."""
    called = (name or "").strip().lower()
    return called not in UNLABELLED_NAMES | BACKGROUND_NAMES | {""}


def _far_codes(codes: Collection[int], names: Mapping[int, str]) -> dict[int, str]:
    """Codes without a name that are hardly one of the others."""
    nameless = {code for code in codes if not names.get(code)}
    row = sorted(set(codes) - (nameless & FILL_CODES))
    if not row:
        return {}
    step = max(b - a for a, b in zip([0, *row], row, strict=False))
    far = {code for code in nameless & FILL_CODES if code - row[-1] > 2 * step}
    last, rest = row[-1], row[:-1]
    if not far and rest and last in nameless and last >= max(LEAST_FAR, FAR * rest[-1]):
        far, row = {last}, rest
    return dict.fromkeys(sorted(far), f"has no name and lies far above the others (up to {row[-1]})")


def _asked(
    path: str, found: CodeCounts, weighed: Unlabelled, ignore: Sequence[int | str] | None
) -> InputError:
    code, why = next(iter(weighed.doubts.items()))
    given = [str(word) for word in ignore or ()]
    codes = [str(doubt) for doubt in weighed.doubts]
    kept = [*given, "0"] if 0 in weighed.codes and "0" not in given else [NONE, *given]
    number = found.counts[code]
    more = f" (in doubt, too: {', '.join(codes[1:])}; name those that are unlabelled)" if codes[1:] else ""
    return InputError(
        f"{path}: {code} ({number:,} of {sum(found.counts.values()):,} {found.of}) {why}; say {FLAG} "
        f"{','.join([*given, *codes])} where it is unlabelled, {FLAG} {','.join(kept)} where it is a "
        f"class{more}"
    )
