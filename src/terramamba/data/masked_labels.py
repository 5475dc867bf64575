"""Labels without the pixels that a scene's masks leave out."""

from dataclasses import replace

import numpy as np

from terramamba.core.errors import InputError
from terramamba.data.labels import Labels
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import mask_of


def unmasked(labels: Labels, scene: Scene, *, need_all_classes: bool = True) -> Labels:
    """``labels`` where no mask of ``scene`` marks the pixel; a note says how many are lost.

    Raises ``InputError`` where masks leave nothing of a class, unless ``need_all_classes`` is false.
    """
    hidden = mask_of(scene) & (labels.classes > 0)
    if not hidden.any():
        return labels
    classes = np.where(hidden, 0, labels.classes).astype(labels.classes.dtype)
    gone = set(np.unique(labels.classes).tolist()) - set(np.unique(classes).tolist()) - {0}
    if gone and need_all_classes:
        names = ", ".join(repr(labels.names[c - 1]) for c in sorted(gone))
        raise InputError(
            f"{scene.path}: its masks leave no labelled pixel of {names}; label more of it, leave the class "
            "out, or use other masks"
        )
    features = None if labels.features is None else np.where(hidden, 0, labels.features)
    lost = f"{np.count_nonzero(hidden):,} of {np.count_nonzero(labels.classes):,} labelled pixels"
    return replace(
        labels, classes=classes, features=features, notes=(*labels.notes, f"{lost} are masked and left out")
    )
