"""Labels and splits as images of the whole scene, to be compared with arrays, and the other way round."""

import numpy as np

from terramamba.data.labels.labels import Labels
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.split import Split


def class_map(labels: Labels) -> np.ndarray:
    """1 for the first class of the table, 2 for the second, ...; 0 is unlabelled."""
    return labels.pixels.draw(labels.targets + 1)


def code_map(labels: Labels) -> np.ndarray:
    """The codes as a file of labels has them; 0 is unlabelled."""
    return labels.pixels.draw(np.array(labels.classes.codes)[labels.targets])


def feature_map(labels: Labels) -> np.ndarray:
    assert labels.features is not None
    return labels.pixels.draw(labels.features)


def subset_map(split: Split) -> np.ndarray:
    return split.pixels.draw(split.subsets)


def listed(classes: np.ndarray, *images: np.ndarray) -> list:
    """The labelled pixels of an image of classes (0: unlabelled), their targets, and the images there."""
    labelled = classes > 0
    return [PixelList.of(labelled), classes[labelled] - 1, *(image[labelled] for image in images)]


def parted(subsets: np.ndarray) -> list:
    """The pixels of an image of subsets that are in one, and the subset of each."""
    return [PixelList.of(subsets > 0), subsets[subsets > 0]]
