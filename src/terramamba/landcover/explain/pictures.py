"""Pictures of a classifier's explanation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from terramamba.explain.attention import QUERIES, Attention, effective_tokens
from terramamba.explain.importance import BandGroup, Importance
from terramamba.explain.pixels import window_around
from terramamba.landcover.explain.explanation import ClassExplanation
from terramamba.raster.quicklook import false_colour
from terramamba.raster.views.cropped import cropped
from terramamba.scores.metrics import TRUTH, average_accuracy, overall_accuracy

PANEL_INCHES = 1.25
SURROUNDINGS = 41
"""Pixels a side that are shown around a named pixel."""

SLIGHT = 0.05
"""Weights that differ by less than this share from asking all alike are not made to look unlike."""

DPI = 120


def picture_attention(
    path: Path,
    means: Mapping[str, Float32[np.ndarray, "queries maps p p"]],
    pixels: Mapping[str, int],
    attention: Attention,
) -> None:
    """Draw a row a class, a column a map; first what the centre asks, then what all tokens ask.

    ``means`` are those of the classes over so many ``pixels``; ``attention`` is what they are means of.
    """
    from matplotlib.figure import Figure

    maps = attention.maps
    in_effect = effective_tokens(attention.weights[:, 0]).mean(axis=(0, 2))
    columns = [(who, i) for who in range(len(QUERIES)) for i in range(len(maps))]
    figure = Figure(
        figsize=(1.6 + PANEL_INCHES * len(columns), 0.9 + PANEL_INCHES * len(means)), layout="constrained"
    )
    axes = figure.subplots(len(means), len(columns), squeeze=False)
    limits, side = _limits(np.stack(list(means.values()))), attention.weights.shape[-1]
    for row, (name, mean) in zip(axes, means.items(), strict=True):
        row[0].set_ylabel(
            f"{_wrapped(name)}\n{pixels[name]} px", rotation=0, ha="right", va="center", fontsize=8
        )
        for panel, (who, i) in zip(row, columns, strict=True):
            shown = _heat(panel, mean[who, i], limits)
    for panel, (who, i) in zip(axes[0], columns, strict=True):
        of = f"\n{in_effect[i]:.1f} of {side**2} in effect" if who == 0 else ""
        panel.set_title(f"{QUERIES[who]}\n{maps[i].replace(', ', chr(10))}{of}", fontsize=8)
    _scale(figure, shown, axes)
    figure.savefig(path, dpi=DPI, bbox_inches="tight")


def picture_importance(
    path: Path, groups: Sequence[BandGroup], importance: Importance, names: Sequence[str]
) -> None:
    """Draw bars of what overall and average accuracy lose, below them a table of the recall of each class."""
    from matplotlib.figure import Figure

    present = [k for k, pixels in enumerate(importance.base[:, TRUTH]) if pixels]
    figure = Figure(figsize=(10, 4.2 + 0.26 * len(present)), layout="constrained")
    bars, table = figure.subplots(2, 1, height_ratios=(3.0, 0.6 + 0.26 * len(present)))
    edges = _edges(groups)
    middle, width = (edges[:, 0] + edges[:, 1]) / 2, edges[:, 1] - edges[:, 0]
    for drops, name, of, side, colour in (
        (importance.oa, "overall accuracy", overall_accuracy, -0.2, "#0072b2"),
        (importance.aa, "average accuracy", average_accuracy, 0.2, "#e69f00"),
    ):
        deviation = drops.std(axis=1, ddof=1) if drops.shape[1] > 1 else None
        bars.bar(
            middle + side * width,
            100 * drops.mean(axis=1),
            0.4 * width,
            yerr=None if deviation is None else 100 * deviation,
            color=colour,
            error_kw={"elinewidth": 0.8},
            label=f"{name} ({100 * of(importance.base):.1f} %)",
        )
    bars.axhline(0, color="0.3", linewidth=0.8)
    bars.set_ylabel("lost when shuffled,\npercentage points")
    _band_axis(bars, groups[0].wavelengths is not None)
    repeats = importance.oa.shape[1]
    said = "one shuffle" if repeats == 1 else f"mean of {repeats} shuffles, with their standard deviation"
    bars.set_title(f"band importance: {said}", fontsize=10)
    bars.legend(frameon=False, fontsize=8)
    lost = 100 * importance.recall.mean(axis=1)[:, present].T
    most = max(float(np.nanmax(np.abs(lost))), 1e-9)
    shown = table.imshow(lost, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest")
    labels = [f"{names[k]} ({importance.base[k, TRUTH]} px)" for k in present]
    table.set_yticks(range(len(present)), labels, fontsize=8)
    table.set_xticks(range(len(groups)), [_short(group) for group in groups], rotation=90, fontsize=7)
    table.set_title("what the recall of each class loses, percentage points", fontsize=10)
    figure.colorbar(shown, ax=table, fraction=0.03)
    figure.savefig(path, dpi=DPI, bbox_inches="tight")


def picture_pixel(path: Path, found: ClassExplanation, number: int) -> None:
    """Draw the surroundings with the patch, the likeliest classes, spectra, and what is asked map by map."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    answer, scene = found.answers[number], found.chosen.scene
    row, col = answer.pixel
    side = found.patches.images.shape[-1]
    maps = () if answer.attention is None else answer.attention.maps
    figure = Figure(figsize=(11, 3.4 + (2.2 if maps else 0)), layout="constrained")
    parts = (3.4, 2.2) if maps else (3.4,)
    upper, *lower = figure.subfigures(len(parts), 1, squeeze=False, height_ratios=parts)[:, 0]
    place, likely, spectra = upper.subplots(1, 3, width_ratios=(1, 1, 1.6))
    window = window_around(scene.grid, answer.pixel, SURROUNDINGS)
    place.imshow(false_colour(cropped(scene, window)), interpolation="nearest")
    corner = (col - window.col - side // 2 - 0.5, row - window.row - side // 2 - 0.5)
    place.add_patch(Rectangle(corner, side, side, fill=False, color="yellow"))
    place.set(xticks=[], yticks=[], title=f"row {row}, column {col}")
    order = np.argsort(answer.probability)[::-1][:6]
    colours = [np.divide(found.run.classes.colours[k] or (90, 90, 90), 255) for k in order]
    likely.barh(range(len(order)), 100 * answer.probability[order], color=colours, edgecolor="0.3")
    likely.set_yticks(range(len(order)), [_wrapped(found.names[k]) for k in order], fontsize=8)
    likely.invert_yaxis()
    likely.set(xlim=(0, 100), title="probability, %")
    _spectra(spectra, found, number)
    if answer.attention is not None:
        mean = answer.attention.mean()
        limits = _limits(mean)
        axes = lower[0].subplots(1, len(QUERIES) * len(maps), squeeze=False)
        for who, panels in enumerate(np.split(axes[0], len(QUERIES))):
            for i, panel in enumerate(panels):
                shown = _heat(panel, mean[who, i], limits)
                panel.set_title(f"{QUERIES[who]},\n{maps[i]}", fontsize=8)
        _scale(lower[0], shown, axes)
    figure.savefig(path, dpi=DPI, bbox_inches="tight")


def _spectra(panel: Any, found: ClassExplanation, number: int) -> None:
    """Spectra as the model sees them: the pixel's own, its patch's mean, the mean of what the centre asks."""
    answer, image = found.answers[number], found.patches.images[number].numpy()
    bands = np.array([place for group in found.groups for place in group.channels])
    own = found.run.scaling.bands
    known = found.run.card.data.wavelengths
    x = np.array([own[i] + 1 if known is None else known[own[i]] for i in bands])
    half = image.shape[-1] // 2
    curves = {"the pixel": image[:, half, half], "mean of its patch": image.mean(axis=(1, 2))}
    if answer.attention is not None:
        weights = answer.attention.mean()[0].mean(axis=0)
        curves["what the centre asks"] = (image * weights).sum(axis=(1, 2))
    style = "-" if len(bands) > 1 else "o"
    for (name, curve), dashes in zip(curves.items(), (style, "--", ":"), strict=False):
        panel.plot(x, curve[bands], dashes, label=name, linewidth=1.2)
    _band_axis(panel, known is not None)
    panel.set_title("spectrum, scaled")
    panel.legend(frameon=False, fontsize=8)


def _band_axis(panel: Any, in_nm: bool) -> None:
    panel.set_xlabel("wavelength, nm" if in_nm else "band")
    if not in_nm:
        panel.xaxis.get_major_locator().set_params(integer=True)


def _limits(weights: Float32[np.ndarray, "... p p"]) -> Any:
    """Colours for weights as multiples of what each token would get if all were asked alike."""
    from matplotlib.colors import TwoSlopeNorm

    times = weights * weights.shape[-1] ** 2
    least, most = min(float(times.min()), 1 - SLIGHT), max(float(times.max()), 1 + SLIGHT)
    return TwoSlopeNorm(1.0, least, most)


def _heat(panel: Any, weights: Float32[np.ndarray, "p p"], limits: Any) -> Any:
    shown = panel.imshow(weights * weights.size, norm=limits, cmap="PuOr_r", interpolation="nearest")
    middle = weights.shape[0] // 2
    panel.plot(middle, middle, "k+", markersize=5)
    panel.set(xticks=[], yticks=[])
    return shown


def _scale(figure: Any, shown: Any, axes: Any) -> None:
    bar = figure.colorbar(shown, ax=axes, fraction=0.03, pad=0.02)
    bar.set_label("weight / even share", fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _edges(groups: Sequence[BandGroup]) -> np.ndarray:
    """Where each group begins and ends along the axis: nm, or band numbers; single bands have width too."""
    if groups[0].wavelengths is None:
        return np.array([(min(g.bands) - 0.45, max(g.bands) + 0.45) for g in groups])
    edges = np.array([g.wavelengths for g in groups], dtype=float)
    least = max(float(np.ptp(edges)) / (4 * len(groups)), 1e-3)
    short = np.maximum(least - (edges[:, 1] - edges[:, 0]), 0) / 2
    return edges + np.stack([-short, short], axis=1)


def _short(group: BandGroup) -> str:
    values = group.wavelengths or (min(group.bands), max(group.bands))
    return f"{values[0]:.0f}" if round(values[0]) == round(values[1]) else f"{values[0]:.0f}-{values[1]:.0f}"


def _wrapped(name: str, width: int = 16) -> str:
    from textwrap import fill, shorten

    return fill(shorten(name, 2 * width, placeholder="…"), width)
