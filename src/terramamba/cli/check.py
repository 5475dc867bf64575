"""``terramamba check``."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from terramamba.cli.shared.check_training import are_scene_and_labels, refuse_unused, training_plan
from terramamba.cli.shared.parse import AsJson, Usage, parse_given
from terramamba.cli.shared.show import show, show_facts, show_json
from terramamba.core.display import Shown
from terramamba.core.errors import InputError
from terramamba.data.settings import (
    BLOCK_SIZE,
    Alignment,
    ImageArray,
    LabelOptions,
    LabelValueOptions,
    Masks,
    Splitting,
)

USAGE = Usage(
    "check",
    "Say what a scene or a vector file is, or whether two scenes make a pair: size, bands, values, missing "
    "data, coordinates; shapes and attributes; which classes a file of labels is taken for. Of a scene and "
    "its labels, or of pairs (--data), what training would understand and refuse.",
    ("[PATH]", "[PATH2]"),
    example="2020.tif 2024.tif",
)


@dataclass(frozen=True, kw_only=True)
class FileOptions(Masks, Alignment, ImageArray):
    """Flags for files that are looked at by themselves."""


@dataclass(frozen=True, kw_only=True)
class AnySplitting(Splitting):
    """Flags of what trains, validates and tests, be it of a scene or of pairs."""

    # Scenes and pairs have other defaults, so what is not given is left to the settings of the task.
    split: Literal["block", "random", "polygon", "given", "image"] | None = None  # type: ignore[assignment]
    """Of a scene: block, spatially separate subsets, also where it is not given; polygon, whole polygons of a
    vector file; random, the papers' protocol, which leaks; given, the label files named below. Of pairs
    (--data): given, as folders, lists or a column split say, also where it is not given; image, images are
    drawn; block, parts of large images are."""
    block_size: Annotated[str | None, BLOCK_SIZE] = None
    """With --split block: side of the square blocks of a scene, or parts of images of pairs, each of which
    trains, validates or tests as a whole; 500m or 1.5km where there is georeferencing, 50 or 50px in pixels.
    None: blocks of a scene are pieces of connected labels, parts of an image a sixth of it."""


@dataclass(frozen=True, kw_only=True)
class CheckOptions(AsJson, FileOptions, LabelOptions, LabelValueOptions, AnySplitting):
    """Flags of the command."""

    data: str | None = None
    """Image pairs with change masks, as `change train` takes them, or a set of the catalogue; in place of
    paths."""
    root: str | None = None
    """Folder that holds the set which --data names, or that the paths in a CSV are relative to."""


def run(argv: Sequence[str]) -> int:
    """Print what the files are; two files that make no pair, or cannot be trained on, give status 1."""
    options, paths, named = parse_given(USAGE, CheckOptions, argv)
    if not paths and options.data is None:
        print("error: name a file to check, or pairs with --data", file=sys.stderr)
        return 2
    answer = _Answer(options.json)
    try:
        given = options.split == "given" and len(paths) == 1
        if given or options.data is not None or are_scene_and_labels(options, paths):
            _check_training(options, named, paths, answer)
        else:
            refuse_unused(named, FileOptions, "files that are no scene with its labels, and no --data")
            _check_files(options, paths, answer)
    finally:
        answer.end()
    return 0


class _Answer:
    """What was found, printed as it comes, or at the end as JSON."""

    def __init__(self, as_json: bool) -> None:
        self._found: dict[str, Any] | None = {} if as_json else None

    def add(self, name: str, shown: Mapping[str, Any] | Shown) -> None:
        """Print ``shown``, or keep it in the list ``name``."""
        if self._found is not None:
            self._found.setdefault(name, []).append(shown)
            return
        if isinstance(shown, Shown):
            show(shown)
        else:
            show_facts(shown)
        print()

    def warn(self, warnings: Sequence[str]) -> None:
        """Say what makes a result doubtful, before all else."""
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
        if self._found is not None:
            self._found["warnings"] = list(warnings)

    def end(self) -> None:
        """Print what was kept."""
        if self._found:
            show_json(self._found)


def _check_training(
    options: CheckOptions, named: Collection[str], paths: Sequence[str], answer: _Answer
) -> None:
    """Say what a scene or labels are, and what training would understand of them."""
    from terramamba.raster.checks.describe_vector import describe_features
    from terramamba.raster.vector.vector_files import is_vector_file

    for path in paths[1:]:
        if is_vector_file(path):
            answer.add("vectors", describe_features(path))
    plan = training_plan(options, named, paths)
    answer.warn(plan.warnings)
    answer.add("training", plan.shown)


def _check_files(options: CheckOptions, paths: Sequence[str], answer: _Answer) -> None:
    from terramamba.core.words import percent
    from terramamba.data.labels.label_description import describe_label_image, describe_label_shapes
    from terramamba.data.labels.pixel_formats import pixel_format
    from terramamba.raster.checks.describe import describe
    from terramamba.raster.checks.describe_vector import describe_features
    from terramamba.raster.checks.pair import check_pair
    from terramamba.raster.vector.vector_files import is_vector_file
    from terramamba.raster.views.chosen_bands import OpenAsked, open_alike
    from terramamba.raster.views.masked import MaskedSource, doubtful_masks, masked, masked_fraction
    from terramamba.raster.views.nodata import require_held, without_values
    from terramamba.raster.views.palette_colours import in_colours

    for path in paths:
        if (listed := pixel_format(path)) is not None:
            raise InputError(
                f"{path}: labels the pixels of a scene ({listed.name}); name the scene before it, as in"
                " `terramamba check SCENE LABELS`"
            )
    for path in filter(is_vector_file, paths):
        answer.add("vectors", describe_features(path))
        if len(paths) == 1:
            answer.add("labels", describe_label_shapes(path))
    if options.align is not None and len(paths) < 2:
        raise InputError("--align: warps a second scene onto the first; name two scenes")
    images = [path for path in paths if not is_vector_file(path)]
    scenes = open_alike(images, options.bands, OpenAsked(options.scene_variable, axes=options.axes))
    require_held(scenes, options.nodata or ())
    scenes = [without_values(scene, options.nodata or ()) for scene in scenes]
    if len(scenes) == 1 and options.mask:
        scenes = [masked(scenes[0], options.mask)]
    for scene in scenes:
        facts = describe(scene)
        if isinstance(scene.source, MaskedSource):
            facts["masked"] = "; ".join(
                [f"{percent(masked_fraction(scene))} of the pixels", *doubtful_masks(scene)]
            )
        answer.add("scenes", facts)
        if len(paths) == 1 and (labels := describe_label_image(scene)) is not None:
            answer.add("labels", labels)
    if len(scenes) == 2:
        report = check_pair(*map(in_colours, scenes), align=options.align, masks=options.mask or ())
        said = {note for scene in scenes for note in scene.notes}
        new = replace(report, notes=tuple(note for note in report.notes if note not in said))
        answer.add("pair", {**report.facts, "verdict": new.verdict})
        if not report.ok:
            raise InputError(f"not a pair: {report.problems[0]}")
