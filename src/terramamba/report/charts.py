"""Charts as inline SVG, without a library: bars for each class, and curves over epochs or other values."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 34
DASHES = ("", "6 4", "2 3", "9 3 2 3")
"""Curves differ in dashes too, for those who cannot tell the colours apart."""


def curves(
    title: str,
    x: Sequence[float],
    series: Mapping[str, Sequence[float | None]],
    mark: float | None = None,
    *,
    x_name: str = "epoch",
    kept: str = "which was kept",
) -> str:
    """Draw curves over ``x``, called ``x_name``, with a legend; ``mark`` is the x that was ``kept``.

    None in a curve is a gap. Empty where no curve has a value. Epochs are whole numbers.
    """
    values = [value for curve in series.values() for value in curve if value is not None]
    if not values or not x:
        return ""
    ticks = _ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    first, last = min(x), max(x)

    def across(value: float) -> float:
        return LEFT + (value - first) / max(last - first, 1e-9) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / max(high - low, 1e-9) * (HEIGHT - TOP - BOTTOM)

    elements = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(tick):.1f}" y2="{up(tick):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{up(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for tick in ticks
    ]
    whole = sorted({round(first + (last - first) * step / 4) for step in range(5)})
    shown = whole if x_name == "epoch" else [at for at in _ticks(first, last) if first <= at <= last]
    elements += [
        f'<text x="{across(at):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{at:g}</text>'
        for at in shown
    ]
    middle, foot = (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 3
    elements.append(f'<text x="{middle}" y="{foot}" text-anchor="middle">{escape(x_name)}</text>')
    if mark is not None:
        at = f"{across(mark):.1f}"
        elements.append(f'<line class="mark" x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    for index, curve in enumerate(series.values()):
        elements += [
            f'<path class="curve c{index % 4}" stroke-dasharray="{DASHES[index % 4]}" d="{path}"/>'
            for path in _paths([across(at) for at in x], [None if v is None else up(v) for v in curve])
        ]
    keys = "".join(
        f'<span><svg class="key" viewBox="0 0 26 8" aria-hidden="true"><path class="curve c{index % 4}"'
        f' stroke-dasharray="{DASHES[index % 4]}" d="M1 4H25"/></svg>{escape(name)}</span>'
        for index, name in enumerate(series)
    )
    marked = "" if mark is None else f"<span>upright line: {escape(x_name)} {mark:g}, {escape(kept)}</span>"
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg class="chart" role="img"'
        f' aria-label="{escape(title)} by {escape(x_name)}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'{"".join(elements)}</svg><div class="keys">{keys}{marked}</div></figure>'
    )


def _paths(x: Sequence[float], y: Sequence[float | None]) -> list[str]:
    """The pieces of a curve between its gaps; a lone point is a short stroke."""
    pieces: list[list[str]] = [[]]
    for across, up in zip(x, y, strict=True):
        if up is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{across:.1f} {up:.1f}")
    return ["M" + "L".join(piece) + ("h1" if len(piece) == 1 else "") for piece in pieces if piece]


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers, 3 to 7 of them, around ``low`` .. ``high``."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(span))
    step = next(power * factor for factor in (0.1, 0.2, 0.5, 1, 2) if span / (power * factor) <= 5)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, max(last, first + 1) + 1)]
