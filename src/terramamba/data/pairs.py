"""Which files make a pair of dates with its change mask: the usual folder layouts, and tables of paths.

    A, B, label        in split folders (LEVIR-CD), or side by side with list/train.txt, ... (BIT)
    time1, time2, label                (CLCD, SYSU-CD)
    T1, T2, GT                         (ChangeMamba, BRIGHT)
    pre, post, label | gt | mask
    table.csv          columns before, after and, as needed, split, label, unchanged, row, col, height, width

Files belong together when their names agree up to the extension. Capitals in folder names do not matter.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from terramamba.errors import InputError
from terramamba.raster.grid import Window
from terramamba.raster.mosaic import IMAGE_SUFFIXES
from terramamba.raster.pair import require_pair
from terramamba.raster.scene import open_scene

DATES = (("a", "b"), ("time1", "time2"), ("t1", "t2"), ("pre", "post"), ("before", "after"))
LABELS = ("label", "labels", "gt", "mask", "masks", "out")
WHOLE = "all"
"""Name of the part when the files name none."""

_PARTS = {"validation": "val", "valid": "val", "training": "train", "testing": "test"}
_WINDOW = ("row", "col", "height", "width")
_LAYOUTS = "A/ B/ label/, time1/ time2/ label/, T1/ T2/ GT/ or pre/ post/ label/"


@dataclass(frozen=True)
class PairFiles:
    """One pair of images of the same ground.

    ``label`` marks changed pixels. Where there is an ``unchanged`` mask too, pixels in neither have no
    reference. ``window`` limits all of them to a part of the image. ``name`` is unique within a part.
    """

    before: str
    after: str
    label: str | None
    unchanged: str | None
    window: Window | None
    name: str
    split: str

    def swapped(self) -> "PairFiles":
        """The pair with its dates exchanged."""
        return replace(self, before=self.after, after=self.before)


def find_pairs(
    data: str | Path, split: str | None = None, *, root: str | Path | None = None
) -> dict[str, list[PairFiles]]:
    """The pairs of a folder in one of the layouts above, or of a CSV table, by part.

    Parts are called as their folders, lists or ``split`` column are ("validation" and "valid" become
    "val"), or "all" where there are none; with ``split``, only that part is returned. Paths in a table are
    relative to ``root``, else to the table. No pixel is read.

    Raises:
        InputError: no known layout, no pair, a file without its mate, or files that differ in size.
    """
    source = Path(data)
    if source.suffix.lower() == ".csv":
        pairs = _from_table(source, source.parent if root is None else Path(root))
    elif source.is_dir():
        pairs = _from_folder(source)
    else:
        raise InputError(f"{source}: no such folder or CSV table; check the path")
    parts: dict[str, list[PairFiles]] = {}
    for pair in pairs:
        parts.setdefault(pair.split, []).append(pair)
    if not parts:
        raise InputError(f"{source}: no image pairs in it; give folders such as {_LAYOUTS}")
    if split is not None:
        wanted = _PARTS.get(split.lower(), split)
        if wanted not in parts:
            raise InputError(f"{source}: no part {split!r}; it has {', '.join(parts)}")
        parts = {wanted: parts[wanted]}
    for files in parts.values():
        for pair in files:
            _check(pair)
    return parts


def same_files(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[str]:
    """Images (before) that both have in common, also by links; windows of one image must overlap to count."""
    seen: dict[tuple[tuple[int, int], tuple[int, int]], list[PairFiles]] = {}
    for pair in first:
        seen.setdefault(_identity(pair), []).append(pair)
    return [
        pair.before
        for pair in second
        if any(_overlap(pair.window, other.window) for other in seen.get(_identity(pair), []))
    ]


def _identity(pair: PairFiles) -> tuple[tuple[int, int], tuple[int, int]]:
    before, after = Path(pair.before).stat(), Path(pair.after).stat()
    return (before.st_dev, before.st_ino), (after.st_dev, after.st_ino)


def _overlap(first: Window | None, second: Window | None) -> bool:
    if first is None or second is None:
        return True
    return max(first.row, second.row) < min(first.bottom, second.bottom) and max(first.col, second.col) < min(
        first.right, second.right
    )


def _check(pair: PairFiles) -> None:
    before, _ = require_pair(pair.before, pair.after)
    for mask in (pair.label, pair.unchanged):
        if mask is None:
            continue
        found = open_scene(mask)
        if (found.height, found.width) != (before.height, before.width):
            raise InputError(
                f"{mask}: a mask of {found.height} x {found.width} pixels, but {pair.before} has "
                f"{before.height} x {before.width}; give the mask of this pair"
            )
    if pair.window is not None and not before.grid.window.contains(pair.window):
        w = pair.window
        raise InputError(
            f"{pair.before}: rows {w.row} to {w.bottom - 1}, columns {w.col} to {w.right - 1} are not all in "
            f"its {before.height} x {before.width} pixels; correct the window in the table"
        )


def _from_folder(root: Path) -> list[PairFiles]:
    dates = _date_folders(root)
    if dates is not None:
        lists = sorted((root / "list").glob("*.txt"))
        if lists:
            return [pair for file in lists for pair in _from_list(file, root, dates)]
        return _from_names(root, dates, WHOLE)
    pairs = []
    for folder in sorted(entry for entry in root.iterdir() if entry.is_dir()):
        dates = _date_folders(folder)
        if dates is not None:
            pairs += _from_names(folder, dates, _PARTS.get(folder.name.lower(), folder.name))
    if not pairs:
        raise InputError(f"{root}: no image pairs in it; give folders such as {_LAYOUTS}, or a CSV table")
    return pairs


def _date_folders(root: Path) -> tuple[Path, Path] | None:
    inside = {entry.name.lower(): entry for entry in root.iterdir() if entry.is_dir()}
    for before, after in DATES:
        if before in inside and after in inside:
            return inside[before], inside[after]
    return None


def _label_folder(root: Path) -> Path | None:
    inside = {entry.name.lower(): entry for entry in root.iterdir() if entry.is_dir()}
    return next((inside[name] for name in LABELS if name in inside), None)


def _from_names(root: Path, dates: tuple[Path, Path], split: str) -> list[PairFiles]:
    before, after = (_images(folder) for folder in dates)
    label_folder = _label_folder(root)
    labels = None if label_folder is None else _images(label_folder)
    for stem, path in after.items():
        if stem not in before:
            raise _no_mate(path, dates[0])
    pairs = []
    for stem, path in before.items():
        if stem not in after:
            raise _no_mate(path, dates[1])
        label = None
        if labels is not None and label_folder is not None:
            if stem not in labels:
                raise _no_mate(path, label_folder)
            label = str(labels[stem])
        pairs.append(PairFiles(str(path), str(after[stem]), label, None, None, stem, split))
    return pairs


def _from_list(file: Path, root: Path, dates: tuple[Path, Path]) -> list[PairFiles]:
    before, after = (_images(folder) for folder in dates)
    label_folder = _label_folder(root)
    labels = {} if label_folder is None else _images(label_folder)
    pairs = []
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        if not line.strip():
            continue
        stem = _stem(Path(line.strip()))
        for images, folder in ((before, dates[0]), (after, dates[1]), (labels, label_folder)):
            if folder is not None and stem not in images:
                raise InputError(
                    f"{file}: lists {line.strip()}, which is not in {folder}; add it or correct the list"
                )
        label = str(labels[stem]) if label_folder is not None else None
        split = _PARTS.get(file.stem.lower(), file.stem)
        pairs.append(PairFiles(str(before[stem]), str(after[stem]), label, None, None, stem, split))
    return pairs


def _images(folder: Path) -> dict[str, Path]:
    """The images of a folder by name without extension, in order of names."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not (path.suffix.lower() in IMAGE_SUFFIXES or _has_header(path)):
            continue
        stem = _stem(path)
        if stem in found:
            raise InputError(f"{path}: {found[stem].name} beside it has the same name; keep one of them")
        found[stem] = path
    return found


