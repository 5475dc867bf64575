"""The run folder: made, written and read back.

::

    config.yaml                          every setting, resolved; written first, marks the folder as a run
    model.safetensors, model.json        all that mapping needs
    split.json, split.tif | split.npy    which pixels were for training, validation and test
                                         (their names for QGIS in split.tif.aux.xml)
    metrics.json, confusion.csv, history.csv, report.html, log.txt
    reliability.csv                      probabilities beside how often they come true (``calibration``)
    classes.csv | thresholds.csv         scores of each class, or of change over thresholds
    units.csv                            test counts of each pair, or of each square of a scene (``units``)
    checkpoints/last.ckpt                for --resume alone

Keys of ``model.json`` beside ``format`` and ``model`` (the card): ``task``, ``terramamba`` (version),
``commit`` (where it ran from a git checkout), ``protocol``, ``split_id``, ``leakage``, ``calibration``
(temperature fitted on validation), ``source_bands``, ``wavelengths`` (nm), ``scaling``, ``classes``, and
``patch_size`` and ``border`` or ``threshold`` and ``threshold_from``.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from terramamba._version import __version__
from terramamba.core.errors import InputError
from terramamba.core.files import (
    PART,
    YAML_MARK,
    atomic_path,
    plain,
    read_yaml,
    write_csv,
    write_json,
    write_table,
    write_text,
    write_yaml,
)
from terramamba.data.scaling import Scaling
from terramamba.training.checkpoint import CHECKPOINT, HISTORY
from terramamba.training.settings import TrainSettings

__all__ = [
    "CHECKPOINT",
    "CONFIG",
    "Run",
    "atomic_path",
    "check_folder",
    "check_same_config",
    "is_run_folder",
    "load_run",
    "prepare_folder",
    "read_yaml",
    "run_folder",
    "run_log",
    "write_confusion",
    "write_csv",
    "write_json",
    "write_text",
    "write_yaml",
]

CONFIG = "config.yaml"
_WRITTEN = (
    "model.safetensors",
    "model.json",
    "split.json",
    "split.tif",
    "split.tif.aux.xml",
    "split.npy",
    "metrics.json",
    "confusion.csv",
    "classes.csv",
    "reliability.csv",
    "thresholds.csv",
    HISTORY,
    "units.csv",
    "report.html",
    "log.txt",
    CHECKPOINT,
)


def check_folder(out: str | Path, *, resume: bool = False, overwrite: bool = False) -> Path:
    """``out`` as a path, when a run may be written there; nothing is touched.

    A new run wants a folder that is new or empty; ``overwrite`` and ``resume`` want an earlier run.

    Raises:
        InputError: the folder is in use, is no run folder, or has nothing to resume.
    """
    folder = Path(out)
    if resume and overwrite:
        raise InputError("--resume and --overwrite exclude each other; give one of them")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give another --out")
    if resume and not is_run_folder(folder):
        raise InputError(f"{folder} is no run folder, so there is nothing to resume; leave out --resume")
    if not resume and folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise InputError(
                f"{folder} is not empty; give --resume to go on, --overwrite to start again, or another --out"
            )
        if not is_run_folder(folder):
            raise InputError(f"{folder} is not empty and not a run folder, so it stays; give another --out")
    return folder


def prepare_folder(out: str | Path, *, resume: bool = False, overwrite: bool = False) -> Path:
    """Make ``out`` ready for a run and return it; raises as ``check_folder``.

    ``overwrite`` removes the files of an earlier run (those that a run writes, and no others, also in its
    seed-* folders); ``resume`` leaves everything as it is, also where the run ended before its first
    checkpoint.
    """
    folder = check_folder(out, resume=resume, overwrite=overwrite)
    if overwrite and is_run_folder(folder):
        _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def run_folder(settings: TrainSettings) -> Iterator[Path]:
    """The folder of a run that begins or goes on: made ready, its settings kept, its log open.

    Raises:
        InputError: as ``check_folder``, or the run to resume had other settings.
    """
    folder = prepare_folder(settings.out, resume=settings.resume, overwrite=settings.overwrite)
    if settings.resume:
        check_same_config(folder, asdict(settings))
    else:
        write_yaml(folder / CONFIG, asdict(settings))
    with run_log(folder):
        yield folder


def is_run_folder(folder: Path) -> bool:
    """Whether ``folder`` holds the settings of a run."""
    config = folder / CONFIG
    if not config.is_file():
        return False
    with config.open("rb") as file:
        return file.readline().decode("utf-8", "replace").strip() == YAML_MARK


def check_same_config(
    folder: Path,
    config: Mapping[str, Any],
    free: tuple[str, ...] = ("out", "device", "loader_workers", "resume", "overwrite"),
) -> None:
    """Raise ``InputError`` naming the first setting, ``free`` ones aside, that differs from the run's own."""
    old, new = read_yaml(folder / CONFIG), plain(config)
    for key in [*new, *(key for key in old if key not in new)]:
        if key not in free and old.get(key) != new.get(key):
            raise InputError(
                f"{folder}: the run has {key} {old.get(key)!r}, not {new.get(key)!r}; resume it with the"
                " same settings, or give another --out"
            )


