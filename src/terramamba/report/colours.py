"""Colours and shares of the page without style attributes, which its security policy forbids."""

from collections.abc import Sequence


def swatch(colour: Sequence[int]) -> str:
    """Write a small square of a colour, red, green and blue of 0 to 255, as HTML."""
    red, green, blue = (min(255, max(0, int(value))) for value in colour)
    return (
        '<svg class="swatch" viewBox="0 0 1 1" aria-hidden="true">'
        f'<rect width="1" height="1" fill="rgb({red},{green},{blue})"/></svg>'
    )


def share(fraction: float) -> str:
    """Write the attribute by which ``SHARES`` shades an element; ``fraction`` is shown to whole per cent."""
    return f'data-share="{round(100 * min(1.0, max(0.0, fraction)))}"'


SHARES = "".join(f'[data-share="{step}"]{{--share:{step}%}}' for step in range(101))
"""Rules that give elements their share, to be part of the page's style sheet."""
