"""Which files make a pair of dates with its change mask: the usual folder layouts, and tables of paths.

    A, B, label        in split folders (LEVIR-CD), or side by side with list/train.txt, ... (BIT)
    time1, time2, label                (CLCD, SYSU-CD)
    T1, T2, GT                         (ChangeMamba, BRIGHT)
    Image1, Image2, label              (S2Looking)
    pre, post, label | gt | mask
    mask beside label                  (and mask_before, mask_after: clouds and other pixels not to be used)
    table.csv          columns before, after and, as needed, split, label, unchanged, mask, mask_before,
                       mask_after, row, col, height, width, changed_values, unchanged_values, ignore_values,
                       area, what, times

Labels may lie in any folder of ``LABELS``, of which one is there: a folder `mask` without another of them
holds the labels. Files belong together when their names
agree up to the extension. Capitals in folder names do not matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from terramamba.core.documents import read_text
from terramamba.core.errors import InputError
from terramamba.core.tables import SUFFIXES as TABLE_SUFFIXES
from terramamba.data.file_facts import FileFacts
from terramamba.data.pairs.csv_table import pairs_of_table
from terramamba.data.pairs.image_pair import MASKS, SUBSETS, WHOLE, PairFiles, stem_of, subset_named
from terramamba.data.pairs.pair_bands import Look, settle_bands
from terramamba.raster.band_identity import WantedBands
from terramamba.raster.readers.mosaic import IMAGE_SUFFIXES, products_in
from terramamba.raster.vector.vector_files import IN_FOLDERS
from terramamba.raster.views.warped import Method

DATES = (
    ("a", "b"),
    ("time1", "time2"),
    ("t1", "t2"),
    ("pre", "post"),
    ("before", "after"),
    ("image1", "image2"),
)
LABELS = (
    "label",
    "labels",
    "gt",
    "gts",
    "ground_truth",
    "groundtruth",
    "change",
    "changes",
    "change_map",
    "change_maps",
    "change_mask",
    "change_masks",
    "cm",
    "target",
    "targets",
    "reference",
    "annotation",
    "annotations",
    "out",
    "mask",
    "masks",
)
"""What folders of labels are called."""
TABLE, DATA = (".tab", ".TAB"), (".dat", ".DAT", ".dbf", ".DBF")
"""How the two parts of a file of MapInfo end; a table without data places an image."""
_LAYOUTS = "A/ B/ label/, time1/ time2/ label/, T1/ T2/ GT/ or pre/ post/ label/"


def find_pairs(
    data: str | Path,
    split: str | None = None,
    *,
    root: str | Path | None = None,
    align: Method | None = None,
    variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    model: WantedBands | None = None,
    nodata: Sequence[float] = (),
    physical: bool = False,
    look: Look | None = None,
) -> dict[str, list[PairFiles]]:
    """Find the pairs of a folder in one of the layouts above, or of a CSV table, by subset.

    Subsets are called as their folders, lists or ``split`` column are ("validation" and "valid" become
    "val"), or "all" where there are none; with ``split``, only that subset is returned. Paths in a table are
    relative to ``root``, else to the table. With ``align``, later dates are warped onto the grid of the
    earlier; ``variable`` names the array or image of files that hold several, ``axes`` what the axes of bare
    arrays hold. ``bands`` and ``model`` say which bands the images must have, as for ``settle_bands``; values
    ``nodata`` are no data. With ``physical``, scale and offset that images declare are applied. No pixel is
    read, but for some of alpha bands and what ``look`` reads of each pair while its files are open.

    Raises:
        InputError: no known layout, no pair, a file without its mate, or files that differ in size.
    """
    source = Path(data)
    if source.suffix.lower() in TABLE_SUFFIXES:
        pairs = pairs_of_table(source, source.parent if root is None else Path(root))
    elif source.is_dir():
        pairs = _from_folder(source)
    else:
        raise InputError(f"{source}: no such folder or CSV table; check the path")
    subsets: dict[str, list[PairFiles]] = {}
    reading: dict[str, Any] = {"align": align, "variable": variable, "axes": axes}
    reading |= {"nodata": tuple(nodata), "physical": physical, "facts": FileFacts()}
    for pair in pairs:
        subsets.setdefault(pair.split, []).append(replace(pair, **reading))
    if not subsets:
        raise InputError(f"{source}: no image pairs in it; give folders such as {_LAYOUTS}")
    if split is not None:
        wanted = subset_named(split)
        if wanted not in subsets:
            raise InputError(f"{source}: no subset {split!r}; it has {', '.join(subsets)}")
        subsets = {wanted: subsets[wanted]}
    subsets = settle_bands(subsets, str(source), bands, model, look)
    for files in subsets.values():
        for pair in files:
            _check(pair)
    return subsets


def _check(pair: PairFiles) -> None:
    before, _ = pair.open()
    if pair.label is not None and not pair.is_drawn:
        pair.reference()
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
            pairs += _from_names(folder, dates, subset_named(folder.name))
        elif folder.name.lower() in SUBSETS:
            _require_no_date(folder)
    if not pairs:
        raise InputError(f"{root}: no image pairs in it; give folders such as {_LAYOUTS}, or a CSV table")
    return pairs


def _date_folders(root: Path) -> tuple[Path, Path] | None:
    inside = {entry.name.lower(): entry for entry in root.iterdir() if entry.is_dir()}
    for before, after in DATES:
        if before in inside and after in inside:
            return inside[before], inside[after]
    return None


def _require_no_date(subset: Path) -> None:
    """Refuse the folder of a subset that holds one date and not the other."""
    inside = {entry.name.lower(): entry for entry in subset.iterdir() if entry.is_dir()}
    for pair in DATES:
        there = [inside[name] for name in pair if name in inside]
        if there:
            missing = next(name for name in pair if name not in inside)
            raise InputError(
                f"{there[0]}: no folder {missing!r} of the other date beside it; add it, or take"
                f" {subset.name} out of the set"
            )


def _label_folder(root: Path) -> Path | None:
    """The folder of labels; one called as those of other masks is only where no other is there."""
    found = [entry for entry in sorted(root.iterdir()) if entry.is_dir() and entry.name.lower() in LABELS]
    chosen = [entry for entry in found if entry.name.lower() not in MASKS] or found
    if len(chosen) > 1:
        names = " and ".join(entry.name for entry in chosen)
        raise InputError(
            f"{root}: {names} can both hold the labels; rename or move the one that does not (clouds and "
            "other pixels not to be used lie in mask beside label), or name the files in a table"
        )
    return chosen[0] if chosen else None


def _mask_folders(root: Path) -> list[Path]:
    labels = _label_folder(root)
    folders = {entry.name.lower(): entry for entry in root.iterdir() if entry.is_dir()}
    return [folders[name] for name in MASKS if name in folders and folders[name] != labels]


def _masks_of(stem: str, image: Path, folders: Mapping[Path, Mapping[str, Path]]) -> tuple[str, ...]:
    """The file of ``stem`` in each of the mask ``folders``; all of them must have one."""
    for folder, images in folders.items():
        if stem not in images:
            raise _no_mate(image, folder)
    return tuple(str(images[stem]) for images in folders.values())


def _from_names(root: Path, dates: tuple[Path, Path], split: str) -> list[PairFiles]:
    before, after = (_images(folder) for folder in dates)
    label_folder = _label_folder(root)
    labels = None if label_folder is None else _images(label_folder, IN_FOLDERS)
    masks = {folder: _images(folder, IN_FOLDERS) for folder in _mask_folders(root)}
    for others in (after, labels or {}):
        for stem, path in others.items():
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
        chosen = _masks_of(stem, path, masks)
        pairs.append(PairFiles(str(path), str(after[stem]), label, None, None, stem, split, chosen))
    return pairs


def _from_list(file: Path, root: Path, dates: tuple[Path, Path]) -> list[PairFiles]:
    before, after = (_images(folder) for folder in dates)
    label_folder = _label_folder(root)
    labels = {} if label_folder is None else _images(label_folder, IN_FOLDERS)
    masks = {folder: _images(folder, IN_FOLDERS) for folder in _mask_folders(root)}
    pairs = []
    for line in read_text(file, "save the list as text").splitlines():
        if not line.strip():
            continue
        stem = stem_of(Path(line.strip()))
        for images, folder in ((before, dates[0]), (after, dates[1]), (labels, label_folder)):
            if folder is not None and stem not in images:
                raise InputError(
                    f"{file}: lists {line.strip()}, which is not in {folder}; add it or correct the list"
                )
        label = str(labels[stem]) if label_folder is not None else None
        split = subset_named(file.stem)
        chosen = _masks_of(stem, before[stem], masks)
        pairs.append(PairFiles(str(before[stem]), str(after[stem]), label, None, None, stem, split, chosen))
    return pairs


def _images(folder: Path, others: tuple[str, ...] = ()) -> dict[str, Path]:
    """The images of a folder, and files that end like ``others``, by name without extension, in order.

    Of a folder without any, the products in it: each is a folder of bands, an item, or another file of a
    scene.
    """
    suffixes = {*IMAGE_SUFFIXES, *others}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not (path.suffix.lower() in suffixes or _has_header(path)):
            continue
        if others and _is_beside_another(path):
            continue
        stem = stem_of(path)
        if stem in found:
            raise InputError(f"{path}: {found[stem].name} beside it has the same name; keep one of them")
        found[stem] = path
    return found or {path.stem if path.is_file() else path.name: path for path in products_in(folder)}


def _has_header(path: Path) -> bool:
    """Whether this is an ENVI image without extension."""
    return not path.suffix and any(path.with_suffix(suffix).is_file() for suffix in (".hdr", ".HDR"))


def _is_beside_another(path: Path) -> bool:
    """Whether this is a part of a file of MapInfo: its data, or a world file of an image."""
    suffix = path.suffix.lower()
    table, data = (any(path.with_suffix(end).is_file() for end in ends) for ends in (TABLE, DATA))
    return (suffix in DATA and table) or (suffix in TABLE and not data)


def _no_mate(path: Path, folder: Path) -> InputError:
    return InputError(f"{path}: no image of this name in {folder}; add it there, or remove this one")
