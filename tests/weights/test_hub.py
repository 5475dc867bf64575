"""Runs go to a hub with a page about them and come from it whole, from its cache too, or in one line not."""

import gzip
import json
import shutil
import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import rasterio

import terramamba as tm
from hub_server import TOKEN, Answers, a_hub
from served import running
from terramamba.cli import main
from terramamba.core import hub as on_hub
from terramamba.core import network
from terramamba.core.errors import InputError
from terramamba.weights.registry import SHIPPED

KEPT = Path(__file__).parents[1] / "runs" / "first_format"
COVER, CHANGE = KEPT / "cover", KEPT / "change"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache, a token and a client of one's own, which waits as the test says, and no hub."""
    huggingface_hub.close_session()
    # Else the library's first request asks which agents there are, for up to 5 seconds.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(network, "PAUSE_SECONDS", 0.01)
    yield tmp_path / "cache"
    huggingface_hub.close_session()


@pytest.fixture
def hub(cache, monkeypatch):
    with a_hub() as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def values(path):
    with rasterio.open(path) as file:
        return file.read()


def refused(words, capsys):
    """The one line with which a command ends."""
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


def test_a_run_that_was_pushed_maps_and_begins_a_training_elsewhere(hub, tmp_path, capsys):
    assert main(["push", str(CHANGE / "run"), "--to", "roofs", "--licence", "apache-2.0"]) == 0
    assert "--weights hf:me/roofs" in capsys.readouterr().out
    assert hub.private == {"me/roofs": True}
    held = hub.repos["me/roofs"]
    assert held.keys() == {".gitattributes", "README.md", "model.json", "model.safetensors"}
    land, likely = tmp_path / "change.tif", tmp_path / "probability.tif"
    words = ["change", "map", str(CHANGE / "before.tif"), str(CHANGE / "after.tif"), "--out", str(land)]
    words += ["--probabilities", str(likely), "--device", "cpu", "--tile-size", "32", "--overlap", "8"]
    assert main([*words, "--weights", "hf:me/roofs"]) == 0
    assert np.array_equal(values(likely), values(CHANGE / "probability.tif"))
    assert np.array_equal(values(land), values(CHANGE / "map.tif"))
    assert tm.load_run("hf:me/roofs").folder.is_relative_to(tmp_path / "cache")
    settings = tm.ChangeSettings(data="none", out="run", init="hf:me/roofs")
    with pytest.raises(InputError, match="none"):  # only then its pairs are looked for
        tm.resolved(settings)
    assert (
        tm.pretrained_detector("hf:me/roofs").card.model.name == tm.load_run(CHANGE / "run").card.model.name
    )


def test_its_page_says_bands_scores_terms_and_protocol_and_no_path(hub, tmp_path):
    pushed = tm.push_run(COVER / "run", "org/cover", public=True)
    assert (pushed.weights, hub.private["org/cover"]) == ("hf:org/cover", False)
    page = hub.repos["org/cover"]["README.md"].decode()
    card = json.loads((COVER / "run" / "model.json").read_text())
    assert page.startswith(
        "---\nlibrary_name: terramamba\nlicense: other\npipeline_tag: image-segmentation\n"
    )
    for said in (
        "terramamba classify map SCENE --weights hf:org/cover --out MAP.tif",
        f"Images of {card['source_bands']} bands",
        *(f"| {row['code']} | {row['name']} |" for row in card["classes"]),
        f"Protocol: {card['protocol']} (split {card['split_id']})",
        "Licence of these weights: not said; ask their owner.",
        card["model"]["sha256"],
    ):
        assert said in page
    assert "/" not in page.split("## Scores")[1].split("## Terms")[0].replace("100 m", "")


def test_land_cover_maps_by_either_way_and_scores(hub, tmp_path, capsys):
    tm.push_run(COVER / "run", "org/cover")
    scene = str(COVER / "scene.tif")
    for name, words in (("a", ["--weights", "hf:org/cover", scene]), ("b", ["hf:org/cover", scene])):
        land = tmp_path / f"{name}.tif"
        assert main(["classify", "map", *words, "--out", str(land), "--device", "cpu"]) == 0
        assert np.array_equal(values(land), values(COVER / "map.tif"))
    capsys.readouterr()
    said = refused(["classify", "evaluate", "--weights", "hf:org/cover", "run"], capsys)
    assert "RUN or --weights: give one of them" in said


def test_what_was_fetched_serves_without_a_network(hub, monkeypatch, capsys):
    tm.push_run(CHANGE / "run", "org/roofs")
    first = tm.load_run("hf:org/roofs")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert tm.load_run("hf:org/roofs").folder == first.folder
    assert "the hub gave no answer; what was fetched before is used" in capsys.readouterr().err
    revision = first.folder.name
    assert tm.load_run(f"hf:org/roofs@{revision}").folder == first.folder


def test_a_later_version_takes_the_place_of_an_earlier_only_when_asked(hub, capsys):
    push = ["push", str(CHANGE / "run"), "--to", "org/roofs"]
    assert main(push) == 0
    capsys.readouterr()
    assert "hf:org/roofs: is there already; give --overwrite" in refused(push, capsys)
    before = tm.load_run("hf:org/roofs").folder
    assert main([*push, "--overwrite", "--licence", "mit"]) == 0
    assert tm.load_run("hf:org/roofs").folder != before
    assert b"license: mit" in hub.repos["org/roofs"]["README.md"]


