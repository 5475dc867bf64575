"""``terramamba change train``."""

from collections.abc import Sequence

from terramamba.change.settings import ChangeSettings
from terramamba.cli.shared.parse import Usage, parse
from terramamba.cli.shared.train import decided, train, with_folder

USAGE = Usage(
    "change train",
    "Train a change detector on image pairs with change masks, choose epoch and threshold on validation "
    "pairs, and score it once on test pairs.",
    example="--data LEVIR-CD --out runs/change",
)


def run(argv: Sequence[str]) -> int:
    """Train, and print the scores on the test pairs."""
    settings, _ = parse(USAGE, ChangeSettings, with_folder(argv), decided=decided)
    return train(settings)
