"""Training that begins with the weights of an earlier run: on other labels, classes or bands, or for longer.

What fits is taken; what has another shape, since there are other classes or bands, is drawn anew, but for a
first convolution, which is widened. The sizes of the model are the run's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.core.hub import at_hand
from terramamba.models.encoders.pretrained import widened
from terramamba.models.model import Model
from terramamba.models.origin import WeightsOrigin
from terramamba.models.registry import resolved_options
from terramamba.runs.folder import Run, load_run, with_kept_model
from terramamba.runs.model_card import DataCard
from terramamba.training.settings import TrainSettings

S = TypeVar("S", bound=TrainSettings)
NAMED = 4
"""Weights that are named where more are drawn anew."""
FROM_DATA = ("in_channels", "num_classes", "patch_size", "meanings", "finer")
"""Options that differ from run to run of one size of a model."""


@dataclass(frozen=True)
class Beginning:
    """What a model began with, in words, and what that does to its scores."""

    words: str
    notes: tuple[str, ...] = ()
    origin: WeightsOrigin | None = None
    """Of weights of others among them; None: there are none, or it is not known."""


def begun_with(init: str | None, pretrained: Callable[[str], Run | None]) -> Run | None:
    """Load what training begins with; None: it begins from scratch.

    Args:
        init: Folder of a run, what ``pretrained`` knows, or either on the hub.
        pretrained: Makes a run of pretrained weights, by name or folder; None: there are none.

    Raises:
        InputError: it is neither, or damaged.
    """
    if init is None:
        return None
    place = at_hand(init)
    weights = pretrained(place)
    if weights is not None:
        return weights
    if not Path(place).is_dir():
        raise InputError(
            f"--init {init}: no such run folder; name the folder that training wrote with --out, or weights"
            " for this job (`terramamba weights`)"
        )
    return load_run(place)


def with_model(settings: S, begun: Run | None, best: Callable[[S], S]) -> S:
    """Return ``settings``, which leave the choice of the model, with it by its own name.

    It is that of the run that they begin with or go on with, else that of the function ``best``.
    """
    if begun is not None:
        return replace(settings, model=begun.card.model.name)
    kept = with_kept_model(settings)
    return best(settings) if kept is None else kept


def with_sizes_of(settings: S, begun: Run | None, task: str) -> S:
    """Return ``settings`` with the sizes of the run that they begin with.

    Raises:
        InputError: it is for another job, of another model or of other sizes than asked for.
    """
    if begun is None:
        return settings
    card = begun.card
    model = card.model
    if card.task != task:
        raise InputError(f"--init {settings.init}: this run is for {card.task}; name one for {task}")
    if model.name != settings.model:
        raise InputError(f"--init {settings.init}: this run is of {model.name}; give --model {model.name}")
    if settings.preset not in (None, model.preset):
        raise InputError(
            f"--preset {settings.preset}: the run of --init {settings.init} is {model.preset}; leave one out"
        )
    own = _sizes(begun.model)
    for name, value in settings.set.items():
        if name in own and own[name] != value:
            raise InputError(
                f"--set {name}={value}: the run of --init {settings.init} has {name}={own[name]}; leave one"
                " out"
            )
    return replace(settings, preset=model.preset, set={**own, **settings.set})


def begin_with(model: Model, run: Run, init: str, data: DataCard) -> Beginning:
    """Give ``model`` all weights of ``run`` that it has a place for, and say which it has not.

    Args:
        model: What is to be trained.
        run: What it begins with.
        init: How the run was named.
        data: What the model will be trained on.

    Raises:
        InputError: the run is of another model.
    """
    theirs, likened = _by_meaning(model, run, data.meanings)
    own = model.state_dict()
    taken, anew = {}, []
    for name, value in own.items():
        found = _fitting(theirs.get(name), value)
        if found is None:
            anew.append(name)
        else:
            taken[name] = found
    if not taken:
        raise InputError(f"--init {init}: no weight of this run has a place in the model; leave --init out")
    model.load_state_dict(taken, strict=False)
    drawn = f"; drawn anew: {', '.join(anew[:NAMED])}{' and others' if len(anew) > NAMED else ''}"
    words = f"the weights of {init}{drawn if anew else ''}{likened}"
    return Beginning(words, _notes(run, init, data.split_id), run.card.origin)


def _by_meaning(model: Model, run: Run, meanings: Sequence[str] | None) -> tuple[Mapping[str, Tensor], str]:
    """The weights of ``run`` with those of a meaning of "changed" where ``model`` has that, and which others.

    A meaning that the run has not learnt begins with what the run's first has.
    """
    theirs, known = run.model.state_dict(), run.card.data.meanings or ("",)
    placed, likened = dict(theirs), []
    for number, meaning in enumerate(meanings or ("",)):
        places = model.weights_of_meaning(number)
        sources = run.model.weights_of_meaning(known.index(meaning) if meaning in known else 0)
        for place, source in zip(places, sources, strict=True):  # a run's model is of the same record
            placed |= {
                f"{place}{name.removeprefix(source)}": value
                for name, value in theirs.items()
                if name.startswith(source)
            }
        if places and meaning not in known:
            likened.append(f"{meaning or 'changed'} as {known[0] or 'changed'}")
    return placed, f"; it begins with {', '.join(likened)}" if likened else ""


def _notes(run: Run, init: str, split_id: str) -> tuple[str, ...]:
    if run.split_id == split_id:
        return ()
    return (
        f"began with {init}, which learnt from another split ({run.split_id}): where that holds what is"
        " tested here, scores are too high",
    )


def _fitting(theirs: Tensor | None, own: Tensor) -> Tensor | None:
    """``theirs`` where it fits, or can be widened to other bands; None: it has no place."""
    if theirs is None or theirs.shape == own.shape:
        return theirs
    is_stem = theirs.ndim == own.ndim == 4 and theirs.shape[0] == own.shape[0]
    if is_stem and theirs.shape[2:] == own.shape[2:]:
        return widened(theirs, own.shape[1])
    return None


def _sizes(model: Model) -> Mapping[str, Any]:
    """The options of a run's model that neither its preset nor the data decided."""
    of_data = {name: model.options[name] for name in FROM_DATA if name in model.options}
    usual = resolved_options(model.spec_name, model.preset, **of_data)
    return {name: value for name, value in model.options.items() if usual[name] != value}
