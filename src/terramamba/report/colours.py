"""Colours and shares of the page without style attributes, which its security policy forbids."""

from collections.abc import Sequence


def swatch(colour: Sequence[int]) -> str:
    """Write a small square of a colour, red, green and blue of 0 to 255, as HTML."""
    red, green, blue = (min(255, max(0, int(value))) for value in colour)
    return (
        '<svg class="swatch" viewBox="0 0 1 1" aria-hidden="true">'
        f'<rect width="1" height="1" fill="rgb({red},{green},{blue})"/></svg>'
    )


VIRIDIS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""From 0 to 1, alike in steps of brightness, which colour-blind people see too."""


def ramp_colour(fraction: float) -> tuple[int, ...]:
    """Return the colour of a number from 0 to 1, as the page's script paints it.

    >>> ramp_colour(0.0), ramp_colour(0.5), ramp_colour(1.0)
    ((68, 1, 84), (33, 145, 140), (253, 231, 37))
    """
    place = fraction * (len(VIRIDIS) - 1)
    low = min(int(place), len(VIRIDIS) - 2)
    return tuple(
        round(first + (second - first) * (place - low))
        for first, second in zip(VIRIDIS[low], VIRIDIS[low + 1], strict=True)
    )


def share(fraction: float) -> str:
    """Write the attribute by which ``SHARES`` shades an element; ``fraction`` is shown to whole per cent."""
    return f'data-share="{round(100 * min(1.0, max(0.0, fraction)))}"'


SHARES = "".join(f'[data-share="{step}"]{{--share:{step}%}}' for step in range(101))
"""Rules that give elements their share, to be part of the page's style sheet."""
