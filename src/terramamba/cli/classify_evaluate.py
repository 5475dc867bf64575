"""``terramamba classify evaluate``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from terramamba.cli.parse import Usage, parse

USAGE = Usage(
    "classify evaluate",
    "Score a run on its own test pixels, or on all labelled pixels of another scene.",
    ("RUN",),
)


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Flags of the command."""

    scene: str | None = None
    """Another scene to score on; None: the run's own, on its test pixels."""
    labels: str | None = None
    """Labels of that scene, with the codes or the names of the run's classes."""
    mask: list[str] | None = None
    """Rasters of clouds or other pixels of that scene not to be scored (not 0), on its grid or georeferenced
    on any; a mask's own no data, and what lies outside it, is not masked."""
    scene_variable: str | None = None
    """Name of the array in a .mat or .npz scene; None: the only one that fits."""
    label_variable: str | None = None
    """Name of the array in a .mat or .npz label file; None: the only one that fits."""
    class_attribute: str | None = None
    """Attribute of a vector file that says the class; None: the only one that fits."""
    layer: str | None = None
    """Layer of a vector file; None: the only one with shapes."""
    all_touched: bool = False
    """A polygon labels every pixel that it covers any part of."""
    min_coverage: float = 0.5
    """Share of a pixel that a polygon must cover to label it, above 0 and at most 1; --all-touched overrides
    it."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps, or auto: a GPU when there is one."""


def run(argv: Sequence[str]) -> int:
    """Score, and print the scores."""
    options, (folder,) = parse(USAGE, EvaluateOptions, argv)
    from terramamba.api import evaluate_classifier
    from terramamba.cli.scores import show_classification

    show_classification(evaluate_classifier(folder, **asdict(options)))
    return 0
