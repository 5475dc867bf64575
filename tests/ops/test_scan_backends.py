"""How backends are chosen and named, and what is refused."""

import logging

import jaxtyping
import pytest
import torch
from scan_cases import Case

from terramamba.ops import available_backends, lti_scan, selective_scan
from terramamba.ops.backends import BACKENDS, Backend, choose

OPERATORS = ("selective_scan", "lti_scan")


@pytest.fixture
def unchecked():
    """Annotations are not checked, as when the package is used."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("op", OPERATORS)
def test_reference_and_pytorch_are_there(op):
    there = available_backends(op)
    assert there["reference"] == there["pytorch"] == ""


def test_unknown_operators_are_refused():
    with pytest.raises(ValueError, match="no operator 'conv'; there are: lti_scan, selective_scan"):
        available_backends("conv")


@pytest.mark.parametrize("op", OPERATORS)
def test_a_backend_that_does_not_exist_is_an_error(op):
    with pytest.raises(ValueError, match=f"{op} has no backend 'numba'; there are: auto, reference, pytorch"):
        choose(op, "numba", torch.device("cpu"))


@pytest.mark.parametrize("op", OPERATORS)
def test_a_backend_that_cannot_run_says_why(monkeypatch, op):
    monkeypatch.setitem(BACKENDS[op], "fast", Backend(print, ("cpu",), reason="no compiler was found"))
    assert available_backends(op)["fast"] == "no compiler was found"
    with pytest.raises(ValueError, match=f"backend 'fast' of {op} cannot run here: no compiler was found"):
        choose(op, "fast", torch.device("cpu"))
    assert choose(op, "auto", torch.device("cpu")) is not BACKENDS[op]["fast"]


def test_auto_goes_by_the_device_and_says_what_it_chose(monkeypatch, caplog):
    fast = Backend(print, ("cuda",))
    monkeypatch.setitem(BACKENDS["lti_scan"], "fast", fast)
    with caplog.at_level(logging.DEBUG, logger="terramamba.ops.backends"):
        assert choose("lti_scan", "auto", torch.device("cuda")) is fast
        assert choose("lti_scan", "auto", torch.device("cpu")) is BACKENDS["lti_scan"]["pytorch"]
    assert "lti_scan on cpu runs on backend pytorch" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"u": (2, 8, 0), "delta": (2, 8, 0), "B": (2, 1, 4, 0), "C": (2, 1, 4, 0)}, "at least one step"),
        ({"u": (2, 8)}, r"takes u \(b, d, l\)"),
        ({"delta": (2, 8, 4)}, r"delta must be \(2, 8, 5\)"),
        ({"A": (7, 4)}, r"A must be \(8, 4\)"),
        ({"B": (2, 3, 4, 5)}, "8 channels cannot be divided into the 3 groups of B"),
        ({"C": (2, 4, 6)}, r"C must be \(2, 1, 4, 5\)"),
        ({"D": (4,)}, r"D must be \(8,\)"),
        ({"initial_state": (1, 8, 4)}, r"initial_state must be \(2, 8, 4\)"),
    ],
)
def test_selective_scan_refuses_shapes_that_do_not_fit(unchecked, changes, message):
    inputs = Case().inputs() | {name: torch.zeros(shape) for name, shape in changes.items()}
    with pytest.raises(ValueError, match=message):
        selective_scan(**inputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": (2, 0, 3)}, "at least one token"),
        ({"x": (2, 3)}, r"takes x \(b, l, d\)"),
        ({"delta": (4,)}, r"delta must be \(3,\)"),
        ({"C": (3, 5)}, r"C must be \(3, 4\)"),
        ({"D": (4,)}, r"D must be \(3,\)"),
    ],
)
def test_lti_scan_refuses_shapes_that_do_not_fit(unchecked, changes, message):
    shapes = {"x": (2, 5, 3), "delta": (3,), "A": (3, 4), "B": (3, 4), "C": (3, 4), "D": (3,)} | changes
    with pytest.raises(ValueError, match=message):
        lti_scan(**{name: torch.zeros(shape) for name, shape in shapes.items()})


def test_unknown_discretizations_are_refused(unchecked):
    with pytest.raises(ValueError, match="'euler' or 'zoh', not 'tustin'"):
        selective_scan(**Case().inputs(), discretization="tustin")


def test_tensors_on_two_devices_are_refused():
    inputs = Case().inputs()
    inputs["A"] = inputs["A"].detach().to("meta")
    with pytest.raises(ValueError, match="A is on meta, u on cpu; move them to one device"):
        selective_scan(**inputs)
