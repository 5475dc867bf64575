"""A classifier with weights of the package, made ready for one scene: what a run is to a trained one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.progress import say
from terramamba.core.typed import FieldError, typed
from terramamba.core.words import ranges
from terramamba.data.labels.class_table import Code
from terramamba.data.scaling import Scaling
from terramamba.landcover.usable_bands import MIN_VALID_FRACTION
from terramamba.models.spectral_mlp import resampling_onto_grid
from terramamba.models.weights import SavedModel
from terramamba.raster.band_identity import bands_of
from terramamba.raster.checks.reflectance import holds_offset, reflectance_scale, refuse_radiance
from terramamba.raster.checks.scales import PROCESSING_OFFSET
from terramamba.raster.readers.band_names import of_sentinel_2
from terramamba.raster.sample_statistics import sample_statistics, sample_values
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked
from terramamba.raster.views.nodata import without_values
from terramamba.raster.views.physical import physical
from terramamba.runs.folder import Run
from terramamba.runs.model_card import DataCard, JudgedCard, MadeBy, ModelCard, PatchShape
from terramamba.weights.card import ANEW, CARD
from terramamba.weights.registry import Weights, load_weights

PROTOCOL = "weights-without-training"
SAMPLED_VALUES = 4_000_000
FEWEST_PIXELS = 100
"""In fewer pixels a band may hold one value by chance; of more, it was not recorded: light that air takes."""
NEEDED = ((430.0, 600.0, "blue or green"), (600.0, 700.0, "red"), (750.0, 900.0, "near-infrared"))
"""Light without some of which plants cannot be told from anything, first and last wavelength in nm."""
HARMONISED, WHOLE = "HLS", 10_000.0
"""What a format is called that has Sentinel-2's bands without its offset; the stored value of 1 in most."""
SWIR_NM = 1500.0
"""Without bands beyond, dry plants look as soils do."""


@dataclass(frozen=True)
class CoverWeights:
    """What the card of weights for land cover has beyond every card."""

    fractions: Mapping[str, tuple[Code, ...]]
    """Codes of the classes whose probabilities add up to the fraction that a material covers."""


def pretrained_run(
    weights: Weights,
    scene: Scene,
    *,
    scale: float | None = None,
    mask: Sequence[StrPath] = (),
    nodata: Sequence[float] = (),
) -> Run:
    """Make a classifier that was trained on spectra ready for a scene with wavelengths, in its own bands.

    Args:
        weights: For land cover.
        scene: In surface reflectance.
        scale: Stored value of a reflectance of 1; None: found.
        mask: Rasters and files of polygons of what does not count.
        nodata: Values that are no data though the file does not say so.

    Returns:
        A run without a folder, of which ``classify map`` takes what it takes of a trained one.

    Raises:
        InputError: weights that are damaged or for the bands of one sensor, a scene without wavelengths or
            with too few of them, or one whose values are no surface reflectance.
    """
    model = load_weights(weights)
    seen = masked(physical(without_values(scene, nodata)), mask)
    if seen.wavelengths is None:
        raise InputError(
            f"{seen.path}: its bands have no wavelengths, by which {weights.card.name} knows them; write them"
            ' as names of its bands, such as "482 nm", or train a model'
        )
    bands, sample, known = _sampled(seen, weights.card.name)
    wavelengths = np.array(seen.wavelengths)[list(bands)]
    whole = sample[:, known.all(axis=0)]
    integers = np.issubdtype(np.dtype(seen.dtype), np.integer)
    known = np.ones(whole.shape, bool)
    try:
        divisor = reflectance_scale(seen.path, whole, known, seen.scale, scale, whole_numbers=integers)
    except InputError as error:
        if not (doubts := sample_statistics(seen).doubts):
            raise
        raise InputError(f"{seen.path}: {doubts[0]}") from error
    stored = divisor == WHOLE and scale is None and HARMONISED not in seen.format
    if stored and of_sentinel_2(seen.wavelengths) and holds_offset(whole):
        say(
            f"note: {seen.path}: no band has values below {PROCESSING_OFFSET:,.0f}, which Sentinel-2's since"
            " processing baseline 04.00 are too large by; where these are such, give the file a scale and an"
            " offset (gdal_edit.py -scale 0.0001 -offset -0.1)"
        )
    if not refuse_radiance(seen.path, whole, wavelengths):
        say(
            f"note: {seen.path}: has no bands at 940 or 1,130 nm, by which radiance is told from surface"
            " reflectance; be sure that it is surface reflectance"
        )
    if seen.declared is not None:
        say(f"note: {seen.path}: the scale that it declares is applied ({seen.declared.in_words()})")
    declared = seen.scale is not None and seen.scale != 1
    how = "as given" if scale is not None else "as the file declares" if declared else "as its values suggest"
    say(f"note: {seen.path}: {divisor:g} is taken for a reflectance of 1, {how} (--reflectance-scale)")
    if wavelengths.max() < SWIR_NM:
        say(
            f"note: {seen.path}: has no bands beyond {wavelengths.max():.0f} nm; dry vegetation, soil and"
            " built are told apart less well there"
        )
    identity, mean = bands_of(seen), whole.mean(axis=1) / divisor
    scaling = Scaling(
        "standard", bands, (0.0,) * len(bands), (1 / divisor,) * len(bands), tuple(map(float, mean))
    )
    card = weights.card
    data = DataCard(
        source_bands=seen.bands,
        wavelengths=identity.wavelengths,
        fwhm=identity.fwhm,
        band_names=identity.names,
        nodata=tuple(nodata) or None,
        physical=True if seen.declared is not None else None,
        scaling=scaling,
        classes=card.classes,
        patches=PatchShape(1, "reflect"),
        protocol=PROTOCOL,
        split_id="none",
        fractions=_own(weights).fractions,
    )
    model = model.at_wavelengths(wavelengths.tolist())
    saved = SavedModel(model.spec_name, model.preset, model.options, card.model.sha256)
    judged = JudgedCard(calibration=card.calibration_fit)
    made_by = MadeBy(card.made_by.version)
    return Run(weights.folder, model, ModelCard(card.task, saved, data, judged, made_by, card.origin))


