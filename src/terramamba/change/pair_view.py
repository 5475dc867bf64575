"""How a run is to see one pair: scaled as in training, and asked for one meaning of "changed"."""

from dataclasses import dataclass

from terramamba.change.meanings import asked_of, threshold_for
from terramamba.data.pairs.pair_scaling import own_scaling
from terramamba.data.scaling import Scaling
from terramamba.raster.scene import Scene
from terramamba.runs.folder import Run


@dataclass(frozen=True)
class PairView:
    """What a detector has to be told of a pair."""

    scaling: Scaling
    """Of both dates."""
    what: str | None
    """What counts as changed; None: what training masks marked."""
    meaning: int | None
    """Its number in the model."""
    threshold: float
    """Least probability that counts as changed, chosen on validation for this meaning."""


def view_of(run: Run, dates: tuple[Scene, Scene] | None, what: str | None) -> PairView:
    """Say how ``run`` is to see a pair; of a model that scales each pair by itself, some pixels are read.

    ``dates`` may be missing where all pairs are scaled alike.

    Raises:
        InputError: the run has learnt several meanings and none is named, or not this one.
    """
    asked, data = asked_of(run, what), run.card.data
    scaling = run.scaling
    if dates is not None and data.scale_by == "pair":
        scaling = own_scaling(*dates, run.scaling)
    meaning = None if asked is None else (data.meanings or ()).index(asked)
    return PairView(scaling, asked, meaning, threshold_for(run, asked))
