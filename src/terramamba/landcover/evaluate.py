"""Scores of a trained classifier: on the test pixels of its own run, or on another labelled scene."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from terramamba.core.errors import InputError
from terramamba.core.files import plain
from terramamba.core.provenance import code_version
from terramamba.core.run_files import SPLIT
from terramamba.data.labels.class_table import UNLABELLED, ClassTable
from terramamba.data.labels.labels import Labels, VectorOptions, label_shape, read_labels, unmasked
from terramamba.data.pairs.same_file import same_content_key
from terramamba.data.splits.split import TEST, TRAIN, VALIDATION, load_split
from terramamba.landcover.patches import PatchDataset
from terramamba.landcover.samples import prepare_samples, scaled_cube
from terramamba.landcover.scores import scores_by_name
from terramamba.landcover.settings import ClassifySettings
from terramamba.mapping.fit_to_run import check_bands
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked
from terramamba.runs.folder import Run, load_run
from terramamba.runs.record import has_settings, read_settings
from terramamba.scores.calibration import class_calibration
from terramamba.scores.metrics import confusion_matrix
from terramamba.training.predict import class_logits


def evaluate_classifier(
    run: str | Path | Run,
    *,
    scene: str | None = None,
    labels: str | None = None,
    mask: Sequence[str] | None = None,
    scene_variable: str | None = None,
    label_variable: str | None = None,
    class_attribute: str | None = None,
    layer: str | None = None,
    all_touched: bool = False,
    min_coverage: float = 0.5,
    device: str = "auto",
) -> dict[str, Any]:
    """Score a run on its own test pixels, or on every labelled pixel of another scene that ``mask`` leaves.

    The classes of other labels are matched by their codes, by their names where the file has nothing else;
    pixels of classes that the model does not know are not scored and are named in the notes. Nor are, where
    the scene is the run's own, pixels that trained the model or chose its epoch.

    Raises:
        InputError: a damaged run, input that does not fit the model, or no pixel to score.
    """
    loaded = run if isinstance(run, Run) else load_run(run)
    if loaded.task != "classify":
        raise InputError(f"{loaded.folder}: this run is for {loaded.task}; use `terramamba change evaluate`")
    if (scene is None) != (labels is None):
        raise InputError(
            "--scene and --labels go together; name both, or neither for the run's own test pixels"
        )
    if mask and scene is None:
        raise InputError("--mask goes with --scene and --labels; the run's own scene keeps its own masks")
    scaling = loaded.scaling
    notes: list[str] = []
    if scene is None or labels is None:
        settings = read_settings(loaded.folder, ClassifySettings)
        samples = prepare_samples(settings, loaded.patches.size)
        if samples.split.id != loaded.split_id:
            raise InputError(
                f"{loaded.folder}: scene or labels changed since training (split {samples.split.id}, "
                f"was {loaded.split_id}); restore them, or score other files with --scene and --labels"
            )
        cube, targets = samples.cube, samples.targets(TEST)
        pixels, protocol = samples.pixels(TEST), loaded.card.protocol
    else:
        opened = open_scene(scene, variable=scene_variable, shape=label_shape(labels, label_variable))
        opened = masked(opened, mask or ())
        check_bands(loaded, opened)
        vector = VectorOptions(class_attribute, layer, all_touched, min_coverage)
        given = read_labels(labels, opened, variable=label_variable, min_classes=1, vector=vector)
        known, notes = known_targets(unmasked(given, opened, need_all_classes=False), loaded.classes)
        cube, usable = scaled_cube(opened, scaling)
        scored = (known != UNLABELLED) & usable
        learnt = scored & _learnt_from(loaded, opened)
        if learnt.any():
            notes.append(
                f"not scored, they trained the model or chose its epoch: {np.count_nonzero(learnt)} pixels"
            )
            scored &= ~learnt
        pixels = np.argwhere(scored).astype(np.int64)
        targets = known[scored]
        protocol = f"external-p{loaded.patches.size}"
    if len(pixels) == 0:
        why = "; ".join(notes)
        raise InputError(
            f"{labels or loaded.folder}: no labelled pixel of a class that the model knows; {why}".rstrip(
                "; "
            )
        )
    dataset = PatchDataset(
        cube,
        pixels,
        targets,
        patch_size=loaded.patches.size,
        border=loaded.patches.border,
        augment=False,
        seed=0,
    )
    logits, truth = class_logits(loaded.model, dataset, device=device)
    names = loaded.classes.names
    confusion = confusion_matrix(truth, logits.argmax(dim=1), len(names))
    scores = scores_by_name(confusion, names)
    if loaded.temperature is not None:
        scores["calibration"] = class_calibration(logits, truth, loaded.temperature).record()
    return {
        "folder": str(loaded.folder),
        "protocol": protocol,
        "pixels": len(pixels),
        "notes": notes,
        "confusion": confusion.tolist(),
        "test": scores,
        "calibration": plain(loaded.card.calibration),
        "code": code_version(),
    }


def _learnt_from(run: Run, scene: Scene) -> Bool[np.ndarray, "h w"]:
    """Pixels of ``scene`` that had a part in training, where it is the run's own scene or a copy of it."""
    none = np.zeros((scene.height, scene.width), bool)
    if not (has_settings(run.folder) and (run.folder / SPLIT).is_file()):
        return none  # a model alone
    own = read_settings(run.folder, ClassifySettings).scene
    if own is None or not all(Path(path).exists() for path in (own, scene.path)):
        return none
    if same_content_key(own) != same_content_key(scene.path):
        return none
    roles = load_split(run.folder).roles
    return np.isin(roles, (TRAIN, VALIDATION)) if roles.shape == none.shape else none


def known_targets(given: Labels, classes: ClassTable) -> tuple[Int64[np.ndarray, "h w"], list[str]]:
    """Labels as targets of a run's ``classes``, and notes on those that it does not know."""
    key = "name" if given.by_name else "code"
    said: Sequence[str | int] = given.names if given.by_name else given.codes
    target: Mapping[Any, int] = classes.target_of_name if given.by_name else classes.target_of_code
    table = np.array([UNLABELLED, *(target.get(one, UNLABELLED) for one in said)], np.int64)
    unknown = [str(one) for one in said if one not in target]
    notes = [f"not scored, the model does not know these {key}s: {', '.join(unknown)}"] if unknown else []
    return table[given.classes], [*given.notes, *notes]
