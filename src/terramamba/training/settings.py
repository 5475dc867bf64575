"""The settings of a training run, in groups that both train commands and others are put together from.

What is not given of the options that a recipe decides is decided by ``recipes.resolve``.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from terramamba.core.errors import InputError
from terramamba.core.options import (
    ABOVE_ZERO,
    BY_STEPS,
    MAY_DIFFER,
    RECORD,
    UNDECIDED,
    ByRecipe,
    Options,
    Silent,
    at_least,
)

ChangeLoss = Literal["bce", "bce_dice", "focal"]
Precision = Literal["32", "bf16"]
Schedule = Literal["cosine", "poly", "constant"]


@dataclass(frozen=True, kw_only=True)
class OnDevice(Options):
    """Where a model runs."""

    heading: ClassVar[str] = "computing"

    device: Annotated[str, MAY_DIFFER] = "auto"
    """cpu, cuda, cuda:1, mps, or auto: a GPU when there is one."""


@dataclass(frozen=True, kw_only=True)
class Arithmetic(OnDevice):
    """Where a model runs, and in which numbers."""

    precision: Annotated[Precision, BY_STEPS] = "32"
    """Arithmetic of the matrix products; the scan itself is always float32."""


@dataclass(frozen=True, kw_only=True)
class Compute(Arithmetic):
    """Who computes, and at what price in memory and time."""

    devices: Annotated[int, at_least(1), BY_STEPS] = 1
    """Processes that train together (DDP), one per device."""
    loader_workers: Annotated[int | None, at_least(0), MAY_DIFFER, BY_STEPS] = None
    """Processes that read samples ahead of each device; None: none on a CPU, up to 4 on a GPU."""
    recompute: Annotated[bool, MAY_DIFFER, BY_STEPS] = False
    """Keep fewer activations and compute them again in the backward pass: less memory, about a quarter
    more time, the same result."""
    compile: Annotated[bool, MAY_DIFFER, BY_STEPS] = False
    """Run the model's blocks through torch.compile, which needs a C++ compiler and some time to start."""


@dataclass(frozen=True, kw_only=True)
class Optimisation(Options):
    """How the weights are optimised."""

    heading: ClassVar[str] = "training"

    recipe: Literal["practical", "published"] = "practical"
    """What decides the settings that are not given. practical: by the number of samples, the size of the
    model and the device (docs/recipes.md); published: as the model's paper has them."""
    epochs: Annotated[ByRecipe[int], at_least(1), BY_STEPS] = UNDECIDED
    """Passes over the training samples."""
    batch_size: Annotated[ByRecipe[int], at_least(1), Silent(16), BY_STEPS] = UNDECIDED
    """Samples per optimisation step, on each device."""
    lr: Annotated[ByRecipe[float], ABOVE_ZERO, Silent(1e-3), BY_STEPS] = UNDECIDED
    """Peak learning rate."""
    weight_decay: Annotated[ByRecipe[float], at_least(0), Silent(0.0), BY_STEPS] = UNDECIDED
    """Weight decay of the optimiser."""
    optimizer: Annotated[ByRecipe[Literal["adam", "adamw"]], Silent("adam"), BY_STEPS] = UNDECIDED
    """Optimiser."""
    schedule: Annotated[ByRecipe[Schedule], Silent("cosine"), BY_STEPS] = UNDECIDED
    """How the learning rate falls from its peak. cosine: to 0, step by step; poly: epoch by epoch, by
    --poly-power; constant: not at all."""
    poly_power: Annotated[ByRecipe[float], ABOVE_ZERO, Silent(0.9), BY_STEPS] = UNDECIDED
    """With --schedule poly, the rate is its peak times (1 - epoch / epochs) to this power."""
    warmup_epochs: Annotated[ByRecipe[int], at_least(0), Silent(0), BY_STEPS] = UNDECIDED
    """Epochs during which the learning rate rises linearly, step by step."""
    clip_norm: Annotated[ByRecipe[float], at_least(0), Silent(0.0), BY_STEPS] = UNDECIDED
    """Largest norm of the gradient of all weights together; 0: not clipped."""
    patience: Annotated[ByRecipe[int], at_least(0), Silent(0), BY_STEPS] = UNDECIDED
    """Stop after this many epochs without a better validation score; 0: never."""
    seed: Annotated[int, at_least(0)] = 42
    """Seed of split, initial weights, order of samples and augmentation."""
    decided: Annotated[list[str], MAY_DIFFER, RECORD] = field(default_factory=list)
    """Settings that the recipe decided, because they were not given."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where the learning rate would only rise."""
        if None not in (self.warmup_epochs, self.epochs) and self.warmup_epochs >= max(self.epochs, 1):
            raise InputError(f"--warmup-epochs {self.warmup_epochs}: must be below the {self.epochs} epochs")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Compute, Optimisation):
    """Everything that ``fit`` obeys, whatever the task."""


AUTO = "auto"
"""In place of a model's name: chosen for the user, and kept by its own name."""


@dataclass(frozen=True, kw_only=True)
class ModelChoice(Options):
    """Which model."""

    heading: ClassVar[str] = "model"

    model: str = AUTO
    """Model (see `terramamba models`); auto: this project's own of the job, or that of a run which --init
    or --resume names."""
    preset: ByRecipe[str] = UNDECIDED
    """Size of the model (see `terramamba models`); None: the model's default."""
    encoder: Annotated[str | None, BY_STEPS] = None
    """Encoder in place of the model's own, such as efficientnet_lite0 (docs/encoders.md); None: its own."""
    encoder_weights: Annotated[str | None, BY_STEPS] = None
    """Weights that the model's encoder begins with: imagenet, or a file (docs/encoders.md); None: from
    scratch."""
    encoder_rate: Annotated[float | None, at_least(0), BY_STEPS] = None
    """Learning rate of an encoder that begins with --encoder-weights or --init, as a share of --lr; 0: its
    weights stay. None: a quarter with --encoder-weights, the whole with --init."""
    init: Annotated[str | None, BY_STEPS] = None
    """Run folder, pretrained weights by their name or folder, or either on the hub, such as
    hf:ORG/NAME, with which training begins as far as classes and bands allow; the model has their sizes.
    None: from scratch."""
    set: dict[str, Any] = field(default_factory=dict)
    """Any option of the model, as key=value; may be repeated."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where the model would begin with two things."""
        if self.init is not None and self.encoder_weights is not None:
            raise InputError("--init and --encoder-weights: a run brings its own encoder; give one of them")


@dataclass(frozen=True, kw_only=True)
class RunOutput(Options):
    """What is written where, and how often."""

    out: Annotated[str, MAY_DIFFER]
    """Run folder to write; must be new or empty unless --resume or --overwrite is given."""
    seeds: Annotated[int, at_least(1)] = 1
    """Number of repeats with seeds seed, seed+1, ...; mean and standard deviation are reported."""
    dry_run: Annotated[bool, MAY_DIFFER] = False
    """Say what was understood of the files and what would be trained, with the expected time, and stop."""
    resume: Annotated[bool, MAY_DIFFER] = False
    """Continue an interrupted run in the same folder."""
    overwrite: Annotated[bool, MAY_DIFFER] = False
    """Replace an earlier run in the folder, once the new one is complete."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings(TrainConfig, ModelChoice, RunOutput):
    """Settings that both training commands have."""

    heading: ClassVar[str] = "training"

    augment: bool = True
    """Augment training samples."""
