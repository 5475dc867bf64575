"""Flags from frozen dataclasses: a field is a flag, its docstring the help, its default the default.

Flags are spelled with dashes, and underscores are taken too. ``--config FILE.yaml`` gives the same settings
by their field names, and a flag after it overrides; ``--print-config`` prints what would be used, also as
what is not given was decided. What is no flag is a file, wherever it stands.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import MISSING, asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast, get_args, get_origin

import yaml
from jsonargparse import ActionConfigFile, ActionYesNo, ArgumentParser  # type: ignore[attr-defined]

from terramamba.cli.shared.help import (
    ABOUT_HELP,
    HelpFormatter,
    epilog,
    field_docs,
    headings,
    metavar,
    on_the_line,
)
from terramamba.cli.shared.usage_errors import in_words
from terramamba.cli.shared.verbosity import EVERYWHERE
from terramamba.core.documents import read_yaml
from terramamba.core.files import plain
from terramamba.core.options import RECORD, Option, flag_of, options_of, without_none

O = TypeVar("O")  # noqa: E741  (options)

PRINT_CONFIG = "--print-config"
SHORTER = {"--variable": "--scene-variable"}
"""Flags that are taken for others."""


@dataclass(frozen=True)
class Usage:
    """How a command is called: its name, what it does, its files, and what may stand behind its name.

    ``[NAME]`` may be left out, ``[NAME ...]`` stands for any number. ``mostly``: flags that nearly everybody
    gives, though something else can stand for them.
    """

    command: str
    about: str
    files: tuple[str, ...] = ()
    example: str = ""
    mostly: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AsJson:
    """For who reads the answer with a program."""

    json: bool = False
    """Print the answer as JSON."""


@dataclass(frozen=True)
class Described:
    """What a command can be told."""

    usage: Usage
    options: type[Any]


class _Described(Exception):  # noqa: N818  (an answer, and no error)
    """What ``described`` asked for."""


_asked: ContextVar[bool] = ContextVar("_asked", default=False)


def described(run: Callable[[Sequence[str]], int]) -> Described:
    """Return what the ``run`` of a command hands to ``parse``, which is the first thing that it does."""
    token = _asked.set(True)
    try:
        run([])
    except _Described as answer:
        return cast(Described, answer.args[0])
    finally:
        _asked.reset(token)
    raise AssertionError("a command reads its flags first")


def parse(
    usage: Usage, options: type[O], argv: Sequence[str], *, decided: Callable[[O], O] | None = None
) -> tuple[O, list[str]]:
    """Read the options that ``argv`` gives, and its files in order.

    ``--print-config`` prints them as ``decided`` leaves them: with what the command decides in place of what
    was not given.

    Raises:
        SystemExit: status 0 after help or ``--print-config``, 2 for wrong usage (said on standard error).
        InputError: a configuration file that cannot be read, values out of bounds or that contradict each
            other, or what ``decided`` raises.
    """
    given, files, _ = parse_given(usage, options, argv, decided=decided)
    return given, files


def parse_given(
    usage: Usage, options: type[O], argv: Sequence[str], *, decided: Callable[[O], O] | None = None
) -> tuple[O, list[str], frozenset[str]]:
    """Read as ``parse`` does, and name the options that were given, by flags at their default, too.

    Files of settings may hold all of them, so that of those others count alone.
    """
    if _asked.get():
        raise _Described(Described(usage, options))
    parser = _Parser(usage, options, explained=not {"-h", "--help"}.isdisjoint(argv))
    flags, files = parser.separate(argv)
    for before, word in zip(["", *flags], flags, strict=False):
        if before == "--config" or word.startswith("--config="):
            _require_settings(Path(word.removeprefix("--config=")))
    printed = PRINT_CONFIG in flags
    flags = [flag for flag in flags if flag != PRINT_CONFIG]
    values = parser.parse_args(flags)
    least = sum(not name.startswith("[") for name in usage.files)
    most = float("inf") if any(name.endswith("...]") for name in usage.files) else len(usage.files)
    if not least <= len(files) <= most:
        names = " ".join(usage.files) or "no file beside its flags"
        parser.error(f"terramamba {usage.command} takes {names}; got {' '.join(files) or 'none'}")
    given = options(**{name: _texts(values[name], option.hint) for name, option in parser.known.items()})
    if printed:
        print(yaml.safe_dump(_record(given if decided is None else decided(given)), sort_keys=False), end="")
        sys.exit(0)
    words = {word.removeprefix("--").partition("=")[0].replace("-", "_") for word in flags}
    named = {name for name, o in parser.known.items() if name in words or getattr(given, name) != o.default}
    return given, files, frozenset(named)


def _as_list(value: str, of_texts: bool) -> str:
    """A list as YAML has it, of a value such as ``a,b``; entries ``of_texts`` stay texts where they are
    digits."""
    if value.startswith("["):
        return value
    if of_texts and not set(value) & set("\"'"):
        return json.dumps([entry.strip() for entry in value.split(",")], ensure_ascii=False)
    return f"[{value}]"


def _texts(value: Any, hint: Any) -> Any:
    """``value`` with the entries as texts where the option has a list of those; one text as on the line."""
    if not isinstance(value, list | str) or without_none(hint) != list[str]:
        return value
    if isinstance(value, str):
        return [entry.strip() for entry in value.split(",")]
    return [entry if isinstance(entry, str) else f"{entry}" for entry in value]


class _Parser(ArgumentParser):
    """A parser with one line of usage, a flag for each field of a dataclass, and errors in words.

    What its help says of the flags is read, which takes as long as all else, where it is ``explained``.
    """

    def __init__(self, usage: Usage, options: type[Any], *, explained: bool) -> None:
        self.known = {option.name: option for option in options_of(options)}
        required = [f"{o.flag} {metavar(o)}" for o in self.known.values() if o.default is MISSING]
        super().__init__(
            prog=f"terramamba {usage.command}",
            usage=" ".join(
                ["terramamba", usage.command, *usage.files, *usage.mostly, *required, "[options]"]
            ),
            description=usage.about,
            print_config=None,
            allow_abbrev=False,
            add_help=False,
            formatter_class=HelpFormatter,
            epilog=epilog(usage.command, usage.example),
        )
        docs = field_docs(options) if explained else dict.fromkeys(self.known, "")
        under = headings(options)
        groups = {heading: self.add_argument_group(heading) for heading in [*under.values(), ABOUT_HELP]}
        own = vars(options).get("__annotations__", {})
        # What must be given comes first, and what other commands have too last.
        for name in sorted(
            self.known, key=lambda name: (self.known[name].default is not MISSING, name not in own)
        ):
            self._add_option(groups[under[name]], self.known[name], on_the_line(docs[name]))
        last = groups[ABOUT_HELP]
        last.add_argument("-h", "--help", action="help", help="Show this and stop.")
        last.add_argument(
            "--config",
            action=ActionConfigFile,
            metavar="FILE",
            help="YAML file of settings by their names (batch_size: 8); flags after it override.",
        )
        last.add_argument(
            PRINT_CONFIG,
            action="store_true",
            help="Print the settings that would be used, as YAML, and stop.",
        )

    def separate(self, argv: Sequence[str]) -> tuple[list[str], list[str]]:
        """Flags with their values, spelled as the parser knows them, and the files between them."""
        flags: list[str] = []
        files: list[str] = []
        words = list(argv)
        while words:
            word = words.pop(0)
            if word == "--":
                files, words = files + words, []
            elif not word.startswith("-") or word == "-":
                files.append(word)
            elif word == "--set" or word.startswith("--set="):
                given = word[len("--set=") :] or (words.pop(0) if words else "")
                flags.append(self._model_option(given))
            else:
                flag, *value = word.split("=", maxsplit=1)
                name = flag.partition(".")[0].replace("_", "-")
                if SHORTER.get(name) in self._option_string_actions:
                    name = flag = SHORTER[name]
                if not value and self._takes_value(name) and words and not words[0].startswith("--"):
                    value = [words.pop(0)]
                option = self.known.get(name[2:].replace("-", "_"))
                if value and option is not None and get_origin(without_none(option.hint)) is list:
                    value = [_as_list(value[0], get_args(without_none(option.hint)) == (str,))]
                flags.append("=".join([name + flag[len(name) :], *value]))
        self._say_repeated(flags)
        return flags, files

    def _say_repeated(self, flags: Sequence[str]) -> None:
        """Refuse a list that is given in two flags, and say which value counts of what is no list."""
        first: dict[str, str] = {}
        for flag, _, value in (word.partition("=") for word in flags if "=" in word):
            option = self.known.get(flag[2:].replace("-", "_"))
            before = first.setdefault(flag, value)
            if option is None or before == value:
                continue
            if get_origin(without_none(option.hint)) is list:
                both = ",".join(str(entry) for text in (before, value) for entry in yaml.safe_load(text))
                self.error(f"{flag} is given twice; give it once, as a list: {flag} {both}")
            print(f"note: {flag} is given twice, {before} and {value}; {value} counts", file=sys.stderr)

    def _takes_value(self, name: str) -> bool:
        action = self._option_string_actions.get(name)
        return action is not None and action.nargs not in (0, "?")

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Say how the command is used and what is wrong, and exit with status 2."""
        self.print_usage(sys.stderr)
        flags = [*map(flag_of, self.known), "--config", PRINT_CONFIG, "--help", *EVERYWHERE]
        print(f"error: {in_words(message, self.prog, self.known, flags)}", file=sys.stderr)
        sys.exit(2)

    def _add_option(self, group: Any, option: Option, about: str) -> None:
        flag, hint, default = option.flag, option.hint, option.default
        text = argparse.SUPPRESS if RECORD in option.marks else about.replace("%", "%%")
        if default is MISSING:
            group.add_argument(flag, type=hint, required=True, metavar=metavar(option), help=text)
        elif hint is bool:
            said = f"{text} (default: {'yes' if default else 'no'})"
            group.add_argument(
                flag, action=ActionYesNo(no_prefix="no-"), nargs="?", default=default, help=said
            )
        else:
            said = text if default in (None, {}, []) else f"{text} (default: {default})"
            if without_none(hint) == list[str]:  # YAML takes some texts for numbers
                hint = list[str | int | float] | str | None
            group.add_argument(flag, type=hint, default=default, metavar=metavar(option), help=said)

    def _model_option(self, assignment: str) -> str:
        """``key=value`` as the nested flag ``--set.key=value``, whose value is read as a YAML scalar."""
        key, equals, value = assignment.partition("=")
        if not equals or not key.replace("-", "_").isidentifier():
            self.error(f"--set takes key=value, such as --set depth=2; got '{assignment}'")
        return f"--set.{key.replace('-', '_')}={value}"


def _require_settings(path: Path) -> None:
    read_yaml(path, "--config needs lines such as `epochs: 30`")


def _record(options: Any) -> Any:
    return plain(asdict(options))
