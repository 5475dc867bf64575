"""Pretrained weights for change, as a run that ``change map`` takes like any other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.hub import at_hand
from terramamba.core.run_files import CARD as RUN_CARD
from terramamba.core.typed import FieldError, Fraction, Text, typed
from terramamba.data.scaling import Scaling
from terramamba.data.settings import ScaleBy
from terramamba.runs.folder import Run, load_run
from terramamba.runs.model_card import DataCard, JudgedCard, MadeBy, Metres, ModelCard, Threshold
from terramamba.weights.card import ANEW, CARD
from terramamba.weights.registry import find_weights, load_weights, names_weights

PICTURE = ("red", "green", "blue")
"""Bands of the pictures that weights for three bands learnt from."""


@dataclass(frozen=True, kw_only=True)
class ChangeWeights:
    """What a card of weights says that only change detection knows of."""

    scaling: Scaling
    scale_by: ScaleBy
    threshold: Fraction
    meanings: tuple[Text, ...] | None = None
    thresholds: Mapping[Text, Fraction] | None = None
    """By meaning."""
    pixel_sizes: tuple[Metres, Metres] | None = None
    """Sides on the ground, in metres, of pixels that the model was trained or tried on."""
    pixel_sizes_of: Mapping[Text, tuple[Metres, Metres]] | None = None
    """By meaning."""


def pretrained_run(given: str) -> Run:
    """Make a run of the weights that ``given`` names: shipped ones, a folder of weights, or the file in it.

    A run is taken as it is; weights and runs may be on the hub.

    Raises:
        InputError: there are none, they are for another job, or damaged.
    """
    given = at_hand(given)
    if Path(given, RUN_CARD).is_file():
        return load_run(given)
    weights = find_weights(given, "change")
    model, card = load_weights(weights), weights.card
    try:
        own = typed(ChangeWeights, card.own)
    except FieldError as error:
        raise InputError(f"{weights.folder / CARD}: own.{error}; {ANEW}") from error
    data = DataCard(
        source_bands=len(own.scaling.bands),
        band_names=PICTURE if len(own.scaling.bands) == len(PICTURE) else None,
        scaling=own.scaling,
        scale_by=own.scale_by,
        meanings=own.meanings,
        pixel_sizes=own.pixel_sizes,
        pixel_sizes_of=own.pixel_sizes_of,
        classes=card.classes,
        protocol=card.protocol,
        split_id="none",
    )
    judged = JudgedCard(
        threshold=Threshold(own.threshold, "validation"),
        thresholds=own.thresholds,
        calibration=card.calibration_fit,
    )
    made_by = MadeBy(card.made_by.version)
    return Run(weights.folder, model, ModelCard("change", card.model, data, judged, made_by, card.origin))


def run_of_weights(given: str) -> Run | None:
    """Make a run of the weights that ``given`` names; None where it names none, such as the folder of a run.

    Raises:
        InputError: the weights are for another job, or damaged.
    """
    return pretrained_run(given) if names_weights(given) else None


def own_part(run: Run, pixel_sizes_of: Mapping[str, tuple[float, float]]) -> ChangeWeights:
    """Return what a card of weights has to say of ``run`` beyond its model, to be published.

    ``pixel_sizes_of`` are sides in metres of the pixels that it was trained or tried on, by meaning.
    """
    data, judged = run.card.data, run.card.judged
    least, most = zip(*pixel_sizes_of.values(), strict=True)
    return ChangeWeights(
        scaling=data.scaling,
        scale_by=data.scale_by or "training",
        threshold=run.threshold,
        meanings=data.meanings,
        thresholds=judged.thresholds,
        pixel_sizes=(min(least), max(most)),
        pixel_sizes_of=pixel_sizes_of,
    )
