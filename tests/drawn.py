"""Labels and splits as images of the whole scene, to be compared with arrays, and the other way round."""

import numpy as np

from terramamba.data.labels.labels import Labels
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.split import Split


def class_map(labels: Labels) -> np.ndarray:
    return labels.pixels.draw(labels.classes)


def feature_map(labels: Labels) -> np.ndarray:
    assert labels.features is not None
    return labels.pixels.draw(labels.features)


def role_map(split: Split) -> np.ndarray:
    return split.pixels.draw(split.roles)


def listed(classes: np.ndarray, *images: np.ndarray) -> list:
    """The labelled pixels of an image of classes, their classes, and what other images show there."""
    labelled = classes > 0
    return [PixelList.of(labelled), classes[labelled], *(image[labelled] for image in images)]
