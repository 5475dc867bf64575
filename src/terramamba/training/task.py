"""What a job has: the one protocol between the engines, which know no job, and the wings, which are one each.

An engine (``pipeline``, ``report``, ``experiments``, ``mapping``) is handed a task and asks it. Only
``terramamba.tasks`` knows which there are.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from torch.utils.data import Dataset

from terramamba.core.display import Shown
from terramamba.core.errors import InputError
from terramamba.core.file_states import FileStates
from terramamba.core.options import Options
from terramamba.models.model import Model
from terramamba.scores.score import Scores
from terramamba.training.batches import Batch
from terramamba.training.checkpoint import Contents
from terramamba.training.objective import MakeObjective
from terramamba.training.plan import Plan
from terramamba.training.recipes import Practical
from terramamba.training.settings import TrainConfig, TrainSettings
from terramamba.training.workload import Volume

if TYPE_CHECKING:
    from terramamba.core.files import StrPath
    from terramamba.experiments.task import ExperimentTask
    from terramamba.export.network import TileNetwork
    from terramamba.export.settings import ExportSettings
    from terramamba.mapping.map_output import MapOutput
    from terramamba.mapping.plan import MapInputs, MapPlan
    from terramamba.models.spec import ModelSpec
    from terramamba.raster.scene import Scene
    from terramamba.report.task import ReportTask
    from terramamba.runs.folder import Run
    from terramamba.runs.model_card import DataCard, JudgedCard


@dataclass(frozen=True)
class Judgement:
    """What a trained model is worth on validation and on test, and what its card says of that."""

    scores: Mapping[str, Mapping[str, Any]]
    """Every score of ``validation`` and of ``test``, as plain numbers."""
    card: "JudgedCard"
    """What judging decides, such as a threshold or a temperature."""
    facts: Mapping[str, Any]
    """The same as entries of ``metrics.json``."""
    write: Callable[[Path], None]
    """Writes the tables behind the scores into a run folder."""


@runtime_checkable
class Prepared(Protocol):
    """The files of a training run, opened, checked and scaled; nothing has been written yet."""

    @property
    def settings(self) -> Any:
        """The task's settings, with what a sample is decided."""

    def volume(self) -> Volume:
        """Return how much there is to train on."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for people about what was assumed or left out."""

    @property
    def plan(self) -> Plan:
        """What was understood of the files: samples of each subset, bands, missing data, the split."""

    @property
    def model_options(self) -> Mapping[str, Any]:
        """Options of the model that follow from the data, such as its number of bands."""

    @property
    def class_weights(self) -> tuple[float, ...] | None:
        """Weights of the classes in the loss; None: all alike."""

    @property
    def card(self) -> "DataCard":
        """What the data decide: protocol, bands, scaling, classes."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Entries of ``metrics.json`` that the data decide, such as the samples of each subset."""

    @property
    def inputs(self) -> FileStates:
        """The state of the files when they were opened: they must stay as they are until training ends."""

    @property
    def contents(self) -> Contents:
        """Digests of what is trained on, by its name in words: a resumed run must have the same."""

    def training_set(self) -> Dataset[Batch]:
        """Return samples to train on, augmented as the settings say."""

    def validation_set(self) -> Dataset[Batch]:
        """Return samples that choose the best epoch."""

    def check(self, model: Model) -> None:
        """Raise ``InputError`` where the untrained ``model`` cannot do what the settings ask for."""

    def solve(self, spec: "ModelSpec") -> tuple[Model, dict[str, Any]]:
        """Fit the model of a ``spec`` that is solved for rather than trained, and say how that went."""

    def judge(self, model: Model, threshold: float | None) -> Judgement:
        """Score ``model`` on validation and, once, on test, at the ``threshold`` that validation chose."""

    def write_split(self, folder: Path) -> None:
        """Write which samples are for training, validation and test."""


