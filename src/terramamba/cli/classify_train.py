"""``terramamba classify train``."""

import sys
from collections.abc import Sequence

from terramamba.cli.parse import Usage, parse
from terramamba.landcover.settings import ClassifySettings

USAGE = Usage(
    "classify train",
    "Train a land-cover classifier on a hyperspectral scene and labelled pixels, choose the best epoch on "
    "validation pixels, and score it once on test pixels.",
)


def run(argv: Sequence[str]) -> int:
    """Train, and print the scores on the test pixels."""
    settings, _ = parse(USAGE, ClassifySettings, argv, decided=_decided)
    if settings.scene is None and settings.data is None:
        print("error: --scene: must be given, or --data with --root", file=sys.stderr)
        return 2
    from terramamba.cli.train import train
    from terramamba.tasks import LAND_COVER

    return train(LAND_COVER, settings)


def _decided(settings: ClassifySettings) -> ClassifySettings:
    from terramamba.cli.train import decided
    from terramamba.tasks import LAND_COVER

    return decided(LAND_COVER, settings)
