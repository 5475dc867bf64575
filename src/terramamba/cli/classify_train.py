"""``terramamba classify train``."""

import sys
from collections.abc import Sequence

from terramamba.cli.shared.parse import Usage, parse
from terramamba.cli.shared.train import decided, train, with_folder
from terramamba.landcover.settings import ClassifySettings

USAGE = Usage(
    "classify train",
    "Train a land-cover classifier on a hyperspectral scene and labelled pixels, choose the best epoch on "
    "validation pixels, and score it once on test pixels.",
    example="--scene scene.tif --labels fields.gpkg --class-attribute crop --out runs/cover",
    mostly=("--scene SCENE", "--labels LABELS"),
)


def run(argv: Sequence[str]) -> int:
    """Train, and print the scores on the test pixels."""
    settings, _ = parse(USAGE, ClassifySettings, with_folder(argv), decided=decided)
    if settings.scene is None and settings.data is None:
        print("error: --scene: must be given, or --data with --root", file=sys.stderr)
        return 2
    return train(settings)
