"""Data sets by name for the commands: ``--data NAME --root DIR``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.data.catalog import CATALOG, PairSet, SceneSet, find_set
from terramamba.data.catalog.verify import Finding, verify_pairs, verify_scene
from terramamba.data.labels.envi_roi import is_roi_file
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.layouts import find_pairs
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.views.warped import Method


def load_pairs(
    data: str, root: str | None, align: Method | None = None, variable: str | None = None
) -> tuple[dict[str, list[PairFiles]], str | None, list[str]]:
    """The pairs of a set of the catalogue that lies in ``root``, or of a folder or table; by part.

    Also the name of the set where all of it is there as published, and notes on what differs. Parts of a set
    can be used, but their scores have no name.

    Raises:
        InputError: as ``find_pairs``; a set without a root; a set that is no pairs.
    """
    named = is_named(data, root)
    if not named:
        return find_pairs(data, root=root, align=align, variable=variable), None, []
    record = find_set(data)
    if not isinstance(record, PairSet):
        raise InputError(f"--data {data}: is a single scene; use `terramamba classify train`")
    if root is None:
        raise InputError(f"--data {data}: say where {record.title} lies with --root; {record.where}")
    if variable is not None:
        raise InputError(f"--scene-variable: the images of {record.title} hold one array each; leave it out")
    parts, findings = verify_pairs(record, Path(root), align)
    unlike = [finding for finding in findings if not finding.ok]
    if not unlike:
        return parts, record.name if record.parts else None, []
    note = (
        f"{root}: not {record.title} as published: {in_words(unlike)}; scores are not those of {record.name}"
    )
    return parts, None, [note]


def load_scene(settings: ClassifySettings) -> ClassifySettings:
    """``settings`` with the scene and labels of the set that ``data`` names, as they lie in ``root``.

    The published names of the classes are used unless others are given. Official training and test pixels are
    kept apart with the split "given"; other splits part all of them anew.

    Raises:
        InputError: neither a scene nor a set, or both; a file that is not there or is not the published one.
    """
    if settings.data is None:
        if settings.scene is None:
            raise InputError("--scene must be given, or a set of the catalogue with --data and --root")
        if settings.root is not None:
            raise InputError("--root: goes with --data, which names a set of the catalogue")
        return settings
    record = find_set(settings.data)
    if not isinstance(record, SceneSet):
        raise InputError(f"--data {settings.data}: is a set of image pairs; use `terramamba change train`")
    if settings.root is None:
        raise InputError(f"--data {settings.data}: say where {record.title} lies with --root; {record.where}")
    files, findings = verify_scene(record, Path(settings.root))
    unlike = [finding for finding in findings if not finding.ok]
    if unlike:
        raise InputError(
            f"{settings.root}: not {record.title} as published: {in_words(unlike)}; to use these files all "
            "the same, name them with --scene and --labels"
        )
    found: dict[str, Any] = {"scene": files.scene}
    if "all" in files.labels:
        found["labels"] = files.labels["all"]
    else:
        found |= {f"{part}_labels": path for part, path in files.labels.items()}
    for key, path in found.items():
        asked = getattr(settings, key)
        if asked is not None and asked != path:
            raise InputError(
                f"--{key.replace('_', '-')}: --data {record.name} has its own ({path}); give one of both"
            )
    names = settings.class_names
    if names is None and record.classes and not any(map(is_roi_file, files.labels.values())):
        names = list(record.classes)
    return replace(settings, class_names=names, **found)


def is_named(data: str, root: str | None) -> bool:
    """Whether ``data`` means a set of the catalogue, and no folder or table."""
    return data.lower() in CATALOG and (root is not None or not Path(data).exists())


def in_words(unlike: list[Finding]) -> str:
    """What differs, on one line."""
    return "; ".join(f"{finding.what}: {finding.found} instead of {finding.expected}" for finding in unlike)
