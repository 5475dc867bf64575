"""Which files make a pair of dates with its change mask: the usual folder layouts, and tables of paths.

    A, B, label        in split folders (LEVIR-CD), or side by side with list/train.txt, ... (BIT) or
                       train.txt, ..., or with such folders in each (A/train, B/train, label/train)
    time1, time2, label                (CLCD, SYSU-CD)
    T1, T2, GT                         (ChangeMamba, BRIGHT)
    Image1, Image2, label              (S2Looking)
    im1, im2, label                    (SECOND, once its labels say what changed)
    pre, post, label | gt | mask
    PLACE_pre.tif, PLACE_post.tif      in one folder, or in images beside targets (xBD): ``suffixed``
    mask beside label                  (and mask_before, mask_after: clouds and other pixels not to be used)
    table.csv          columns before, after and, as needed, split, label, unchanged, mask, mask_before,
                       mask_after, row, col, height, width, changed_values, unchanged_values, ignore_values,
                       area, what, times

Labels may lie in any folder of ``LABELS``, of which one is there: a folder `mask` without another of them
holds the labels. Files belong together when their names
agree up to the extension. Capitals in folder names do not matter.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from terramamba.core.documents import read_text
from terramamba.core.errors import InputError
from terramamba.core.tables import SUFFIXES as TABLE_SUFFIXES
from terramamba.core.words import count
from terramamba.data.file_facts import FileFacts
from terramamba.data.pairs.csv_table import pairs_of_table
from terramamba.data.pairs.image_folders import (
    BY_TABLE,
    PairFolders,
    has_images,
    images_in,
    masks_of,
    no_mate,
    require_no_date,
)
from terramamba.data.pairs.image_pair import SUBSETS, WHOLE, PairFiles, stem_of, subset_named
from terramamba.data.pairs.pair_bands import Look, settle_bands
from terramamba.data.pairs.suffixed import IN_FOLDER, NO_SUBSETS, suffixed_pairs
from terramamba.raster.band_identity import WantedBands
from terramamba.raster.checks.pair_problems import CUT_IN_TWO
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.scene_folders import IMAGE_SUFFIXES
from terramamba.raster.vector.vector_files import IN_FOLDERS
from terramamba.raster.views.warped import Method

_LIST = re.compile(r"^list[-_]|[-_]list$")
"""What names of lists have beside that of the subset."""
STACKED = (6, 8)
"""Bands of two pictures of three or four bands in one file."""
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
        raise InputError(f"{source}: no image pairs in it; give the table a row for each pair")
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
        _refuse_label_as_mask(pair, pair.label)
    if pair.window is not None and not before.grid.window.contains(pair.window):
        w = pair.window
        raise InputError(
            f"{pair.before}: rows {w.row} to {w.bottom - 1}, columns {w.col} to {w.right - 1} are not all in "
            f"its {before.height} x {before.width} pixels; correct the window in the table"
        )


def _refuse_label_as_mask(pair: PairFiles, label: str) -> None:
    """Refuse a mask that is the label; where all of a label is one value, one without clouds may be alike."""
    for mask in pair.masks:
        if pair.facts.size(mask) != pair.facts.size(label):
            continue
        if pair.facts.content(mask) == pair.facts.content(label) and len(pair.label_facts().counts) > 1:
            raise InputError(
                f"{mask}: is the label {label}, too, and as a mask of clouds would leave out what changed;"
                " keep one of them"
            )


def _from_folder(root: Path) -> list[PairFiles]:
    folders = PairFolders.of(root)
    if folders is not None:
        lists = lists_of(root)
        if lists:
            return [pair for subset, file in lists for pair in _from_list(file, subset, folders)]
        by_subset = folders.by_subset()
        if by_subset:
            return [pair for name, own in by_subset.items() for pair in _from_names(own, subset_named(name))]
        return _from_names(folders, WHOLE)
    below = sorted(entry for entry in root.iterdir() if entry.is_dir())
    dated = {folder: found for folder in below if (found := PairFolders.of(folder)) is not None}
    pairs = []
    for folder in below:
        if folder in dated:
            pairs += _from_names(dated[folder], subset_named(folder.name))
            continue
        is_subset = folder.name.lower() in SUBSETS
        if is_subset:
            require_no_date(folder)
        if is_subset or (not dated and folder.name.lower() not in NO_SUBSETS):
            pairs += suffixed_pairs(folder, subset_named(folder.name))
    if not pairs and not lists_of(root):
        pairs = suffixed_pairs(root, WHOLE)
    if not pairs:
        nested = next((folder for folder in below if _holds_pairs(folder)), None)
        if nested is not None:
            remedy = (
                "move those folders one up" if nested.name.lower() in SUBSETS else "give that folder instead"
            )
            raise InputError(f"{root}: its image pairs lie deeper, in {nested}: {remedy}")
        _refuse_both_in_one([root, *below])
        raise InputError(
            f"{root}: no image pairs in it; give folders such as {_LAYOUTS}, or {BY_TABLE}; sets of the"
            " catalogue go by their names (`terramamba datasets`)"
        )
    return pairs


def _refuse_both_in_one(folders: Sequence[Path]) -> None:
    """Refuse images that are twice or three times as wide as high, or have twice the bands of a picture.

    Two in a folder are probably a date each.
    """
    inside = [folder / name for folder in folders for name in IN_FOLDER if (folder / name).is_dir()]
    for folder in (*folders, *inside):
        images = list(images_in(folder).values()) if has_images(folder) else []
        scenes = [open_scene(path) for path in images[:3]]
        if not scenes or sum(one.bands == scenes[0].bands for one in scenes) == 2:
            continue
        path, scene = images[0], scenes[0]
        beside = scene.width / scene.height in (2, 3)
        if beside or scene.bands in STACKED:
            what = "both dates side by side" if beside else "the bands of both dates"
            raise InputError(
                f"{path}: perhaps holds {what}, where each date is an image of its own, in {_LAYOUTS}:"
                f" {CUT_IN_TWO}"
            )


def _holds_pairs(folder: Path) -> bool:
    """Tell whether a folder, or one in it, holds folders of two dates with images."""
    inside = [entry for entry in folder.iterdir() if entry.is_dir()]
    found = (PairFolders.of(one) for one in (folder, *inside))
    return any(dated is not None and images_in(dated.before) for dated in found)


def _from_names(folders: PairFolders, split: str) -> list[PairFiles]:
    before, after = images_in(folders.before), images_in(folders.after)
    labels = None if folders.label is None else images_in(folders.label, IN_FOLDERS)
    masks = {folder: images_in(folder, IN_FOLDERS) for folder in folders.masks}
    for others in (after, labels or {}):
        for stem, path in others.items():
            if stem not in before:
                raise no_mate(path, folders.before)
    pairs = []
    for stem, path in before.items():
        if stem not in after:
            raise no_mate(path, folders.after)
        label = None
        if labels is not None and folders.label is not None:
            if stem not in labels:
                raise no_mate(path, folders.label)
            label = str(labels[stem])
        chosen = masks_of(stem, path, masks)
        pairs.append(PairFiles(str(path), str(after[stem]), label, None, None, stem, split, chosen))
    return pairs


def lists_of(root: Path) -> list[tuple[str, Path]]:
    """List the subsets whose images a text file lists: ``list/train.txt``, or ``train.txt`` beside A."""
    files = sorted((root / "list").glob("*.txt"))
    if files:
        return [(subset_named(file.stem), file) for file in files]
    named = [(_LIST.sub("", file.stem.lower()), file) for file in sorted(root.glob("*.txt"))]
    return [(SUBSETS[name], file) for name, file in named if name in SUBSETS]


def notes_on_lists(root: Path) -> list[str]:
    """Say how many images of a folder are in none of the lists beside them, and so in no subset."""
    lists, folders = lists_of(root), PairFolders.of(root)
    if not lists or folders is None:
        return []
    listed = {stem for _, file in lists for _, stem in _listed(file)}
    left = [stem for stem in images_in(folders.before) if stem not in listed]
    if not left:
        return []
    names = " and ".join(file.name for _, file in lists)
    return [f"{count(len(left), 'pair')} in none of {names}, and not used: {left[0]}, ..."]


def _listed(file: Path) -> list[tuple[str, str]]:
    """The lines of a list, each with the name of its image without extension.

    Raises ``InputError`` for a line of several images that are not called alike.
    """
    lines = map(str.strip, read_text(file, "save the list as text").splitlines())
    return [(line, _named_in(line, file)) for line in lines if line]


def _named_in(line: str, file: Path) -> str:
    """The name that all images in a line have."""
    words = [Path(word) for word in re.split(r"[\s,;]+", line)]
    if len(words) < 2 or any(word.suffix.lower() not in IMAGE_SUFFIXES for word in words):
        return stem_of(Path(line))
    names = {stem_of(word) for word in words}
    if len(names) > 1:
        raise InputError(
            f"{file}: lists images of unlike names as one pair ({line}); name them in {BY_TABLE}"
        )
    return names.pop()


def _from_list(file: Path, split: str, folders: PairFolders) -> list[PairFiles]:
    before, after = images_in(folders.before), images_in(folders.after)
    labels = {} if folders.label is None else images_in(folders.label, IN_FOLDERS)
    masks = {folder: images_in(folder, IN_FOLDERS) for folder in folders.masks}
    pairs: dict[str, PairFiles] = {}
    for line, stem in _listed(file):
        for images, folder in (
            (before, folders.before),
            (after, folders.after),
            (labels, folders.label),
        ):
            if folder is not None and stem not in images:
                raise InputError(
                    f"{file}: lists {line}, which is not in {folder}; add it or correct the list"
                )
        if stem in pairs:
            raise InputError(
                f"{file}: lists {line} twice, so that the pair would count twice; take one of them out"
            )
        label = str(labels[stem]) if folders.label is not None else None
        chosen = masks_of(stem, before[stem], masks)
        pairs[stem] = PairFiles(str(before[stem]), str(after[stem]), label, None, None, stem, split, chosen)
    return list(pairs.values())
