"""Where weights come from that a model begins with: what they learnt from, whose they are, on what terms.

It goes with the weights, into the card of every run that began with them and of every run that began with
that one, since terms and normalisation stay theirs.
"""

from dataclasses import dataclass
from typing import Annotated

from terramamba.core.typed import Bound, Finite, Text

Sha256 = Annotated[
    str, Bound("64 hexadecimal digits", lambda text: len(text) == 64 and set(text) <= set("0123456789abcdef"))
]


@dataclass(frozen=True)
class Normalisation:
    """Values that weights saw, where images come in with mean 0 and deviation 1."""

    mean: Finite
    deviation: Finite


@dataclass(frozen=True)
class WeightsOrigin:
    """Whose weights they are."""

    name: Text
    learnt_from: Text
    source: Text
    licence: Text
    sha256: Sha256 | None = None
    """Of the file that they were read from."""
    normalisation: Normalisation | None = None
    """None: not known, or none but the run's."""

    @property
    def words(self) -> str:
        """Say it in a line."""
        return f"{self.name}: {self.learnt_from} ({self.source}; {self.licence})"
