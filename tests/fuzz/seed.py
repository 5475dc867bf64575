"""What a seed of the fuzzer is: a file that is to be damaged, and the commands that read it."""

from dataclasses import dataclass

FILE = "{}"
"""Stands for the mutant in the words of a command."""


@dataclass(frozen=True)
class Seed:
    """A file ``path`` below the folder of seeds that is to be damaged, and what then reads it.

    ``beside`` are files and folders that have to lie beside the mutant. Words of ``commands`` are relative
    to a copy of them; ``FILE`` is the mutant.
    """

    kind: str
    path: str
    commands: tuple[tuple[str, ...], ...]
    beside: tuple[str, ...] = ()