class PreparedSamples(ABC):
    """What the samples of most jobs answer alike; a job's own, a ``Prepared``, are made of it."""

    @property
    def class_weights(self) -> tuple[float, ...] | None:
        """None: all classes alike."""
        return None

    @abstractmethod
    def training_set(self) -> Dataset[Batch]:
        """Return samples to train on, augmented as the settings say."""

    @abstractmethod
    def validation_set(self) -> Dataset[Batch]:
        """Return samples that choose the best epoch."""

    def volume(self) -> Volume:
        """Count the samples of training and validation, all of the shape of the first."""
        training, validation = self.training_set(), self.validation_set()
        count, others = len(training), len(validation)  # type: ignore[arg-type]
        return Volume(count, others, tuple(training[0]["image"].shape))

    def check(self, model: Model) -> None:  # noqa: B027  (a default)
        """Accept every model."""

    def solve(self, spec: "ModelSpec") -> tuple[Model, dict[str, Any]]:
        """Raise ``InputError``: no model is solved for."""
        raise InputError(f"--model {spec.name}: models for {spec.task} are trained, or have nothing to learn")


@runtime_checkable
class Task(Protocol):
    """A job: its settings, what it learns from, how it is scored, mapped, shown and explained."""

    @property
    def name(self) -> str:
        """As commands, model cards and models' records say it."""

    @property
    def title(self) -> str:
        """As a page heads it."""

    @property
    def settings(self) -> type[TrainSettings]:
        """The settings of its train command."""

    @property
    def config(self) -> type[TrainConfig]:
        """Those of its settings that training and the objective obey."""

    @property
    def scores(self) -> Scores:
        """What its models are judged by, in the order in which it is shown; the first one decides."""

    @property
    def objective(self) -> MakeObjective[Any]:
        """What training minimises, and how validation chooses; with ``class_weights``, where it has them."""

    @property
    def practical(self) -> Practical:
        """What the practical recipe makes of a workload."""

    def pretrained_run(self, given: str) -> "Run | None":
        """Make a run of weights that need no training, by name or folder; None: ``given`` names none."""

    def best_model(self, settings: Any) -> Any:
        """Return ``settings`` that leave the choice of the model, with the best one's name."""

    def named(self, settings: Any) -> Any:
        """Return ``settings`` with the files of the set of the catalogue that they name, if they name one."""

    def alternatives(self, settings: Any) -> Mapping[str, Any]:
        """Return the settings that validation is to choose from, by name; none where there is no choice."""

    def prepare(self, settings: Any, spec: "ModelSpec") -> Prepared:
        """Open and check the files that ``settings`` name; raises ``InputError``."""

    def evaluate(self, run: "Run", folder: Path | None = None, **options: Any) -> Mapping[str, Any]:
        """Score ``run`` on the samples that ``options`` name.

        Tables and images behind the scores are written into ``folder``. Returned are ``protocol``, ``notes``,
        scores of ``test`` and what else ``pipeline.evaluate`` reports of them.
        """

    def open_inputs(self, inputs: "Sequence[StrPath | Scene]", settings: Any) -> "Mapping[str, Scene]":
        """Open the scenes of a map; return them by what the job calls them. Raises ``InputError``."""

    def plan_map(self, given: "MapInputs", out: str, settings: Any) -> "MapPlan":
        """Say how ``given`` becomes a map with the name ``out``, as its map settings ask; write nothing."""

    def map_output(self, record: Mapping[str, Any]) -> "MapOutput":
        """Return what makes outputs of part files, from what a job's record says."""

    @property
    def report(self) -> "ReportTask":
        """Its sections of the page about a run and a map."""

    @property
    def experiment(self) -> "ExperimentTask":
        """How an experiment compares its models."""

    def explain(self, run: "Run", scenes: Sequence[str], **options: Any) -> dict[str, Any]:
        """Write an explanation of a run to a folder."""

    @property
    def explain_options(self) -> type[Options]:
        """What alone it can be told when it explains."""

    def shown_scores(self, result: Mapping[str, Any], scores: Scores) -> Shown:
        """Return what a terminal shows of what training or scoring found, ``result``."""

    def shown_explanation(self, found: Mapping[str, Any]) -> Shown:
        """Return what a terminal shows of what ``explain`` found."""

    def tile_network(self, run: "Run", settings: "ExportSettings") -> "TileNetwork":
        """Return the network of a run that a file is written of."""
