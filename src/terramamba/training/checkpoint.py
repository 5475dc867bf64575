"""What a training run must remember to go on after a kill as if nothing had happened."""

import hashlib
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from terramamba.core.errors import InputError
from terramamba.core.files import atomic_path, plain, write_csv
from terramamba.core.options import before_it_was_there, identity
from terramamba.core.run_files import CHECKPOINT, HISTORY
from terramamba.models.model import Model
from terramamba.training.settings import TrainConfig

Fingerprint = dict[str, Any]
Contents = Mapping[str, str]
"""Digests of what is trained on, by what it is in words that follow "the": labels, images."""
Weights = dict[str, Tensor]

SUM = b"\nsha256 %b\n"
"""Stands at the end of a checkpoint, behind what PyTorch wrote and reads: the checksum of that."""
SUM_BYTES = len(SUM % (b"0" * 64))


@dataclass(frozen=True)
class TrainState:
    """The state after the last complete epoch. All that is random in an epoch follows from seed, epoch and
    process, and the learning rate from the place in the run, so neither needs to be kept.
    """

    weights: Weights
    optimizer: dict[str, Any]
    best_epoch: int
    """1-based."""
    best_score: float
    best_threshold: float | None
    best_weights: Weights
    history: list[dict[str, int | float]] = field(default_factory=list)
    """One row for each epoch that was run."""
    stopped: str = ""
    """Why training ended; empty while it has not."""

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return len(self.history) - self.best_epoch

    def with_best_of(self, other: "TrainState") -> "TrainState":
        """Return this state with the best epoch that ``other`` knows."""
        return replace(
            self,
            best_epoch=other.best_epoch,
            best_score=other.best_score,
            best_threshold=other.best_threshold,
            best_weights=other.best_weights,
        )


def fingerprint(
    model: Model, task: str, train: Dataset[Any], validation: Dataset[Any], config: TrainConfig
) -> Fingerprint:
    """Return what a resumed run must have the same: everything but the settings that may differ."""
    return {
        "task": task,
        "model": model.spec_name,
        **{f"set.{name}": plain(value) for name, value in model.options.items()},
        **{name: plain(value) for name, value in identity(config).items()},
        "training samples": len(train),  # type: ignore[arg-type]
        "validation samples": len(validation),  # type: ignore[arg-type]
    }


def save_state(folder: Path, same: Fingerprint, contents: Contents, state: TrainState) -> None:
    """Write ``checkpoints/last.ckpt``, which ends with its checksum, then ``history.csv``.

    Each is there whole or as it was before.
    """
    with atomic_path(folder / CHECKPOINT) as part:
        record = {entry.name: getattr(state, entry.name) for entry in fields(state)}
        try:
            torch.save({"format": 1, "same": same, "contents": dict(contents), **record}, part)
        except RuntimeError as error:  # so PyTorch says that a disk is full
            raise InputError(
                f"{folder / CHECKPOINT}: cannot be written whole; check the space there"
            ) from error
        with part.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.write(SUM % digest.encode())
    write_csv(folder / HISTORY, state.history)


def load_state(folder: Path, same: Fingerprint, contents: Contents, config: type[TrainConfig]) -> TrainState:
    """Read the state that ``save_state`` wrote, on the CPU.

    Settings of ``config`` that were not there yet when it was written are compared as their defaults.

    Raises ``InputError`` when there is none, when it is damaged, or when the run's settings were others or
    what it was trained on had other ``contents``.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise InputError(f"{path} does not exist, so there is nothing to resume; leave out --resume")
    try:
        record = _read(path)
        known = plain(before_it_was_there(config)) | record.pop("same")
        began_with = record.pop("contents", {})
        if record.pop("format") != 1:
            raise ValueError("another format")
        state = TrainState(**record)
    except DAMAGED as error:
        raise _damaged(path) from error
    for key in [*same, *(key for key in known if key not in same)]:
        if known.get(key) != same.get(key):
            raise InputError(
                f"{path}: the run has {key} {known.get(key)!r}, not {same.get(key)!r};"
                " resume it with the same settings, or start again with --overwrite"
            )
    _require_contents(path, began_with, contents)
    return state


def refuse_other_contents(folder: Path, contents: Contents) -> None:
    """Raise ``InputError`` where a run with a checkpoint in ``folder`` began with other ``contents``."""
    path = folder / CHECKPOINT
    if path.is_file():
        try:
            began_with = _read(path).get("contents", {})
        except DAMAGED as error:
            raise _damaged(path) from error
        _require_contents(path, began_with, contents)


DAMAGED = (
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    pickle.UnpicklingError,
)
"""What PyTorch raises of a file that is no checkpoint, or not a whole one."""


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged or no checkpoint of ours; start again with --overwrite")


def _require_contents(path: Path, began_with: Contents, contents: Contents) -> None:
    """Raise ``InputError`` where ``contents`` changed; earlier versions did not say what they were."""
    for what, digest in contents.items():
        if began_with.get(what, digest) != digest:
            raise InputError(
                f"{path}: the {what} are not those that training began with; put those back, or start again"
                " with --overwrite"
            )


def _read(path: Path) -> dict[str, Any]:
    """Read a checkpoint; raises one of ``DAMAGED``."""
    _require_sum(path)
    record: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return record


def _require_sum(path: Path) -> None:
    """Raise ``ValueError`` where the end of a checkpoint is no checksum of what is before it.

    Earlier versions wrote none: what PyTorch wrote ends as ZIP files do, with 22 bytes that have a mark.
    """
    content = path.read_bytes()
    if re.search(rb"PK\x05\x06.{18}\Z", content, re.DOTALL):
        return
    body = content[:-SUM_BYTES]
    if content[len(body) :] != SUM % hashlib.sha256(body).hexdigest().encode():
        raise ValueError("another checksum")


def on_cpu(state: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a state dict, so that later training steps do not change it."""

    def copied(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.detach().cpu().clone()
        if isinstance(value, Mapping):
            return {key: copied(entry) for key, entry in value.items()}
        return [copied(entry) for entry in value] if isinstance(value, list) else value

    return {key: copied(value) for key, value in state.items()}
