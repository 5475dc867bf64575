"""``terramamba weights fetch``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.parse import Usage, parse

USAGE = Usage(
    "weights fetch",
    "Bring weights from a folder, or from the address of one, to a folder of your own, which --weights then "
    "names; they come whole and as their card says, or not at all.",
    ("SOURCE",),
    example="https://example.org/weights --out weights",
)


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """Flags of the command."""

    out: str
    """Folder to write; must not exist."""


def run(argv: Sequence[str]) -> int:
    """Fetch, and print whose they are and on what terms."""
    options, (source,) = parse(USAGE, FetchOptions, argv)
    from pathlib import Path

    from terramamba.weights.fetched import fetch_weights

    weights = fetch_weights(source, Path(options.out))
    print(f"{weights.card.name}: {weights.card.title}")
    print(f"terms: {weights.card.terms}")
    print(f"use: terramamba {weights.card.task} map ... --weights {options.out}")
    return 0
