"""Sides of patches that are tried out on validation: ``--patch-size search``."""

from collections.abc import Mapping
from dataclasses import replace

from terramamba.core.errors import InputError
from terramamba.landcover.settings import SEARCH, SEARCHED_SIDES, ClassifySettings
from terramamba.models.registry import model_spec


def alternatives(settings: ClassifySettings) -> Mapping[str, ClassifySettings]:
    """Return the settings to try, by the side of patches in pixels; none where the side is no question.

    Raises:
        InputError: the model sees single spectra, or a run that has chosen is to be gone on with.
    """
    if settings.patch_size != SEARCH:
        return {}
    if model_spec(settings.model).fit is not None:
        raise InputError(f"--patch-size {SEARCH}: {settings.model} sees single spectra; leave it out")
    if settings.resume:
        raise InputError(
            f"--patch-size {SEARCH}: a run that goes on has a side already; give the patch_size of its"
            " config.yaml"
        )
    decided = [*settings.decided, "patch_size"]
    return {
        f"patch_size {side}": replace(settings, patch_size=side, decided=decided) for side in SEARCHED_SIDES
    }
