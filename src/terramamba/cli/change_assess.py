"""``terramamba change assess``."""

from collections.abc import Sequence

from terramamba.cli.shared.assess import assess


def run(argv: Sequence[str]) -> int:
    """Estimate, and print accuracies and areas."""
    return assess("change", "change.tif points.gpkg", argv)
