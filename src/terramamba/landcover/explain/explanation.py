"""What is found about a classifier, before it becomes files."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from terramamba.explain.attention import Attention
from terramamba.explain.importance import BandGroup, Importance
from terramamba.explain.pixels import Pixel
from terramamba.landcover.explain.patches import Patches
from terramamba.landcover.explain.pixels import Chosen
from terramamba.runs.folder import Run


@dataclass(frozen=True, eq=False)
class PixelAnswer:
    """One pixel: where, its class probabilities, and the attention there (None without any)."""

    pixel: Pixel
    probability: Float32[np.ndarray, " k"]
    attention: Attention | None


@dataclass(frozen=True, eq=False)
class ClassExplanation:
    """What was found; ``truth`` says whether ``classes`` (0-based, one a pixel) are labels or predictions."""

    run: Run
    chosen: Chosen
    classes: Int64[np.ndarray, " m"]
    truth: bool
    attention: Attention | None
    groups: tuple[BandGroup, ...]
    importance: Importance | None
    answers: tuple[PixelAnswer, ...]
    patches: Patches
    """Patches of the pixels in ``answers``."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.run.classes.names
