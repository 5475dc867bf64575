"""What `terramamba change train` can be told."""

from dataclasses import dataclass
from typing import Literal

from terramamba.training.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class ChangeSettings(TrainSettings):
    """Settings of `terramamba change train`."""

    data: str
    """Folder of image pairs in a known layout, or a CSV with split, before, after and label columns; a folder
    or column `mask` beside `label` marks clouds and other pixels not to be used. Or the name of a set of the
    catalogue (see `terramamba datasets`), whose files in --root are verified first."""
    root: str | None = None
    """Folder that holds the set which --data names, or that the paths in a CSV are relative to; None: the
    CSV's own."""
    align: Literal["bilinear", "cubic"] | None = None
    """Warp later dates onto the grid of the earlier, interpolated so; None: other grids are refused."""
    scene_variable: str | None = None
    """Name of the array or image in files that hold several, one for all; None: the only one that fits."""
    model: str = "glmamba"
    """Model (see `terramamba models`)."""
    crop_size: int = 256
    """Side of the random training crop in pixels; smaller images are taken whole."""
    crops_per_pair: int = 1
    """Training crops drawn from each pair in an epoch."""
    loss: Literal["bce", "bce_dice", "focal"] | None = None
    """Training loss."""
    pos_weight: float | None = None
    """Weight of changed pixels in the cross-entropy; None: 1."""
    exchange_dates: float = 0.0
    """Probability of exchanging the two dates of a training sample."""
    jitter: float = 0.0
    """Strength of the brightness, contrast and band jitter drawn for each date (0: none; 0.2: moderate)."""
    threshold: float | None = None
    """Least probability that counts as changed, in thousandths; None: chosen on validation."""
    chosen_on_test: bool = False
    """Accept that validation and test are the same files; the result says so."""
