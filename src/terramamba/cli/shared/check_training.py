"""What `terramamba check` says of what would be trained on: the verdict of train, without training."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terramamba.core.errors import InputError
from terramamba.core.options import flag_of, options_of
from terramamba.core.tables import SUFFIXES
from terramamba.core.typed import FieldError

if TYPE_CHECKING:
    from terramamba.training.plan import Plan
    from terramamba.training.settings import TrainSettings
    from terramamba.training.task import Task

ARRAYS = (".mat", ".npy", ".npz")

MOST_DATES = 4
"""Images of more bands are scenes beside those of one, and no photographs of two dates."""

OUT = "run"
"""Settings need a folder; nothing is written to it."""


def training_plan(options: Any, given: Collection[str], paths: Sequence[str]) -> "Plan":
    """Return what a train command would understand of the files that ``check`` names.

    ``--data`` names pairs, or a scene of the catalogue; a scene and its labels are two paths. ``given`` names
    those of ``options`` that were.

    Raises:
        InputError: as training would, or ``--data`` beside paths.
        SystemExit: status 2, as training has it, for a value that is none of its choices.
    """
    from terramamba import pipeline
    from terramamba.tasks import CHANGE, LAND_COVER

    if options.data is None:
        named = dict(zip(("scene", "labels"), paths, strict=False))
        return pipeline.plan_data(LAND_COVER, _settings(LAND_COVER, options, given, **named))
    if paths:
        raise InputError(f"--data {options.data}: stands for all files; leave out {' '.join(paths)}")
    task = LAND_COVER if _is_scene_of_the_catalogue(options.data) else CHANGE
    return pipeline.plan_data(task, _settings(task, options, given))


def are_scene_and_labels(options: Any, paths: Sequence[str]) -> bool:
    """Tell whether the second of two files is labels for the first, rather than another date of it.

    Labels are shapes, a list of pixels, an array that is named, a bare array of another number of bands, or
    beside a scene of more bands one band, a picture of few colours, or shares of a pixel.
    """
    if len(paths) != 2:
        return False
    from terramamba.data.labels.label_description import describe_label_image
    from terramamba.data.labels.one_band import looks_like_labels
    from terramamba.data.labels.pixel_formats import pixel_format
    from terramamba.raster.readers.array_path import split_variable
    from terramamba.raster.readers.open import open_scene
    from terramamba.raster.vector.vector_files import is_vector_file

    scene, labels = paths
    if is_vector_file(scene):
        return False
    if is_vector_file(labels) or pixel_format(labels) is not None:
        return True
    if split_variable(labels, None, "--label-variable")[1] or options.label_variable is not None:
        return True
    arrays = Path(labels).suffix.lower() in ARRAYS
    try:
        first, second = open_scene(scene), open_scene(labels)
    except InputError:
        # Abundances, a cube whose axes the labels settle, or a table that lists no images. Of images, who
        # opens them says why.
        return arrays or (Path(labels).suffix.lower() in SUFFIXES and Path(scene).exists())
    if arrays:
        return first.bands != second.bands
    if first.bands == 1 and second.bands > MOST_DATES and describe_label_image(first) is not None:
        raise InputError(f"{scene}: holds codes of classes; name the scene before it: {labels} {scene}")
    if second.bands == 1 and first.bands <= MOST_DATES:  # a grey image may be the other date of a photograph
        return first.bands > 1 and describe_label_image(second) is not None
    return first.bands > second.bands and looks_like_labels(second)


def refuse_unused(given: Collection[str], taken: type[Any], what: str) -> None:
    """Raise ``InputError`` for a flag that ``what``, which takes those of ``taken``, has no use for."""
    known = {field.name for field in fields(taken)}
    for name in sorted(given):
        if name not in known and name != "json":
            raise InputError(f"{flag_of(name)}: means nothing for {what}; leave it out")


def _is_scene_of_the_catalogue(name: str) -> bool:
    from terramamba.data.catalog import CATALOG, SceneSet

    return isinstance(CATALOG.get(name.lower()), SceneSet)


def _settings(task: "Task", options: Any, given: Collection[str], **files: str) -> "TrainSettings":
    """The settings of ``task`` with what ``options`` say of its files."""
    refuse_unused(given, task.settings, f"{task.name} train")
    try:
        checked = {
            option.name: option.checked(getattr(options, option.name), option.flag)
            for option in options_of(task.settings)
            if option.name in given
        }
    except InputError as error:
        if not isinstance(error.__cause__, FieldError):
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    return task.settings(**(checked | files), out=OUT)