def _sampled(
    scene: Scene, name: str
) -> tuple[tuple[int, ...], Float[np.ndarray, "c n"], Bool[np.ndarray, "c n"]]:
    """The bands that weights use and that have data, and a sample of the scene's values in them."""
    assert scene.wavelengths is not None
    weights, _ = resampling_onto_grid(np.array(scene.wavelengths))
    offered = [int(band) for band in np.flatnonzero(weights.any(axis=1)) if not scene.bad_bands[int(band)]]
    values, valid = sample_values(scene, offered, SAMPLED_VALUES)
    known = valid & np.isfinite(values)
    somewhere = known[:, known.any(axis=0)]
    kept = somewhere.mean(axis=1) >= MIN_VALID_FRACTION if somewhere.size else np.zeros(len(offered), bool)
    spans = [np.ptp(band[data]) if data.any() else 1 for band, data in zip(values, known, strict=True)]
    flat = kept & (np.array(spans) == 0)
    if known.shape[1] >= FEWEST_PIXELS and 2 * np.count_nonzero(flat) < np.count_nonzero(kept):
        kept &= ~flat
    bands = tuple(band for band, keep in zip(offered, kept, strict=True) if keep)
    centres = [scene.wavelengths[band] for band in bands]
    for first, last, light in NEEDED:
        if not any(first <= centre <= last for centre in centres):
            span = f"lie between {min(centres):.0f} and {max(centres):.0f} nm" if centres else "have no data"
            raise InputError(
                f"{scene.path}: {name} needs {light} bands ({first:.0f} to {last:.0f} nm); the scene's"
                f" {span}; give a scene with more"
            )
    left_out = sorted({*offered} - {*bands})
    if left_out:
        say(f"note: {scene.path}: bands without data, or of one value, are left out: {ranges(left_out)}")
    chosen = values[kept].astype(np.float64), known[kept]
    if not chosen[1].all(axis=0).any():
        raise InputError(
            f"{scene.path}: no sampled pixel has data in all {len(bands)} bands; check its nodata value"
        )
    return bands, *chosen


def _own(weights: Weights) -> CoverWeights:
    try:
        return typed(CoverWeights, weights.card.own)
    except FieldError as error:
        raise InputError(f"{weights.folder / CARD}: own.{error}; {ANEW}") from error
