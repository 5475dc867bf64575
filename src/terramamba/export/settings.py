"""What `terramamba export` can be told beside the file."""

from dataclasses import dataclass
from typing import Annotated

from terramamba.core.options import ABOVE_ZERO, Options, at_least


@dataclass(frozen=True, kw_only=True)
class ExportSettings(Options):
    """How the model's tiles look, and for whom the file is."""

    tile: Annotated[int | None, at_least(16)] = None
    """Side of a tile in pixels; None: 256 for change, 64 for land cover. The number of tiles is free."""
    tilings: int = 4
    """Land cover: shifted tilings that are averaged, as of `classify map --mode fast`: 1, 2, 4 or 9."""
    calibrated: bool = False
    """Divide logits by the temperature that was fitted on the run's validation samples."""
    deepness: bool = False
    """For Deepness (QGIS) and geodeep: metadata as they read it, values divided by 255 as they hand them
    over, and the run's threshold at 0.5 between two classes."""
    pixel_size: Annotated[float | None, ABOVE_ZERO] = None
    """With --deepness, side of a pixel in metres that images are brought to; None: they stay as they are."""
    overwrite: bool = False
    """Replace an earlier file."""
