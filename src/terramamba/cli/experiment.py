"""``terramamba experiment``."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from terramamba.cli.shared.parse import Usage, parse
from terramamba.training.settings import OnDevice

USAGE = Usage(
    "experiment",
    "Train every combination of data, models, splits, seeds and ablations that a YAML file names, and write "
    "one table of results and tables for print. Runs that are done are skipped, those that were ended go on.",
    ("FILE.yaml",),
    example="study.yaml --out study",
)


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions(OnDevice):
    """Flags of the command."""

    out: str
    """Folder for the run folders, results.csv, tables.md and tables.tex."""
    jobs: int = 1
    """Runs at a time, each in a process of its own."""
    set: dict[str, Any] = field(default_factory=dict)
    """A variable of the file, as name=value, such as data_root=FOLDER; may be repeated."""
    overwrite: bool = False
    """Train anew the runs in the folder that have other settings than the file says."""


def run(argv: Sequence[str]) -> int:
    """Do the runs, and print a line for each model and the runs that failed."""
    options, (file,) = parse(USAGE, ExperimentOptions, argv)
    from terramamba.api import run_experiment
    from terramamba.cli.shared.show import show_facts

    outcome = run_experiment(
        file,
        options.out,
        variables=options.set,
        jobs=options.jobs,
        device=options.device,
        overwrite=options.overwrite,
    )
    done = sum(row["status"] == "done" for row in outcome.rows)
    show_facts(
        {
            "runs": f"{done} of {len(outcome.rows)} done, {outcome.skipped} of them before",
            "written": "\n".join(map(str, outcome.written)),
        }
    )
    for name, reason in outcome.failed.items():
        print(f"failed: {name}: {reason}", file=sys.stderr)
    return 1 if outcome.failed else 0
