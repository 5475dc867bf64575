"""What a training run can be told: one field here is one flag, one YAML key and one keyword.

``None`` means: as the chosen model's published recipe says.
"""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Settings that both training commands share."""

    out: str
    """Run folder to write; must be new or empty unless --resume or --overwrite is given."""
    preset: str | None = None
    """Size of the model (see `terramamba models`); None: the model's default."""
    set: dict[str, Any] = field(default_factory=dict)
    """Any option of the model, as key=value; may be repeated."""
    epochs: int | None = None
    """Passes over the training samples."""
    batch_size: int | None = None
    """Samples per optimisation step, on each device."""
    lr: float | None = None
    """Peak learning rate."""
    weight_decay: float | None = None
    """Weight decay of the optimiser."""
    optimizer: Literal["adam", "adamw"] | None = None
    """Optimiser."""
    schedule: Literal["cosine", "poly", "constant"] | None = None
    """How the learning rate falls from its peak to zero over the epochs."""
    warmup_epochs: int | None = None
    """Epochs during which the learning rate rises linearly."""
    patience: int | None = None
    """Stop after this many epochs without a better validation score; 0: never."""
    seed: int = 42
    """Seed of split, initial weights, order of samples and augmentation."""
    seeds: int = 1
    """Number of repeats with seeds seed, seed+1, ...; mean and standard deviation are reported."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps, or auto: a GPU when there is one."""
    devices: int = 1
    """Processes that train together (DDP), one per device."""
    precision: Literal["32", "bf16"] = "32"
    """Arithmetic of the matrix products; the scan itself is always float32."""
    recompute: bool = False
    """Keep fewer activations and compute them again in the backward pass: less memory, about a quarter
    more time, the same result."""
    compile: bool = False
    """Run the model's blocks through torch.compile, which needs a C++ compiler and some time to start."""
    augment: bool = True
    """Augment training samples."""
    resume: bool = False
    """Continue an interrupted run in the same folder."""
    overwrite: bool = False
    """Replace an earlier run in the folder."""


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
    """Probability above which a pixel counts as changed; None: chosen on validation."""
    chosen_on_test: bool = False
    """Accept that validation and test are the same files; the result says so."""
