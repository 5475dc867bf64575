"""Models by name: building and listing them. A model's file is imported when the model is asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.typed import FieldError, of_kind
from terramamba.core.words import meant
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

# Where a model's record is: "module", in which it is called SPEC, or "module:NAME".
_HOMES: dict[str, dict[str, str]] = {
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
        "spectral_mlp": "terramamba.models.spectral_mlp",
    },
    "change": {
        "glmamba": "terramamba.models.glmamba_variants",
        "difference_mamba": "terramamba.models.difference_mamba",
        "unet_diff": "terramamba.models.baselines.unet_diff",
        "cva": "terramamba.models.baselines.cva",
        "pca_kmeans": "terramamba.models.baselines.pca_kmeans",
        "ir_mad": "terramamba.models.baselines.ir_mad",
        "fc_ef": "terramamba.models.baselines.fc_siam:FC_EF",
        "fc_siam_conc": "terramamba.models.baselines.fc_siam:FC_SIAM_CONC",
        "fc_siam_diff": "terramamba.models.baselines.fc_siam:FC_SIAM_DIFF",
        "tinycd": "terramamba.models.baselines.tinycd",
        "bit": "terramamba.models.baselines.bit",
        "changeformer": "terramamba.models.baselines.changeformer_variants",
        "changemamba": "terramamba.models.baselines.changemamba",
    },
}


def list_models(task: str | None = None) -> tuple[str, ...]:
    """List the names of all models, or of those for ``task`` ("classify" or "change").

    Raises:
        InputError: there is no such task.
    """
    if task is not None and task not in _HOMES:
        raise InputError(f"task {task!r} is unknown; choose one of: {', '.join(_HOMES)}{meant(task, _HOMES)}")
    return tuple(name for of, homes in _HOMES.items() if task in (None, of) for name in homes)


def register_model(task: str, name: str, home: str) -> None:
    """Make a model of another package known: its record is ``SPEC`` in the module ``home``, or "module:NAME".

    Raises:
        InputError: there is another model of that name already.
    """
    if name in list_models() and _HOMES.get(task, {}).get(name) != home:
        raise InputError(f"model {name!r} is there already; give it another name")
    _HOMES.setdefault(task, {})[name] = home


def model_spec(name: str, task: str | None = None) -> ModelSpec:
    """Return the record of the model called ``name``, importing its file; else those for ``task`` are named.

    Raises:
        InputError: there is no such model.
    """
    for homes in _HOMES.values():
        if name in homes:
            module, _, record = homes[name].partition(":")
            return getattr(import_module(module), record or "SPEC")
    known = list_models(task)
    raise InputError(f"model {name!r} is unknown; choose one of: {', '.join(known)}{meant(name, known)}")


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
    resolved = resolved_options(name, preset, **options)
    model = spec.build(**resolved)
    model.spec_name, model.preset, model.options = name, preset, resolved
    return model


def resolved_options(name: str, preset: str, **options: Any) -> dict[str, Any]:
    """Return all options of a model of one size, ``options`` over its own; raises ``InputError``."""
    spec = model_spec(name)
    if preset not in spec.presets:
        hint = meant(preset, spec.presets)
        raise InputError(f"{name} has no preset {preset!r}; choose one of: {', '.join(spec.presets)}{hint}")
    return _resolve(spec, {**spec.presets[preset], **options})


def _resolve(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    known = spec.parameters()
    for option in given:
        if option not in known:
            hint = meant(option, known)
            raise InputError(f"{spec.name} has no option {option!r}; it has: {', '.join(known)}{hint}")
    resolved: dict[str, Any] = {}
    for option, parameter in known.items():
        value = given.get(option, parameter.default)
        if value is parameter.empty:
            raise InputError(f"{spec.name} needs the option {option!r}; give {option}=...")
        try:
            resolved[option] = of_kind(parameter.annotation, value)
        except FieldError as error:
            raise InputError(f"{spec.name}: option {option}={value!r}; give {error.wanted}") from error
    return resolved
