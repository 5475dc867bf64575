"""What commands print on a narrow terminal: no line is wider than it, and no row of a table is cut."""

import os
from contextlib import suppress

import pytest

import programs

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals to be had here")


def on_terminal(columns: int, *words: str) -> list[str]:
    """The lines that a command prints on a terminal of so many columns."""
    return python_on_terminal(columns, "-m", "terramamba", *words)


def python_on_terminal(columns: int, *words: str) -> list[str]:
    ours, theirs = os.openpty()
    env = {"COLUMNS": str(columns), "TERM": "dumb", "NO_COLOR": "1"}
    with programs.start(*words, env=env, stdout=theirs) as process:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # a terminal that nobody writes to any more
            while chunk := os.read(ours, 1 << 16):
                said += chunk
        assert process.wait() == 0
    os.close(ours)
    return said.decode().replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("columns", [40, 60])
@pytest.mark.parametrize("words", [("models",), ("weights",), ("datasets",), ("info",)], ids=" ".join)
def test_every_line_fits(columns: int, words: tuple[str, ...]) -> None:
    lines = on_terminal(columns, *words)
    too_long = [line for line in lines if len(line) > columns and len(line.split()) > 2]
    assert lines
    assert too_long == []


def test_a_wide_terminal_has_whole_rows_in_a_frame() -> None:
    lines = on_terminal(200, "weights")
    (row,) = [line for line in lines if "spectral-library" in line]
    assert row.count("│") >= 4 or row.count("|") >= 4


SHOWN = """
from terramamba.cli.shared.show import show_table
from terramamba.core.visible import visible_streams
with visible_streams():
    show_table("[of] all", ("class", "n"), [("[soil]", 7), ("[/]", 12), ("a\\x1b[2J\\nb", 3)])
"""


def test_names_stand_in_a_frame_as_they_are() -> None:
    lines = python_on_terminal(80, "-c", SHOWN)
    assert "[of] all" in lines[0]
    assert [line.split("│")[1].strip() for line in lines if line.count("│") >= 3] == [
        "[soil]",
        "[/]",
        "a\\u001b[2J b",
    ]
