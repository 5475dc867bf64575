"""A detector that needs no training, made ready for one pair: what a run is to a trained one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from terramamba._version import __version__
from terramamba.change.date_correction import make_comparable
from terramamba.change.judging import CLASSES, FIXED_THRESHOLD
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.provenance import code_version
from terramamba.data.pairs.statistics import fit_dates
from terramamba.models.registry import create_model, list_models, model_spec
from terramamba.models.weights import SavedModel
from terramamba.raster.band_identity import bands_of
from terramamba.raster.checks.pair import require_pair
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked
from terramamba.raster.views.nodata import without_values
from terramamba.raster.views.warped import Method
from terramamba.runs.folder import Run
from terramamba.runs.model_card import DataCard, JudgedCard, MadeBy, ModelCard, Threshold

PROTOCOL = "change-without-training"


def untrained_names() -> tuple[str, ...]:
    """List the change detectors that have nothing to learn."""
    return tuple(name for name in list_models("change") if not model_spec(name).trainable)


def untrained_run(
    model: str,
    before: Scene,
    after: Scene,
    *,
    mask: Sequence[StrPath] = (),
    nodata: Sequence[float] = (),
    align: Method | None = None,
    correct_shift: bool = False,
    match_radiometry: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """Make a detector that needs no training ready for a pair: both dates are scaled by one rule, its own.

    Args:
        model: One of ``untrained_names()``.
        before: The earlier date.
        after: The later date.
        mask: Rasters and files of polygons of what does not count.
        nodata: Values that are no data though the files do not say so.
        align: Warp the later date onto the grid of the earlier.
        correct_shift: Move it by the shift between the two, as the map will.
        match_radiometry: Bring it to the brightness of the earlier, as the map will.
        options: Of the model, over its defaults.

    Returns:
        A run without a folder, of which ``change map`` takes what it takes of a trained one.

    Raises:
        InputError: a model that has to be trained, or dates that make no pair.
    """
    if model not in untrained_names():
        raise InputError(
            f"--model {model}: cannot map without training; give one of {', '.join(untrained_names())}, or"
            " the run folder of a trained model"
        )
    known = (without_values(date, nodata) for date in (before, after))
    first, second = require_pair(*known, align=align)
    pair = make_comparable(first, second, correct_shift=correct_shift, match_radiometry=match_radiometry)
    dates = [masked(date, mask) for date in pair]
    bands = bands_of(dates[0])
    fitted = fit_dates(dates, bands.used, before.path, "the two dates")
    detector = create_model(model, in_channels=len(fitted.scaling.bands), **(options or {}))
    data = DataCard(
        source_bands=dates[0].bands,
        wavelengths=bands.wavelengths,
        fwhm=bands.fwhm,
        band_names=bands.names,
        nodata=tuple(nodata) or None,
        physical=True if any(date.declared is not None for date in dates) else None,
        scaling=fitted.scaling,
        classes=CLASSES,
        protocol=PROTOCOL,
        split_id="none",
    )
    saved = SavedModel(detector.spec_name, detector.preset, detector.options)
    judged = JudgedCard(threshold=Threshold(FIXED_THRESHOLD, "fixed"))
    made_by = MadeBy(__version__, code_version()["commit"])
    return Run(Path(model), detector.eval(), ModelCard("change", saved, data, judged, made_by))
