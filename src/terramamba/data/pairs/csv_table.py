"""Pairs from a CSV table of paths."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path, PureWindowsPath

from terramamba.core.errors import InputError
from terramamba.core.tables import read_table
from terramamba.core.words import count
from terramamba.data.pairs.image_folders import LABELS
from terramamba.data.pairs.image_pair import MASKS, WHOLE, PairFiles, stem_of, subset_named
from terramamba.data.pairs.label_values import ShapeValues, stated_values
from terramamba.raster.checks.pair_problems import CUT_IN_TWO
from terramamba.raster.readers.listed_paths import listed_path
from terramamba.raster.windows import Window

VALUES = ("changed_values", "unchanged_values", "ignore_values")
TIMES, MOST_TIMES = "times", 1000
_WINDOW = ("row", "col", "height", "width")
COLUMNS = ("before", "after", "label", "unchanged", "split", "area", "what", *MASKS, *VALUES, *_WINDOW, TIMES)
NOT_LABEL = {*LABELS, "changed"} - {*COLUMNS}
"""What a column of labels may be called by somebody who does not know what it is called here."""
MISSPELT = 0.79
"""How like a column (``difflib``'s ratio) another name is that is probably it: lable for label."""


def pairs_of_table(table: Path, root: Path) -> list[PairFiles]:
    """Read the pairs that ``table`` lists, with paths relative to ``root``; see ``layouts`` for its columns.

    Images may be whatever opens as a scene: files, folders of bands, products, items, addresses.

    Raises:
        InputError: naming the line where one cannot be understood or a file is not there.
    """
    if not table.is_file():
        raise InputError(f"{table}: no such file; check the path")
    read = read_table(table, "save it as a CSV table")
    called = [title for name, title in read.titles.items() if name in NOT_LABEL]
    if called and "label" not in read.titles:
        raise InputError(
            f"{table}: has no column 'label', but {called[0]!r}: call it label where its masks mark what"
            " changed, else quite otherwise"
        )
    wrong = _misspelt(read.titles)
    if wrong is not None:
        raise InputError(
            f"{table}: has no column {wrong[1]!r}, but {read.titles[wrong[0]]!r}, which is not known; write"
            f" {wrong[1]}, or call it quite otherwise where it means something else"
        )
    missing = [column for column in ("before", "after") if column not in read.titles]
    if missing:
        raise InputError(
            f"{table}: no column {missing[0]!r}; it has {', '.join(read.titles.values()) or 'none'}; add the "
            "column"
        )
    pairs = [_from_row(row.cells, f"{table}: line {row.line}", root) for row in read.rows]
    _require_once(table, pairs, [row.line for row in read.rows])
    return [
        pair
        for pair, row in zip(pairs, read.rows, strict=True)
        for _ in range(_times(row.cells, pair, f"{table}: line {row.line}"))
    ]


def notes_on_columns(table: Path) -> list[str]:
    """Say which columns of a table of pairs are not known, and have no say in anything."""
    titles = read_table(table, "save it as a CSV table").titles
    others = [title for name, title in titles.items() if name not in COLUMNS]
    return [f"{table}: columns that are not known are not used: {', '.join(others)}"] if others else []


def notes_on_labels(pairs: Sequence[PairFiles]) -> list[str]:
    """Say which label is laid pixel by pixel on images that have nothing to do with each other, and which
    pair has two.
    """
    images: dict[str, list[frozenset[str]]] = {}
    for pair in pairs:
        if pair.label is None or pair.is_drawn:
            continue
        if pair.facts.scene(pair.label).grid.window == pair.grid.window:  # not cut from a larger one
            images.setdefault(pair.label, []).append(frozenset((pair.before, pair.after)))
    shared = {label: dates for label, dates in images.items() if not all(dates[0] & two for two in dates)}
    more = f"; so are {len(shared) - 1} others" if len(shared) > 1 else ""
    return _two_labels(pairs) + [
        f"{label}: is the label of {len(set(dates))} pairs with other images at both dates, right only where "
        f"they show the same ground{more}"
        for label, dates in list(shared.items())[:1]
    ]


def _two_labels(pairs: Sequence[PairFiles]) -> list[str]:
    """Say which pair is listed with several labels of one meaning, of which one alone can be right."""
    labels: dict[tuple[object, ...], dict[str, str]] = {}
    for pair in pairs:
        if pair.label is not None:
            key = (frozenset((pair.before, pair.after)), pair.window, pair.what)
            labels.setdefault(key, {})[pair.label] = pair.before
    several = [listed for listed in labels.values() if len(listed) > 1]
    more = f"; likewise {count(len(several) - 1, 'other pair')}" if len(several) > 1 else ""
    return [
        f"{next(iter(listed.values()))}: its pair is listed with {count(len(listed), 'label')}"
        f" ({', '.join(list(listed)[:2])}), each of which counts; where they mark different things, say which"
        f" in a column what{more}"
        for listed in several[:1]
    ]


def _misspelt(titles: Mapping[str, str]) -> tuple[str, str] | None:
    """A column that is probably one of ours, which is not there, and that one."""
    windows = any(name in titles for name in _WINDOW)
    # "time" is a time, and no misspelt "times"
    absent = [one for one in COLUMNS if one not in (*titles, TIMES) and (windows or one not in _WINDOW)]
    for name in titles:
        near = get_close_matches(name, absent, n=1, cutoff=MISSPELT)
        if name not in COLUMNS and name not in NOT_LABEL - {"labels"} and near:
            return name, near[0]
    return None


def _require_once(table: Path, pairs: Sequence[PairFiles], lines: Sequence[int]) -> None:
    """Refuse a pair that is there twice in a subset, or whose dates are one image."""
    seen: dict[tuple[object, ...], int] = {}
    for pair, line in zip(pairs, lines, strict=True):
        if pair.before == pair.after:
            raise InputError(
                f"{table}: line {line}: {pair.before} is both dates; name the image of the later "
                f"date as after; {CUT_IN_TWO}"
            )
        label = None if pair.label is None else Path(pair.label).resolve()
        before, after = Path(pair.before).resolve(), Path(pair.after).resolve()
        rest = (pair.split, label, pair.window, pair.masks, pair.what)
        key, turned = (before, after, *rest), (after, before, *rest)
        if key in seen:
            raise InputError(
                f"{table}: line {line} says the same as line {seen[key]}, so that the pair would count "
                f"twice; take one of them out (a training pair that shall count so has {TIMES!r} 2)"
            )
        if turned in seen and pair.split != "train":
            raise InputError(
                f"{table}: line {line} is the pair of line {seen[turned]} with its dates exchanged, so that "
                "it would count twice; take one of them out"
            )
        seen[key] = line


def _times(cells: Mapping[str, str], pair: PairFiles, place: str) -> int:
    """How often the pair counts in an epoch of training; elsewhere a score would count it anew."""
    said = cells.get(TIMES) or "1"
    if not said.isdecimal() or not 1 <= int(said) <= MOST_TIMES:
        raise InputError(f"{place}: {TIMES} {said!r} is no whole number from 1 to {MOST_TIMES}; correct it")
    if int(said) > 1 and pair.split != "train":
        raise InputError(
            f"{place}: {TIMES} {said} for a pair of {pair.split!r}; only pairs whose split is 'train' may "
            "count more than once"
        )
    return int(said)


def _from_row(cells: Mapping[str, str], place: str, root: Path) -> PairFiles:
    before, after, label, unchanged = (
        _file(cells, column, place, root) for column in ("before", "after", "label", "unchanged")
    )
    if before is None or after is None:
        raise InputError(f"{place}: no {'before' if before is None else 'after'} image; name one")
    masks = tuple(mask for column in MASKS if (mask := _file(cells, column, place, root)) is not None)
    if unchanged is not None and label is None:
        raise InputError(f"{place}: an unchanged mask without a label; name the mask of changes too")
    changed, unaltered, ignored = (_listed(cells, column) for column in VALUES)
    said = stated_values(changed, unaltered, ignored, place)
    if said is not None and label is None:
        raise InputError(f"{place}: values of a label without one; name the mask of changes too")
    window = _window(cells, place)
    name = stem_of(Path(before))
    if window is not None:
        name += f"[{window.row}:{window.bottom},{window.col}:{window.right}]"
    split = cells.get("split") or WHOLE
    subset = subset_named(split)
    shapes = ShapeValues(area=_file(cells, "area", place, root))
    what = cells.get("what") or None
    return PairFiles(
        before, after, label, unchanged, window, name, subset, masks, stated=said, shapes=shapes, what=what
    )


def _listed(cells: Mapping[str, str], column: str) -> list[str] | None:
    """The values of a cell such as ``3,4`` or ``3 4``."""
    return cells[column].replace(",", " ").split() or None if column in cells else None


def _file(cells: Mapping[str, str], column: str, place: str, root: Path) -> str | None:
    name = cells.get(column)
    if not name:
        return None
    path = listed_path(name, root)
    if path is None:
        if PureWindowsPath(name).drive:
            raise InputError(
                f"{place}: no such {column} file {name}, which is a path of Windows; give paths"
                " relative to the table"
            )
        sought = root / name.replace("\\", "/")
        beside = sorted(sought.parent.iterdir()) if sought.parent.is_dir() else []
        near = [one.name for one in beside if one.name.lower() == sought.name.lower()]
        cure = f"{near[0]} is there; " if near else ""
        raise InputError(f"{place}: no such {column} file {sought}; {cure}correct the table")
    return path


def _window(cells: Mapping[str, str], place: str) -> Window | None:
    given = [cells.get(column, "") for column in _WINDOW]
    if not any(given):
        return None
    if not all(number.isdecimal() for number in given) or "0" in given[2:]:
        raise InputError(
            f"{place}: a window needs whole numbers in {', '.join(_WINDOW)}, not "
            f"{', '.join(map(repr, given))}"
        )
    row, col, height, width = (int(number) for number in given)
    return Window(row, col, height, width)
