"""Variations of a model as a YAML file asks for them: ablations, sweeps and searches, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

from terramamba.core.errors import InputError
from terramamba.experiments.checks import as_mapping, as_number, check_settings, names_in, require_keys
from terramamba.experiments.parts import PATHS, SETTINGS, Ablation, Axis, Entrant, Search, Settings
from terramamba.models.registry import model_spec


def ablation_of(
    name: str,
    record: Mapping[str, Any],
    models: Mapping[str, Entrant],
    sets: Sequence[str],
    splits: Sequence[str],
) -> Ablation:
    """The ablation below ``ablations.name``."""
    key = f"ablations.{name}"
    entry = dict(as_mapping(record["ablations"], name, "ablations"))
    of = entry.pop("of", None)
    if of not in models:
        raise InputError(f"{key}.of: {of!r} is none of the models: {', '.join(models)}")
    only = names_in(entry.pop("only", None), sets, f"{key}.only") or models[of].only
    wanted = names_in(entry.pop("splits", None), splits, f"{key}.splits")
    kind = SETTINGS[models[of].task]
    settings = check_settings(entry, key, kind, forbidden=(*PATHS, "model"))
    check_options(models[of].settings["model"], settings, key)
    return Ablation(name, of, settings, only, wanted)


def sweep_of(record: Mapping[str, Any], models: Mapping[str, Entrant]) -> list[Ablation]:
    """One ablation for each value: one setting at a time, all others as the model has them."""
    found = []
    for of in record:
        if of not in models:
            raise InputError(f"sweep.{of}: none of the models: {', '.join(models)}")
        axes = as_mapping(record, of, "sweep")
        for axis, values in axes.items():
            if not isinstance(values, list) or not values:
                raise InputError(f"sweep.{of}.{axis}: give a list of values")
            for value in values:
                settings = _varied(models[of], {axis: value}, f"sweep.{of}")
                found.append(Ablation(f"{axis.removeprefix('set.')}={value}", of, settings, models[of].only))
    return found


def search_of(
    of: str,
    record: Mapping[str, Any],
    models: Mapping[str, Entrant],
    sets: Sequence[str],
    splits: Sequence[str],
) -> Search:
    """The search below ``search.of``."""
    key = f"search.{of}"
    if of not in models:
        raise InputError(f"{key}: none of the models: {', '.join(models)}")
    entry = as_mapping(record["search"], of, "search")
    require_keys(entry, key, {"trials", "space", "only", "splits"}, ("trials", "space"))
    trials, space = entry["trials"], as_mapping(entry, "space", key)
    if type(trials) is not int or trials < 1:
        raise InputError(f"{key}.trials: {trials!r}; give how many (1 or more)")
    axes = tuple(_axis(name, space[name], models[of], f"{key}.space") for name in space)
    only = names_in(entry.get("only"), sets, f"{key}.only")
    return Search(of, trials, axes, only, names_in(entry.get("splits"), splits, f"{key}.splits"))


def _axis(name: str, given: Any, model: Entrant, within: str) -> Axis:
    key = f"{within}.{name}"
    if isinstance(given, list) and given:
        for value in given:
            _varied(model, {name: value}, within)
        return Axis(name, tuple(given))
    if not isinstance(given, Mapping):
        raise InputError(f"{key}: give a list of values, or low and high")
    require_keys(given, key, {"low", "high", "log"}, ("low", "high"))
    low, high = (as_number(given[end], f"{key}.{end}") for end in ("low", "high"))
    if not low < high:
        raise InputError(f"{key}: low {low:g} is not below high {high:g}")
    log, whole = given.get("log", False), all(type(given[end]) is int for end in ("low", "high"))
    if type(log) is not bool or (log and low <= 0):
        raise InputError(f"{key}.log: {log!r}; give yes (from a low above 0) or no")
    _varied(model, {name: given["low"] if whole else low}, within)
    return Axis(name, (), low, high, whole, log)


def _varied(model: Entrant, values: Settings, within: str) -> dict[str, Any]:
    """Values by axis, checked, as settings of a model."""
    kind = SETTINGS[model.task]
    settings = check_settings(as_settings(values), within, kind, forbidden=(*PATHS, "model"))
    check_options(model.settings["model"], settings, within)
    return settings


def as_settings(values: Settings) -> dict[str, Any]:
    """Values by axis (``lr``, ``set.depth``) as settings."""
    options = {axis.removeprefix("set."): v for axis, v in values.items() if axis.startswith("set.")}
    own = {axis: v for axis, v in values.items() if not axis.startswith("set.")}
    return own | ({"set": options} if options else {})


def check_options(model: str, settings: Settings, key: str) -> None:
    """Refuse options that the model does not have."""
    spec = model_spec(model)
    for option in settings.get("set", {}):
        if option not in spec.parameters():
            known = ", ".join(spec.parameters())
            raise InputError(f"{key}.set.{option}: {spec.name} has no such option; it has: {known}")
