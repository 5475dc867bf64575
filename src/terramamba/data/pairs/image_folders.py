"""Folders of pairs: which of them hold the dates, the labels and other masks, and which images they hold."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import MASKS, SUBSETS, stem_of
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.other_files import annotations_in
from terramamba.raster.readers.scene_folders import IMAGE_SUFFIXES, products_in
from terramamba.raster.vector.vector_files import IN_FOLDERS

DATES = (
    ("a", "b"),
    ("time1", "time2"),
    ("t1", "t2"),
    ("pre", "post"),
    ("before", "after"),
    ("image1", "image2"),
    ("im1", "im2"),
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
COLOURED = (".png", ".jpg", ".jpeg", ".bmp")
"""How pictures end that have no place of their own, and of which several are no tiles of one image."""
PICTURES = (".gif", ".webp", ".ppm", ".pgm", ".heic", ".tga")
"""What pictures also end in, which are not read."""
BY_TABLE = "a CSV table with the columns before, after, label and split"


@dataclass(frozen=True)
class PairFolders:
    """The folders of one subset, or of all of a set."""

    before: Path
    after: Path
    label: Path | None
    masks: tuple[Path, ...]

    @classmethod
    def of(cls, root: Path) -> "PairFolders | None":
        """Find them in ``root``; None where no two dates are there.

        Raises:
            InputError: two folders can hold the labels.
        """
        inside = {entry.name.lower(): entry for entry in root.iterdir() if entry.is_dir()}
        for before, after in DATES:
            if before in inside and after in inside:
                label = label_folder(root)
                masks = tuple(inside[name] for name in MASKS if name in inside and inside[name] != label)
                return cls(inside[before], inside[after], label, masks)
        return None

    def by_subset(self) -> "dict[str, PairFolders]":
        """Find the folders of subsets below those of the dates, as ``A/train``, ``B/train``, ``label/train``.

        Empty where the dates hold images themselves, or other folders. Raises ``InputError`` where a subset
        is not below all of them.
        """
        below = [entry for entry in sorted(self.before.iterdir()) if entry.is_dir()]
        named = [entry.name for entry in below if entry.name.lower() in SUBSETS]
        if not named or len(named) < len(below) or any(_of_images(self.before, ())):
            return {}
        for folder in filter(None, (self.after, self.label, *self.masks)):
            for name in named:
                if not (folder / name).is_dir():
                    raise InputError(f"{folder}: no folder {name!r}, which {self.before} has; add it")
        return {
            name: PairFolders(
                self.before / name,
                self.after / name,
                None if self.label is None else self.label / name,
                tuple(folder / name for folder in self.masks),
            )
            for name in named
        }


def require_no_date(subset: Path) -> None:
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


def label_folder(root: Path) -> Path | None:
    """Return the folder of labels; one called as those of other masks is only where no other is there.

    Raises:
        InputError: two folders can hold the labels.
    """
    found = [entry for entry in sorted(root.iterdir()) if entry.is_dir() and entry.name.lower() in LABELS]
    chosen = [entry for entry in found if entry.name.lower() not in MASKS] or found
    # annotations of pictures (labels/*.json) may lie beside the masks that were made of them
    chosen = [entry for entry in chosen if any(_of_images(entry, IN_FOLDERS))] or chosen
    if len(chosen) > 1:
        names = " and ".join(entry.name for entry in chosen)
        raise InputError(
            f"{root}: {names} can both hold the labels; rename or move the one that does not (clouds and "
            "other pixels not to be used lie in mask beside label), or name the files in a table"
        )
    return chosen[0] if chosen else None


def masks_of(stem: str, image: Path, folders: Mapping[Path, Mapping[str, Path]]) -> tuple[str, ...]:
    """Find the file of ``stem`` in each of the mask ``folders``; all of them must have one."""
    for folder, images in folders.items():
        if stem not in images:
            raise no_mate(image, folder)
    return tuple(str(images[stem]) for images in folders.values())


def images_in(folder: Path, others: tuple[str, ...] = ()) -> dict[str, Path]:
    """List the images of a folder, and files that end like ``others``, by name without extension, in order.

    Of a folder without any, the products in it: each is a folder of bands, an item, or another file of a
    scene.

    Raises:
        InputError: two have one name, or the folder has folders of pictures in place of pictures.
    """
    found: dict[str, Path] = {}
    for path in _of_images(folder, others):
        stem = stem_of(path)
        if stem in found:
            raise InputError(f"{path}: {found[stem].name} beside it has the same name; keep one of them")
        found[stem] = path
    if found:
        return found
    products = products_in(folder)
    for product in filter(Path.is_dir, products):
        pictures = [path for path in sorted(product.iterdir()) if path.suffix.lower() in COLOURED]
        if len(pictures) > 1 and open_scene(pictures[0]).bands > 1:
            raise InputError(
                f"{folder}: holds folders of pictures, such as {product.name}, in place of pictures; put"
                f" these side by side, or name them in {BY_TABLE}"
            )
    return {path.stem if path.is_file() else path.name: path for path in products}


def has_images(folder: Path) -> bool:
    """Tell whether ``folder`` itself holds an image."""
    return any(_of_images(folder, ()))


def unknown_beside(before: Path) -> list[str]:
    """List the folders beside that of the earlier dates, which holds ``before``, that say nothing to us."""
    known = {*(name for dates in DATES for name in dates), *MASKS, *SUBSETS, *LABELS, "list"}
    folders = (entry for entry in sorted(before.parent.parent.iterdir()) if entry.is_dir())
    return [entry.name for entry in folders if entry.name.lower() not in known]


def _of_images(folder: Path, others: tuple[str, ...]) -> Iterator[Path]:
    suffixes = {*IMAGE_SUFFIXES, *others}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not (path.suffix.lower() in suffixes or _has_header(path)):
            continue
        if not (others and _is_beside_another(path)):
            yield path


def _has_header(path: Path) -> bool:
    """Whether this is an ENVI image without extension."""
    return not path.suffix and any(path.with_suffix(suffix).is_file() for suffix in (".hdr", ".HDR"))


def _is_beside_another(path: Path) -> bool:
    """Whether this is a part of a file of MapInfo: its data, or a world file of an image."""
    suffix = path.suffix.lower()
    table, data = (any(path.with_suffix(end).is_file() for end in ends) for ends in (TABLE, DATA))
    return (suffix in DATA and table) or (suffix in TABLE and not data)


def no_mate(path: Path, folder: Path) -> InputError:
    """Return the error that ``folder`` has nothing that is called as ``path`` is."""
    stem = stem_of(path)
    alike = [other for other in folder.iterdir() if unicodedata.normalize("NFC", other.stem) == stem]
    unread = sorted(other.name for other in alike if other.suffix.lower() in PICTURES)
    if unread:
        return InputError(f"{folder / unread[0]}: is in a format that is not read; save it as PNG or GeoTIFF")
    said = {other: annotations_in(str(other)) for other in alike}
    annotated = [f"{other}: {what}" for other, what in said.items() if what is not None]
    if annotated:
        return InputError(annotated[0])
    others = images_in(folder, IN_FOLDERS)
    beside = images_in(path.parent, IN_FOLDERS)
    if others and not set(others) & set(beside):
        return InputError(
            f"{path}: no image of this name in {folder}, nor of any other in {path.parent.name}: there they"
            f" are called as {next(iter(others.values())).name}; call all images of a pair alike, or name"
            f" them in {BY_TABLE}"
        )
    return InputError(f"{path}: no image of this name in {folder}; add it there, or remove this one")
