"""What is said while work is done: soon, and in words that a person reads."""

import io
import sys
import threading

import pytest

from terramamba.core import progress
from terramamba.core.start_message import said_at_once


class Terminal(io.StringIO):
    """Standard error that somebody watches."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(progress, "_said", threading.Event())
    return shown


def test_who_watches_is_told_soon_that_a_command_is_made_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with said_at_once("terramamba demo", seconds=0.001):
        assert terminal.written.wait(20)
    assert terminal.getvalue() == "terramamba demo: loading ...\n"


def test_nothing_is_added_to_what_a_command_says_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    progress.say("reading")
    before = set(threading.enumerate())
    with said_at_once("terramamba demo", seconds=0.001):
        for thread in set(threading.enumerate()) - before:
            thread.join()
    assert terminal.getvalue() == "reading\n"


def test_a_log_and_who_asks_for_quiet_are_told_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    with said_at_once("terramamba demo", seconds=0.001):
        assert set(threading.enumerate()) == before
    assert capsys.readouterr().err == ""


def test_epochs_are_counted_as_people_count_them(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress("train", 12, "epochs") as advance:
        advance(12, "loss 0.5")
    with progress.pixel_progress("map", 14_400) as tick:
        tick(14_400)
    train, mapped = capsys.readouterr().err.splitlines()
    assert train.startswith("train: epoch 12 of 12, ")
    assert train.endswith(" left  loss 0.5")
    assert mapped.startswith("map: 14,400 of 14,400 px, ")
    assert "e+" not in mapped


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_narrow_terminal_keeps_how_far_it_is_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    terminal = watched(monkeypatch)
    with progress.progress("train", 28, "epochs") as advance:
        advance(27.5, "2,790 samples/s, loss 0.03914, OA 99.57 % after epoch 27, best in epoch 6")
    shown = terminal.getvalue().split("\r")[-1]
    assert "epoch 28 of 28" in shown
    assert "-:--:--" in shown
    assert "best in epoch 6" in shown
    assert "…" not in shown
