"""How a command's help looks: flags under headings, what is said of them, an example; on any terminal."""

import argparse
import re
from dataclasses import is_dataclass
from typing import Any, Literal, get_args, get_origin

from jsonargparse import ActionYesNo

from terramamba.cli.shared.widths import NARROW, width_of_terminal, wrapped
from terramamba.core.options import Option, Options, without_none

MAIN, LAST = Options.heading, "computing"
"""The first of the headings, and the one that most people need last."""
ABOUT_HELP = "settings and help"
EVERYWHERE = (
    "Every command also takes --quiet, --verbose, --progress json, --debug and --trust: terramamba --help."
)
METAVARS = {int: "N", float: "X"}


def headings(options: type[Any]) -> dict[str, str]:
    """Return the heading of each option, in the order in which help lists both.

    A group of options says its own (``Options.heading``); those of the command alone come first.
    """
    of = {
        name: MAIN if group is options else getattr(group, "heading", MAIN)
        for group in reversed(options.__mro__)
        if is_dataclass(group)
        for name in group.__annotations__
        if name != "heading"
    }
    order = [MAIN, *(heading for heading in of.values() if heading != LAST), LAST]
    return dict(sorted(of.items(), key=lambda entry: order.index(entry[1])))


def metavar(option: Option) -> str:
    """Return what stands for the option's value."""
    kind = without_none(option.hint)
    if get_origin(kind) is Literal:
        return "{" + ",".join(map(str, get_args(kind))) + "}"
    if get_origin(kind) is dict:
        return "KEY=VALUE"
    if get_origin(kind) is list:
        return "A,B,..."
    return METAVARS.get(kind, option.name.upper().rpartition("_")[2])


def field_docs(options: type[Any]) -> dict[str, str]:
    """Return the docstring under each field, inherited ones too; who only changes a default adds none."""
    import docstring_parser

    return {
        parameter.arg_name: " ".join(parameter.description.split())
        for group in reversed(options.__mro__)
        if is_dataclass(group)
        for parameter in docstring_parser.parse_from_object(group).params
        if parameter.description
    }


def on_the_line(about: str) -> str:
    """Say what Python's None is on a command line: an option that is not given.

    >>> on_the_line("Layer; None: the only one. None: all.")
    'Layer; not given: the only one. Not given: all.'
    """
    return re.sub(r"([;:] |^)None: ", r"\1not given: ", about).replace("None: ", "Not given: ")


def epilog(command: str, example: str) -> str:
    """Write what stands below the flags: the example, and what every command takes."""
    return "\n".join(
        [
            "example:",
            f"  terramamba {command} {example}".rstrip(),
            "",
            *wrapped(EVERYWHERE, width_of_terminal()),
            "",
        ]
    )


class HelpFormatter(argparse.HelpFormatter):
    """One column for the flags and one for their meaning, where there is room for two."""

    def __init__(self, prog: str) -> None:
        width = width_of_terminal()
        super().__init__(prog, max_help_position=32 if width >= NARROW else 8, width=width - 1)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if isinstance(action, ActionYesNo):
            return ", ".join(action.option_strings)
        spelled = [name for name in action.option_strings if not name.endswith("+")]
        return ", ".join(spelled) + ("" if action.nargs == 0 else f" {action.metavar}")

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else "\n".join(wrapped(text, width))

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrapped(" ".join(text.split()), width)
