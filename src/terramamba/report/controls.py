"""Controls of the page's map, which its script knows by their names."""

from collections.abc import Mapping
from html import escape


def swipe(left: str, right: str) -> str:
    """Write the slider between two pictures, as HTML."""
    return slider("swipe", f"Swipe: {left} on the left, {right} on the right", 0, 200, 100)


def slider(name: str, words: str, low: int, high: int, start: int) -> str:
    """Write a labelled slider over whole numbers, as HTML."""
    return (
        f'<label for="{name}">{escape(words)}</label>'
        f'<input type="range" id="{name}" min="{low}" max="{high}" value="{start}">'
    )


def choice(name: str, words: str, options: Mapping[str, str]) -> str:
    """Write a labelled list to choose from, as HTML; ``options`` are words by value."""
    listed = "".join(f'<option value="{value}">{escape(text)}</option>' for value, text in options.items())
    return f'<label for="{name}">{escape(words)}</label><select id="{name}">{listed}</select>'
