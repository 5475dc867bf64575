"""Checks of what a YAML file says, each failure naming its key."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.options import options_of
from terramamba.core.words import meant
from terramamba.experiments.values import PATHS, Ablation, Axis, ConfiguredModel, Search, Settings
from terramamba.models.registry import model_spec
from terramamba.models.spec import ModelSpec
from terramamba.training.config import refuse_unobeyed
from terramamba.training.settings import TrainSettings

OWN = ("out", "seed", "seeds", "resume", "overwrite", "decided")
"""Settings that an experiment decides for each run."""
MOST_SEEDS, MOST_TRIALS = 1000, 100_000


def as_mapping(record: Mapping[str, Any], key: str, within: str = "") -> Mapping[str, Any]:
    """Return ``record[key]``, a table of names; nothing at all counts as an empty one."""
    value = record.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{f'{within}.{key}'.lstrip('.')}: {value!r} is not a table of key: value")
    return {str(name): entry for name, entry in value.items()}


def require_keys(record: Mapping[str, Any], within: str, known: set[str], needed: Sequence[str]) -> None:
    """Refuse keys that nobody knows, and the lack of needed ones."""
    for key in record:
        if key not in known:
            raise InputError(f"{f'{within}.{key}'.lstrip('.')}: unknown key{_meant(str(key), known)}")
    for key in needed:
        if record.get(key) in (None, "", {}, []):
            raise InputError(f"{f'{within}.{key}'.lstrip('.')}: must be given")


def seeds_of(value: Any, key: str = "seeds") -> tuple[int, ...]:
    """Return the seeds 0, 1, ... that a number stands for, or those of a list, none of them twice."""
    if isinstance(value, list) and value and all(type(one) is int and one >= 0 for one in value):
        if len(set(value)) < len(value):
            raise InputError(f"{key}: a seed is named twice")
        return tuple(value)
    if type(value) is not int or not 1 <= value <= MOST_SEEDS:
        raise InputError(
            f"{key}: {value!r}; give how many (1 to {MOST_SEEDS:,}), or a list such as [0, 1, 2]"
        )
    return tuple(range(value))


def as_number(value: Any, key: str) -> float:
    """Return ``value`` as a number; YAML takes 1e-3 for a text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{key}: {value!r} is not a number") from None


def names_in(value: Any, known: Sequence[str], key: str) -> tuple[str, ...]:
    """Return the names in a list, all of them ``known``; none where nothing was given."""
    if value is None:
        return ()
    for name in value if isinstance(value, list) else [value]:
        if name not in known:
            hint = meant(str(name), known)
            raise InputError(f"{key}: {name!r} is none of: {', '.join(known)}{hint}")
    return tuple(value if isinstance(value, list) else [value])


def check_settings(
    given: Mapping[str, Any], within: str, kind: type[TrainSettings], forbidden: Sequence[str] = ()
) -> dict[str, Any]:
    """Return ``given`` as settings of ``kind``, numbers written as text (1e-3) turned.

    Raises:
        InputError: an unknown setting, one that does not belong here, or a value that it cannot have.
    """
    options = {option.name: option for option in options_of(kind)}
    checked = {}
    for name, value in given.items():
        key = f"{within}.{name}"
        if name == "chosen_on_test":
            raise InputError(f"{key}: an experiment never chooses on the test set; leave it out")
        if name in OWN:
            raise InputError(f"{key}: the experiment sets it for each run; leave it out")
        if name not in options or name in forbidden:
            allowed = {one for one in options if one not in (*OWN, *forbidden)}
            raise InputError(f"{key}: no such setting here{_meant(name, allowed)}")
        checked[name] = options[name].checked(value, key)
    return checked


