"""Numbers in words."""

from collections.abc import Sequence


def numbers(bands: Sequence[int]) -> str:
    """1-based band numbers with runs shortened: (0, 1, 2, 7) -> "1-3, 8"."""
    runs: list[list[int]] = []
    for band in bands:
        if runs and band == runs[-1][1] + 1:
            runs[-1][1] = band
        else:
            runs.append([band, band])
    return ", ".join(f"{a + 1}" if a == b else f"{a + 1}-{b + 1}" for a, b in runs)


def percent(share: float) -> str:
    """A share as a percentage; one that is small but not 0 does not read as 0."""
    return "less than 0.01 %" if 0 < share < 1e-4 else f"{100 * share:.4g} %"


def count(number: int, noun: str) -> str:
    """A number with its noun in the singular or plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def about(seconds: float) -> str:
    """A time that is only roughly known: "20 seconds", "3 minutes", "2.5 hours"."""
    for unit, size in (("second", 1), ("minute", 60), ("hour", 3600)):
        amount = seconds / size
        if amount < 90 or unit == "hour":
            break
    shown = f"{amount:.1f}".removesuffix(".0") if amount < 3 and unit == "hour" else f"{max(amount, 1):.0f}"
    return f"{shown} {unit}" if shown == "1" else f"{shown} {unit}s"
