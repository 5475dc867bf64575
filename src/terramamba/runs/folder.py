"""The run folder: made ready for training, its model loaded to be used; ``run_files`` lists what is in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Int

from terramamba.core.arguments import checked
from terramamba.core.documents import read_yaml
from terramamba.core.errors import InputError
from terramamba.core.files import plain, write_table, write_yaml
from terramamba.core.folder_lock import require_no_link
from terramamba.core.hub import at_hand
from terramamba.core.options import before_it_was_there, identity, options_of
from terramamba.core.output_place import require_place
from terramamba.core.regular import require_regular
from terramamba.core.run_files import CARD, CHECKPOINT, CONFIG, LOG, WEIGHTS
from terramamba.core.termination import RESUMABLE
from terramamba.core.typed import FieldError, of_kind
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.scaling import Scaling
from terramamba.models.model import Model
from terramamba.models.registry import model_spec
from terramamba.models.weights import load_model
from terramamba.raster.notebook_pictures import table_html
from terramamba.runs.clearing import clear, holds_run, is_run_folder
from terramamba.runs.exchange import final, place_of, refuse_unsettled
from terramamba.runs.model_card import ModelCard, PatchShape, ThresholdSource, read_card
from terramamba.runs.run_lock import at_work, contents, refuse_at_work
from terramamba.runs.run_log import run_log
from terramamba.training.config import unobeyed
from terramamba.training.recipes import decide
from terramamba.training.settings import TrainSettings

S = TypeVar("S", bound=TrainSettings)
T = TypeVar("T")


def check_folder(out: str | Path, *, resume: bool = False, overwrite: bool = False, seeds: int = 1) -> Path:
    """Return ``out`` as a path, when a run of ``seeds`` may be written there.

    What a kill has left of an exchange of runs is put right; nothing else is touched. A new run wants a
    folder that is new or empty; ``overwrite`` and ``resume`` want an earlier run. A folder in which a kill
    has left nothing but hidden drafts is as an empty one, which may be resumed too.

    Raises:
        InputError: another job writes the folder, it is no run folder, or has nothing to resume.
    """
    folder = Path(out)
    require_place(folder)
    refuse_at_work(folder)
    _check(folder, resume=resume, overwrite=overwrite, seeds=seeds)
    return folder


def _check(folder: Path, *, resume: bool, overwrite: bool, seeds: int = 1) -> None:
    if resume and overwrite:
        raise InputError("--resume and --overwrite exclude each other; give one of them")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give another --out")
    inside = contents(folder) if folder.is_dir() else []
    begun = is_run_folder if seeds == 1 else holds_run  # of several, each keeps its own settings
    if resume and not begun(place_of(folder, resume=True)) and (inside or not folder.is_dir()):
        raise InputError(f"{folder} is no run folder, so there is nothing to resume; leave out --resume")
    if not resume and inside:
        if not overwrite:
            raise InputError(
                f"{folder} is not empty; give --resume to go on, --overwrite to start again, or another --out"
            )
        if not holds_run(folder):
            raise InputError(f"{folder} is not empty and not a run folder, so it stays; give another --out")
    # Files are replaced by renaming, which follows no link; what is appended to, and folders, are not.
    for path in (folder / LOG, (folder / CHECKPOINT).parent):
        require_no_link(path)
        require_regular(path)


@contextmanager
def run_folder(settings: TrainSettings) -> Iterator[Path]:
    """Open the folder of a run that begins or goes on: held, made ready, its settings kept, its log open.

    Raises:
        InputError: as ``check_folder``, or the run to resume had other settings.
    """
    folder = Path(settings.out)
    with at_work(folder):
        # Another job may have written here since it was looked at first.
        _check(folder, resume=settings.resume, overwrite=settings.overwrite)
        if settings.resume and is_run_folder(folder):
            check_same_config(folder, settings)
        else:
            if settings.overwrite and holds_run(folder):
                clear(folder, keep_settings=True)
            kept = replace(settings, out=final(settings.out), overwrite=False, resume=False)
            write_yaml(folder / CONFIG, asdict(kept))
        try:
            with run_log(folder):
                yield folder
        except KeyboardInterrupt as stop:
            stop.add_note(RESUMABLE)
            raise


def as_begun(settings: S) -> S:
    """Return ``settings``; where they resume a run, with what the recipe decided when it began."""
    folder = place_of(Path(settings.out), resume=settings.resume)
    if not settings.resume or not is_run_folder(folder):
        return settings
    record = _kept_settings(folder)
    return decide(settings, {name: record.get(name) for name in record["decided"]})


def with_kept_model(settings: S) -> S | None:
    """Return ``settings`` with the model of the run that they resume; None where they resume none."""
    folder = place_of(Path(settings.out), resume=settings.resume)
    if not settings.resume or not is_run_folder(folder):
        return None
    record = _kept_settings(folder)
    begun = settings.encoder_weights or record.get("encoder_weights")
    return replace(settings, model=str(record.get("model")), encoder_weights=begun)


def check_same_config(folder: Path, settings: TrainSettings) -> None:
    """Raise ``InputError`` naming the first setting that differs from the run's own and must not.

    A setting that is left to the recipe is the run's where the recipe decided it there. One that was not
    there yet when the run began is compared as its default. What the model cannot obey makes no difference.
    """
    record = _kept_settings(folder)
    kind = type(settings)
    old = plain(before_it_was_there(kind)) | record
    same, decided = plain(identity(settings)), record["decided"]
    free = {option.name for option in options_of(kind) if option.may_differ}
    free |= unobeyed(kind, model_spec(settings.model))
    for key in [key for key in dict.fromkeys([*same, *old]) if key not in free]:
        left_open = same.get(key) is None and (key in decided or key not in record)
        if not left_open and old.get(key) != same.get(key):
            raise InputError(
                f"{folder}: the run has {key} {old.get(key)!r}, not {same.get(key)!r}; resume it with the"
                " same settings, or give another --out"
            )


def _kept_settings(folder: Path) -> dict[str, Any]:
    """Read the settings of the run in ``folder``; ``decided`` are names, none in runs of earlier versions."""
    remedy = "restore it or train the run anew"
    record = read_yaml(folder / CONFIG, remedy)
    try:
        return record | {"decided": of_kind(list[str], record.get("decided") or [])}
    except FieldError as error:
        where = folder / CONFIG
        raise InputError(f"{where}: decided has {error.value!r}, not {error.wanted}; {remedy}") from error


def write_confusion(path: Path, confusion: Int[np.ndarray, "k k"], names: Sequence[str]) -> None:
    """Write a confusion matrix as CSV: a row for each class of the truth, a column for each predicted one."""
    rows = [[name, *row.tolist()] for name, row in zip(names, confusion, strict=True)]
    write_table(path, ["truth", *names], rows)


@dataclass(frozen=True)
class Run:
    """A trained model with all that is needed to use it.

    The properties raise ``InputError`` where the card lacks what they say.
    """

    folder: Path
    model: Model
    card: ModelCard

    @property
    def task(self) -> str:
        """``classify`` or ``change``."""
        return self.card.task

    @property
    def scaling(self) -> Scaling:
        """Band choice and scaling of the model's input."""
        return self.card.data.scaling

    @property
    def classes(self) -> ClassTable:
        """The classes in the order of the model's outputs."""
        return self.card.data.classes

    @property
    def patches(self) -> PatchShape:
        """What the model is given of a pixel's surroundings."""
        return self._had(self.card.data.patches, "patches")

    @property
    def threshold(self) -> float:
        """Least probability that counts as changed."""
        return self._had(self.card.judged.threshold, "threshold").value

    @property
    def threshold_source(self) -> ThresholdSource:
        """Where the threshold is from."""
        return self._had(self.card.judged.threshold, "threshold").source

    @property
    def fractions(self) -> Mapping[str, tuple[int, ...]]:
        """Codes of the classes whose probabilities add up to the fraction that each material covers."""
        if self.card.data.fractions is None:
            raise InputError(
                f"--fractions: the probabilities of {self.folder} are of classes, not of what covers how"
                " much; leave it out, or map with --weights spectral-library"
            )
        return self.card.data.fractions

    @property
    def temperature(self) -> float | None:
        """By which logits are divided to make probabilities that hold; None: the run never fitted one."""
        fitted = self.card.judged.calibration
        return None if fitted is None else fitted.temperature

    @property
    def split_id(self) -> str:
        """Which pixels or pairs were for training, validation and test, in short."""
        return self.card.data.split_id

    def _repr_html_(self) -> str:
        """The run in a notebook: what was trained, and on what."""
        data, model = self.card.data, self.card.model
        facts = [
            ("run", self.folder),
            ("task", self.task),
            ("model", f"{model.name} ({model.preset})"),
            ("bands", f"{len(data.scaling.bands)} of {data.source_bands}"),
            ("classes", ", ".join(data.classes.names)),
            ("protocol", data.protocol),
        ]
        return table_html(facts)

    def _had(self, group: T | None, name: str) -> T:
        if group is None:
            raise InputError(f"{self.folder / CARD} has no {name!r}; train the model anew")
        return group


@checked
def load_run(folder: str | Path) -> Run:
    """Load the run in ``folder``, or on the hub (``hf:ORG/NAME``), its model on the CPU in evaluation mode.

    Raises:
        InputError: a file is missing, damaged, of a later version, or does not belong to the others.
    """
    path = Path(at_hand(folder if isinstance(folder, str) else folder.as_posix()))
    refuse_unsettled(path)
    if not path.is_dir():
        raise InputError(f"{path} is not a folder; give the run folder that training wrote")
    card = read_card(path)
    return Run(path, load_model(path / WEIGHTS, card.model), card)
