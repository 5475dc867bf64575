"""Settings searched by optuna: each proposal is a variation of a model, in a folder of its own.

Proposals follow from a fixed seed and from the validation scores of those before, so an experiment that was
ended goes on by making the same proposals again: those that are done are skipped. Test is never looked at.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terramamba.core.errors import InputError
from terramamba.experiments.checks import as_settings
from terramamba.experiments.plan import PlannedRun, is_done, runs_of
from terramamba.experiments.values import Ablation, ConfiguredModel, Experiment, Search
from terramamba.runs.record import read_metrics
from terramamba.scores.metrics import summarise

if TYPE_CHECKING:
    from optuna.trial import Trial

AT_ONCE = 4
"""Trials that are proposed before any of them is known; fixed, so that --jobs changes no proposal."""
AT_RANDOM = 8
"""Trials before the first that is guided, at most half of them."""
DIGITS = 3
"""Significant digits of a proposed number."""

Do = Callable[[Sequence[PlannedRun]], None]


def require_optuna(experiment: Experiment) -> None:
    """Refuse a file that searches where optuna is not installed."""
    if experiment.searches and find_spec("optuna") is None:
        raise InputError("search: needs optuna; pip install 'terramamba[search]', or give a sweep instead")


def searched_sets(experiment: Experiment, search: Search) -> list[tuple[str, str]]:
    """Return the sets and splits on which settings are searched, each on its own."""
    model = _model(experiment, search)
    return [
        (data.name, split)
        for data in experiment.data
        for split in data.splits
        if data.task.name == model.task.name
        and data.name in (search.only or model.only or [data.name])
        and split in (search.splits or [split])
    ]


def run_search(
    experiment: Experiment, search: Search, where: tuple[str, str], out: Path, device: str, do: Do
) -> None:
    """Propose trials and have each done on all seeds, for the best mean of the first score on validation."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    at_random = min(AT_RANDOM, (search.trials + 1) // 2)
    # Others that are under way count as bad, so that a round is not one proposal four times.
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=at_random, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    (data,) = (one for one in experiment.data if one.name == where[0])
    model = _model(experiment, search)
    seen: dict[str, list[PlannedRun]] = {}
    for start in range(0, search.trials, AT_ONCE):
        trials = [study.ask() for _ in range(min(AT_ONCE, search.trials - start))]
        names: list[str] = []
        new: list[PlannedRun] = []
        for trial in trials:
            proposal = _proposal(search, trial)
            names.append(proposal.name)
            if proposal.name not in seen:
                seen[proposal.name] = runs_of(experiment, data, where[1], model, proposal, out, device)
                new += seen[proposal.name]
        do(new)
        for trial, name in zip(trials, names, strict=True):
            score = _score(seen[name])
            failed = optuna.trial.TrialState.FAIL
            study.tell(trial, state=failed) if score is None else study.tell(trial, score)


def _model(experiment: Experiment, search: Search) -> ConfiguredModel:
    (model,) = (one for one in experiment.models if one.name == search.of)
    return model


def _proposal(search: Search, trial: "Trial") -> Ablation:
    values: dict[str, Any] = {}
    for axis in search.axes:
        if axis.choices:
            values[axis.name] = trial.suggest_categorical(axis.name, axis.choices)
        elif axis.whole:
            values[axis.name] = trial.suggest_int(axis.name, round(axis.low), round(axis.high), log=axis.log)
        else:
            value = trial.suggest_float(axis.name, axis.low, axis.high, log=axis.log)
            values[axis.name] = float(f"{value:.{DIGITS}g}")
    name = ", ".join(f"{axis.removeprefix('set.')}={value}" for axis, value in values.items())
    return Ablation(name, search.of, as_settings(values))


def _score(runs: Sequence[PlannedRun]) -> float | None:
    """Mean of the first score on validation over seeds, more is better; None where a run failed."""
    if not all(is_done(run) for run in runs):
        return None
    main = runs[0].task.scores[0]
    found = [main.value_in(read_metrics(run.folder).validation) for run in runs]
    return main.goodness(summarise(found)[0])
