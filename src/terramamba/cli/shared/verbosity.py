"""How much every command says of its work on standard error, and in which form: flags before or after any."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from terramamba.core.errors import InputError
from terramamba.core.progress import shown_as

QUIET, VERBOSE, PROGRESS = "--quiet", "--verbose", "--progress"
EVERYWHERE = (QUIET, VERBOSE, PROGRESS, "--debug", "--trust")
"""Flags of every command, none of which its own list has."""
FORMS = ("text", "json")


def spoken(words: Sequence[str]) -> tuple[list[str], AbstractContextManager[None]]:
    """Take the flags about saying out of ``words``; return the others, and a context in which it is so.

    Raises:
        InputError: flags that contradict each other, or a form of progress that there is not.
    """
    left = [word for word in words if word not in (QUIET, VERBOSE)]
    quiet, verbose = QUIET in words, VERBOSE in words
    form = FORMS[0]
    for index, word in enumerate(left):
        flag, _, value = word.partition("=")
        if flag == PROGRESS:
            end = index + (1 if value else 2)
            form = value or "".join(left[index + 1 : end])
            left[index:end] = []
            break
    if form not in FORMS:
        raise InputError(f"{PROGRESS} {form or 'without a form'}: choose one of {', '.join(FORMS)}")
    if quiet and (verbose or form == "json"):
        raise InputError(
            f"{QUIET}: contradicts {VERBOSE if verbose else f'{PROGRESS} json'}; give one of them"
        )
    return left, _saying(quiet=quiet, verbose=verbose, json_lines=form == "json")


@contextmanager
def _saying(*, quiet: bool, verbose: bool, json_lines: bool) -> Iterator[None]:
    with shown_as(json_lines=json_lines, quiet=quiet):
        if not verbose:
            yield
            return
        log, handler = logging.getLogger("terramamba"), logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        before = log.level
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            log.removeHandler(handler)
            log.setLevel(before)
