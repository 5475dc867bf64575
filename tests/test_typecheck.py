"""Annotations are held at run time: of functions, with shapes of arrays and without, and of records."""

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float, TypeCheckError

import typecheck
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


def test_shapes_that_passed_let_no_others_pass():
    @typecheck.jaxtyped(typechecker=typecheck.check)
    def made(x: Float[np.ndarray, "n"], y: object, *, by: object = None) -> Float[np.ndarray, "n"]:
        return y.pop()

    class Holds:
        def __init__(self, value):
            self.pop = lambda: value

    two, three = np.zeros(2), np.zeros(3)
    for _ in range(3):
        assert made(two, Holds(two)) is two
        assert made(two, Holds(two), by=3) is two
        assert made(three, Holds(three)) is three
        for x, result in ((two, three), (two, np.zeros(2, int)), (np.zeros(2, int), two), (np.eye(2), two)):
            with pytest.raises(TypeCheckError):
                made(x, Holds(result))
