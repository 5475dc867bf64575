"""The command line: picks the command, and turns what went wrong into one line and an exit status.

Exit status: 0 done, 1 cannot be done, 2 wrong usage, 130 interrupted, 143 ended by SIGTERM, 129 by SIGHUP.
A command's file is imported when it is chosen, so that help is quick.
"""

import os
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from importlib import import_module
from typing import TextIO

from terramamba._version import __version__
from terramamba.cli.shared.meant import meant_commands
from terramamba.cli.shared.verbosity import spoken
from terramamba.cli.shared.widths import listed, width_of_terminal, wrapped
from terramamba.core.errors import InputError, speaking_to_shell
from terramamba.core.launcher import launched_process
from terramamba.core.memory import is_of_memory
from terramamba.core.start_message import said_at_once
from terramamba.core.termination import RESUMABLE, Terminated, signals_interrupt
from terramamba.core.trust import trusting
from terramamba.core.unwritable import is_of_disks, remedy_of
from terramamba.core.visible import visible, visible_streams

LONGEST = 900
"""Letters of a message."""
LESS = "--batch-size, --crop-size, --tile-size, --strip-rows, --workers"
"""Flags by which commands hold less in memory."""

DONE, CANNOT, USAGE, INTERRUPTED, ENDED_BY = 0, 1, 2, 130, 128

COMMANDS = {
    "demo": "both jobs on made-up images, from files to files",
    "new classify": "look at a scene and its labels, and write explained settings to train on them",
    "new change": "look at image pairs, and write explained settings to train on them",
    "classify train": "train a land-cover classifier on a hyperspectral scene and labelled pixels",
    "classify map": "map the land cover of a scene, with a trained run or without any training",
    "classify evaluate": "score a run on its own test pixels or on another labelled scene",
    "classify assess": "say how right a map is, by reference points, with areas and their intervals",
    "change train": "train a change detector on image pairs with change masks",
    "change map": "map what changed between two images, with a trained run or without any training",
    "change evaluate": "score a run on image pairs with change masks",
    "change assess": "say how right a change map is, by reference points, with areas and their intervals",
    "sample": "draw reference points from a map, so many of each class",
    "experiment": "train data x models x splits x seeds x ablations from one file, and write the tables",
    "results": "make an experiment's tables anew from its results.csv, and put them into a page",
    "explain": "show what a trained run looks at: attention, band importance, activations, Grad-CAM",
    "report": "write one HTML page about runs and their map, to look at in a browser",
    "export": "write a trained run as an ONNX file, which runs without PyTorch",
    "push": "put a trained run on the Hugging Face hub, with a page about it",
    "join": "write a map from the part files that --shard made",
    "check": "say what a scene or labels are, and whether two files fit each other",
    "datasets": "list the data sets known by name, verify a folder of one, or fetch it",
    "models": "list the models with their exact sizes beside the published claims",
    "weights": "list the weights that come with the package and map without any training",
    "weights fetch": "bring weights from a folder or an address to a folder of your own",
    "weights show": "print the card of weights: data, terms, scores, and what they cannot do",
    "weights verify": "check the files of weights against their cards",
    "completion": "print what completes commands and flags in bash, zsh or fish",
    "info": "say what this installation runs on: versions, devices, backends of the operators",
    "bench": "time scans, mapping or training on this machine beside a plain loop",
}


HEADINGS = {
    "demo": "to begin with",
    "classify train": "land cover, from a hyperspectral scene and labelled pixels",
    "change train": "change between two images",
    "sample": "runs and maps of both",
    "check": "files, data sets and models",
    "completion": "this installation",
}
"""Heading above a command and those that follow it."""
EVERYWHERE = [
    "terramamba COMMAND --help lists a command's flags, with an example.",
    "Every command also takes --quiet (nothing is said of the work), --verbose (more is), --progress json "
    "(for programs), --debug (an error shows its traceback) and --trust (virtual rasters under other names, "
    "and inside run folders, open whatever they name).",
]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in ``argv`` (``sys.argv`` when None) and return the exit status.

    Of several processes that torchrun or srun started, the first does it and the others work for it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    with speaking_to_shell(), visible_streams():
        try:
            with signals_interrupt():
                return _among_others(words)
        except KeyboardInterrupt as stop:  # where no command is running yet, or not any longer
            if "--debug" in words:
                raise
            return _interrupted(words, stop)


def _among_others(words: list[str]) -> int:
    try:
        alone = launched_process() is None
    except InputError as error:
        print(f"error: {_in_one_line(error)}", file=sys.stderr)
        return CANNOT
    if alone:
        return _main(words)
    from terramamba.core.rank_zero import run_on_rank_zero

    return run_on_rank_zero(partial(_main, words))


def _main(words: list[str]) -> int:
    debug, trust = "--debug" in words, "--trust" in words
    words = [word for word in words if word not in ("--debug", "--trust")]
    if not debug and not sys.warnoptions:
        _show_warnings_as_notes()
    try:
        words, saying = spoken(words)
        with (
            trusting() if trust else nullcontext(),
            nullcontext() if debug else _without_asides(),
            saying,
        ):
            return _dispatch(words)
    except SystemExit as stop:  # the parser's way to end after help (0) or wrong usage (2)
        return stop.code if isinstance(stop.code, int) else CANNOT
    except KeyboardInterrupt as stop:
        if debug:
            raise
        return _interrupted(words, stop)
    except BrokenPipeError:  # `terramamba models | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if debug:
            raise
        print(f"error: {_in_one_line(error)}", file=sys.stderr)
        return CANNOT


