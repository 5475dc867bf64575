"""How backends are chosen and named, and what is refused."""

import logging
import threading
import warnings

import pytest
import torch
from scan_cases import Case

from programs import python
from terramamba.ops import (
    available_backends,
    backends,
    lti_scan,
    prefer,
    selective_scan,
    selective_scan_2d,
)
from terramamba.ops.backends import BACKENDS, Backend, choose

OPERATORS = ("selective_scan", "selective_scan_2d", "lti_scan")
MAPS = {
    "x": (2, 3, 5, 6),
    "delta": (2, 3, 5, 4, 6),
    "A": (24, 2),
    **dict.fromkeys(("B", "C"), (2, 3, 5, 4, 2)),
    **dict.fromkeys(("D", "delta_bias"), (24,)),
}
CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def never_warned():
    """The one warning about a backend that cannot run has not been given."""
    backends._warn_once.cache_clear()
    yield
    backends._warn_once.cache_clear()


def test_all_operators_have_backends():
    assert set(BACKENDS) == set(OPERATORS)


@pytest.mark.parametrize("op", OPERATORS)
def test_reference_and_pytorch_are_there(op):
    there = available_backends(op)
    assert there["reference"] == there["pytorch"] == ""


def test_unknown_operators_are_refused():
    with pytest.raises(
        ValueError, match="no operator 'conv'; there are: lti_scan, selective_scan, selective_scan_2d"
    ):
        available_backends("conv")


@pytest.mark.parametrize("op", OPERATORS)
def test_a_backend_that_does_not_exist_is_an_error(op):
    with pytest.raises(ValueError, match=f"{op} has no backend 'numba'; there are: auto, reference, pytorch"):
        choose(op, "numba", CPU)


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("name", ["native", "triton"])
def test_a_backend_that_cannot_run_says_why(monkeypatch, op, name):
    monkeypatch.setitem(BACKENDS[op], name, Backend(print, ("cpu",), reason="no compiler was found"))
    assert available_backends(op)[name] == "no compiler was found"
    with pytest.raises(ValueError, match=f"backend '{name}' of {op} cannot run here: no compiler was found"):
        choose(op, name, CPU)


def test_auto_warns_once_where_the_first_choice_cannot_run(monkeypatch, never_warned):
    for op in OPERATORS:
        monkeypatch.setitem(BACKENDS[op], "native", Backend(print, ("cpu",), reason="no compiler was found"))
    want = (
        "scans on cpu run on the slower PyTorch backend, because the native one cannot: no compiler was found"
    )
    with pytest.warns(RuntimeWarning) as given:
        chosen = [choose(op, "auto", CPU) for op in (*OPERATORS, *OPERATORS)]
    assert chosen == [BACKENDS[op]["pytorch"] for op in (*OPERATORS, *OPERATORS)]
    assert [str(warning.message) for warning in given] == [want]


@pytest.mark.parametrize("op", OPERATORS)
def test_auto_goes_by_the_device_and_says_what_it_chose(monkeypatch, caplog, op):
    here, there = Backend(print, ("cpu",)), Backend(print, ("cuda",))
    monkeypatch.setitem(BACKENDS, op, {"pytorch": Backend(print), "here": here, "there": there})
    with caplog.at_level(logging.DEBUG, logger="terramamba.ops.backends"):
        assert choose(op, "auto", CPU) is here
        assert choose(op, "auto", CUDA) is there
        assert choose(op, "auto", torch.device("meta")) is BACKENDS[op]["pytorch"]
    assert f"{op} on cpu runs on backend here" in caplog.text


