"""What both train commands do with their settings."""

import sys
from collections.abc import Sequence
from typing import TypeVar

from terramamba.core.display import columns_of
from terramamba.training.settings import TrainSettings

OUT, DRY_RUN, NO_DRY_RUN = "--out", "--dry-run", "--no-dry-run"

S = TypeVar("S", bound=TrainSettings)


def train(settings: TrainSettings) -> int:
    """Train and print the scores on the test samples, or with ``--dry-run`` print the plan alone."""
    from terramamba import pipeline
    from terramamba.cli.shared.scores import show_scores
    from terramamba.tasks import task_of

    task = task_of(settings)
    if settings.dry_run:
        print(pipeline.plan_training(task, settings).text(columns_of(sys.stdout)))
    else:
        show_scores(task, pipeline.train(task, settings))
    return 0


def with_folder(argv: Sequence[str]) -> Sequence[str]:
    """Return ``argv``, with a folder where a dry run names none: it writes nothing."""
    words = [word.replace("_", "-") for word in argv if word.startswith("-")]
    dry = DRY_RUN in words and NO_DRY_RUN not in words
    return [OUT, "run", *argv] if dry and not any(word.partition("=")[0] == OUT for word in words) else argv


def decided(settings: S) -> S:
    """Return the settings with all that they leave to the recipe."""
    from terramamba.pipeline import resolved
    from terramamba.tasks import task_of

    return resolved(task_of(settings), settings)
