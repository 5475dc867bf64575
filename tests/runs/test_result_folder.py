"""A folder of results: whole or not there, and nobody else's files are touched."""

import json

import pytest

from terramamba.core.errors import InputError
from terramamba.runs.result_folder import check_result_folder, result_folder

RECORD = "why.json"


def fill(out, *names: str, overwrite: bool = False) -> None:
    with result_folder(out, RECORD, overwrite=overwrite) as (folder, record):
        record["what"] = names
        for name in names:
            (folder / name).write_text(name)


def test_it_appears_whole_with_a_list_of_its_files(tmp_path) -> None:
    fill(tmp_path / "a" / "why", "x.csv", "y.png")
    record = json.loads((tmp_path / "a" / "why" / RECORD).read_text())
    assert record == {"what": ["x.csv", "y.png"], "files": ["x.csv", "y.png"]}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["why"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_ends_early_leaves_all_as_it_was(error, tmp_path) -> None:
    def end_early(out, **how) -> None:
        with result_folder(out, RECORD, **how) as (folder, _):
            (folder / "x.csv").write_text("half")
            raise error

    with pytest.raises(error):
        end_early(tmp_path / "a" / "why")
    assert not any(tmp_path.iterdir())
    fill(tmp_path / "why", "x.csv")
    with pytest.raises(error):
        end_early(tmp_path / "why", overwrite=True)
    assert (tmp_path / "why" / "x.csv").read_text() == "x.csv"


def test_replacing_takes_its_own_files_alone(tmp_path) -> None:
    out = tmp_path / "why"
    fill(out, "x.csv", "y.png")
    (out / "mine.txt").write_text("mine")
    fill(out, "y.png", "z.tif", overwrite=True)
    assert {path.name for path in out.iterdir()} == {"mine.txt", "y.png", "z.tif", RECORD}
    with pytest.raises(InputError, match="is not empty; give --overwrite"):
        check_result_folder(out, RECORD)


def test_a_record_cannot_name_files_elsewhere(tmp_path) -> None:
    out = tmp_path / "why"
    fill(out, "x.csv")
    (tmp_path / "precious.txt").write_text("precious")
    record = json.loads((out / RECORD).read_text()) | {"files": ["../precious.txt"]}
    (out / RECORD).write_text(json.dumps(record))
    fill(out, "y.csv", overwrite=True)
    assert (tmp_path / "precious.txt").read_text() == "precious"


def test_other_places_are_refused(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        check_result_folder(tmp_path / "file", RECORD)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds no why\.json"):
        check_result_folder(tmp_path / "full", RECORD, overwrite=True)
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty", "x.csv")
    assert (tmp_path / "empty" / "x.csv").is_file()
