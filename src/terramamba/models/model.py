"""What every model of the registry answers: one base class, whose answers are those of most models.

Whoever needs something of a model asks the model, so that a model that brings a new ability is used without a
change elsewhere, and a command can refuse what a model cannot do before anything is written:

    question                           answered by            a model that cannot
    which blocks can be recomputed?    checkpoint_blocks()    ()
    what decays in training?           parameter_groups()     everything decays
    whose weights may come first?      encoder_name           None: nobody's; ``load_encoder`` raises
    may it see another sensor?         at_wavelengths()       it raises
    the logits of single pixels?       token_logits()         ``classifies_tokens`` is False, and it raises
    what was found on the way?         forward_features()     the logits alone
    which layers may Grad-CAM weigh?   target_layers()        ()
    can an image be cut into tiles?    whole_image            False: it can
    which pixels count?                takes_valid            False: it does not ask
    what is called changed?            takes_meaning          False: it has learnt one meaning
    which weights answer for a meaning? weights_of_meaning()  (): all, for any
    may a batch leave weights out?     may_skip_weights       False: it uses all
    how large does it see images?      seen_enlarged          1: as they are
    which patches does it take?        patch_size             None: patches of any side
    does bfloat16 change anything?     supports_bf16          False

An empty answer is an answer where "none" is one. Where the caller must know before it has a batch there is
an attribute beside the method, as for ``token_logits``. A base class and not a protocol, because the defaults
are answers too: a model's file says only what the model can do beyond them.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError


class Features(NamedTuple):
    """What a model found, and by name what it found on the way."""

    logits: Tensor
    """What ``forward`` returns."""
    maps: Mapping[str, Tensor] = MappingProxyType({})
    """Feature maps."""
    attention: Mapping[str, Tensor] = MappingProxyType({})
    """Attention weights (b, heads, l, l), from query to context token; they sum to 1 over the last axis."""


class TargetLayer(NamedTuple):
    """A layer for Grad-CAM: its output is maps (b, c, h, w), or those of both dates, (2 b, c, h, w)."""

    part: str
    """Which part of the model it is, such as "CSAM"."""
    stage: int
    """Its stage, from 1, fine to coarse."""
    stride: int
    """Side of the image, in pixels, for one position of the maps."""
    module: nn.Module


class Model(nn.Module):
    """A model of the registry; ``create_model`` says in the first three attributes how it was built."""

    spec_name: str = ""
    """Name in the registry."""
    preset: str = ""
    """Its named size."""
    options: Mapping[str, Any] = MappingProxyType({})
    """All options, resolved."""
    classifies_tokens: bool = False
    """Whether ``token_logits`` answers."""
    encoder_name: str | None = None
    """Encoder whose public weights ``load_encoder`` takes, as ``encoders.pretrained`` names it."""
    whole_image: bool = False
    """Whether it must see an image at once, because what it finds in a part depends on all of it."""
    takes_valid: bool = False
    """Whether ``forward`` also takes which pixels count, (b, h, w), since it finds out of all of them what is
    the rule."""
    takes_meaning: bool = False
    """Whether ``forward`` also takes which of several meanings of "changed" is asked for, by number, (b,)."""
    may_skip_weights: bool = False
    """Whether a batch may leave out some weights: those of a meaning that none of its samples ask for."""
    seen_enlarged: int = 1
    """How many times as long it makes the sides of images; its memory is that of images of this size."""
    patch_size: int | None = None
    """Side in pixels of the only patches that it takes; None: of any."""
    supports_bf16: bool = True
    """Whether it has products of matrices that run in bfloat16 under autocast."""

    def checkpoint_blocks(self) -> Sequence[nn.Module]:
        """List the modules, one tensor in and one out, that hold most of the activations and of the time.

        Training runs them again in the backward pass or compiles them one by one (``recomputing``).
        """
        return ()

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Return all parameters in groups for an optimiser; here one group, all of which decays.

        A group may have an ``lr_scale``, by which its learning rate differs from the others'.
        """
        return [{"params": list(self.parameters()), "weight_decay": weight_decay}]

    def load_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Have the encoder begin with somebody's ``weights``, by their own names.

        Raises:
            InputError: this model has no encoder that could, or they are another network's.
        """
        raise InputError(
            f"--encoder-weights: {self.spec_name} has no encoder that could begin with weights; leave it out,"
            " or use another model"
        )

    def set_encoder_rate(self, share: float) -> None:
        """Have the encoder learn at this ``share`` of the learning rate; at 0 its weights stay.

        Raises:
            InputError: this model has no encoder with a rate of its own.
        """
        raise InputError(
            f"--encoder-rate: {self.spec_name} has no encoder with a rate of its own; leave it out, or use"
            " another model"
        )

    def at_wavelengths(self, wavelengths: Sequence[float]) -> "Model":
        """Return the same model for a sensor whose bands have these ``wavelengths``, in nm.

        Raises:
            InputError: what this model learnt is of the bands of one sensor.
        """
        raise InputError(
            f"{self.spec_name}: its weights are for the bands that it was trained on; use those of a model"
            " that knows wavelengths, such as spectral-library"
        )

    def token_logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Classify each pixel of patches (b, c, h, w); the mean over h, w is the patches' own logits.

        Raises:
            InputError: this model does not, as ``classifies_tokens`` says.
        """
        raise InputError(
            f"{self.spec_name}: this model does not classify the single pixels of a patch; use another"
        )

    def forward_features(self, x: Tensor) -> Features:
        """Run ``forward`` and return its logits with what the model lets be seen on the way to them."""
        return Features(self(x))

    def target_layers(self, meaning: int = 0) -> Sequence[TargetLayer]:
        """List the layers that say where the model found something, fine to coarse within a part.

        ``meaning``: by number, that of several meanings of "changed" whose layers they are.
        """
        return ()

    def weights_of_meaning(self, number: int) -> tuple[str, ...]:
        """Return with what the names of the weights begin that one meaning of "changed" is answered with."""
        return ()

    def check_precision(self, precision: str) -> None:
        """Raise ``InputError`` where ``precision`` is "bf16" and the model has nothing to run in it."""
        if precision == "bf16" and not self.supports_bf16:
            raise InputError(
                f"--precision bf16: {self.spec_name} computes in float32 or wider whatever is asked; use 32"
            )
