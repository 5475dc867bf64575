"""``terramamba change evaluate``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from terramamba.change.settings import Enlarging, Meaning, Threshold
from terramamba.cli.shared.parse import AsJson, Usage, parse
from terramamba.core.errors import InputError
from terramamba.data.settings import Pairs, ScoresOutput
from terramamba.training.settings import OnDevice

USAGE = Usage(
    "change evaluate",
    "Score a run, or pretrained weights, on image pairs with masks.",
    ("[RUN]",),
    example="runs/change --data LEVIR-CD --split test --out scores",
)


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(AsJson, OnDevice, ScoresOutput, Threshold, Meaning, Enlarging, Pairs):
    """Flags of the command."""

    weights: str | None = None
    """Pretrained weights, in place of RUN: a name (`terramamba weights` lists them), the
    folder of others, or weights or a run on the hub, such as hf:ORG/NAME."""
    split: str = "test"
    """Subset of the pairs to score on: train, val or test."""


def run(argv: Sequence[str]) -> int:
    """Score, and print the scores."""
    options, paths = parse(USAGE, EvaluateOptions, argv)
    from terramamba.api import evaluate_change_detector, pretrained_detector
    from terramamba.cli.shared.scores import show_scores
    from terramamba.cli.shared.show import show_json
    from terramamba.tasks import CHANGE

    given = asdict(options)
    as_json, weights = given.pop("json"), given.pop("weights")
    if (weights is None) != (len(paths) == 1):
        raise InputError("RUN or --weights: give one of them, who is to be scored")
    run = paths[0] if weights is None else pretrained_detector(weights)
    result = evaluate_change_detector(run, **given)
    if as_json:
        show_json(result.raw)
    else:
        show_scores(CHANGE, result)
    return 0
