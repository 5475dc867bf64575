"""What the record of a job says, also where somebody else wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest

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
