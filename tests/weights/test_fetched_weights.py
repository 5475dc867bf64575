"""Weights are fetched from folders and servers whole and as their card says, or not at all."""

import shutil

import pytest

from served import NO_ADDRESSES, Ranges, answering, redirect, serving
from terramamba.cli import main
from terramamba.core.errors import InputError
from terramamba.core.folder_lock import held
from terramamba.weights import download
from terramamba.weights.download import fetch_weights
from terramamba.weights.registry import SHIPPED, load_weights

SOURCE = SHIPPED / "spectral_library"


@pytest.fixture
def hub(tmp_path):
    """A folder as somebody offers it."""
    folder = tmp_path / "hub"
    shutil.copytree(SOURCE, folder)
    return folder


def test_from_a_folder_and_from_an_address(hub, tmp_path, capsys):
    assert main(["weights", "fetch", str(hub), "--out", str(tmp_path / "a")]) == 0
    assert "terms: " in capsys.readouterr().out
    with serving(hub) as address:
        weights = fetch_weights(address, tmp_path / "b")
    assert load_weights(weights).spec_name == "spectral_mlp"
    for folder in ("a", "b"):
        assert {path.name for path in (tmp_path / folder).iterdir()} == {path.name for path in hub.iterdir()}
    assert {path.name for path in tmp_path.iterdir()} == {"hub", "a", "b"}


def exchanged(hub):
    path = hub / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (exchanged, "is damaged or not the one"),
        (lambda hub: (hub / "LICENSE").unlink(), "LICENSE: "),
        (lambda hub: (hub / "card.json").write_text("{"), "card.json: "),
    ],
)
@pytest.mark.parametrize("by_server", [False, True])
def test_what_is_damaged_leaves_nothing(hub, tmp_path, damage, words, by_server):
    damage(hub)
    with serving(hub) as address:
        source = address if by_server else str(hub)
        with pytest.raises(InputError, match=words) as refused:
            fetch_weights(source, tmp_path / "deep: in; it" / "own")
    assert refused.value.message.startswith(f"{source}/{refused.value.where.rsplit('/')[-1]}: ")
    assert "deep" not in refused.value.message
    assert {path.name for path in tmp_path.iterdir()} == {"hub"}


def test_a_folder_that_is_there_stays_as_it_is(hub, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine").write_text("mine")
    with pytest.raises(InputError, match="is there already; give another folder with --out"):
        fetch_weights(str(hub), tmp_path / "own")
    assert (tmp_path / "own" / "mine").read_text() == "mine"


def test_what_another_process_is_fetching_is_left_to_it(hub, tmp_path):
    own = tmp_path / "deep" / "own"
    own.parent.mkdir()
    work = own.with_name(".own.fetched")
    with held(work, own):
        (work / "weights").mkdir()
        with pytest.raises(InputError, match="another run is at work on it"):
            fetch_weights(str(hub), own)
        assert (work / "weights").is_dir()


@pytest.mark.parametrize("finished", [False, True])
def test_what_a_kill_has_left_is_removed_by_the_next_run(hub, tmp_path, finished):
    (tmp_path / ".own.fetched" / "weights").mkdir(parents=True)
    (tmp_path / ".own.fetched" / "lock").touch()
    if finished:
        (tmp_path / "own").mkdir()
        with pytest.raises(InputError, match="is there already"):
            fetch_weights(str(hub), tmp_path / "own")
    else:
        fetch_weights(str(hub), tmp_path / "own")
    assert {path.name for path in tmp_path.iterdir()} == {"hub", "own"}


def test_a_file_that_is_too_large_is_refused(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "LARGEST_FILE", 1000)
    with serving(hub) as address, pytest.raises(InputError, match="more than 1,000 bytes"):
        fetch_weights(address, tmp_path / "own")
    assert {path.name for path in tmp_path.iterdir()} == {"hub"}


def test_a_server_that_has_trouble_for_a_while_is_asked_again(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.01)
    asked = []

    class Troubled(Ranges):
        def do_GET(self) -> None:  # noqa: N802  (as servers call it)
            asked.append(self.path)
            if len(asked) < 3:
                self.send_error(503)
            else:
                super().do_GET()

    with serving(hub, Troubled) as address:
        fetch_weights(address, tmp_path / "own")
    assert len(asked) == 5  # the first of three files thrice


def test_a_server_that_is_not_there_ends_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.01)
    with pytest.raises(InputError, match=r"the server gave no answer, though it was asked 3 times"):
        fetch_weights("http://127.0.0.1:9/weights", tmp_path / "own")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 204 Nothing\r\n\r\n", "the server says 204 Nothing; check the address"),
        (b"HTTP/1.1 206 A part\r\nContent-Length: 1\r\n\r\n{", "the server says 206 A part"),
        (redirect("/again"), "the server leads in a circle"),
        (redirect("file:///etc/passwd"), "the server leads to what is no address"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "failed to deco"),
    ],
)
def test_an_answer_that_is_no_file_ends_in_one_line(tmp_path, answer, words):
    with answering(answer) as address, pytest.raises(InputError, match=words):
        fetch_weights(address, tmp_path / "own")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", NO_ADDRESSES)
def test_a_server_that_leads_to_what_is_no_address_ends_in_one_line(tmp_path, to):
    with (
        answering(redirect(to)) as address,
        pytest.raises(InputError, match=r"s: the server leads to what is no address"),
    ):
        fetch_weights(address, tmp_path / "own")
    assert not list(tmp_path.iterdir())
