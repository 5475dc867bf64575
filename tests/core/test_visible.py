"""Names that came with files move no terminal, and are shown with the letters that it has."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from programs import terramamba
from terramamba.cli import main
from terramamba.core.visible import visible, visible_streams

ODD = "\x1b]0;title\x07\x9b2J\r\u202egnp.exe\u2028"


def test_control_characters_and_turned_letters_are_written_out() -> None:
    shown = visible(f"Wälder\t森\n{ODD}")
    assert shown.startswith("Wälder\t森\n\\u001b]0;title\\u0007\\u009b2J\\u000d\\u202egnp")
    assert json.loads(f'"{visible(ODD)}"') == ODD  # so lines of JSON say the same as before


def test_letters_that_a_stream_lacks_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    with visible_streams():
        print("Wälder 森", flush=True)
        assert sys.stdout.encoding == "cp1252"
    assert sys.stdout is stream
    assert stream.buffer.getvalue().decode("cp1252") == "Wälder \\u68ee\n"  # type: ignore[attr-defined]


def test_an_error_shows_the_name_of_a_file_as_it_is(tmp_path: Path) -> None:
    done = terramamba("check", "a\x1b[2J.tif", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: a\\u001b[2J.tif: no such file; check the path\n")


def test_an_error_is_short_as_it_is_shown(tmp_path: Path) -> None:
    done = terramamba("check", "\x01" * 200, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr) < 1000
    assert done.stderr.endswith("check the path\n")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_a_name_that_is_no_text_is_refused_in_words(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff.tif")
    (tmp_path / name).write_bytes(b"II*\0")
    done = terramamba("check", name, cwd=tmp_path)
    assert done.returncode == 1
    assert (
        done.stderr == "error: a\\udcff.tif: a file name that is no text in UTF-8 cannot be used; rename it\n"
    )


def test_of_a_record_that_cannot_be_written_for_a_name_in_it_the_name_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(path: str) -> None:
        json.dumps({"run": "a", "out": os.fsdecode(b"b\xff.tif")}, indent=2, ensure_ascii=False).encode()

    monkeypatch.setattr("terramamba.cli.check.run", write)
    assert main(["check", "scene.tif"]) == 1
    said = "error: b\\udcff.tif: a file name that is no text in UTF-8 cannot be used; rename it\n"
    assert capsys.readouterr().err == said
