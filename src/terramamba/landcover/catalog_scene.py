"""Scenes of the catalogue by name: `--data NAME --root DIR`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.data.catalog import SceneSet, find_set
from terramamba.data.catalog.loading import in_words
from terramamba.data.catalog.verify import verify_scene
from terramamba.data.labels.pixel_formats import pixel_format
from terramamba.landcover.settings import ClassifySettings


def load_scene(settings: ClassifySettings) -> ClassifySettings:
    """Return ``settings`` with the scene and labels of the set that ``data`` names, as they lie in ``root``.

    The published names of the classes are used unless others are given. Official training and test pixels are
    kept apart with the split "given"; other splits divide all of them anew.

    Raises:
        InputError: neither a scene nor a set, or both; a file that is not there or is not the published one.
    """
    if settings.data is None:
        if settings.scene is None:
            raise InputError("--scene: must be given, or a set of the catalogue with --data and --root")
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
        found |= {f"{subset}_labels": path for subset, path in files.labels.items()}
    for key, path in found.items():
        own = getattr(settings, key)
        if own is not None and own != path:
            raise InputError(
                f"--{key.replace('_', '-')}: --data {record.name} has its own ({path}); give one of both"
            )
    names = settings.class_names
    listed = [pixel_format(path) for path in files.labels.values()]
    if names is None and record.classes and not any(known is not None and known.named for known in listed):
        names = list(record.classes)
    return replace(settings, class_names=names, **found)
