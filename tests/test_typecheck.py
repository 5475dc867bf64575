"""Annotations are held at run time: of functions, with shapes of arrays and without, and of records."""

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import TypeCheckError

from terramamba.core.words import count
from terramamba.raster.geogrid import Grid
from terramamba.scores.metrics import confusion_matrix
from terramamba.training.task import Judgement


def test_wrong_types_are_refused():
    with pytest.raises(BeartypeCallHintViolation):
        count("3", "cell")
    with pytest.raises(BeartypeCallHintViolation):
        Grid(height="3", width=3)
    with pytest.raises(TypeCheckError):
        confusion_matrix(np.zeros((2, 2)), np.zeros(3), 2)


def test_names_for_type_checkers_alone_may_be_anything():
    assert Judgement({}, None, {}, print).card is None
