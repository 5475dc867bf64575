"""``terramamba weights show``."""

from collections.abc import Sequence

from terramamba.cli.shared.parse import AsJson, Usage, parse

USAGE = Usage(
    "weights show",
    "Print the card of weights: what they learnt from and on whose terms, what they take, how right they "
    "were on what, and what they cannot do. NAME may be a folder of weights, too.",
    ("NAME",),
    example="spectral-library",
)


def run(argv: Sequence[str]) -> int:
    """Print the card."""
    options, (name,) = parse(USAGE, AsJson, argv)
    from terramamba.cli.shared.show import show, show_json
    from terramamba.weights.registry import find_weights
    from terramamba.weights.terminal import card_shown

    weights = find_weights(name)
    if options.json:
        show_json(weights.card)
    else:
        show(card_shown(weights))
    return 0
