"""What both train commands do with their settings."""

from typing import TYPE_CHECKING, TypeVar

from terramamba.training.settings import TrainSettings

if TYPE_CHECKING:
    from terramamba.training.task import Task

S = TypeVar("S", bound=TrainSettings)


def train(task: "Task", settings: TrainSettings) -> int:
    """Train and print the scores on the test samples, or with ``--dry-run`` print the plan alone."""
    from terramamba import pipeline
    from terramamba.cli.scores import show_scores

    if settings.dry_run:
        print(pipeline.plan_training(task, settings).text())
    else:
        show_scores(task, pipeline.train(task, settings))
    return 0


def decided(task: "Task", settings: S) -> S:
    """Return the settings with all that they leave to the recipe."""
    from terramamba.pipeline import resolved

    return resolved(task, settings)
