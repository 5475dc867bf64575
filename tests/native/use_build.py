"""What a build of the package must do, as a program in a process of its own.

    PYTHONPATH=BUILD:tests/ops python tests/native/use_build.py BUILD [LEVEL ...]

The levels are those that the CPU kernel must have, the fastest first; none: it was not built.
"""

import sys
import warnings
from pathlib import Path

import pytest
import torch
from scan_cases import CORNERS, assert_close, wave
from scan_ways import FLOAT32, at_level

import terramamba
from terramamba.ops import available_backends, lti_scan, native_library, selective_scan
from terramamba.ops.backends import BACKENDS

BUILD, *LEVELS = sys.argv[1:]
torch.manual_seed(0)  # some draws cancel in a sum, where float32 cannot keep the bounds


def check_kernel(level: str) -> None:
    """Scans and convolutions are right at this level, forth and back."""
    for case in CORNERS:
        inputs = case.inputs()
        single = case.cast(inputs, torch.float32)
        truth = case.results(inputs, "reference")
        with at_level(level):
            got = case.results(single, "native")
        assert_close(got, truth, **FLOAT32, plain=lambda c=case, x=single: c.results(x, "reference"))
    given = [
        torch.randn(9, 49, 33),
        torch.rand(33),
        -torch.rand(33, 4),
        torch.randn(33, 4),
        torch.randn(33, 4),
    ]
    truth, got = (
        convolved([x.detach().to(dtype).requires_grad_() for x in given], backend)
        for dtype, backend in ((torch.float64, "reference"), (torch.float32, "native"))
    )
    assert_close(got, truth, **FLOAT32)


def convolved(inputs: list[torch.Tensor], backend: str) -> dict[str, torch.Tensor]:
    y = lti_scan(*inputs, backend=backend)
    names = ("y", "x", "delta", "A", "B", "C")
    return dict(zip(names, (y, *torch.autograd.grad((y * wave(y)).sum(), inputs)), strict=True))


def check_that_it_does_without() -> None:
    """The package says what is missing, warns once, and scans all the same."""
    for op in BACKENDS:
        assert "install a C++ compiler" in available_backends(op)["native"]
    case = CORNERS[1]
    single = case.inputs(torch.float32)
    x, p = torch.randn(2, 9, 3), torch.rand(3, 4)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        y, _ = case.scan(single, "auto")
        case.scan(single, "auto")
        lti_scan(x, p[:, 0], -p, p, p)
    assert [warning.category for warning in given] == [RuntimeWarning]
    assert "install a C++ compiler" in str(given[0].message)
    assert torch.equal(y, case.scan(single, "pytorch")[0])
    with pytest.raises(ValueError, match="'native' of selective_scan cannot run here: it was not built"):
        selective_scan(**single, backend="native")


assert Path(terramamba.__file__).is_relative_to(BUILD), terramamba.__file__
assert list(native_library.levels()) == LEVELS, native_library.levels()
if not LEVELS:
    check_that_it_does_without()
for name in LEVELS:
    check_kernel(name)
print("all is well")
