"""Whether the scores of several runs may be set against each other."""

from collections.abc import Sequence

from terramamba.runs.record import RunRecord


def why_not_comparable(runs: Sequence[RunRecord]) -> str | None:
    """Say what keeps the scores of ``runs`` apart: protocol, classes, or test pixels; None: nothing does.

    Runs of one split id have the same grid, too: the id is made of the map of subsets, or of the pairs.
    """
    first = runs[0]
    for run in runs[1:]:
        if run.metrics.protocol != first.metrics.protocol:
            how = f"{run.metrics.protocol or 'not said'} and {first.metrics.protocol or 'not said'}"
            return f"{run.name} and {first.name} were tested by different protocols ({how})"
        if run.card.data.classes.names != first.card.data.classes.names:
            return f"{run.name} and {first.name} have different classes"
        if run.metrics.split_id != first.metrics.split_id:
            splits = f"{run.metrics.split_id or 'not said'} and {first.metrics.split_id or 'not said'}"
            return f"{run.name} and {first.name} were not tested on the same pixels (splits {splits})"
    return None
