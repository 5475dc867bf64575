"""Two outputs never have one name, and none that of an input, however the names are spelled."""

import os
from pathlib import Path

import pytest

from terramamba.core.errors import InputError
from terramamba.core.folder_lock import work_folder
from terramamba.raster.output.staging import check_outputs, write_output


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("sub")
    (tmp_path / "scene.tif").write_text("pixels")
    (tmp_path / "hard.tif").hardlink_to(tmp_path / "scene.tif")
    (tmp_path / "soft.tif").symlink_to("scene.tif")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "other",
    [
        "sub/a.tif",
        "./sub/a.tif",
        "sub/../sub/a.tif",
        "link/a.tif",
        "{home}/sub/a.tif",
        "sub/A.TIF",
        "SUB/a.tif",
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_outputs_with_one_name_are_refused(home: Path, other: str, overwrite: bool) -> None:
    for targets in (["sub/a.tif", other], ["b.csv", other, "c.gpkg", "sub/a.tif"]):
        said = r"a\.tif: named for two outputs( \(one file with .*\))?; give each its own name"
        with pytest.raises(InputError, match=f"(?i){said}"):
            check_outputs([target.format(home=home) for target in targets], overwrite=overwrite)
    check_outputs(["sub/a.tif", "a.tif", "sub/a.csv"])


@pytest.mark.parametrize("target", ["scene.tif", "./scene.tif", "hard.tif", "soft.tif", "link/../scene.tif"])
def test_an_output_that_would_replace_an_input_is_refused(home: Path, target: str) -> None:
    given = ["https://example.org/scene.tif", "x" * 5000, "scene.tif"]
    with pytest.raises(InputError, match="would replace its own input; give the output another name"):
        check_outputs([target], overwrite=True, inputs=given)
    with pytest.raises(InputError, match="exists already"):
        check_outputs([target], inputs=given[:-1])


def test_what_another_process_wrote_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "made" / "a.html"
    write_output(target, b"first", overwrite=False)
    with pytest.raises(InputError, match=r"a\.html: exists already; name another file or give --overwrite"):
        write_output(target, b"second", overwrite=False)
    assert target.read_bytes() == b"first"
    write_output(target, b"third", overwrite=True)
    assert target.read_bytes() == b"third"
    refused = pytest.raises(InputError, match=r"b\.html: another run is at work on it")
    with work_folder(tmp_path / ".b.html.staged.part", tmp_path / "b.html"), refused:
        write_output(tmp_path / "b.html", b"late", overwrite=False)
    assert not (tmp_path / "b.html").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
def test_links_to_nothing_and_pipes_stay(tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.tif", tmp_path / "pipe.tif"
    link.symlink_to(tmp_path / "unplugged" / "map.tif")
    os.mkfifo(pipe)
    with pytest.raises(InputError, match=r"link\.tif: is a link to what is not there"):
        check_outputs([link])
    check_outputs([link], overwrite=True)
    with pytest.raises(InputError, match=r"pipe\.tif: is a pipe"):
        check_outputs([pipe], overwrite=True)