def write_confusion(path: Path, confusion: Int[np.ndarray, "k k"], names: Sequence[str]) -> None:
    """Write a confusion matrix as CSV: a row for each class of the truth, a column for each predicted one."""
    rows = [[name, *row.tolist()] for name, row in zip(names, confusion, strict=True)]
    write_table(path, ["truth", *names], rows)


class _LogFile(logging.FileHandler):
    """A log that ends no run: where the disk is full, the run's other files say so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say nothing."""

    def close(self) -> None:
        """Close the file, whole or not."""
        with suppress(OSError):
            super().close()


@contextmanager
def run_log(folder: Path) -> Iterator[logging.Logger]:
    """Copy what the package's logger says to ``log.txt``, with the time; when it began, and how it ended.

    Yields the logger ``terramamba``; handlers that show messages on the terminal are the caller's own.
    """
    logger = logging.getLogger("terramamba")
    file = _LogFile(folder / "log.txt", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    # Any handler at all stops Python from showing warnings by itself.
    added = [file] if logger.hasHandlers() or logging.lastResort is None else [file, logging.lastResort]
    level = logger.level
    for handler in added:
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    _say(file, logger, f"terramamba {__version__}, process {os.getpid()}")
    try:
        yield logger
    except KeyboardInterrupt:
        _say(file, logger, "interrupted; --resume goes on", logging.ERROR)
        raise
    except Exception as error:
        _say(file, logger, f"{type(error).__name__}: {error}", logging.ERROR)
        raise
    else:
        _say(file, logger, "done")
    finally:
        logger.setLevel(level)
        for handler in added:
            logger.removeHandler(handler)
        file.close()


@dataclass(frozen=True)
class Run:
    """A trained model with all that is needed to use it.

    The properties raise ``InputError`` when the card lacks their key.
    """

    folder: Path
    model: torch.nn.Module
    card: dict[str, Any]

    @property
    def task(self) -> str:
        """``classify`` or ``change``."""
        return str(self._entry("task"))

    @property
    def scaling(self) -> Scaling:
        """Band choice and scaling of the model's input."""
        return Scaling.from_dict(self._entry("scaling"))

    @property
    def classes(self) -> list[dict[str, Any]]:
        """``code``, ``name`` and, for land cover, ``colour`` (red, green, blue) of each class, in order."""
        return list(self._entry("classes"))

    @property
    def threshold(self) -> float:
        """Least probability that counts as changed."""
        return float(self._entry("threshold"))

    @property
    def temperature(self) -> float | None:
        """By which logits are divided to make probabilities that hold; None: the run never fitted one."""
        found = self.card.get("calibration")
        return None if found is None else float(found["temperature"])

    @property
    def split_id(self) -> str:
        """Which pixels or pairs were for training, validation and test, in short."""
        return str(self._entry("split_id"))

    def _entry(self, key: str) -> Any:
        if self.card.get(key) is None:
            raise InputError(f"{self.folder / 'model.json'} has no {key!r}; train the model anew")
        return self.card[key]


def load_run(folder: str | Path) -> Run:
    """The run in ``folder``, its model on the CPU in evaluation mode; ``InputError`` names what is wrong."""
    from terramamba.models.registry import load_model

    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{path} is not a folder; give the run folder that training wrote")
    model, card = load_model(path)
    return Run(path, model, card)


def _clear(folder: Path) -> None:
    for seeded in folder.glob("seed-*"):
        if seeded.is_dir() and not seeded.is_symlink() and is_run_folder(seeded):
            _clear(seeded)
            if not any(seeded.iterdir()):
                seeded.rmdir()
    for name in _WRITTEN:
        (folder / name).unlink(missing_ok=True)
    checkpoints = (folder / CHECKPOINT).parent
    for place in (folder, checkpoints):
        for part in place.glob(f".*{PART}*"):
            part.unlink()
    if checkpoints.is_dir() and not any(checkpoints.iterdir()):
        checkpoints.rmdir()
    (folder / CONFIG).unlink()  # last: it is the mark by which an interrupted clearing can be repeated


def _say(handler: logging.Handler, logger: logging.Logger, text: str, level: int = logging.INFO) -> None:
    handler.handle(logger.makeRecord(logger.name, level, __file__, 0, text, (), None))
