"""The most memory that a process has held."""

import subprocess
import sys

CODE = """
from terramamba.core.memory import most_resident
before = most_resident()
held = bytearray(b"1" * 2**25)
with_it = most_resident()
del held
print(with_it - before > 16, most_resident() == with_it)
"""


def test_memory_that_was_held_counts_after_it_is_given_back():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=100)
    assert done.stdout == "True True\n", done.stderr
