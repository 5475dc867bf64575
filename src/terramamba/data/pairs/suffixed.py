"""Pairs of one folder whose names end in which date they are of: ``PLACE_pre.tif``, ``PLACE_post.tif``.

    PLACE_pre.png, PLACE_post.png   (also before and after, t1 and t2, ... of ``DATES``)
    PLACE_pre_disaster.png, PLACE_post_disaster.png
    PLACE_label.png                 beside them, or in a folder of labels beside theirs, called as
                                    the place, as the later image, or that with _label or _target

Names like these are taken only where every image is one of a pair; single letters and numbers, which tiles
have too, only where there are labels for all places.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.data.pairs.image_folders import (
    BY_TABLE,
    DATES,
    LABELS,
    has_images,
    images_in,
    label_folder,
)
from terramamba.data.pairs.image_pair import MASKS, PairFiles
from terramamba.raster.vector.vector_files import IN_FOLDERS

IN_FOLDER = ("images", "image", "img", "imgs")
"""What the folder of the images may be called, beside one of labels."""
NO_SUBSETS = {*IN_FOLDER, *LABELS, *MASKS}
"""Names of folders that are none of subsets."""
SHORTEST = 2
"""Letters of a word that means a date by itself."""
_ENDING = re.compile(r"(?P<place>.+?)[-_. ](?P<word>[a-z]+\d?)(?P<more>[-_ ](disaster|event))?", re.I)
_LABEL = re.compile(rf"(?P<of>.+?)[-_. ]({'|'.join(LABELS)})", re.I)


def suffixed_pairs(root: Path, split: str) -> list[PairFiles]:
    """Find the pairs of ``root``, or of its folder of images; none where names do not say all of it.

    Raises:
        InputError: most images are of pairs by their names, and one has no mate, or no label.
    """
    folder = next((path for name in IN_FOLDER if (path := root / name).is_dir()), root)
    images = images_in(folder) if has_images(folder) else {}
    words = {word.lower() for stem in images if (word := _word(stem)) is not None}
    for dates in DATES:
        if set(dates) <= words:
            return _of_dates(root, folder, images, dates, split)
    return []


def _word(stem: str) -> str | None:
    found = _ENDING.fullmatch(stem)
    return None if found is None else found["word"]


def _of_dates(
    root: Path, folder: Path, images: Mapping[str, Path], dates: tuple[str, str], split: str
) -> list[PairFiles]:
    """Pairs whose images end in ``dates``; none where these letters may mean something else."""
    places: tuple[dict[str, str], ...] = ({}, {})
    own: dict[str, Path] = {}
    odd: list[Path] = []
    for stem, path in images.items():
        found = _ENDING.fullmatch(stem)
        if found is not None and found["word"].lower() in dates:
            places[dates.index(found["word"].lower())][found["place"]] = stem
        elif _LABEL.fullmatch(stem):
            own[stem] = path
        else:
            odd.append(path)
    beside = label_folder(root)
    certain = len(dates[0]) >= SHORTEST
    if not certain and (odd or (beside is None and not own)):
        return []  # tiles of an image have letters, too
    if odd:
        raise InputError(
            f"{odd[0]}: does not say by its name whether it shows {dates[0]} or {dates[1]}, as those beside"
            f" it do; take it out, or name the pairs in {BY_TABLE}"
        )
    for place, stem in (*places[0].items(), *places[1].items()):
        for side, word in enumerate(dates):
            if place not in places[side]:
                raise InputError(
                    f"{images[stem]}: no image of this place that ends in {word!r} beside it; add it, remove"
                    f" this one, or name the pairs in {BY_TABLE}"
                )
    if own and beside is not None:
        raise InputError(
            f"{next(iter(own.values()))}: there are labels here and in {beside}; keep one of them, or name"
            f" the files in {BY_TABLE}"
        )
    others = [entry for entry in root.iterdir() if entry.is_dir() and entry.name.lower() in MASKS]
    left_over = [entry for entry in others if entry != beside]
    if left_over:
        raise InputError(f"{left_over[0]}: which masks are whose is not told here; name them in {BY_TABLE}")
    labels = _labels(own if beside is None else images_in(beside, IN_FOLDERS), places, own or beside, folder)
    return [
        PairFiles(
            str(images[stem]), str(images[places[1][place]]), labels.get(place), None, None, place, split
        )
        for place, stem in places[0].items()
    ]


def _labels(
    files: Mapping[str, Path], places: tuple[dict[str, str], ...], there: object, folder: Path
) -> dict[str, str]:
    """The label of each place, if there are ``files`` of labels; all places have one then."""
    if not there:
        return {}
    called: dict[str, list[str]] = {}
    for stem in files:
        for name in {stem, _labelled(stem) or stem}:
            called.setdefault(name, []).append(stem)
    found: dict[str, str] = {}
    used: set[str] = set()
    for place, later in places[1].items():
        named = [*called.get(place, ()), *called.get(later, ())]
        if len(named) != 1:
            both = f"{' and '.join(named)} can both be its label"
            what = both if named else "no label is called as it is"
            raise InputError(f"{folder / later}: {what}; name the files in {BY_TABLE}")
        found[place] = str(files[named[0]])
        used.add(named[0])
    earlier = {*places[0].values()}
    odd = [stem for stem in files if stem not in used and _labelled(stem) not in earlier]
    if odd:
        raise InputError(f"{files[odd[0]]}: no images of this place in {folder}; add them, or remove it")
    return found


def _labelled(stem: str) -> str | None:
    """What a file is the label of by its name."""
    found = _LABEL.fullmatch(stem)
    return None if found is None else found["of"]
