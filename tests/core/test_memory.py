"""The most memory that a process has held."""

import torch

from terramamba.core.memory import most_resident


def test_memory_held_is_never_given_back():
    before = most_resident()
    held = torch.ones(32 * 2**18)
    assert most_resident() - before > 16
    del held
    assert most_resident() - before > 16
