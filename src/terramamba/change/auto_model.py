"""Which change detector is trained where none is named: this project's own (docs/results.md)."""

from dataclasses import replace

from terramamba.change.settings import ChangeSettings
from terramamba.core.progress import say
from terramamba.models.encoders.pretrained import IMAGENET

BEST = "difference_mamba"


def best_model(settings: ChangeSettings) -> ChangeSettings:
    """Name the model; its encoder begins with ImageNet's weights where they are installed.

    The published recipe begins from scratch.
    """
    settings = replace(settings, model=BEST)
    if settings.encoder_weights is not None or settings.recipe == "published":
        return settings
    if not IMAGENET.installed:
        say(
            f"note: {BEST} begins from scratch; it learns more from few pairs with an encoder that has seen"
            f" photographs: {IMAGENET.install}"
        )
        return settings
    return replace(settings, encoder_weights=IMAGENET.name)
