"""What a map says of its own certainty: a layer of it, and what is too unsure to be named."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from terramamba.core.display import in_percent
from terramamba.core.errors import InputError
from terramamba.core.run_files import CARD
from terramamba.mapping.fit_to_run import no_temperature
from terramamba.mapping.probability import NO_PROBABILITY, PROBABILITY_SCALE
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.output.styles import ramp_style
from terramamba.runs.folder import Run
from terramamba.scores.calibration import TemperatureFit
from terramamba.scores.certainty import CertaintyTable

REJECTED_TAG = "REJECTED"
"""Value and name of what a map leaves unnamed, in its file."""

GREY = (128, 128, 128)


@dataclass(frozen=True)
class CertaintyRule:
    """How certainty is made of logits, and below which ``least`` a pixel is left unnamed, if any is."""

    temperature: float
    least: float | None = None


def certainty_rule(
    run: Run,
    fitted: TemperatureFit | None,
    table: CertaintyTable | None,
    *,
    layer: str | None,
    reject: float | None,
) -> CertaintyRule | None:
    """Return how ``run`` makes certainty, where a ``layer`` of it or a rate to ``reject`` is asked for.

    Raises:
        InputError: no temperature was ``fitted``, or there is no ``table`` of certainty on validation.
    """
    if layer is None and reject is None:
        return None
    if fitted is None:
        raise no_temperature(run, "--certainty" if reject is None else "--reject")
    if reject is None:
        return CertaintyRule(fitted.temperature)
    if table is None:
        raise InputError(
            f"{run.folder}: --reject needs what the run was sure of on validation, which runs of before did"
            f" not keep in {CARD}; train it anew, or map without"
        )
    return CertaintyRule(fitted.temperature, table.least(reject))


def rejected_code(codes: Collection[int]) -> int:
    """Return what stands for pixels that are left unnamed: the last code of 8 or 16 bits that is free.

    >>> rejected_code([0, 1, 2]), rejected_code([0, 254, 255]), rejected_code(range(256))
    (255, 253, 65535)
    """
    for last in (np.iinfo(np.uint8).max, np.iinfo(np.uint16).max):
        free = [code for code in range(last, 0, -1) if code not in codes]
        if max(codes) <= last and free:
            return free[0]
    raise ValueError("all codes are taken")


def rejected_words(rate: float | None, least: float | None) -> str | None:
    """Say what was left unnamed; None: nothing was."""
    if rate is None or least is None:
        return None
    below = f"what has a certainty below {least:.3f}"
    return f"{below}, which {in_percent(rate)} % of the validation samples did not reach"


def rejected_in(tags: Mapping[str, str]) -> dict[int, str]:
    """Return value and name of what a map with these ``tags`` leaves unnamed; nothing where it names all."""
    value, _, name = tags.get(REJECTED_TAG, "").partition(" ")
    return {int(value): name} if value.isdigit() else {}


def certainty_writer(path: object, grid: Grid, tags: Mapping[str, str]) -> RasterWriter:
    """Open a raster for certainties, stored as probabilities are."""
    return RasterWriter(
        str(path),
        grid,
        bands=1,
        dtype="uint8",
        nodata=NO_PROBABILITY,
        band_names=["certainty"],
        scale=PROBABILITY_SCALE,
        tags=tags,
        style=ramp_style(),
    )
