from pathlib import Path

import pytest

from programs import python
from terramamba.ops import native_library


@pytest.mark.skipif(
    not native_library.levels(), reason="no native kernel: compilers leave the PyTorch scan's loop alone"
)
def test_models_compile_to_one_graph_and_come_out_the_same(seed):
    done = python(Path(__file__).with_name("compiled_models.py"), seed)
    assert done.returncode == 0, done.stderr
