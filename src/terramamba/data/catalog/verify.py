"""What of a data set lies in a folder, beside what was published."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int

from terramamba.core.errors import InputError
from terramamba.data.catalog.oscd import find_oscd
from terramamba.data.catalog.record import Expected, PairSet, SceneSet
from terramamba.data.labels.labels import Labels, read_labels
from terramamba.data.labels.raster_labels import label_shape
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.layouts import find_pairs
from terramamba.raster.readers.open import open_scene
from terramamba.raster.views.warped import Method
from terramamba.raster.windows import Window

DEPTH = 3
"""Files are looked for in the root and in folders down to this depth."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was expected of it and what is there."""

    what: str
    expected: str
    found: str
    ok: bool


@dataclass(frozen=True)
class SceneFiles:
    """Where the files of a scene lie; ``labels`` by subset."""

    scene: str
    labels: dict[str, str]


def locate(record: SceneSet, root: Path) -> SceneFiles:
    """Find the files of ``record`` below ``root``.

    Raises:
        InputError: no such folder, a file that is not there (with how to get it), or several of one name.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; --root names the folder of {record.title}")
    below = [path for path in _below(root, DEPTH) if path.is_file()]
    labels = {subset: _locate(record, wanted, below, root) for subset, wanted in record.labels.items()}
    return SceneFiles(_locate(record, record.scene, below, root), labels)


def verify_scene(record: SceneSet, root: Path) -> tuple[SceneFiles, list[Finding]]:
    """Find the files, and compare size, bands, classes and checksums; raise as ``locate`` does."""
    files = locate(record, root)
    findings = [*_checksums(record.scene, files.scene)]
    for subset, wanted in record.labels.items():
        findings += _checksums(wanted, files.labels[subset])
    shape = label_shape(next(iter(files.labels.values())))
    scene = open_scene(files.scene, shape=shape)
    size = (scene.height, scene.width)
    sizes = {(record.height, record.width)}
    if record.either_way:
        sizes.add((record.width, record.height))
    findings.append(
        Finding(
            "pixels of the scene",
            f"{record.height} x {record.width}",
            f"{size[0]} x {size[1]}",
            size in sizes,
        )
    )
    findings.append(
        Finding(
            "bands",
            " or ".join(map(str, record.bands)),
            str(scene.bands),
            scene.bands in record.bands,
        )
    )
    for subset, path in files.labels.items():
        labels = read_labels(path, scene, min_classes=1)
        findings += _classes(record, subset, labels)
    return files, findings


def verify_pairs(
    record: PairSet, root: Path, align: Method | None = None
) -> tuple[dict[str, list[PairFiles]], list[Finding]]:
    """Find the pairs below ``root`` by subset, and say how their numbers, size and bands compare.

    Size and bands are those of the first pair of each subset. Raises ``InputError`` where no pair is found or
    they cannot be used, and where ``record`` asks for larger images than these.
    """
    subsets = _find(record, root, align)
    findings = []
    for subset, files in subsets.items():
        before, _ = files[0].open()
        size = f"{before.height} x {before.width}"
        if record.tile is None and record.side is not None:
            wanted = f"{record.side} x {record.side}"
            findings.append(Finding(f"pixels of a {subset} image", wanted, size, size == wanted))
        ok = before.bands == record.bands
        findings.append(Finding(f"bands of a {subset} image", str(record.bands), str(before.bands), ok))
    if record.tile is not None:
        subsets = {
            subset: [tile for pair in files for tile in _tiles(pair, record.tile)]
            for subset, files in subsets.items()
        }
    for subset, number in record.subsets.items():
        there = len(subsets.get(subset, ()))
        findings.append(Finding(f"{subset} pairs", f"{number:,}", f"{there:,}", there == number))
    for subset in ("train", "val", "test"):
        if not record.subsets:
            there = len(subsets.get(subset, ()))
            findings.append(Finding(f"{subset} pairs", "1 or more", f"{there:,}", there > 0))
    return subsets, findings


def _find(record: PairSet, root: Path, align: Method | None) -> dict[str, list[PairFiles]]:
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; --root names the folder of {record.title}")
    if record.kind == "oscd":
        if align is not None:
            raise InputError(f"--align: the dates of {record.title} share one grid already; leave it out")
        return find_oscd(root)
    inside = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    if not inside:
        raise InputError(f"{root}: no image pairs in it; to get {record.title}, {record.where}")
    if len(inside) == 1 and inside[0].name.lower() not in ("train", "val", "test"):
        return _find(record, inside[0], align)  # the archive had one folder around everything
    return find_pairs(root, align=align)


def _tiles(pair: PairFiles, side: int) -> Iterator[PairFiles]:
    before, _ = pair.open()
    if (before.height, before.width) == (side, side):
        yield pair
        return
    if before.height % side or before.width % side:
        raise InputError(
            f"{pair.before}: {before.height} x {before.width} pixels cannot be cut into crops of {side} x "
            f"{side}; give the set's own images"
        )
    for row in range(0, before.height, side):
        for col in range(0, before.width, side):
            name = f"{pair.name}[{row}:{row + side},{col}:{col + side}]"
            yield replace(pair, window=Window(row, col, side, side), name=name)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        yield path
        if depth > 0 and path.is_dir():
            yield from _below(path, depth - 1)


def _locate(record: SceneSet, wanted: Expected, below: list[Path], root: Path) -> str:
    for name in wanted.names:
        found = [path for path in below if path.name.lower() == name.lower()]
        if len(found) > 1:
            raise InputError(f"{found[0]}: {found[1]} has the same name; keep one of them below {root}")
        if found:
            return str(found[0])
    raise InputError(f"{root}: no {' or '.join(wanted.names)} in it; to get {record.title}, {record.where}")


def _checksums(wanted: Expected, path: str) -> list[Finding]:
    known = wanted.checksum_of(Path(path).name)
    if known is None:
        return []
    algorithm = known.partition(":")[0]
    with Path(path).open("rb") as file:
        there = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    return [Finding(f"checksum of {Path(path).name}", known, there, there == known)]


def _classes(record: SceneSet, subset: str, labels: Labels) -> list[Finding]:
    name = "labels" if subset == "all" else f"{subset} labels"
    number = len(labels.classes)
    findings = [Finding(f"classes of the {name}", str(record.number), str(number), number == record.number)]
    published = record.pixels.get(subset)
    if published is not None:
        counts: Int[np.ndarray, " k"] = np.bincount(labels.targets)
        there = tuple(int(count) for count in counts)
        # files that know classes by name alone number them in an order of their own
        same = sorted(there) == sorted(published) if labels.by_name else there == published
        findings.append(Finding(f"pixels of each class, {name}", _listed(published), _listed(there), same))
    return findings


def _listed(counts: tuple[int, ...]) -> str:
    return ", ".join(map(str, counts))
