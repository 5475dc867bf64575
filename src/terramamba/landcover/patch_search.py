"""Sides of patches that are tried out on validation: ``--patch-size search``."""

from collections.abc import Mapping
from dataclasses import replace

from terramamba.core.errors import InputError
from terramamba.core.options import UNDECIDED
from terramamba.landcover.settings import SEARCH, SEARCHED_SIDES, ClassifySettings
from terramamba.models.registry import model_spec


def alternatives(settings: ClassifySettings) -> Mapping[str, ClassifySettings]:
    """Return the settings to try, by the side of patches in pixels; none where the side is no question.

    A run that is gone on with has chosen: then there is one to try, with the side that it has.

    Raises:
        InputError: the model sees single spectra.
    """
    if settings.patch_size != SEARCH:
        return {}
    if model_spec(settings.model).fit is not None:
        raise InputError(f"--patch-size {SEARCH}: {settings.model} sees single spectra; leave it out")
    if settings.resume:  # the run has chosen: what is not given is as it was decided there
        return {"the side of the run": replace(settings, patch_size=UNDECIDED)}
    decided = [*settings.decided, "patch_size"]
    return {
        f"patch_size {side}": replace(settings, patch_size=side, decided=decided) for side in SEARCHED_SIDES
    }
