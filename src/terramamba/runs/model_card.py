"""The model card, ``model.json``: all that using a trained model has to know beside its weights.

One record serves every job. What some jobs have and others have not is optional, and grouped by what it is
for (``patches``, ``threshold``, ``fast``) and not by the job: two fields that mean nothing alone cannot be
parted, this file needs to know no job, and a further job fills in the groups that it has. A job that needs a
group asks the ``Run``, which refuses a card without it.

Fields are checked where a card is read and before it is written. Its form in the file is ``card_form``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from terramamba.core.documents import read_json
from terramamba.core.errors import InputError
from terramamba.core.files import plain, write_json
from terramamba.core.run_files import CARD, not_finished
from terramamba.core.typed import Bound, FieldError, Finite, Fraction, Text, between, typed
from terramamba.data.labels.class_table import ClassTable, Code
from terramamba.data.pairs.label_values import LabelValues
from terramamba.data.scaling import Scaling
from terramamba.data.settings import ScaleBy
from terramamba.data.splits.leakage import Leakage
from terramamba.models.origin import WeightsOrigin
from terramamba.models.weights import SavedModel
from terramamba.raster.checks.scales import QUANTILES
from terramamba.raster.readers.axes import Role
from terramamba.runs.card_form import from_file, place_in_file, to_file
from terramamba.scores.calibration import TemperatureFit
from terramamba.scores.certainty import CertaintyTable

Border = Literal["reflect", "zeros"]
"""What stands beyond the edge of a scene: its mirror image, or zeros."""

ThresholdSource = Literal["validation", "given", "fixed"]
"""A threshold was chosen on validation, given, or is 0.5 since the detector is not trained."""

Nanometres = Annotated[float, between(0, 1_000_000_000)]
Metres = Annotated[float, between(0, 1_000_000)]


@dataclass(frozen=True)
class PatchShape:
    """What a model that classifies a pixel by its surroundings is given: ``size`` x ``size`` pixels."""

    size: Annotated[
        int, Bound("an odd number from 1 to 9,999", lambda size: 1 <= size <= 9_999 and size % 2 == 1)
    ]
    border: Border


@dataclass(frozen=True)
class Threshold:
    """Least probability that counts as changed, and where it is from."""

    value: Fraction
    source: ThresholdSource


@dataclass(frozen=True)
class TilingScore:
    """Fast mapping on validation: overall accuracy, and the fraction of pixels as in exact mapping."""

    oa: Fraction
    agreement: Fraction


@dataclass(frozen=True)
class FastAgreement:
    """How far fast mapping stays with exact mapping, on validation pixels, by the number of tilings."""

    exact_oa: Fraction
    tilings: Mapping[Annotated[int, between(1, 81)], TilingScore]


@dataclass(frozen=True)
class Regularisation:
    """How class probabilities are smoothed (``mapping.regularise``), as validation chose it."""

    radius: Annotated[int, between(1, 1000)]
    bandwidth: Annotated[float, between(1e-12, 1e12)] | None
    """None: to leave them as they are was the best."""
    validation: Mapping[str, Fraction]
    """Overall accuracy on validation of each strength that was tried, and of "off"."""
    calibration: TemperatureFit | None = None
    """Of the logarithms of the smoothed probabilities."""
    certainty: CertaintyTable | None = None


@dataclass(frozen=True)
class MadeBy:
    """Which code trained the model: the version, and the commit where it ran from a git checkout."""

    version: Text
    commit: Text | None = None


@dataclass(frozen=True, kw_only=True)
class DataCard:
    """What the data decided: what a model takes and gives, and how training was told from test."""

    source_bands: Annotated[int, between(1, 1_000_000)]
    """Bands of the images that it was trained on, of which ``scaling`` takes some."""
    wavelengths: tuple[Nanometres, ...] | None = None
    """Of the source bands, in nm."""
    axes: tuple[Role, ...] | None = None
    """What the axes of the bare array held that it was trained on; None: another kind of file."""
    fwhm: tuple[Nanometres, ...] | None = None
    """Widths of the source bands at half maximum, in nm."""
    band_names: tuple[str, ...] | None = None
    """Of the source bands, where their files name them; None also: a run of before."""
    quantiles: tuple[tuple[Finite, ...], ...] | None = None
    """Percentiles (``raster.checks.scales``) of the bands that ``scaling`` takes; None: a run of before."""
    nodata: tuple[Finite, ...] | None = None
    """Values that were no data in training though no file declares them (--nodata)."""
    physical: bool | None = None
    """Whether the scale and offset that images declare are applied, as they were in training; None also: no
    image of the training declared any, or a run of before, in which they were not."""
    level: Literal[1, 2] | None = None
    """Level of the products that it was trained on (``raster.checks.product_level``); None: not known."""
    scaling: Scaling
    scale_by: ScaleBy | None = None
    """Whether ``scaling`` scales all pairs, or each its own values; None: ``scaling``, or no pairs."""
    meanings: tuple[Text, ...] | None = None
    """What the model can call changed, in the order of its numbers; None: one meaning, that of the masks."""
    classes: ClassTable
    patches: PatchShape | None = None
    protocol: Text
    """How training and test were told apart, in short."""
    split_id: Text
    """The same for two runs on the same split."""
    leakage: Leakage | None = None
    pixel_sizes: tuple[Metres, Metres] | None = None
    """Least and largest side on the ground, in metres, of pixels that it was trained or tried on; None: not
    known."""
    pixel_sizes_of: Mapping[Text, tuple[Metres, Metres]] | None = None
    """The same by what counts as changed, where the model has learnt several meanings; None: not known, or a
    run of before."""
    label_values: LabelValues | None = None
    """What the values in change masks mean; None: a run of before, or one without masks."""
    fractions: Mapping[str, tuple[Code, ...]] | None = None
    """Codes of the classes whose probabilities add up to the fraction of a pixel that a material covers;
    None: probabilities are those of classes alone."""

    def __post_init__(self) -> None:
        for name in ("wavelengths", "fwhm", "band_names"):
            values = getattr(self, name)
            if values is not None and len(values) != self.source_bands:
                raise FieldError(name, values, f"one for each of {self.source_bands} bands")
        rows = self.quantiles
        bands = len(self.scaling.bands)
        if rows is not None and [len(row) for row in rows] != [bands] * len(QUANTILES):
            raise FieldError("quantiles", rows, f"{len(QUANTILES)} numbers for each of {bands} bands")
        if max(self.scaling.bands) >= self.source_bands:
            raise FieldError("scaling.bands", self.scaling.bands, f"bands 0 to {self.source_bands - 1}")


@dataclass(frozen=True, kw_only=True)
class JudgedCard:
    """What judging the trained model on validation decided."""

    threshold: Threshold | None = None
    thresholds: Mapping[Text, Fraction] | None = None
    """By what counts as changed, where the model has learnt several meanings."""
    calibration: TemperatureFit | None = None
    certainty: CertaintyTable | None = None
    """Of validation samples; None: a run of before, or one that nothing was judged of."""
    fast: FastAgreement | None = None
    regularise: Regularisation | None = None
    """None: off, and so are runs of before."""


@dataclass(frozen=True)
class ModelCard:
    """What a trained model is, what it takes, what it gives, and what its scores are worth."""

    task: Annotated[str, Bound("the name of a job", str.isidentifier)]
    model: SavedModel
    data: DataCard
    judged: JudgedCard
    made_by: MadeBy
    origin: WeightsOrigin | None = None
    """Whose weights training began with, at first hand or through another run; None: nobody's."""


