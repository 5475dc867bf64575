"""``terramamba weights verify``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.parse import Usage, parse

USAGE = Usage(
    "weights verify",
    "Compare files of weights with the checksums on their cards, and load them: those named, or all that "
    "come with the package.",
    ("[NAME ...]",),
    example="spectral-library",
)


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """The command has no flags of its own."""


def run(argv: Sequence[str]) -> int:
    """Print a line for each that is whole; the first that is not ends the command."""
    _, names = parse(USAGE, VerifyOptions, argv)
    from terramamba.weights.registry import find_weights, load_weights, shipped_weights

    for weights in [find_weights(name) for name in names] or shipped_weights():
        load_weights(weights)
        print(f"{weights.card.name}: as its card says (SHA-256 {weights.card.model.sha256})")
    return 0