@pytest.mark.parametrize("op", OPERATORS)
def test_auto_never_takes_a_backend_that_is_less_precise_than_the_tensors(monkeypatch, op, never_warned):
    single = Backend(print, ("cpu",), widest=torch.float32)
    monkeypatch.setitem(BACKENDS, op, {"pytorch": Backend(print), "single": single})
    assert choose(op, "auto", CPU) is single
    assert choose(op, "auto", CPU, torch.bfloat16) is single
    assert choose(op, "auto", CPU, torch.float64) is BACKENDS[op]["pytorch"]
    assert choose(op, "single", CPU, torch.float64) is single
    # Where it would not have been taken, nobody needs to know that it cannot run.
    monkeypatch.setitem(BACKENDS[op], "single", Backend(print, ("cpu",), "not built", torch.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choose(op, "auto", CPU, torch.float64)


@pytest.mark.parametrize("op", OPERATORS)
def test_prefer_says_what_auto_is_in_its_block_and_in_no_other_thread(op):
    before, elsewhere = choose(op, "auto", CPU), []
    with prefer("pytorch"), prefer("reference"):
        assert choose(op, "auto", CPU) is BACKENDS[op]["reference"]
        assert choose(op, "pytorch", CPU) is BACKENDS[op]["pytorch"]
        thread = threading.Thread(target=lambda: elsewhere.append(choose(op, "auto", CPU)))
        thread.start()
        thread.join()
    assert choose(op, "auto", CPU) is elsewhere[0] is before


def test_prefer_ends_with_an_error_and_refuses_what_is_not_there():
    before = choose("lti_scan", "auto", CPU)
    with prefer("numba"), pytest.raises(ValueError, match="lti_scan has no backend 'numba'"):
        choose("lti_scan", "auto", CPU)
    with pytest.raises(KeyError), prefer("reference"):
        raise KeyError
    assert choose("lti_scan", "auto", CPU) is before


def test_a_compiler_has_no_graph_break_at_prefer():
    """In a process without checks of annotations, at which a compiler would stop."""
    code = """
import torch
from terramamba.ops import lti_scan, prefer
x, p = torch.randn(1, 5, 2), torch.rand(2, 3)
scan = torch.compile(lambda x: lti_scan(x, p[:, 0], -p, p, p), backend="eager", fullgraph=True)
with prefer("reference"):
    torch.testing.assert_close(scan(x), lti_scan(x, p[:, 0], -p, p, p))
"""
    python("-c", code, check=True, timeout=120)


def test_float64_tensors_keep_their_precision(seed):
    case = Case(l=20)
    inputs = case.inputs()
    (y, last), (want, _) = case.scan(inputs, "auto"), case.scan(inputs, "reference")
    assert y.dtype == last.dtype == torch.float64
    torch.testing.assert_close(y, want, rtol=1e-11, atol=1e-11)


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": (2, 0, 5, 6)}, "at least one pixel"),
        ({"x": (2, 15, 6)}, r"takes maps x \(b, h, w, d\)"),
        ({"delta": (2, 3, 5, 6)}, r"delta must be \(2, 3, 5, 4, 6\)"),
        ({"A": (6, 2)}, r"A must be \(24, 2\)"),
        ({"B": (2, 3, 5, 2, 2)}, r"B must be \(2, 3, 5, 4, 2\)"),
        ({"C": (2, 5, 3, 4, 2)}, r"C must be \(2, 3, 5, 4, 2\)"),
        ({"D": (6,)}, r"D must be \(24,\)"),
        ({"delta_bias": (6,)}, r"delta_bias must be \(24,\)"),
    ],
)
def test_selective_scan_2d_refuses_shapes_that_do_not_fit(unchecked, changes, message):
    with pytest.raises(ValueError, match=message):
        selective_scan_2d(**{name: torch.zeros(shape) for name, shape in (MAPS | changes).items()})


def test_unknown_paths_are_refused():
    with pytest.raises(ValueError, match="paths is one of 'cross', 'corners', not 'spiral'"):
        selective_scan_2d(**{name: torch.zeros(shape) for name, shape in MAPS.items()}, paths="spiral")


def test_unknown_discretizations_are_refused(unchecked):
    with pytest.raises(ValueError, match="'euler' or 'zoh', not 'tustin'"):
        selective_scan(**Case().inputs(), discretization="tustin")


def test_tensors_on_two_devices_are_refused():
    inputs = Case().inputs()
    inputs["A"] = inputs["A"].detach().to("meta")
    with pytest.raises(ValueError, match="A is on meta, u on cpu; move them to one device"):
        selective_scan(**inputs)
