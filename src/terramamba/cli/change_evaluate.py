"""``terramamba change evaluate``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from terramamba.change.settings import Threshold
from terramamba.cli.parse import Usage, parse
from terramamba.data.settings import Pairs
from terramamba.training.settings import OnDevice

USAGE = Usage("change evaluate", "Score a run on image pairs with change masks.", ("RUN",))


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(OnDevice, Threshold, Pairs):
    """Flags of the command."""

    split: str = "test"
    """Subset of the pairs to score on: train, val or test."""


def run(argv: Sequence[str]) -> int:
    """Score, and print the scores."""
    options, (folder,) = parse(USAGE, EvaluateOptions, argv)
    from terramamba.api import evaluate_change_detector
    from terramamba.cli.scores import show_scores
    from terramamba.tasks import CHANGE

    show_scores(CHANGE, evaluate_change_detector(folder, **asdict(options)))
    return 0