@contextmanager
def _without_asides() -> Iterator[None]:
    """Keep quiet about errors that libraries print and go on from, as rasterio does of damaged texts.

    What ends a command is an exception that comes here, and is said.
    """
    before = sys.excepthook, sys.unraisablehook
    sys.excepthook, sys.unraisablehook = lambda *_: None, lambda _: None
    try:
        yield
    finally:
        sys.excepthook, sys.unraisablehook = before


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:3], "--help"]
    if not words or words[0] in ("-h", "--help"):
        print(_help(""), file=sys.stdout if words else sys.stderr)
        return DONE if words else USAGE
    if words[0] in ("--version", "-V", "version"):
        print(f"terramamba {__version__}")
        return DONE
    group = words[0] if any(name.startswith(words[0] + " ") for name in COMMANDS) else ""
    for length in (2, 1):
        name = " ".join(words[:length])
        others = [word for word in words[1:2] if not word.startswith("-")]
        if name in COMMANDS and not (name == group and others):
            module = import_module(f"terramamba.cli.{name.replace(' ', '_')}")
            with said_at_once(f"terramamba {name}"):
                return module.run(words[length:])
    if group and words[1:2] in (["-h"], ["--help"], ["help"]):
        print(_help(group))
        return DONE
    if words[0].startswith("-"):
        print(f"error: {words[0]}: name the command first: {_in_order(words)}", file=sys.stderr)
        return USAGE
    asked = " ".join(words[: 2 if group else 1])
    if group:  # the list of all would push the error off the screen
        print(_help(group), file=sys.stderr)
    near = " or ".join(f"`terramamba {name}`" for name in meant_commands(words, COMMANDS))
    hint = f"did you mean {near}?" if near else "`terramamba --help` lists them"
    print(
        "error: name a command" if asked == group else f"error: no command `{asked}`; {hint}", file=sys.stderr
    )
    return USAGE


def _in_order(words: list[str]) -> str:
    """Say how the command is written that follows its flags in ``words``; in general, where none does."""
    for place in range(1, len(words)):
        for length in (2, 1):
            command = words[place : place + length]
            if " ".join(command) in COMMANDS:
                return f"`terramamba {shlex.join([*command, *words[:place], *words[place + length :]])}`"
    return "`terramamba COMMAND ...`; `terramamba --help` lists the commands"


def _help(group: str) -> str:
    width = width_of_terminal()
    chosen = {name: about for name, about in COMMANDS.items() if name.partition(" ")[0] == group}
    blocks = [
        [f"usage: terramamba {group or 'COMMAND'} ..."],
        wrapped("State-space (Mamba) models for Earth observation: land-cover maps and change maps.", width),
        *([listed(chosen)] if group else _under_headings()),
        [line for sentence in EVERYWHERE for line in wrapped(sentence, width)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _under_headings() -> list[list[str]]:
    """All commands, a list of lines for each heading."""
    blocks: list[dict[str, str]] = []
    for name, about in COMMANDS.items():
        if name in HEADINGS:
            blocks.append({})
        blocks[-1][name] = about
    width = width_of_terminal()
    return [
        [*wrapped(f"{HEADINGS[next(iter(block))]}:", width), *listed(block, column=20)] for block in blocks
    ]


def _interrupted(words: list[str], stop: KeyboardInterrupt) -> int:
    """Say how to go on after an interruption; returns the exit status."""
    how = "give the same command again"
    if words[:1] == ["demo"]:
        how += " with --overwrite"
    elif RESUMABLE in getattr(stop, "__notes__", ()):
        again = [word for word in words if word not in ("--overwrite", "--resume")]
        how = f"the run can be continued with `terramamba {shlex.join([*again, '--resume'])}`"
    terminated = isinstance(stop, Terminated)
    with suppress(OSError):  # a terminal that was closed
        print(f"{stop if terminated else 'interrupted'}: {how}", file=sys.stderr)
    return ENDED_BY + stop.number if isinstance(stop, Terminated) else INTERRUPTED


def _in_one_line(error: Exception) -> str:
    if isinstance(error, InputError):
        return _shortened(" ".join("; ".join([str(error), *getattr(error, "__notes__", ())]).split()))
    if isinstance(error, OSError) and (error.filename is not None or is_of_disks(error)):
        place = "" if error.filename is None else f"{_shortened(str(error.filename))}: "
        return f"{place}{error.strerror}; {remedy_of(error)}"
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        name = _shortened(_name_in(error))
        return f"{name}: a file name that is no text in UTF-8 cannot be used; rename it"
    text = _shortened(" ".join(str(error).split())) or "no message"
    if is_of_memory(error):
        said = text.partition(". ")[0]
        return f"not enough memory ({said}); ask for less at once ({LESS}), or close other programs"
    return f"{type(error).__name__}: {text} (this was not foreseen; --debug shows where it happened)"


def _name_in(error: UnicodeEncodeError) -> str:
    """The name that cannot be written, which may stand in quotes in what was to be written."""
    text, here = error.object, error.start
    ends = [place for mark in '"\n' if (place := text.find(mark, here)) >= 0]
    return text[max(text.rfind(mark, 0, here) for mark in '"\n') + 1 : min(ends, default=len(text))]


def _shortened(text: str) -> str:
    """Leave out the middle of a line that quotes too much of a damaged file: the remedy stands at its end."""
    text = visible(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 300]} ... {text[-250:]}"


def _show_warnings_as_notes() -> None:
    """Show this package's own warnings as plain lines, and leave out those of its libraries."""
    warnings.simplefilter("ignore")
    warnings.filterwarnings("default", module=r"terramamba(\.|$)")
    warnings.simplefilter("ignore", ResourceWarning)  # files that an interruption left open

    warnings.showwarning = _show_note


def _show_note(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print(f"note: {message}", file=sys.stderr)