def test_weights_and_runs_are_fetched_to_a_folder_whole_or_not_at_all(hub, tmp_path, capsys):
    hub.repos["org/cover"] = {
        p.name: p.read_bytes() for p in (SHIPPED / "spectral_library").iterdir() if p.is_file()
    }
    tm.push_run(CHANGE / "run", "org/roofs")
    for name, out in (("org/cover", tmp_path / "a"), ("org/roofs", tmp_path / "b")):
        assert main(["weights", "fetch", f"hf:{name}", "--out", str(out)]) == 0
        assert f"--weights {out}" in capsys.readouterr().out
    assert main(["weights", "verify", str(tmp_path / "a")]) == 0
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"model.json", "model.safetensors"}
    content = bytearray(hub.repos["org/roofs"]["model.safetensors"])
    content[-1] ^= 1
    hub.repos["org/roofs"]["model.safetensors"] = bytes(content)
    capsys.readouterr()
    said = refused(["weights", "fetch", "hf:org/roofs", "--out", str(tmp_path / "c")], capsys)
    assert "is damaged or not the one written with model.json); fetch it later" in said
    assert not (tmp_path / "c").exists()


def test_pickles_large_files_other_repositories_and_no_names_are_refused(hub, monkeypatch, capsys):
    hub.repos["org/pickled"] = {"model.json": b"{}", "pytorch_model.bin": b"\x80"}
    tm.push_run(CHANGE / "run", "org/roofs")
    monkeypatch.setattr(on_hub, "LARGEST", 1000)
    for name, said in (
        ("org/pickled", "holds no run of terramamba and no weights"),
        ("org/roofs", "more than 1,000, which no weights have"),
        ("org/none", "no such repository, or not for you; check the name, or log in"),
        ("a/b/c", "is no name on a hub; give hf:ORG/NAME"),
    ):
        with pytest.raises(InputError, match=said):
            on_hub.at_hand(f"hf:{name}")
    assert not any("pytorch_model.bin" in asked for asked in hub.asked)
    assert on_hub.at_hand("some/folder") == "some/folder"


def test_who_is_not_known_is_told_to_log_in(hub, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "another")
    said = refused(["push", str(CHANGE / "run"), "--to", "org/roofs"], capsys)
    assert "hf:org/roofs: the hub does not let you; log in (`hf auth login`, or HF_TOKEN)" in said
    assert hub.repos == {}


def test_a_run_that_is_damaged_is_not_pushed(hub, tmp_path):
    shutil.copytree(CHANGE / "run", tmp_path / "run")
    (tmp_path / "run" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="damaged"):
        tm.push_run(tmp_path / "run", "org/roofs")
    assert hub.asked == []


def test_a_hub_that_is_not_there_ends_in_one_line(cache, capsys):
    words = ["change", "map", "a.tif", "b.tif", "--out", "c.tif", "--weights", "hf:org/roofs"]
    assert "hf:org/roofs: the hub gave no answer (ConnectError), and nothing of it was fetched" in refused(
        words, capsys
    )
    said = refused(["push", str(CHANGE / "run"), "--to", "org/roofs"], capsys)
    assert "hf:org/roofs: the hub gave no answer (ConnectError); check the network" in said


def test_a_hub_that_says_nothing_is_not_waited_for_for_ever(cache, monkeypatch):
    monkeypatch.setattr(on_hub, "PATIENCE_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(InputError, match="the hub gave no answer"):
            on_hub.at_hand("hf:org/roofs")
        with pytest.raises(InputError, match="the hub gave no answer"):
            tm.push_run(CHANGE / "run", "org/roofs")


@pytest.mark.parametrize(
    "answer",
    [b"<html>Log in to this network</html>", b"[]", b'{"siblings": [{}]}', b"[" * 100_000],
    ids=["page", "list", "nameless", "deep"],
)
def test_what_answers_for_the_hub_and_is_none_is_said_in_a_line(cache, monkeypatch, capsys, answer):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format, *args):
            """Keep quiet."""

    with running(Other) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        said = refused(["weights", "fetch", "hf:org/roofs", "--out", "new"], capsys)
    assert said.startswith("error: hf:org/roofs: ")
    assert "not foreseen" not in said
    assert "check" in said


@pytest.mark.parametrize("of", ["/api/", "/resolve/"])
@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_without_end_or_packed_is_not_taken_in(hub, monkeypatch, capsys, of, packed):
    tm.push_run(CHANGE / "run", "org/roofs")
    monkeypatch.setattr(on_hub, "MOST_TOLD", 1 << 16)
    monkeypatch.setattr(on_hub, "LARGEST", 1 << 24)
    answer, taken = Answers.do_GET, []

    def bomb(request):
        if of not in request.path or request.command == "HEAD":
            answer(request)
            return
        request.close_connection = True
        request.send_response(200)
        if packed:
            request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        block = bytes(1 << 20)
        block = gzip.compress(block) if packed else block
        with suppress(ConnectionError):
            for _ in range(64):
                request.wfile.write(block)
                taken.append(len(block))

    monkeypatch.setattr(Answers, "do_GET", bomb)
    said = refused(["weights", "fetch", "hf:org/roofs", "--out", "new"], capsys)
    assert ("sends packed" if packed else "sends more than") in said
    assert packed or len(taken) < 64
    client = huggingface_hub.get_session()  # is what others have of the library, too
    assert on_hub._bounded not in client.event_hooks["response"]
    assert client.headers.get("Accept-Encoding") != "identity"
