"""What the catalogue knows of a data set: one frozen record each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Remote:
    """A file that can be fetched without asking anybody.

    It is kept as ``name`` below the root; an archive is unpacked into ``folder`` below the root and then
    removed. ``checksum`` is "sha256:..." or "md5:..."; None where nobody has published one.
    """

    url: str
    name: str
    checksum: str | None = None
    folder: str | None = None


@dataclass(frozen=True)
class Expected:
    """A file of a scene, under any of the ``names`` that its copies go by; the checksum is the first's."""

    names: tuple[str, ...]
    checksum: str | None = None

    def checksum_of(self, name: str) -> str | None:
        """Return the checksum of the copy called ``name``, where one is known."""
        return self.checksum if name.lower() == self.names[0].lower() else None


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """What every record says. ``where`` is a sentence that tells a person how to get the files."""

    name: str
    title: str
    about: str
    terms: str
    where: str
    cite: str
    remotes: tuple[Remote, ...] = ()
    checksums_from: str | None = None
    """Who published the checksums."""


@dataclass(frozen=True, kw_only=True)
class SceneSet(DataSet):
    """A hyperspectral scene of ``height`` x ``width`` pixels and its labels.

    ``bands`` are the numbers of bands that copies have. ``pixels`` are the labelled pixels of each class, in
    the order of ``classes``, of each file of ``labels`` ("all", or the official "train" and "test").
    ``either_way``: some copies are transposed.
    """

    height: int
    width: int
    bands: tuple[int, ...]
    number: int
    """Classes."""
    scene: Expected
    labels: Mapping[str, Expected]
    classes: tuple[str, ...] = ()
    pixels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    either_way: bool = False


@dataclass(frozen=True, kw_only=True)
class PairSet(DataSet):
    """Pairs of ``side`` x ``side`` pixels with change masks.

    ``subsets`` are the published numbers of pairs; empty where none are published. With ``tile``, larger
    images are taken as windows of that side that do not overlap. ``kind`` is the reader of its folders.
    """

    bands: int
    metres: str
    change: str
    total: str
    folders: str
    side: int | None = None
    subsets: Mapping[str, int] = field(default_factory=dict)
    tile: int | None = None
    kind: Literal["folders", "oscd"] = "folders"


def size_of(record: DataSet) -> str:
    """Say in words how large a set is."""
    if isinstance(record, SceneSet):
        return f"{record.height} x {record.width} x {' or '.join(map(str, record.bands))}"
    assert isinstance(record, PairSet)
    return record.total


def classes_of(record: DataSet) -> str:
    """Say in few words which classes a set has."""
    return str(record.number) if isinstance(record, SceneSet) else "changed or not"


def files_of(record: DataSet) -> tuple[str, ...]:
    """List the files expected below the root, one line each."""
    if isinstance(record, SceneSet):
        wanted = [record.scene, *record.labels.values()]
        return tuple(" or ".join(one.names) + _sum(one.checksum, one.names[0]) for one in wanted)
    assert isinstance(record, PairSet)
    return (record.folders,)


def _sum(checksum: str | None, name: str) -> str:
    return "" if checksum is None else f" ({name}: {checksum})"
