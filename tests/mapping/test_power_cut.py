"""A power cut at any moment of a map leaves parts that can be gone on with, or the whole map.

``pytest tests/mapping/test_power_cut.py --power-cuts all`` (``make powercut``) tries every disk that may be
found; without it, some that are drawn anew with the seed.
"""

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pytest
from job_cases import Job, Jobs, assert_whole

from power_cuts import Cut, cuts, lay_out
from programs import python

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="steps are recorded by /proc")
PART = re.compile(r"\.map\.tif\.parts/\d+\.npz")
PROGRAM = Path(__file__).parents[1] / "power_cuts.py"


def short(job: Job) -> Job:
    """``job`` with four parts."""
    if job.words[0] == "classify":
        return replace(job, words=(*job.words[:-1], "16"), parts=4)
    more = ("--tile-size", "64", "--overlap", "12", "--batch-size", "2", "--threshold", "0.45")
    outputs = job.outputs | {"--areas": "areas.csv"}
    return Job((*job.words[:5], *more), outputs, 3)


def parts_done(cut: Cut) -> int:
    """How many parts had got their names."""
    return sum(bool(re.fullmatch(r"replace .*/\d+\.npz", step)) for step in cut.done)


def whole_parts(cut: Cut) -> int:
    """How many can be gone on with."""
    held = (io.BytesIO(content or b"") for name, content in cut.disk.items() if PART.fullmatch(name))
    return sum(map(zipfile.is_zipfile, held))


@pytest.mark.parametrize(("kind", "anew"), [("classify", False), ("change", False), ("classify", True)])
def test_a_power_cut_loses_nothing_that_was_done(
    jobs: Jobs, tmp_path: Path, seed: int, kind: str, anew: bool, request: pytest.FixtureRequest
) -> None:
    job = short(getattr(jobs, kind))
    whole = jobs.whole(job)
    begin = tmp_path / "begin"
    if anew:  # there are older files to be replaced
        copytree(whole, begin)
        for path in begin.rglob("*.tif"):
            path.write_bytes(b"an older map")
    else:
        begin.mkdir()
    words = job.command(*(["--overwrite"] if anew else []))
    done = python(PROGRAM, tmp_path / "record", *words, cwd=begin)
    assert done.returncode == 0, done.stderr
    assert_whole(jobs, job, begin)
    found = list(cuts(tmp_path / "record"))
    assert len(found) > 40
    outputs = {name: (begin / name).read_bytes() for name in job.outputs.values()}
    for cut in found:
        if any(cut.disk.get(name) != content for name, content in outputs.items()):
            assert "before the end" not in cut.name
            # The last part may have been in the way to the disk.
            assert whole_parts(cut) >= parts_done(cut) - 1, cut.name
    if request.config.getoption("--power-cuts") != "all":
        drawn = np.random.default_rng(seed).choice(len(found), 4, replace=False)
        found = [found[number] for number in sorted(drawn)]
    for cut in found:
        folder = tmp_path / "disk"
        lay_out(cut.disk, folder)
        ended = jobs.run(folder, words)
        assert ended.status == 0 or "map.tif: exists already" in ended.said, (cut.name, ended.said)
        assert_whole(jobs, job, folder)
        rmtree(folder)
