"""``classify assess`` and ``change assess``: a map of classes is one, whichever job made it."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.parse import AsJson, Usage, parse
from terramamba.core.options import Options
from terramamba.raster.vector.own_attributes import REFERENCE


@dataclass(frozen=True, kw_only=True)
class AssessOptions(AsJson, Options):
    """Flags of the commands."""

    reference: str = REFERENCE
    """Attribute of the points that says what is really there, by the name or the value of a class."""
    layer: str | None = None
    """Layer of the points' file, where it has several."""


def assess(job: str, example: str, argv: Sequence[str]) -> int:
    """Estimate, and print accuracies and areas; ``example`` ends the help of the command of this ``job``."""
    usage = Usage(
        f"{job} assess",
        "Say how right a map is and how much of each class there really is, with 95 % intervals, by points "
        "that `terramamba sample` drew from it and somebody gave a reference.",
        ("MAP", "POINTS"),
        example=example,
    )
    options, (place, points) = parse(usage, AssessOptions, argv)
    from terramamba.api.assessing import assess_map
    from terramamba.cli.shared.show import show, show_json

    found = assess_map(place, points, reference=options.reference, layer=options.layer)
    if options.json:
        show_json(found.as_json())
    else:
        show(found.shown)
    return 0
