"""Models by name: building, listing, saving and loading them.

A model's file is imported when the model is asked for. A saved model is two files: ``model.safetensors`` with
the weights and ``model.json`` with all that is needed to build it again. Nothing is ever unpickled.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.core.files import atomic_path, write_json
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec, Task

__all__ = ["ModelSpec", "create_model", "list_models", "load_model", "model_spec", "save_model"]

WEIGHTS, CARD = "model.safetensors", "model.json"
FORMAT = 1

# Where a model's record is: "module", in which it is called SPEC, or "module:NAME".
_HOMES: dict[Task, dict[str, str]] = {
    "classify": {
        "ssa_mamba": "terramamba.models.ssa_variants",
        "svm": "terramamba.models.baselines.svm",
        "random_forest": "terramamba.models.baselines.random_forest",
        "one_d_cnn": "terramamba.models.baselines.one_d_cnn",
        "two_d_cnn": "terramamba.models.baselines.two_d_cnn",
        "three_d_cnn": "terramamba.models.baselines.three_d_cnn",
        "hybridsn": "terramamba.models.baselines.hybridsn",
        "resnet": "terramamba.models.baselines.resnet",
        "spectralformer": "terramamba.models.baselines.spectralformer",
        "coupled_mamba": "terramamba.models.baselines.mamba_families:COUPLED",
        "isolated_mamba": "terramamba.models.baselines.mamba_families:ISOLATED",
    },
    "change": {
        "glmamba": "terramamba.models.glmamba_variants",
        "unet_diff": "terramamba.models.baselines.unet_diff",
        "cva": "terramamba.models.baselines.cva",
        "pca_kmeans": "terramamba.models.baselines.pca_kmeans",
        "fc_ef": "terramamba.models.baselines.fc_siam:FC_EF",
        "fc_siam_conc": "terramamba.models.baselines.fc_siam:FC_SIAM_CONC",
        "fc_siam_diff": "terramamba.models.baselines.fc_siam:FC_SIAM_DIFF",
        "tinycd": "terramamba.models.baselines.tinycd",
        "bit": "terramamba.models.baselines.bit",
        "changeformer": "terramamba.models.baselines.changeformer",
        "changemamba": "terramamba.models.baselines.changemamba",
    },
}


def list_models(task: str | None = None) -> tuple[str, ...]:
    """List the names of all models, or of those for ``task`` ("classify" or "change").

    Raises:
        InputError: there is no such task.
    """
    if task is not None and task not in _HOMES:
        raise InputError(f"task {task!r} is unknown; choose one of: {', '.join(_HOMES)}")
    return tuple(name for of, homes in _HOMES.items() if task in (None, of) for name in homes)


def model_spec(name: str) -> ModelSpec:
    """Return the record of the model called ``name``, importing its file.

    Raises:
        InputError: there is no such model.
    """
    for homes in _HOMES.values():
        if name in homes:
            module, _, record = homes[name].partition(":")
            return getattr(import_module(module), record or "SPEC")
    raise InputError(f"model {name!r} is unknown; choose one of: {', '.join(list_models())}")


def create_model(name: str, *, preset: str | None = None, **options: Any) -> Model:
    """Build a model with fresh weights.

    Args:
        name: one of ``list_models()``.
        preset: one of its sizes; None: its default.
        options: any of its options, over those of the preset; ``in_channels`` and, for ``classify``,
            ``num_classes`` have no default.

    Returns:
        The model. Its ``spec_name``, ``preset`` and ``options`` (all of them, resolved) say how it was built.

    Raises:
        InputError: an unknown name, preset or option, or a value that an option cannot take.
    """
    spec = model_spec(name)
    preset = spec.default_preset if preset is None else preset
    if preset not in spec.presets:
        raise InputError(f"{name} has no preset {preset!r}; choose one of: {', '.join(spec.presets)}")
    resolved = _resolve(spec, {**spec.presets[preset], **options})
    model = spec.build(**resolved)
    model.spec_name, model.preset, model.options = name, preset, resolved
    return model


def save_model(model: Model, folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``model.safetensors`` and ``model.json`` into ``folder``.

    Each file is written aside and then renamed, the weights first; the JSON holds their checksum, so that two
    files that do not belong together are noticed.

    Args:
        model: built by ``create_model``.
        folder: made if it is not there.
        card: what else a user of the model needs, in words of JSON.
    """
    # Copies: tensors that share memory cannot be stored, and some live on a GPU.
    tensors = {key: value.detach().cpu().contiguous().clone() for key, value in model.state_dict().items()}
    weights = save(tensors)
    about = {
        "name": model.spec_name,
        "preset": model.preset,
        "options": model.options,
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    with atomic_path(folder / WEIGHTS) as part:
        part.write_bytes(weights)
    own = {"format": FORMAT, "model": about}
    write_json(folder / CARD, {**own, **card, **own})  # a card that was loaded has older ones of both


def load_model(folder: Path) -> tuple[Model, dict[str, Any]]:
    """Load the model saved in ``folder``, on the CPU in evaluation mode, and the content of ``model.json``.

    Raises:
        InputError: a file is missing or damaged, is a pickle, or the two do not belong together.
    """
    card = _read_card(folder / CARD)
    about = card["model"]
    tensors = _read_weights(folder / WEIGHTS, about.get("sha256"))
    try:
        with torch.random.fork_rng(devices=[]):  # loading a model leaves the caller's random numbers alone
            model = create_model(about["name"], preset=about["preset"], **about["options"])
    except InputError as error:
        raise InputError(f"{folder / CARD} does not fit this version of terramamba: {error}") from error
    _check_tensors(folder / WEIGHTS, model.state_dict(), tensors)
    model.load_state_dict(tensors)
    return model.eval(), card


def _resolve(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    known = spec.parameters()
    resolved: dict[str, Any] = {}
    for option, value in given.items():
        if option not in known:
            raise InputError(f"{spec.name} has no option {option!r}; it has: {', '.join(known)}")
        _check_value(f"{spec.name}: option {option}={value!r}", value, known[option].annotation)
    for option, parameter in known.items():
        value = given.get(option, parameter.default)
        if value is parameter.empty:
            raise InputError(f"{spec.name} needs the option {option!r}; give {option}=...")
        if isinstance(value, list):  # JSON and YAML have no tuples
            value = tuple(value)
        resolved[option] = float(value) if parameter.annotation is float else value
    return resolved


def _check_value(what: str, value: Any, hint: Any) -> None:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise InputError(f"{what}; choose one of: {', '.join(map(str, get_args(hint)))}")
        return
    wanted = {bool: (bool, "true or false"), int: (int, "a whole number"), float: (int | float, "a number")}
    if hint in wanted:
        kind, words = wanted[hint]
        if not isinstance(value, kind) or (isinstance(value, bool) and hint is not bool):
            raise InputError(f"{what}; give {words}")


def _read_card(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} does not exist; give a run folder whose training has ended")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged (not JSON); restore it or train the model anew") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise InputError(
            f"{path} is not a model of format {FORMAT}; use the version of terramamba that wrote it"
        )
    about = card.get("model")
    kinds = {"name": str, "preset": str, "options": dict}
    if not isinstance(about, dict) or not all(isinstance(about.get(key), kinds[key]) for key in kinds):
        raise InputError(f"{path} is damaged (does not say which model it is); train the model anew")
    return card


def _read_weights(path: Path, checksum: str | None) -> dict[str, Tensor]:
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


def _check_tensors(path: Path, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    for name in [*expected, *(name for name in found if name not in expected)]:
        want, have = (
            f"{tuple(tensors[name].shape)} {tensors[name].dtype}" if name in tensors else "nothing"
            for tensors in (expected, found)
        )
        if want != have:
            raise InputError(f"{path} does not match {CARD}: {name} is {have}, the model has {want}")
