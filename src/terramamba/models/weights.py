"""Weights as a file: safetensors with a checksum, and what is needed to build their model again.

Nothing is ever unpickled. What else a user of the model has to know is the model card's business.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import get_ident
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

from terramamba.core.errors import InputError, reason_of
from terramamba.core.files import atomic_path
from terramamba.core.run_files import CARD
from terramamba.core.typed import Text
from terramamba.models.model import Model
from terramamba.models.origin import Sha256
from terramamba.models.registry import create_model, model_spec

SMALL = 4096
"""Numbers among a model's options that are never too large."""
REGISTERED, UNSAVED = 2, 2**24
"""How often a model may have a tensor's place filled while it is built; numbers beside that are not saved."""


@dataclass(frozen=True)
class SavedModel:
    """Which model a file of weights is of: the arguments of ``create_model``, and the file's checksum."""

    name: Text
    preset: Text
    options: Mapping[str, Any]
    """All options, resolved."""
    sha256: Sha256 | None = None
    """Of the file; None: the model was never saved."""


def save_model(model: Model, path: Path, *, half: bool = False) -> SavedModel:
    """Write the weights of ``model``, built by ``create_model``, to ``path`` in one step.

    ``half`` keeps their numbers in half precision, in half the space.

    Raises:
        InputError: the disk is full or must not be written to.
    """
    # Copies: tensors that share memory cannot be stored, and some live on a GPU.
    tensors = {key: value.detach().cpu().contiguous().clone() for key, value in model.state_dict().items()}
    if half:
        tensors = {key: _of_precision(value, torch.float32, torch.float16) for key, value in tensors.items()}
    weights = save(tensors)
    with atomic_path(path) as part:
        part.write_bytes(weights)
    return SavedModel(model.spec_name, model.preset, model.options, hashlib.sha256(weights).hexdigest())


def load_model(path: Path, saved: SavedModel) -> Model:
    """Build the model that was ``saved`` and give it the weights in ``path``; on the CPU, to be evaluated.

    Raises:
        InputError: the file is missing or damaged, is a pickle, or holds the weights of another model.
    """
    read = _read(path, saved.sha256)
    tensors = {key: _of_precision(value, torch.float16, torch.float32) for key, value in read.items()}
    try:
        spec = model_spec(saved.name)
        saved = replace(saved, options=spec.options_of_before(saved.options))
        tensors = dict(spec.weights_of_before(tensors))
        _require_size(path, saved, tensors)
        in_file = sum(tensor.numel() for tensor in tensors.values())
        # Loading a model leaves the caller's random numbers alone.
        with torch.random.fork_rng(devices=[]), _of_at_most(REGISTERED * in_file + UNSAVED):
            model = create_model(saved.name, preset=saved.preset, **saved.options)
    except InputError as error:
        raise InputError(
            f"{path.with_name(CARD)} does not fit this version of terramamba: {error}"
        ) from error
    except (RuntimeError, ValueError, TypeError, ArithmeticError, AssertionError, LookupError) as error:
        raise InputError(
            f"{path.with_name(CARD)}: no {saved.name} has these options ({reason_of(error)}); restore it or"
            " train the model anew"
        ) from error
    _check_tensors(path, model.state_dict(), tensors)
    model.load_state_dict(tensors)
    return model.eval()


def _of_precision(tensor: Tensor, known: torch.dtype, wanted: torch.dtype) -> Tensor:
    """Return ``tensor`` in the precision that is ``wanted`` where it is in the one that is ``known``."""
    return tensor.to(wanted) if tensor.dtype == known else tensor


def _read(path: Path, checksum: str | None) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise InputError(f"{path} does not exist; give a run folder whose training has ended")
    content = path.read_bytes()
    if content.startswith((b"PK\x03\x04", b"\x80")) and content[8:9] != b"{":
        raise InputError(f"{path} is a pickle, which could run any code, so it stays closed; save it anew")
    try:
        tensors = load(content)
    except SafetensorError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is damaged ({reason}); restore it or train the model anew") from error
    if hashlib.sha256(content).hexdigest() != checksum:
        raise InputError(f"{path} is damaged or not the one written with {CARD}; train the model anew")
    return tensors


def _require_size(path: Path, saved: SavedModel, tensors: Mapping[str, Tensor]) -> None:
    """Refuse options that are larger than anything in the weights."""
    if not tensors:
        return
    most = max(SMALL, len(tensors), *(length for tensor in tensors.values() for length in tensor.shape))
    for name, value in saved.options.items():
        if isinstance(value, int) and abs(value) > most:
            raise InputError(
                f"{path} does not match {CARD}: the model's {name} is {value}, more than its weights have"
            )


@contextmanager
def _of_at_most(weights: int) -> Iterator[None]:
    """Refuse a model of more numbers than ``weights`` as it is built: products of options may be enormous.

    PyTorch tells of a tensor that a module gets before it is filled, so that it takes no memory yet.
    """
    here, built = get_ident(), 0

    def count(module: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal built
        if tensor is not None and get_ident() == here:
            built += tensor.numel()
            if built > weights:
                raise ValueError(
                    f"they make a larger model than that of the weights: {type(module).__name__} has a"
                    f" {name} of {tuple(tensor.shape)}"
                )

    hooks = (
        register_module_parameter_registration_hook(count),
        register_module_buffer_registration_hook(count),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _check_tensors(path: Path, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    for name in [*expected, *(name for name in found if name not in expected)]:
        want, have = (
            f"{tuple(tensors[name].shape)} {tensors[name].dtype}" if name in tensors else "nothing"
            for tensors in (expected, found)
        )
        if want != have:
            raise InputError(f"{path} does not match {CARD}: {name} is {have}, the model has {want}")
        if not torch.isfinite(found[name]).all():
            raise InputError(f"{path}: {name} holds NaN or infinity; train the model anew")
