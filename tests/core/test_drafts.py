"""Drafts that a kill has left are removed by whoever writes the same file next, and those of others stay."""

import os
import subprocess
import sys
from pathlib import Path

from terramamba.core.drafts import draft, drafts_of
from terramamba.core.files import write_json

HOLDS = """
import os, sys
from pathlib import Path
from terramamba.core.drafts import draft
with draft(Path(sys.argv[1])) as here:
    here.write_text("half")
    print(here.name, flush=True)
    sys.stdin.read()
    os._exit(0)
"""


def test_a_draft_goes_with_its_writer_and_one_that_is_being_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    left = [tmp_path / ".scores.4711.part.json", tmp_path / f".scores.{os.getpid()}.part.json"]
    for one in left:
        one.write_text("half")
    mine = tmp_path / ".scores.old.part.json"
    mine.write_text("mine")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        theirs = tmp_path / writer.stdout.readline().strip()
        assert drafts_of(path) == [theirs]
        write_json(path, {"oa": 1})
        assert {*tmp_path.iterdir()} == {path, theirs, mine}
        writer.communicate("")
    write_json(path, {"oa": 2})
    assert {*tmp_path.iterdir()} == {path, mine}


def test_a_draft_that_its_writer_did_not_move_is_removed(tmp_path: Path) -> None:
    with draft(tmp_path / "a.txt") as here:
        here.write_text("half")
        assert drafts_of(tmp_path / "a.txt") == [here]
    assert not any(tmp_path.iterdir())
    assert drafts_of(tmp_path / "not there" / "a.txt") == []


def test_drafts_that_are_links_are_removed_and_not_written_through(tmp_path: Path) -> None:
    path, victim = tmp_path / "scores.json", tmp_path / "elsewhere" / "victim"
    victim.parent.mkdir()
    links = [tmp_path / ".scores.4711.part.json", tmp_path / f".scores.{os.getpid()}.part.json"]
    for link in links:
        link.symlink_to(victim)
    write_json(path, {"oa": 1})
    assert {*tmp_path.iterdir()} == {path, victim.parent}
    assert not victim.exists()
