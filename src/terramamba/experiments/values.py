"""What an experiment is made of, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from terramamba.training.task import Task

Settings = Mapping[str, Any]
Tasks = Mapping[str, Task]
"""By their names."""

OURS = ("ssa_mamba", "glmamba")
"""Models that are no baselines unless a file says so."""
PATHS = ("scene", "labels", "mask", "train_labels", "val_labels", "test_labels", "data", "root")
GIVEN = "given"
"""The split of files that say themselves what is for training, validation and test."""


class Published(NamedTuple):
    """Scores as a paper prints them, in per cent, with the protocol that they were reached by."""

    model: str
    scores: Mapping[str, float]
    protocol: str
    source: str


@dataclass(frozen=True)
class DataSet:
    """A scene with labels, or a set of pairs."""

    name: str
    task: Task
    settings: Settings
    splits: tuple[str, ...]
    seeds: tuple[int, ...]
    published: tuple[Published, ...]


@dataclass(frozen=True)
class ConfiguredModel:
    """A model with its settings, under the name that tables show."""

    name: str
    task: Task
    settings: Settings
    baseline: bool
    only: tuple[str, ...]
    """Names of the sets that it runs on; empty: all of its task."""


@dataclass(frozen=True)
class Ablation:
    """A model with something changed."""

    name: str
    of: str
    settings: Settings
    only: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    """Names of the splits that it runs on; empty: all of the set."""


class Axis(NamedTuple):
    """A setting (``lr``) or an option of the model (``set.depth``) that is searched."""

    name: str
    choices: tuple[Any, ...]
    """Values to choose among; empty: any number from ``low`` to ``high``."""
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False


@dataclass(frozen=True)
class Search:
    """Settings of a model that optuna searches."""

    of: str
    trials: int
    axes: tuple[Axis, ...]
    only: tuple[str, ...]
    splits: tuple[str, ...]


@dataclass(frozen=True)
class Experiment:
    """All that a file asks for, checked."""

    name: str
    settings: Mapping[str, Settings]
    """Common settings by task."""
    data: tuple[DataSet, ...]
    splits: Mapping[str, Settings]
    models: tuple[ConfiguredModel, ...]
    ablations: tuple[Ablation, ...]
    searches: tuple[Search, ...]
