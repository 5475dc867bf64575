"""What an experiment needs of a job beside its settings and scores."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from terramamba.data.catalog.record import DataSet
from terramamba.runs.folder import Run


class Timed(NamedTuple):
    """How fast a model maps some of its test set."""

    pixels: int
    seconds: float
    shape: tuple[int, ...]
    """Of a sample, batch 1, at which FLOPs are stated."""


@runtime_checkable
class ExperimentTask(Protocol):
    """A job, as an experiment compares models for it."""

    @property
    def comes_split(self) -> bool:
        """Whether its files themselves say what is for training, validation and test."""

    def reads(self, entry: Mapping[str, Any], known: DataSet | None) -> bool:
        """Tell whether it takes the files below ``data`` in an experiment, or the ``known`` set they name."""

    def look(self, settings: Any) -> None:
        """Open the files of runs with ``settings``; raise ``InputError`` where none of them can begin."""

    def time(self, run: Run, settings: Any) -> Timed:
        """Map some of the test set of a run with ``settings`` once more, for the speed."""
