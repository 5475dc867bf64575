"""What `terramamba classify train` can be told."""

from dataclasses import dataclass
from typing import Literal

from terramamba.training.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class ClassifySettings(TrainSettings):
    """Settings of `terramamba classify train`."""

    scene: str | None = None
    """Hyperspectral scene: GeoTIFF, ENVI, .mat, .npy, a folder of tiles, or a CSV with an `image` column;
    must be given unless --data is."""
    data: str | None = None
    """Name of a scene of the catalogue (see `terramamba datasets`), in place of --scene and --labels; its
    files in --root are verified first."""
    root: str | None = None
    """Folder that holds the scene which --data names."""
    labels: str | None = None
    """Labels: polygons, points or lines (GeoPackage, Shapefile, GeoJSON, in any reference system), ENVI's
    regions of interest as text, or a map (0 = unlabelled): GeoTIFF, PNG, .mat, .npy, a folder of tiles, or a
    CSV with a `mask` column."""
    mask: list[str] | None = None
    """Rasters of clouds or other pixels not to be used (not 0), on the scene's grid or georeferenced on any;
    a mask's own no data, and what lies outside it, is not masked."""
    model: str = "ssa_mamba"
    """Model (see `terramamba models`)."""
    scene_variable: str | None = None
    """Name of the array in a .mat or .npz scene; None: the only one that fits."""
    label_variable: str | None = None
    """Name of the array in a .mat or .npz label file; None: the only one that fits."""
    class_names: list[str] | None = None
    """Names of the classes in the order of their codes."""
    min_abundance: float = 0.7
    """Where labels are abundances: the least share of a pixel that makes it a label of its largest class."""
    class_attribute: str | None = None
    """Attribute of a vector file that says the class, in text or whole numbers; None: the only one that
    fits."""
    layer: str | None = None
    """Layer of a vector file; None: the only one with shapes."""
    all_touched: bool = False
    """A polygon labels every pixel that it covers any part of."""
    min_coverage: float = 0.5
    """Share of a pixel that a polygon must cover to label it, above 0 and at most 1; --all-touched overrides
    it."""
    split: Literal["block", "random", "polygon", "given"] = "block"
    """block: spatially separate parts (for judging); polygon: whole polygons of a vector file train, validate
    or test; random: the papers' protocol, which leaks; given: the label files named below."""
    train_labels: str | None = None
    """With --split given: labels of the training pixels."""
    val_labels: str | None = None
    """With --split given: labels of the validation pixels."""
    test_labels: str | None = None
    """With --split given: labels of the test pixels."""
    train_fraction: float = 0.1
    """Share of each class's labelled pixels (with --split polygon: of its polygons) for training; 2 or
    more: a number of them."""
    val_fraction: float = 0.1
    """Share of each class's labelled pixels (with --split polygon: of its polygons) for validation; 2 or
    more: a number of them."""
    min_per_class: int = 20
    """Least training pixels of a class, but never more than half of it."""
    patch_size: int | None = None
    """Side of the patch around a pixel, odd, in pixels; None: the model's."""
    border: Literal["reflect", "zeros"] = "reflect"
    """What stands beyond the scene's edge in a patch."""
    scaling: Literal["minmax", "standard"] = "minmax"
    """minmax: each band to [0, 1]; standard: mean 0, deviation 1; fitted on training pixels."""
    fit_on: Literal["train", "scene"] = "train"
    """Pixels that scaling is fitted on; scene: as the papers do, which leaks a little."""
    class_weights: bool = False
    """Weigh the loss by inverse class frequency."""
    token_loss: float = 0.0
    """Weight of the extra cross-entropy on the patch's own labelled training pixels (0: as published)."""
