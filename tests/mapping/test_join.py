"""join writes below the folder of the map, and elsewhere only what its own command line names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from job_cases import Job, Jobs, assert_whole

from terramamba.api import join_map
from terramamba.core.errors import InputError
from terramamba.mapping import jobs as mapping_jobs


def mapped(jobs: Jobs, home: Path, *flags: str) -> tuple[Job, str]:
    """Have all parts mapped in ``home``, and return the job and the last line that was said."""
    job = Job(jobs.classify.words, {"--out": "map.tif"}, jobs.classify.parts)
    home.mkdir()
    ended = jobs.run(home, job.command(*flags, "--shard", "1/1"))
    assert ended.status == 0, ended.said
    return job, ended.said.splitlines()[-1]


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def edited(home: Path, **values: object) -> None:
    record = home / ".map.tif.parts" / "job.json"
    content = json.loads(record.read_text())
    content["output"] |= values
    record.write_text(json.dumps(content))


def test_an_output_elsewhere_is_written_where_it_is_named(jobs: Jobs, tmp_path: Path) -> None:
    far, home = tmp_path / "far", tmp_path / "home"
    flags = ("--probabilities", str(far / "p.tif"), "--areas", "tables/areas.csv")
    _, said = mapped(jobs, home, *flags)
    assert said == f"parts missing  none; now: terramamba join map.tif --probabilities {far}/p.tif"
    before = names(home)
    ended = jobs.run(home, ["join", "map.tif"])
    assert ended.status == 1
    assert ended.said == (
        f"error: {far}/p.tif: does not lie below the folder of map.tif, whose shards were to write it too; if"
        f" it is to be written, give --probabilities {far}/p.tif\n"
    )
    ended = jobs.run(home, ["join", "map.tif", "--probabilities", "p.tif"])
    assert ended.status == 1
    assert f"--probabilities p.tif: to the shards of map.tif it was {far}/p.tif; give what" in ended.said
    ended = jobs.run(home, ["join", "map.tif", "--polygons", "a.gpkg,b.gpkg"])
    assert ended.status == 1
    assert "--polygons a.gpkg,b.gpkg: to the shards of map.tif it was not given; give what" in ended.said
    assert names(home) == before
    assert not far.exists()
    ended = jobs.run(home, ["join", "map.tif", *flags[:2]])
    assert ended.status == 0, ended.said
    assert names(far) == ["p.qml", "p.tif"]
    assert names(home) == ["map.qml", "map.tif", "map.tif.aux.xml", "tables", "tables/areas.csv"]
    with (
        rasterio.open(home / "map.tif") as found,
        rasterio.open(jobs.whole(jobs.classify) / "map.tif") as as_one,
    ):
        np.testing.assert_array_equal(found.read(), as_one.read())


@pytest.mark.parametrize(
    "path", ["../victim/p.tif", "linked/p.tif", "{victim}/p.tif", "sub/../../victim/p.tif"]
)
def test_what_a_record_says_of_places_elsewhere_is_not_followed(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    victim, home = tmp_path / "victim", tmp_path / "home"
    victim.mkdir()
    (victim / "p.tif").write_text("precious")
    mapped(jobs, home)
    (home / "linked").symlink_to(victim)
    path = path.format(victim=victim)
    edited(home, out="map.tif", probabilities=path)
    monkeypatch.chdir(home)
    for overwrite in (False, True):
        with pytest.raises(
            InputError, match=r"does not lie below the folder of map\.tif.*give --probabilities"
        ):
            join_map("map.tif", overwrite=overwrite)
    assert names(victim) == ["p.tif"]
    assert (victim / "p.tif").read_text() == "precious"


def test_parts_and_drafts_behind_links_are_left_alone(jobs: Jobs, tmp_path: Path) -> None:
    victim, home = tmp_path / "victim", tmp_path / "home"
    job, _ = mapped(jobs, home)
    parts = home / ".map.tif.parts"
    parts.rename(victim)
    parts.symlink_to(victim)
    before = names(victim)
    for words in (["join", "map.tif"], job.command(), job.command("--overwrite")):
        ended = jobs.run(home, words)
        assert ended.status == 1
        assert (
            ".map.tif.parts: is a link, and what is written and removed there would lie elsewhere"
            in ended.said
        )
        assert names(victim) == before
    parts.unlink()
    victim.rename(parts)
    victim.mkdir()
    (victim / "map.tif").write_text("precious")
    (home / ".map.tif.part").symlink_to(victim)
    ended = jobs.run(home, ["join", "map.tif"])
    assert ended.status == 0, ended.said
    assert names(home) == ["map.qml", "map.tif", "map.tif.aux.xml"]
    assert (victim / "map.tif").read_text() == "precious"


def test_drafts_that_a_record_calls_whole_replace_nothing_unasked(jobs: Jobs, tmp_path: Path) -> None:
    job, home = jobs.classify, tmp_path / "home"
    home.mkdir()
    assert jobs.run(home, job.command(), kill_after_call=("publish", 1)).status < 0
    assert (home / "far" / ".p.tif.part" / "p.tif").exists()
    (home / "far" / "p.tif").write_text("precious")
    for words in (["join", "map.tif"], job.command()):
        ended = jobs.run(home, words)
        assert ended.status == 1
        assert "far/p.tif: exists already; name another file or give --overwrite" in ended.said
        assert (home / "far" / "p.tif").read_text() == "precious"
    ended = jobs.run(home, ["join", "map.tif", "--overwrite"])
    assert ended.status == 0, ended.said
    assert_whole(jobs, job, home)


def test_who_waited_while_another_joined_is_told_so(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    mapped(jobs, home)
    monkeypatch.chdir(home)
    claimed = mapping_jobs.claimed

    def later(*given: Any, **how: Any) -> Any:
        monkeypatch.undo()
        monkeypatch.chdir(home)
        join_map("map.tif")
        return claimed(*given, **how)

    monkeypatch.setattr(mapping_jobs, "claimed", later)
    with pytest.raises(InputError, match=r"map\.tif: another process has put it together"):
        join_map("map.tif")
    assert names(home) == ["map.qml", "map.tif", "map.tif.aux.xml"]
