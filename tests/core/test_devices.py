"""The memory and the threads of a process that works on a CPU."""

import pytest

from programs import python
from terramamba.core.devices import keep_freed_memory

FAULTS = """
from resource import RUSAGE_SELF, getrusage
import torch
from terramamba.core.devices import resolve_device
for how in ("as it was", "kept"):
    if how == "kept":
        resolve_device("cpu")
    for i in range(40):
        if i == 20:
            before = getrusage(RUSAGE_SELF).ru_minflt
        torch.ones(10, 1024, 1024)
    print((getrusage(RUSAGE_SELF).ru_minflt - before) / 20)
"""
THREADS = """
import numpy, scipy.linalg, torch
from threadpoolctl import threadpool_info
from terramamba.core.devices import use_threads
use_threads(2)
use_threads(1)
print("torch", torch.get_num_threads())
for pool in threadpool_info():
    print(pool["filepath"].split("/")[-1].replace(" ", "_"), pool["num_threads"])
"""
MIB = 40
"""Of a tensor: more than the C library keeps on its own."""


@pytest.mark.skipif(keep_freed_memory() < MIB << 20, reason="the C library cannot be told to")
def test_memory_of_tensors_is_used_again():
    """Page faults for each time that a tensor is made and dropped; it has 256 pages of 4 KiB a MiB."""
    done = python("-c", FAULTS, check=True, fresh=True)  # its memory is nobody else's
    as_it_was, kept = map(float, done.stdout.split())
    assert kept < 64 * MIB < as_it_was


def test_threads_are_those_of_all_libraries():
    done = python("-c", THREADS, check=True)
    print(done.stdout)
    pools = dict(line.split() for line in done.stdout.splitlines())
    assert pools.pop("torch") == "1"
    assert set(pools.values()) == {"1"}
