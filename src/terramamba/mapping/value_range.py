"""Does a scene hold values in the units that a model learnt? Reflectance comes as 0 to 1, 0 to 10,000, ...

c band   n pixels
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np
from jaxtyping import Float64

from terramamba.core.words import ranges
from terramamba.raster.checks.band_order import named_order, order_like
from terramamba.raster.checks.product_level import other_level_note
from terramamba.raster.checks.scales import Scales, difference_of_scales, far_in_words, scene_scales
from terramamba.raster.sample_statistics import sample_statistics, sample_values
from terramamba.raster.scene import Scene
from terramamba.raster.views.nodata import in_words
from terramamba.runs.folder import Run

SAMPLED_VALUES = 500_000
FEWEST_PIXELS = 100
"""In fewer pixels a band may hold one value by chance."""
LARGEST_RATIO = 30.0
"""Scenes of one sensor differ by a few times, units by 100, 255 or 10,000."""
LEAST_BANDS, LARGE_GAIN, MUCH_ALIKE, FAR_SPREADS = 4, 3.0, 0.25, 5.0
"""From so many bands on, values are in other units that are so many times larger, with the logarithms of all
ratios this near to each other, or that lie so many middle halves beyond those of training (below, half as
many). Of 13,000 pairs of windows of real scenes, one of which stands for training, none is said to be so; of
three bands some are, as of clouds and sea."""
OTHER_TYPE_RATIO, LARGEST_BYTE = 4.0, 255
"""So much is told already where the one side is bytes and the other cannot be: pictures are stretched so."""


def value_range_warning(run: Run, scene: Scene) -> str | None:
    """Compare the values of a scene with those that the model was trained on: words where they are far off.

    None where they are not, where the bands are others (mapping refuses them), or where nothing has data.
    """
    scaling = run.scaling
    if run.card.data.source_bands != scene.bands:
        return None
    values, valid = sample_values(scene, scaling.bands, SAMPLED_VALUES)
    factor = np.array(scaling.factor)
    known = valid & np.isfinite(values)
    used = (factor > 0) & known.any(axis=1)
    if not used.any():
        return None
    scale = 1 / factor[used]
    mean = np.array(scaling.offset)[used] + np.array(scaling.fill)[used] * scale
    bands = [band[data].astype(np.float64) for band, data in zip(values[used], known[used], strict=True)]
    trained_on = np.maximum(np.abs(mean), scale)
    size_here = np.array([max(abs(band.mean()), band.std()) for band in bands])
    ratio = float(np.median(size_here / trained_on))
    bytes_alone = _bytes_alone(run, scene, trained_on, bands)
    largest = OTHER_TYPE_RATIO if bytes_alone is not None else LARGEST_RATIO
    if 1 / largest < ratio < largest:
        return None
    if ratio == 0:
        return f"{scene.path}: its values are 0, those that the model was trained on are not"
    size = f"{ratio:,.0f} times larger" if ratio > 1 else f"{1 / ratio:,.0f} times smaller"
    why = "" if bytes_alone is None else f" ({bytes_alone})"
    return (
        f"{scene.path}: its values are about {size} than those that the model was trained on{why}; "
        "give it in the same units"
    )


def _bytes_alone(
    run: Run, scene: Scene, trained_on: Float64[np.ndarray, " c"], bands: Sequence[Float64[np.ndarray, " _"]]
) -> str | None:
    """Say which of both sides is bytes where the other has values that no byte holds; None where none is."""
    if scene.dtype == "uint8":
        return "it holds bytes, those were none" if np.median(trained_on) > LARGEST_BYTE else None
    learnt = np.array(run.card.data.quantiles or [[np.nan]])
    whole = bool((learnt == np.round(learnt)).all() and learnt.min() >= 0 and learnt.max() <= LARGEST_BYTE)
    varied = whole and learnt.max() > 1
    beyond = float(np.median([np.median(band) for band in bands])) > LARGEST_BYTE
    return "those were bytes, it holds none" if varied and beyond else None


def training_differences(run: Run, scene: Scene) -> list[str]:
    """Say how ``scene`` differs from what ``run`` was trained on, and what in it is probably no data."""
    doubts = [f"{scene.path}: {said}" for said in sample_statistics(scene).doubts]
    return doubts + _dead_bands(run, scene) + value_differences(run, scene, far=not doubts)


def _dead_bands(run: Run, scene: Scene) -> list[str]:
    """Say which bands that a model uses have no data in ``scene``, or one value alone where they varied."""
    rows = run.card.data.quantiles
    if rows is None or run.card.data.source_bands != scene.bands or scene.dtype == "uint8":
        return []
    values, valid = sample_values(scene, run.scaling.bands, SAMPLED_VALUES)
    known = valid & np.isfinite(values)
    present = np.flatnonzero(known.any(axis=1))
    if known.shape[1] < FEWEST_PIXELS or not len(present):
        return []
    varied = np.array(rows)[-1] > np.array(rows)[0]
    flat = [i for i in present.tolist() if varied[i] and np.ptp(values[i][known[i]]) == 0]
    said = []
    if len(present) < len(known):
        empty = [run.scaling.bands[i] for i in range(len(known)) if i not in present]
        said.append(f"no data anywhere in {_bands(empty)}, which the model needs: no pixel can be mapped")
    if flat and len(flat) < len(present):
        bands = [run.scaling.bands[i] for i in flat]
        alone = in_words(sorted({float(values[i][known[i]][0]) for i in flat}))
        said.append(
            f"nothing but {alone} in {_bands(bands)}, where what the model was trained on varies: probably "
            "not recorded, so that the map means little"
        )
    return [f"{scene.path}: {one}" for one in said]


def _bands(bands: Sequence[int]) -> str:
    return f"{'band' if len(bands) == 1 else 'bands'} {ranges(bands)}"


def value_differences(run: Run, scene: Scene, *, far: bool = True) -> list[str]:
    """Say how the values of ``scene`` differ from those that ``run`` was trained on.

    What differs in all bands alike, by an offset or a gain, is told where the run has kept quantiles; and
    with ``far`` a value that is no measurement.
    """
    level = other_level_note(scene.path, run.card.data.level)
    notes = [] if level is None else [level]
    rows = run.card.data.quantiles
    sampled = None
    if rows is not None and run.card.data.source_bands == scene.bands:
        sampled = scene_scales(scene, run.scaling.bands)
    if rows is None or sampled is None:
        said = value_range_warning(run, scene)
        return notes if said is None else [*notes, said]
    trained, (here, ends) = Scales(np.array(rows)), sampled
    by = difference_of_scales(trained, here)
    order = order_like(trained.quantiles[1:], here.quantiles[1:])
    if order is not None:
        said = (
            f"{scene.path}: its bands match those that the model was trained on far better in the order"
            f" {named_order(order)}: probably another order of bands, of which the model makes nothing right;"
            " bring them into that of training"
        )
    elif by is None:
        said = value_range_warning(run, scene) or _elsewhere(scene.path, trained, here)
    else:
        words = by.in_words("its values", "those that the model was trained on")
        said = f"{scene.path}: {words}; {by.remedy}"
    notes += [] if said is None else [said]
    beyond = trained.far_value(*ends) if far and said is None else None
    if beyond is not None:
        notes.append(far_in_words(scene.path, run.scaling.bands[beyond[0]], beyond[1]))
    return notes


def _elsewhere(path: str, trained: Scales, here: Scales) -> str | None:
    """Say that values are far larger or smaller in all bands much alike, or that hardly any is like those of
    the training."""
    if len(trained.medians) < LEAST_BANDS:
        return None  # of few bands, those of clouds and of water are as far apart
    spreads = trained.spreads
    above = (here.quantiles[0] > trained.quantiles[-1] + FAR_SPREADS * spreads).all()
    below = (here.quantiles[-1] < trained.quantiles[0] - FAR_SPREADS / 2 * spreads).all()
    low, high = trained.quantiles[1:], here.quantiles[1:]
    if (low > 0).all() and (high > 0).all():
        ratios = np.log(high / low)
        gain = float(np.median(ratios))
        if abs(gain) >= log(LARGE_GAIN) and float(np.abs(ratios - gain).max()) <= MUCH_ALIKE:
            size = f"{exp(abs(gain)):.2g} times {'larger' if gain > 0 else 'smaller'}"
            return (
                f"{path}: its values are about {size} in all bands than those that the model was trained on:"
                " probably other units; give it in the same"
            )
    if not above and not below:
        return None
    return (
        f"{path}: nearly all its values lie {'above' if above else 'below'} nearly all that the model was"
        " trained on, in every band: other units, another product, or a place unlike those of training; give"
        " it in the units of training"
    )
