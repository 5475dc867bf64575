"""What both ``new`` commands do: look at files, and write settings for them that explain themselves."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from terramamba.cli.shared.help import field_docs, headings, on_the_line
from terramamba.cli.shared.show import show
from terramamba.cli.shared.widths import wrapped
from terramamba.core.errors import InputError
from terramamba.core.files import plain
from terramamba.core.options import options_of

if TYPE_CHECKING:
    from terramamba.training.plan import Plan
    from terramamba.training.task import Task

ENDINGS = (".yaml", ".yml")
WIDTH = 100
"""Letters of a line of comment."""
RUNS = "runs"
"""Folder of the run folders that are proposed."""


def target_for(out: str | None, like: str, *, overwrite: bool) -> Path:
    """Return the file to write: ``out``, or in this folder one that is called as ``like``.

    Raises:
        InputError: it does not end as YAML does, or is there already.
    """
    from terramamba.raster.output.staging import check_outputs

    target = Path(f"{Path(like).stem}.yaml" if out is None else out)
    if target.suffix.lower() not in ENDINGS:
        raise InputError(f"--out {target}: settings are YAML; give the file a name that ends in .yaml")
    check_outputs([target], overwrite=overwrite)
    return target


def write_settings(
    task: "Task", options: Any, files: Mapping[str, str], usual: Sequence[str], target: Path
) -> None:
    """Write settings for ``files`` to ``target``, with what was understood of them as comments.

    Args:
        task: The job whose training the settings are for.
        options: Flags of the command; those that the training has too are in force where they were given.
        files: Settings that name the files.
        usual: Settings that are shown though nobody gave them, as comments.
        target: The file to write.

    Raises:
        InputError: what training would refuse of the files.
    """
    from terramamba import pipeline
    from terramamba.raster.output.staging import write_output

    known = {option.name for option in options_of(task.settings)}
    said = {
        option.name: getattr(options, option.name)
        for option in options_of(type(options))
        if option.name in known and option.name not in ("out", "overwrite")
    }
    given = {name: value for name, value in said.items() if value != _default(task, name)}
    force = {**files, **given, "out": f"{RUNS}/{target.stem}"}
    plan = pipeline.plan_data(task, task.settings(**force))
    command = f"terramamba {task.name} train --config {target}"
    text = settings_text(task.settings, force, usual, plan, command)
    write_output(target, text.encode(), overwrite=options.overwrite)
    for warning in plan.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    show(plan.shown, {"written": str(target), "to train": command})


def settings_text(
    kind: type[Any], force: Mapping[str, Any], usual: Sequence[str], plan: "Plan", command: str
) -> str:
    """Write settings as YAML: those in ``force``, the ``usual`` others as comments, each with its help."""
    lines = [
        "# Give these settings with",
        f"#   {command}",
        "# What stands as #name: value is not in force; take the # away to change it. All settings:",
        f"#   {command.partition(' --config')[0]} --help",
        "# Paths are seen from the folder in which the command is given.",
        "#",
        "# What was understood of the files:",
        *(f"#   {line}".rstrip() for line in plan.text().splitlines()),
    ]
    options = {option.name: option for option in options_of(kind)}
    docs, under, heading = field_docs(kind), headings(kind), ""
    order = [*force, *under]
    shown = [name for name in under if name in force or name in usual]
    for name in sorted(shown, key=lambda name: ([*under.values()].index(under[name]), order.index(name))):
        if under[name] != heading:
            heading = under[name]
            lines += ["", f"# --- {heading} ---"]
        value = force.get(name, options[name].default)
        lines += ["", *(f"# {line}" for line in wrapped(on_the_line(docs[name]), WIDTH))]
        lines.append(("" if name in force else "#") + _as_yaml(name, value))
    return "\n".join(lines) + "\n"


def _as_yaml(name: str, value: Any) -> str:
    """One line; a list in brackets."""
    return yaml.safe_dump({name: plain(value)}, allow_unicode=True, default_flow_style=True, width=10_000)[
        1:-2
    ]


def _default(task: "Task", name: str) -> Any:
    return next(option.default for option in options_of(task.settings) if option.name == name)
