"""Pictures of a change detector's explanation: both dates, and its layers over one of them."""

from pathlib import Path
from typing import Any

import numpy as np

from terramamba.change.explain.explanation import ChangeExplanation
from terramamba.explain.activations import DATES, Layer
from terramamba.raster.quicklook import colour_limits, false_colour

PANEL_INCHES = 2.3
STAGES = 4
ROWS = (("CSAM", "before"), ("CSAM", "after"), ("BFA", ""), ("CSIE", ""))

DPI = 110


def picture_evidence(path: Path, found: ChangeExplanation, kind: str, title: str) -> None:
    """Draw the dates and the probability, then a row a part and a column a stage; marked pixels are outlined.

    ``kind`` is "activation" or "cam"; each layer has its own scale, from 0 (cam) or its least value to its
    largest.
    """
    from matplotlib.figure import Figure

    layers = {(layer.part, layer.date, layer.stage): layer for layer in found.evidence.layers}
    rows = [row for row in ROWS if any(key[:2] == row for key in layers)]
    height, width = found.usable.shape
    figure = Figure(
        figsize=(PANEL_INCHES * STAGES + 0.4, (PANEL_INCHES * height / width + 0.35) * (1 + len(rows)) + 0.4),
        layout="constrained",
    )
    axes = figure.subplots(1 + len(rows), STAGES, squeeze=False)
    limits = colour_limits(found.dates[0])
    for panel, scene, name in zip(axes[0], found.dates, DATES, strict=False):
        _show(panel, false_colour(scene, limits), name, found)
    probability = np.where(found.usable, found.evidence.probability, np.nan)
    shown = _show(axes[0, 2], probability, "probability of change", found, cmap="magma", vmin=0, vmax=1)
    axes[0, 3].axis("off")
    figure.colorbar(shown, cax=axes[0, 3].inset_axes((0.0, 0.0, 0.06, 1.0)))
    for (part, date), panels in zip(rows, axes[1:], strict=True):
        for stage, panel in enumerate(panels, start=1):
            layer = layers.get((part, date, stage))
            if layer is None:
                panel.axis("off")
            else:
                _layer(panel, layer, kind, found)
    figure.suptitle(f"{title}; outlined: marked as changed", fontsize=10)
    figure.savefig(path, dpi=DPI)


def _layer(panel: Any, layer: Layer, kind: str, found: ChangeExplanation) -> None:
    values = np.where(found.usable, getattr(layer, kind), np.nan)
    low, high = (0.0 if kind == "cam" else float(np.nanmin(values))), float(np.nanmax(values))
    title = f"{layer.name}, {layer.cell} px"
    if high <= low:
        title += " (nothing)" if kind == "cam" else " (even)"
    _show(panel, values, title, found, cmap="viridis", vmin=low, vmax=max(high, low + 1e-12))


def _show(panel: Any, picture: np.ndarray, title: str, found: ChangeExplanation, **how: Any) -> Any:
    shown = panel.imshow(picture, interpolation="nearest", **how)
    if (marked := found.marked).any() and not marked.all():
        panel.contour(marked, levels=[0.5], colors="red", linewidths=0.7)
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, fontsize=9)
    return shown
