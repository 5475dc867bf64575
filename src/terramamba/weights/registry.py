"""Which weights there are, found by name or by folder; loaded only where file and card belong together.

::

    NAME/weights.safetensors    the weights
    NAME/card.json              what they are (``card``), with the checksum of the file
    NAME/LICENSE                on what terms they may be used

Nothing lists them elsewhere: a further folder in this room is a further name.
"""

import hashlib
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.files import write_text
from terramamba.core.hub import at_hand
from terramamba.core.progress import say
from terramamba.core.run_files import PRETRAINED, PRETRAINED_LICENCE, PRETRAINED_WEIGHTS
from terramamba.models.model import Model
from terramamba.models.weights import load_model, save_model
from terramamba.weights.card import ANEW, CARD, WeightsCard, read_weights_card, write_weights_card

FILES = PRETRAINED
WEIGHTS, LICENCE = PRETRAINED_WEIGHTS, PRETRAINED_LICENCE
SHIPPED = Path(__file__).parent
FREE = ("Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0")
"""Licences of which nothing need be said each time; their cards say it."""


@dataclass(frozen=True)
class Weights:
    """A folder of weights with its card."""

    folder: Path
    card: WeightsCard

    @property
    def file(self) -> Path:
        """The file of weights."""
        return self.folder / WEIGHTS

    @property
    def licence(self) -> Path:
        """The file that says on what terms they may be used."""
        return self.folder / LICENCE


def shipped_weights() -> tuple[Weights, ...]:
    """List the weights that come with the package, by name."""
    found = (Weights(path.parent, read_weights_card(path.parent)) for path in SHIPPED.glob(f"*/{CARD}"))
    return tuple(sorted(found, key=lambda weights: weights.card.name))


def names_weights(given: str) -> bool:
    """Tell whether ``given`` names weights: shipped ones, the path of a folder of some, or the file in it."""
    path = Path(given)
    folder = path if path.is_dir() else path.parent
    return is_shipped(given) or (path.exists() and (folder / CARD).is_file())


def is_shipped(given: str) -> bool:
    """Tell whether ``given`` is the name of weights that come with the package."""
    return given in {weights.card.name for weights in shipped_weights()}


def find_weights(given: str, task: str | None = None) -> Weights:
    """Find weights by the name of shipped ones, by the path of their folder or the file in it, or on a hub.

    Raises:
        InputError: there are none, the card is damaged, or they are for another job than ``task``.
    """
    known = {weights.card.name: weights for weights in shipped_weights()}
    path = Path(at_hand(given))
    if given in known:
        found = known[given]
    elif path.is_dir() or path.is_file():
        folder = path if path.is_dir() else path.parent
        found = Weights(folder, read_weights_card(folder))
    else:
        near = get_close_matches(given, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
        raise InputError(
            f"--weights {given}: no such weights and no such folder; {hint} (`terramamba weights` lists them)"
        )
    if task is not None and found.card.task != task:
        raise InputError(
            f"--weights {given}: they are for {found.card.task}; use `terramamba {found.card.task} map`"
        )
    return found


def verify_weights(weights: Weights) -> None:
    """Refuse weights whose file is not the one that the card was written with, or that have no licence file.

    Raises:
        InputError: a file is missing, damaged or exchanged.
    """
    for path in (weights.file, weights.licence):
        if not path.is_file():
            raise InputError(where=str(path), what="does not exist", remedy=ANEW)
    with weights.file.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != weights.card.model.sha256:
        raise InputError(
            where=str(weights.file),
            what=f"is damaged or not the one that {CARD} was written with"
            f" (SHA-256 {found[:16]}, not {str(weights.card.model.sha256)[:16]})",
            remedy=ANEW,
        )


def load_weights(weights: Weights) -> Model:
    """Build the model and give it its weights, on the CPU, to be evaluated; say terms that restrict its use.

    Raises:
        InputError: as ``verify_weights``, or the card tells of another model than the file holds.
    """
    verify_weights(weights)
    try:
        model = load_model(weights.file, weights.card.model)
    except InputError as error:
        raise InputError(f"{weights.folder / CARD}: does not fit {WEIGHTS} ({error.what}); {ANEW}") from error
    if weights.card.licence not in FREE:
        name = weights.card.name
        _say_once(f"{name}: {weights.card.licence}; `terramamba weights show {name}` has the terms")
    return model


def save_weights(
    folder: Path, model: Model, card: WeightsCard, licence: str, *, half: bool = False
) -> Weights:
    """Write ``model``, built by ``create_model``, its ``card`` and the text of its licence to ``folder``.

    The card gets the model's size and the checksum of the file; ``half`` is as ``save_model`` has it.

    Raises:
        InputError: the disk is full or must not be written to.
    """
    saved = replace(card, model=save_model(model, folder / WEIGHTS, half=half))
    write_text(folder / LICENCE, licence)
    write_weights_card(folder, saved)
    return Weights(folder, saved)


@cache
def _say_once(sentence: str) -> None:
    """Say it once in a process."""
    say(f"note: {sentence}")
