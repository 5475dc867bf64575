"""Numbers in words, and words that were meant."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def ranges(numbers: Sequence[int], most: int | None = None) -> str:
    """Name things counted from 0 by their numbers from 1, runs shortened, at ``most`` so many runs.

    >>> ranges([0, 1, 2, 9])
    '1-3, 10'
    >>> ranges([0, 2, 4], most=2)
    '1, 3, ...'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    named = [f"{a + 1}" if a == b else f"{a + 1}-{b + 1}" for a, b in runs]
    return ", ".join(named[:most] + ["..."] * (most is not None and len(runs) > most))


def percent(fraction: float) -> str:
    """Write a fraction as a percentage; one that is small but not 0 does not read as 0."""
    return "less than 0.01 %" if 0 < fraction < 1e-4 else f"{100 * fraction:.4g} %"


def written(value: object) -> str:
    """Write a value of a table: numbers as they are read, bytes as what they are.

    >>> written(0.25), written(b"x"), written(None)
    ('0.25', 'binary data', 'None')
    """
    if isinstance(value, bytes):
        return "binary data"
    return f"{value:g}" if isinstance(value, float) else str(value)


def shortened(text: str, most: int = 40) -> str:
    """Cut a text after ``most`` letters, so that several find room in a line.

    >>> shortened("a" * 50, most=5)
    'aaaaa...'
    """
    return text if len(text) <= most else f"{text[:most]}..."


def count(number: int, noun: str) -> str:
    """Write a number with its noun in the singular or plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def about(seconds: float) -> str:
    """Write a time that is only roughly known: "20 seconds", "3 minutes", "2.5 hours"."""
    for unit, size in (("second", 1), ("minute", 60), ("hour", 3600)):
        amount = seconds / size
        if amount < 90 or unit == "hour":
            break
    shown = f"{amount:.1f}".removesuffix(".0") if amount < 3 and unit == "hour" else f"{max(amount, 1):.0f}"
    return f"{shown} {unit}" if shown == "1" else f"{shown} {unit}s"


def meant(given: str, known: Iterable[str]) -> str:
    """Name the one of ``known`` that ``given`` looks like, to end a message with; "" where none does.

    >>> meant("ssamamba", ["svm", "ssa_mamba"])
    '; did you mean ssa_mamba?'
    >>> meant("forest", ["svm", "ssa_mamba"])
    ''
    """
    near = get_close_matches(given.lower(), known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
