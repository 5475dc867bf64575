"""``terramamba weights fetch``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.parse import Usage, parse

USAGE = Usage(
    "weights fetch",
    "Bring weights from a folder, from the address of one or from the hub (hf:ORG/NAME) to a folder of your "
    "own, which --weights then names; they come whole and as their card says, or not at all.",
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

    from terramamba.cli.shared.files import run_in
    from terramamba.core.hub import at_hand
    from terramamba.runs.download import fetch_run
    from terramamba.weights.download import fetch_weights

    if (folder := run_in(source)) is not None:
        card = fetch_run(Path(folder), Path(options.out)).card
        print(f"{source}: a run of {card.model.name} for {card.task}")
        if card.origin is not None:
            print(f"terms: began with {card.origin.words}")
        task = card.task
    else:
        weights = fetch_weights(at_hand(source), Path(options.out))
        print(f"{weights.card.name}: {weights.card.title}")
        print(f"terms: {weights.card.terms}")
        task = weights.card.task
    print(f"use: terramamba {task} map ... --weights {options.out}")
    return 0
