"""What the record of a job says, also where somebody else wrote it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from terramamba.core.errors import InputError
from terramamba.mapping.part_files import PartFiles


@pytest.mark.parametrize(
    ("written", "is_one"),
    [
        ({"facts": {"seed": ["seed 1", "1"]}, "kind": "classify"}, True),
        ({"facts": 1.5}, False),
        ({"facts": {"seed": 1}}, False),
        ({"facts": {"seed": ["seed 1"]}}, False),
        ([1], False),
    ],
)
def test_a_record_that_does_not_say_of_what_job_it_is_counts_as_none(
    tmp_path: Path, written: Any, is_one: bool
) -> None:
    files = PartFiles(tmp_path / "map.tif")
    files.folder.mkdir()
    (files.folder / "job.json").write_text(json.dumps(written))
    assert files.record() == (written if is_one else None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
def test_pipes_among_the_parts_are_not_waited_for(tmp_path: Path) -> None:
    files = PartFiles(tmp_path / "map.tif")
    files.folder.mkdir()
    for name in ("000000.npz", "job.json"):
        os.mkfifo(files.folder / name)
    assert files.done() == set()
    with pytest.raises(InputError, match=r"job\.json: is a pipe and no file"):
        files.record()
