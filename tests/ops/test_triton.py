"""The Triton kernels without a GPU: right in Triton's interpreter, and accepted by its compiler.

Each is a fresh interpreter, as Triton is told to interpret before it is imported.
"""

import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from programs import python
from terramamba.ops import backends, triton, triton_trial

HERE = Path(__file__).parent
SPILLS = HERE.parents[1] / "benchmarks" / "spills.py"
SAMPLE = ("--states", "1", "--gpus", "80", "--launches", "map", "--discretizations", "zoh")
"""Of the launches; `make test-triton` compiles all."""


def run(*arguments: str, **environment: str) -> str:
    if find_spec("triton") is None:
        pytest.skip("Triton is not installed: pip install 'terramamba[triton]'")
    done = python(*arguments, cwd=HERE, env=environment, timeout=280, fresh=True)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("groups", [("sizes",), ("lengths", "maps", "trial")], ids=" ".join)
def test_kernels_are_right_in_the_interpreter(seed, groups):
    run("triton_cases.py", str(seed), *groups, TRITON_INTERPRET="1")


def test_kernels_compile_as_they_are_launched_and_forward_spill_nothing():
    said = run(str(SPILLS), *SAMPLE)
    spilled = dict(re.findall(r"(\w+(?:, backward)?) (\d+)", said.splitlines()[-1].partition(": ")[2]))
    assert {"outputs", "gradients", "convolve", "chunk_states, backward"} < {*spilled}
    assert spilled["outputs"] == spilled["chunk_states"] == "0"


def test_missing_parts_are_named(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(triton, "find_spec", lambda name: None)
    assert triton.reason().startswith("it needs Triton")
    monkeypatch.setattr(triton, "find_spec", lambda name: "there")
    assert triton.reason() == "it needs a CUDA device"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert triton.reason() == ""


@pytest.fixture
def never_tried():
    triton_trial.failure.cache_clear()
    yield
    triton_trial.failure.cache_clear()


@pytest.mark.parametrize(
    ("launch", "reason"),
    [
        (RuntimeError("no C compiler\nwas found"), "a small launch on cpu failed (no C compiler was found)"),
        (torch.full((1, 1, 3), 2.0), "a small launch on cpu gave [2.0, 2.0, 2.0], not [1.0, 2.0, 3.0]"),
    ],
)
def test_kernels_that_fail_a_small_launch_are_not_chosen(monkeypatch, never_tried, launch, reason):
    tried = []

    def forward(*arguments, **options):
        tried.append(torch.is_autocast_enabled("cpu"))
        if isinstance(launch, Exception):
            raise launch
        return launch, None, None

    monkeypatch.setattr(triton, "forward", forward)
    for op, table in backends.BACKENDS.items():
        kernels = replace(table["triton"], first_choice_on=("cpu",), reason="")
        monkeypatch.setitem(backends.BACKENDS, op, {"triton": kernels, "pytorch": table["pytorch"]})
    backends._warn_once.cache_clear()
    cpu = torch.device("cpu")
    with pytest.warns(RuntimeWarning) as warned, torch.autocast("cpu"):
        chosen = {op: backends.choose(op, "auto", cpu) for op in backends.BACKENDS}
    backends._warn_once.cache_clear()
    assert [reason in str(warning.message) for warning in warned] == [True]
    for op, table in backends.BACKENDS.items():
        assert chosen[op] is table["pytorch"]
        assert backends.available_backends(op)["triton"] == reason
        with pytest.raises(ValueError, match="cannot run here: a small launch on cpu"):
            backends.choose(op, "triton", cpu)
    assert tried == [False]


def test_no_kernel_is_tried_where_parts_of_it_are_missing():
    tried = []
    kernel = backends.Backend(print, ("cpu",), reason="it needs Triton", trial=tried.append)
    assert kernel.failure() == kernel.failure(torch.device("cpu")) == "it needs Triton"
    assert replace(kernel, reason="").failure(torch.device("meta")) == ""
    assert not tried
