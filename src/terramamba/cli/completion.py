"""``terramamba completion``: scripts with all commands and flags in them, so that a shell starts nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, get_args, get_origin

from terramamba.cli.shared.parse import Usage, described, parse
from terramamba.core.errors import InputError
from terramamba.core.options import RECORD, options_of, without_none
from terramamba.core.words import meant

USAGE = Usage(
    "completion",
    "Print what completes commands, flags and their choices in a shell: bash, zsh or fish. For bash, add "
    '`eval "$(terramamba completion bash)"` to ~/.bashrc; for zsh the same with zsh to ~/.zshrc, after '
    "compinit; for fish, save it as ~/.config/fish/completions/terramamba.fish.",
    ("SHELL",),
    example="bash",
)

Flags = Mapping[str, Sequence[str]]
"""Flags of a command with their choices; none where anything goes, such as a file."""


@dataclass(frozen=True, kw_only=True)
class CompletionOptions:
    """The command has no flags of its own."""


def run(argv: Sequence[str]) -> int:
    """Print the script of a shell."""
    _, (shell,) = parse(USAGE, CompletionOptions, argv)
    if shell not in WRITERS:
        raise InputError(f"{shell}: is none of {', '.join(WRITERS)}{meant(shell, WRITERS)}")
    print(WRITERS[shell](command_flags()), end="")
    return 0


def command_flags() -> dict[str, Flags]:
    """Collect the flags of every command."""
    from terramamba.cli import COMMANDS

    return {name: _flags(name) for name in COMMANDS}


def _flags(name: str) -> dict[str, Sequence[str]]:
    from terramamba.models.registry import list_models

    job, _, what = name.partition(" ")
    known = described(import_module(f"terramamba.cli.{name.replace(' ', '_')}").run)
    found: dict[str, Sequence[str]] = {}
    for option in options_of(known.options):
        if RECORD in option.marks:
            continue
        kind = without_none(option.hint)
        choices = [str(choice) for choice in get_args(kind)] if get_origin(kind) is Literal else []
        if option.name == "model" and what == "train":
            choices = list(list_models(job))
        found[option.flag] = choices
        if kind is bool:
            found[option.flag.replace("--", "--no-", 1)] = []
    return found | {"--config": [], "--print-config": [], "--help": []}


def _bash(commands: Mapping[str, Flags]) -> str:
    firsts = " ".join(dict.fromkeys(name.partition(" ")[0] for name in commands))
    cases, choices = [], []
    for name, flags in commands.items():
        cases.append(f'    "{name}") flags="{" ".join(flags)}" ;;')
        choices += [
            f'    "{name} {flag}") found="{" ".join(there)}" ;;' for flag, there in flags.items() if there
        ]
    groups: dict[str, list[str]] = {}
    for name in commands:
        first, _, second = name.partition(" ")
        if second:
            groups.setdefault(first, []).append(second)
    seconds = [f'    {first}) seconds="{" ".join(names)}" ;;' for first, names in groups.items()]
    lines = [
        "_terramamba() {",
        '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
        '  local command="${COMP_WORDS[1]}" seconds="" flags="" found=""',
        "  COMPREPLY=()",
        '  case "$command" in',
        *seconds,
        "  esac",
        '  if [ "$COMP_CWORD" -eq 1 ]; then',
        f'    COMPREPLY=($(compgen -W "{firsts}" -- "$current")); return',
        '  elif [ -n "$seconds" ]; then',
        '    if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "$seconds" -- "$current")); return; fi',
        '    command="$command ${COMP_WORDS[2]}"',
        "  fi",
        '  case "$command $before" in',
        *choices,
        "  esac",
        '  if [ -n "$found" ]; then COMPREPLY=($(compgen -W "$found" -- "$current")); return; fi',
        '  case "$command" in',
        *cases,
        "  esac",
        '  case "$current" in',
        '    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;',
        "  esac",
        "}",
        "complete -o default -F _terramamba terramamba",
    ]
    return "\n".join(lines) + "\n"


def _zsh(commands: Mapping[str, Flags]) -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash(commands)


FISH = """\
function __terramamba_at --description 'the words so far are these'
    set -l words (commandline -opc)
    test "$words[2..]" = "$argv"
end
function __terramamba_in --description 'the words so far begin with these'
    set -l words (commandline -opc)
    set -l last (math 1 + (count $argv))
    test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end
"""


def _fish(commands: Mapping[str, Flags]) -> str:
    from terramamba.cli import COMMANDS

    lines = []
    firsts = {name.partition(" ")[0]: "" for name in commands} | {
        name: COMMANDS[name] for name in commands if " " not in name
    }
    for first, about in firsts.items():
        lines.append(f"complete -c terramamba -n __terramamba_at -f -a {first}{_about(about)}")
    for name, flags in commands.items():
        first, _, second = name.partition(" ")
        if second:
            about = _about(COMMANDS[name])
            lines.append(f"complete -c terramamba -n '__terramamba_at {first}' -f -a {second}{about}")
        for flag, there in flags.items():
            values = f" -x -a '{' '.join(there)}'" if there else ""
            lines.append(f"complete -c terramamba -n '__terramamba_in {name}' -l {flag[2:]}{values}")
    return FISH + "\n".join(lines) + "\n"


def _about(text: str) -> str:
    """What fish shows beside a word, where there is anything."""
    return f" -d '{text.replace(chr(39), '')}'" if text else ""


WRITERS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
