"""``terramamba change evaluate``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from terramamba.cli.parse import Usage, parse

USAGE = Usage("change evaluate", "Score a run on image pairs with change masks.", ("RUN",))


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Flags of the command."""

    data: str
    """Folder of image pairs in a known layout, or a CSV with split, before, after and label columns; a folder
    or column `mask` beside `label` marks clouds and other pixels not to be used. Or the name of a set of the
    catalogue (see `terramamba datasets`), whose files in --root are verified first."""
    split: str = "test"
    """Part of the pairs to score on: train, val or test."""
    root: str | None = None
    """Folder that holds the set which --data names, or that the paths in a CSV are relative to; None: the
    CSV's own."""
    align: Literal["bilinear", "cubic"] | None = None
    """Warp later dates onto the grid of the earlier, interpolated so; None: other grids are refused."""
    scene_variable: str | None = None
    """Name of the array or image in files that hold several, one for all; None: the only one that fits."""
    threshold: float | None = None
    """Least probability that counts as changed, in thousandths; None: the run's own, chosen on validation."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps, or auto: a GPU when there is one."""


def run(argv: Sequence[str]) -> int:
    """Score, and print the scores."""
    options, (folder,) = parse(USAGE, EvaluateOptions, argv)
    from terramamba.api import evaluate_change_detector
    from terramamba.cli.scores import show_change

    show_change(evaluate_change_detector(folder, **asdict(options)))
    return 0
