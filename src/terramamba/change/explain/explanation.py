"""What is found about a change detector, before it becomes files."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from terramamba.explain.activations import Evidence
from terramamba.raster.scene import Scene
from terramamba.runs.folder import Run
from terramamba.scores.thresholds import changed


@dataclass(frozen=True, eq=False)
class ChangeExplanation:
    """What was found in a window; ``dates`` are cut to it, ``usable`` pixels have data at both."""

    run: Run
    dates: tuple[Scene, Scene]
    usable: Bool[np.ndarray, "h w"]
    evidence: Evidence
    threshold: float
    """Least probability that counts as changed."""

    @property
    def marked(self) -> Bool[np.ndarray, "h w"]:
        """Pixels that the map would mark as changed."""
        return self.usable & changed(self.evidence.probability, self.threshold)
