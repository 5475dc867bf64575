"""The card of pretrained weights: ``card.json`` beside the file, for people and for programs.

A run's card (``runs.model_card``) belongs to one scene or set of pairs. This one says what weights are worth
anywhere: what they learnt from and on whose terms, what they take, how right they were, what they cannot do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from terramamba.core.documents import read_json
from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.core.run_files import PRETRAINED_CARD
from terramamba.core.typed import Bound, FieldError, Finite, Text, between, typed
from terramamba.data.labels.class_table import ClassTable
from terramamba.models.origin import WeightsOrigin
from terramamba.models.weights import SavedModel
from terramamba.scores.calibration import TemperatureFit

CARD = PRETRAINED_CARD
FORMAT = 1
ANEW = "install terramamba anew, or fetch these weights anew"

Name = Annotated[
    str,
    Bound(
        "a name of small letters, digits and dashes",
        lambda text: text.replace("-", "a").isalnum() and text == text.lower() and text.isascii(),
    ),
]


@dataclass(frozen=True)
class TrainedOn:
    """Data that weights learnt from, and on what terms its owner gives it."""

    name: Text
    amount: Text
    source: Text
    terms: Text


@dataclass(frozen=True)
class WeightsScore:
    """One score: on what, what part that data had (chosen on, test, never seen), of what, and how much."""

    data: Text
    part: Text
    metric: Text
    value: Finite


@dataclass(frozen=True)
class WeightsMadeBy:
    """The command that makes these weights again, and the version of terramamba that did."""

    command: Text
    version: Text


@dataclass(frozen=True, kw_only=True)
class WeightsCard:
    """All that is to be known of weights before they are used."""

    format: Annotated[int, between(1, FORMAT)] = FORMAT
    name: Name
    title: Text
    task: Annotated[str, Bound("the name of a job", str.isidentifier)]
    model: SavedModel
    """With the checksum of the file of weights."""
    classes: ClassTable
    """In the order of the model's outputs."""
    takes: tuple[Text, ...]
    """What images they are for, a sentence each."""
    trained_on: tuple[TrainedOn, ...]
    licence: Text
    """Of the weights: an SPDX expression, or what their licence file allows, in short."""
    terms: Text
    """What lists and cards of weights say of their use."""
    made_by: WeightsMadeBy
    protocol: Text
    """What they were trained on, chosen on and tested on, and how often the test was read."""
    scores: tuple[WeightsScore, ...]
    calibration: Text
    """Whether probabilities come true, and on what that was measured."""
    temperature: Annotated[float, between(0.01, 100)] | None = None
    """What logits are divided by, so that probabilities come true; None: never fitted."""
    cannot: tuple[Text, ...]
    """What they cannot do, a sentence each."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """What only their job knows of; its wing reads it as a record of its own."""

    @property
    def origin(self) -> WeightsOrigin:
        """What the card of a run keeps that begins with them."""
        learnt_from = ", ".join(data.name for data in self.trained_on)
        return WeightsOrigin(self.name, learnt_from, self.title, self.terms, self.model.sha256)

    @property
    def calibration_fit(self) -> TemperatureFit | None:
        """The temperature as runs have it; how many samples it was fitted on, a card says in words alone."""
        return None if self.temperature is None else TemperatureFit(self.temperature, "validation", 0, False)


def read_weights_card(folder: Path) -> WeightsCard:
    """Read the card in ``folder``, checked field by field.

    Raises:
        InputError: there is none, it is damaged or of a later format, or a field has a value that it cannot
            have.
    """
    path = folder / CARD
    if not path.is_file():
        remedy = "give a folder of weights (`terramamba weights`)"
        raise InputError(where=str(path), what="does not exist", remedy=remedy)
    record = read_json(path, ANEW)
    try:
        return typed(WeightsCard, record)
    except FieldError as error:
        raise InputError(where=str(path), what=str(error), remedy=ANEW) from error


def write_weights_card(folder: Path, card: WeightsCard) -> None:
    """Write ``card`` into ``folder``, after the weights: its checksum of them makes the two belong together.

    Raises:
        InputError: the disk is full or must not be written to.
    """
    write_json(folder / CARD, vars(card))
