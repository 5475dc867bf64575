"""Values that a file packs into other numbers: what it declares to make them out of those is applied."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from terramamba.raster.scene import Source
from terramamba.raster.windows import Window

DECLARED = "values are the stored ones"
"""How a note begins that says what was applied, because the file declares it."""


@dataclass(frozen=True)
class PhysicalSource:
    """Stored values times the gain of their band plus its offset; NaN where there is no data."""

    source: Source
    gains: tuple[float, ...]
    offsets: tuple[float, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Float32[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        stored, valid = self.source.read(window, bands, shape)
        gains, offsets = (np.array([of[band] for band in bands]) for of in (self.gains, self.offsets))
        values = stored * gains[:, None, None] + offsets[:, None, None]
        return np.where(valid, values, np.nan).astype(np.float32), valid


def declared_in_words(gains: Sequence[float], offsets: Sequence[float], remedy: str = "") -> str:
    """Say what is applied; ``remedy`` ends it."""
    said = [_span(values) for values in (gains, offsets)]
    added = "" if not any(offsets) else f" + {said[1]}"
    return f"{DECLARED} x {said[0]}{added}, as the file declares{remedy}"


def is_declared(notes: Sequence[str]) -> bool:
    """Tell whether ``notes`` on a scene say that something was applied, because its file declares it."""
    return any(note.startswith(DECLARED) for note in notes)


def with_declared(notes: Sequence[str], others: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Add to the notes on one part of a scene what was applied to ``others``."""
    found = [note for own in others for note in own if note.startswith(DECLARED)]
    return tuple(dict.fromkeys([*notes, *found]))


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g} by band"
