"""``terramamba change evaluate``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from terramamba.change.settings import Threshold
from terramamba.cli.shared.parse import AsJson, Usage, parse
from terramamba.data.settings import Pairs, ScoresOutput
from terramamba.training.settings import OnDevice

USAGE = Usage("change evaluate", "Score a run on image pairs with change masks.", ("RUN",))


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(AsJson, OnDevice, ScoresOutput, Threshold, Pairs):
    """Flags of the command."""

    split: str = "test"
    """Subset of the pairs to score on: train, val or test."""


def run(argv: Sequence[str]) -> int:
    """Score, and print the scores."""
    options, (folder,) = parse(USAGE, EvaluateOptions, argv)
    from terramamba.api import evaluate_change_detector
    from terramamba.cli.shared.scores import show_scores
    from terramamba.cli.shared.show import show_json
    from terramamba.tasks import CHANGE

    given = asdict(options)
    as_json = given.pop("json")
    result = evaluate_change_detector(folder, **given)
    if as_json:
        show_json(result.raw)
    else:
        show_scores(CHANGE, result)
    return 0
