"""``terramamba change train``."""

from collections.abc import Sequence

from terramamba.change.settings import ChangeSettings
from terramamba.cli.parse import Usage, parse

USAGE = Usage(
    "change train",
    "Train a change detector on image pairs with change masks, choose epoch and threshold on validation "
    "pairs, and score it once on test pairs.",
)


def run(argv: Sequence[str]) -> int:
    """Train, and print the scores on the test pairs."""
    settings, _ = parse(USAGE, ChangeSettings, argv, decided=_decided)
    from terramamba.cli.train import train
    from terramamba.tasks import CHANGE

    return train(CHANGE, settings)


def _decided(settings: ChangeSettings) -> ChangeSettings:
    from terramamba.cli.train import decided
    from terramamba.tasks import CHANGE

    return decided(CHANGE, settings)
