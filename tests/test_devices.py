"""The memory of a process that a CPU works in."""

import subprocess
import sys

import pytest

from terramamba.devices import keep_freed_memory

PAGES = 4096
FAULTS = """
import sys
from resource import RUSAGE_SELF, getrusage
import torch
from terramamba.devices import resolve_device
if sys.argv[1] == "kept":
    resolve_device("cpu")
before = getrusage(RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(4096, 1024)
print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library has no such option")
def test_the_process_asks_for_the_memory_of_a_tensor_once():
    assert page_faults("kept") < 3 * PAGES < page_faults("as it was")
