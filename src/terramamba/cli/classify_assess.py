"""``terramamba classify assess``."""

from collections.abc import Sequence

from terramamba.cli.shared.assess import assess


def run(argv: Sequence[str]) -> int:
    """Estimate, and print accuracies and areas."""
    return assess("classify", "cover.tif points.gpkg", argv)
