"""The Triton kernels without a GPU: right in Triton's interpreter, and accepted by its compiler.

Each test is a fresh interpreter, as Triton is told to interpret before it is imported.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

from programs import python
from terramamba.ops import triton

HERE = Path(__file__).parent
GROUPS = ("sizes", "lengths", "maps")


def run(*arguments: str, **environment: str) -> None:
    if find_spec("triton") is None:
        pytest.skip("Triton is not installed: pip install 'terramamba[triton]'")
    done = python(*arguments, cwd=HERE, env=environment, timeout=280, fresh=True)
    print(done.stdout)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("group", GROUPS)
def test_kernels_are_right_in_the_interpreter(seed, group):
    run("triton_cases.py", group, str(seed), TRITON_INTERPRET="1")


def test_kernels_compile_for_a_gpu(tmp_path):
    run("triton_compile.py", TRITON_CACHE_DIR=str(tmp_path))


def test_missing_parts_are_named(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(triton, "find_spec", lambda name: None)
    assert triton.reason().startswith("it needs Triton")
    monkeypatch.setattr(triton, "find_spec", lambda name: "there")
    assert triton.reason() == "it needs a CUDA device"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert triton.reason() == ""