def read_card(folder: Path) -> ModelCard:
    """Read the card of the run in ``folder``, checked field by field.

    Raises:
        InputError: there is none, it is damaged or of a later format, or a field has a value that it cannot
            have.
    """
    path = folder / CARD
    if not path.is_file():
        raise InputError(not_finished(folder, CARD))
    record = read_json(path, "it is damaged: restore it or train the model anew")
    try:
        return typed(ModelCard, from_file(path, record))
    except FieldError as error:
        raise InputError(f"{path}: {_named(error)}; restore it or train the model anew") from error


def write_card(folder: Path, card: ModelCard) -> None:
    """Write ``card`` into ``folder``, after the weights: its checksum of them makes the two belong together.

    Raises:
        InputError: a field has a value that ``read_card`` would refuse, or the disk is full.
    """
    record = as_json(card)
    try:
        typed(ModelCard, from_file(folder / CARD, record))
    except FieldError as error:
        raise InputError(f"{folder / CARD}: cannot be written, {_named(error)}") from error
    write_json(folder / CARD, record)


def _named(error: FieldError) -> FieldError:
    return FieldError(place_in_file(error.field), error.value, error.wanted)


def as_json(card: ModelCard) -> dict[str, Any]:
    """Return the content of ``model.json``."""
    return to_file(plain(card))
