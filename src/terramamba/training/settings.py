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
    """Processes that train together (DDP), one per device; torchrun and srun start their own."""
    loader_workers: int | None = None
    """Processes that read samples ahead of each device; None: none on a CPU, up to 4 on a GPU."""
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
