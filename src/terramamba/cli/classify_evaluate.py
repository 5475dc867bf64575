"""``terramamba classify evaluate``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from terramamba.cli.shared.parse import AsJson, Usage, parse
from terramamba.core.errors import InputError
from terramamba.data.settings import ScoresOutput
from terramamba.landcover.settings import LabelledScene, Regularised
from terramamba.training.settings import OnDevice

USAGE = Usage(
    "classify evaluate",
    "Score a run on its own test pixels, or on all labelled pixels of another scene.",
    ("[RUN]",),
    example="runs/cover --out scores",
)


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(AsJson, OnDevice, ScoresOutput, Regularised, LabelledScene):
    """Flags of the command."""

    weights: str | None = None
    """A run on the hub, such as hf:ORG/NAME, in place of RUN; with --scene and --labels."""
    scene: str | None = None
    """Another scene to score on; None: the run's own, on its test pixels."""
    labels: str | None = None
    """Labels of that scene, with the codes or the names of the run's classes."""


def run(argv: Sequence[str]) -> int:
    """Score, and print the scores."""
    options, paths = parse(USAGE, EvaluateOptions, argv)
    from terramamba.api import evaluate_classifier
    from terramamba.cli.shared.scores import show_scores
    from terramamba.cli.shared.show import show_json
    from terramamba.tasks import LAND_COVER

    given = asdict(options)
    as_json, weights = given.pop("json"), given.pop("weights")
    if (weights is None) != (len(paths) == 1):
        raise InputError("RUN or --weights: give one of them, who is to be scored")
    folder = paths[0] if weights is None else weights
    result = evaluate_classifier(folder, **given)
    if as_json:
        show_json(result.raw)
    else:
        show_scores(LAND_COVER, result)
    return 0
