"""``terramamba weights``."""

from collections.abc import Sequence

from terramamba.cli.shared.parse import AsJson, Usage, parse

USAGE = Usage(
    "weights",
    "List the weights that come with the package and map without any training: what they are for, how large "
    "they are, on what terms. `weights show NAME` prints a card, `weights verify` checks the files.",
)


def run(argv: Sequence[str]) -> int:
    """Print one line for each."""
    options, _ = parse(USAGE, AsJson, argv)
    from terramamba.cli.shared.show import show, show_json
    from terramamba.weights.registry import shipped_weights
    from terramamba.weights.terminal import weights_listed

    found = shipped_weights()
    if options.json:
        show_json([weights.card for weights in found])
    else:
        show(weights_listed(found))
    return 0
