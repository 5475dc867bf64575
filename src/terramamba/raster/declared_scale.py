"""Scale and offset that a file declares for its bands: physical value = stored value x scale + offset."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Shaped

DECLARED = "scale and offset"
"""How a note about what a file declares begins."""


@dataclass(frozen=True)
class DeclaredScale:
    """What the bands of a scene declare, and whether it is applied to their values.

    ``scales`` and ``offsets`` have one number for each band; ``stored`` is the type of the stored values.
    """

    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    stored: str
    applied: bool = False

    def of_bands(self, bands: Sequence[int | None]) -> "DeclaredScale":
        """Return what some bands (0-based) declare; None stands for one that is not there."""
        scales = tuple(1.0 if band is None else self.scales[band] for band in bands)
        offsets = tuple(0.0 if band is None else self.offsets[band] for band in bands)
        return replace(self, scales=scales, offsets=offsets)

    def as_stored(
        self, values: Shaped[np.ndarray, "c h w"], bands: Sequence[int]
    ) -> Shaped[np.ndarray, "c h w"]:
        """Return the stored values of ``bands`` (0-based) that became ``values``."""
        if not self.applied:
            return values
        scales, offsets = (np.array([of[band] for band in bands]) for of in (self.scales, self.offsets))
        stored = (values - offsets[:, None, None]) / scales[:, None, None]
        return np.rint(stored) if np.dtype(self.stored).kind in "iu" else stored.astype(self.stored)

    def in_words(self) -> str:
        """Say what is declared.

        >>> DeclaredScale((1e-4, 1e-4), (-0.1, 0.0), "uint16").in_words()
        'x 0.0001 + -0.1 to 0 by band'
        """
        added = f" + {_span(self.offsets)}" if any(self.offsets) else ""
        return f"x {_span(self.scales)}{added}"


def declared_scale(
    scales: Sequence[float], offsets: Sequence[float], stored: str
) -> tuple[DeclaredScale | None, str | None]:
    """Return what a file declares, None where that is nothing, or a note that it can mean nothing."""
    if set(scales) == {1.0} and not any(offsets):
        return None, None
    if not (np.isfinite([*scales, *offsets]).all() and all(scales)):
        said = f"{DECLARED} that the file declares ({_span(scales)} and {_span(offsets)}) cannot be applied"
        return None, said
    return DeclaredScale(tuple(map(float, scales)), tuple(map(float, offsets)), stored), None


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g} by band"