def _meant(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are: {', '.join(sorted(known))}"


def resolved(value: Any, home: Path, key: str) -> Any:
    """Return a path relative to the YAML file as one that opens from anywhere; it must be there."""
    if value is None:
        return None
    if isinstance(value, list):
        return [resolved(one, home, key) for one in value]
    text = str(value)
    if "://" in text:
        return text
    path = home / Path(text).expanduser()
    if not path.exists():
        raise InputError(f"{key}: {path} does not exist; correct it, or give --set NAME=FOLDER")
    return str(path.resolve())


def filled(value: Any, variables: Mapping[str, str], key: str) -> Any:
    """Replace every ${name} in ``value``."""
    if isinstance(value, Mapping):
        return {k: filled(v, variables, f"{key}.{k}".lstrip(".")) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(one, variables, key) for one in value]
    if not isinstance(value, str):
        return value

    def replaced(found: re.Match[str]) -> str:
        if found[1] not in variables:
            raise InputError(f"{key}: ${{{found[1]}}} is no variable; name it below variables")
        return variables[found[1]]

    return re.sub(r"\$\{(\w+)\}", replaced, value)


def ablation_of(
    name: str,
    record: Mapping[str, Any],
    models: Mapping[str, ConfiguredModel],
    sets: Sequence[str],
    splits: Sequence[str],
) -> Ablation:
    """Return the ablation below ``ablations.name``."""
    key = f"ablations.{name}"
    entry = dict(as_mapping(record["ablations"], name, "ablations"))
    of = entry.pop("of", None)
    if of not in models:
        raise InputError(f"{key}.of: {of!r} is none of the models: {', '.join(models)}")
    only = names_in(entry.pop("only", None), sets, f"{key}.only") or models[of].only
    own_splits = names_in(entry.pop("splits", None), splits, f"{key}.splits")
    kind = models[of].task.settings
    settings = check_settings(entry, key, kind, forbidden=(*PATHS, "model"))
    check_obeyed(settings, key, kind, model_spec(models[of].settings["model"]))
    return Ablation(name, of, settings, only, own_splits)


def sweep_of(record: Mapping[str, Any], models: Mapping[str, ConfiguredModel]) -> list[Ablation]:
    """Return one ablation for each value: one setting at a time, all others as the model has them."""
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
    models: Mapping[str, ConfiguredModel],
    sets: Sequence[str],
    splits: Sequence[str],
) -> Search:
    """Return the search below ``search.of``."""
    key = f"search.{of}"
    if of not in models:
        raise InputError(f"{key}: none of the models: {', '.join(models)}")
    entry = as_mapping(record["search"], of, "search")
    require_keys(entry, key, {"trials", "space", "only", "splits"}, ("trials", "space"))
    trials, space = entry["trials"], as_mapping(entry, "space", key)
    if type(trials) is not int or not 1 <= trials <= MOST_TRIALS:
        raise InputError(f"{key}.trials: {trials!r}; give how many (1 to {MOST_TRIALS:,})")
    axes = tuple(_axis(name, space[name], models[of], f"{key}.space") for name in space)
    only = names_in(entry.get("only"), sets, f"{key}.only")
    return Search(of, trials, axes, only, names_in(entry.get("splits"), splits, f"{key}.splits"))


def _axis(name: str, given: Any, model: ConfiguredModel, within: str) -> Axis:
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


def _varied(model: ConfiguredModel, values: Settings, within: str) -> dict[str, Any]:
    """Values by axis, checked, as settings of a model."""
    kind = model.task.settings
    settings = check_settings(as_settings(values), within, kind, forbidden=(*PATHS, "model"))
    check_obeyed(settings, within, kind, model_spec(model.settings["model"]))
    return settings


def as_settings(values: Settings) -> dict[str, Any]:
    """Return values by axis (``lr``, ``set.depth``) as settings."""
    options = {axis.removeprefix("set."): v for axis, v in values.items() if axis.startswith("set.")}
    own = {axis: v for axis, v in values.items() if not axis.startswith("set.")}
    return own | ({"set": options} if options else {})


def check_obeyed(settings: Settings, key: str, kind: type[TrainSettings], spec: ModelSpec) -> None:
    """Refuse a size and options that the model does not have, and settings that it cannot obey."""
    preset = settings.get("preset")
    if preset is not None and preset not in spec.presets:
        hint = meant(str(preset), spec.presets)
        raise InputError(f"{key}.preset: {preset!r}; choose one of: {', '.join(spec.presets)}{hint}")
    for option in settings.get("set", {}):
        if option not in spec.parameters():
            known, hint = ", ".join(spec.parameters()), meant(option, spec.parameters())
            raise InputError(f"{key}.set.{option}: {spec.name} has no such option; it has: {known}{hint}")
    refuse_unobeyed(settings, kind, spec, lambda name: f"{key}.{name}")