def _has_header(path: Path) -> bool:
    """Whether this is an ENVI image without extension."""
    return not path.suffix and any(path.with_suffix(suffix).is_file() for suffix in (".hdr", ".HDR"))


def _stem(path: Path) -> str:
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def _no_mate(path: Path, folder: Path) -> InputError:
    return InputError(f"{path}: no image of this name in {folder}; add it there, or remove this one")


def _from_table(table: Path, root: Path) -> list[PairFiles]:
    if not table.is_file():
        raise InputError(f"{table}: no such file; check the path")
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        columns = rows.fieldnames or []
        missing = [column for column in ("before", "after") if column not in columns]
        if missing:
            raise InputError(
                f"{table}: no column {missing[0]!r}; it has {', '.join(columns) or 'none'}; add the column"
            )
        return [_from_row(row, f"{table}: line {rows.line_num}", root) for row in rows]


def _from_row(row: Mapping[str, str | None], place: str, root: Path) -> PairFiles:
    # cells beyond the last column come under the key None
    cells = {column: (cell or "").strip() for column, cell in row.items() if isinstance(column, str)}
    before, after, label, unchanged = (
        _file(cells, column, place, root) for column in ("before", "after", "label", "unchanged")
    )
    if before is None or after is None:
        raise InputError(f"{place}: no {'before' if before is None else 'after'} image; name one")
    if unchanged is not None and label is None:
        raise InputError(f"{place}: an unchanged mask without a label; name the mask of changes too")
    window = _window(cells, place)
    name = _stem(Path(before))
    if window is not None:
        name += f"[{window.row}:{window.bottom},{window.col}:{window.right}]"
    split = cells.get("split") or WHOLE
    return PairFiles(before, after, label, unchanged, window, name, _PARTS.get(split.lower(), split))


def _file(cells: Mapping[str, str], column: str, place: str, root: Path) -> str | None:
    name = cells.get(column)
    if not name:
        return None
    if not (root / name).is_file():
        raise InputError(f"{place}: no such {column} file {root / name}; correct the table")
    return str(root / name)


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
