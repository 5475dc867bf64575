"""Weights with a card: found by name and folder, whole or refused, listed and shown."""

import json
import re
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
import torch

from cards import weights_card
from terramamba.cli import main
from terramamba.core.errors import InputError
from terramamba.models import create_model
from terramamba.weights import registry
from terramamba.weights.card import read_weights_card, write_weights_card
from terramamba.weights.registry import (
    Weights,
    find_weights,
    load_weights,
    save_weights,
    shipped_weights,
    verify_weights,
)

CARD = weights_card(name="tiny-cover", temperature=1.5, own={"grid": [400, 2450]})


@pytest.fixture
def folder(tmp_path: Path, seed: int) -> Path:
    model = create_model("ssa_mamba", preset="tiny", in_channels=5, num_classes=3)
    return save_weights(tmp_path / "tiny_cover", model, CARD, "for tests alone\n").folder


@pytest.fixture
def shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder is one of those that come with the package."""
    monkeypatch.setattr(registry, "SHIPPED", folder.parent)
    return folder


def test_what_is_written_is_read_again_and_loads_to_the_bit(folder: Path, seed: int) -> None:
    weights = find_weights(str(folder), "classify")
    assert replace(weights.card, model=CARD.model) == CARD
    assert read_weights_card(folder).model.sha256 == weights.card.model.sha256
    again = save_weights(folder.parent / "again", load_weights(weights), CARD, "x")
    x = torch.rand(2, 5, 5, 5)
    assert torch.equal(load_weights(again)(x), load_weights(weights)(x))


@pytest.mark.parametrize("name", ["tiny_cover", "tiny_cover/weights.safetensors"])
def test_weights_are_found_by_their_folder_and_by_their_file(folder: Path, name: str) -> None:
    assert find_weights(str(folder.parent / name)).card.name == "tiny-cover"


def test_shipped_weights_are_found_by_name(shipped: Path) -> None:
    assert find_weights("tiny-cover") == Weights(shipped, read_weights_card(shipped))
    with pytest.raises(InputError, match="did you mean tiny-cover"):
        find_weights("tiny_cover")
    with pytest.raises(InputError, match="no such weights and no such folder; there are tiny-cover"):
        find_weights("q")


def test_weights_for_another_job_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="they are for classify; use `terramamba classify map`"):
        find_weights(str(folder), "change")


def damage(folder: Path) -> None:
    content = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def swap(folder: Path) -> None:
    model = create_model("ssa_mamba", preset="tiny", in_channels=5, num_classes=3)
    other = save_weights(folder.parent / "other", model, CARD, "x")
    (folder / "weights.safetensors").write_bytes(other.file.read_bytes())


def lose_licence(folder: Path) -> None:
    (folder / "LICENSE").unlink()


def tell_of_another_model(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    card["model"]["options"]["num_classes"] = 4
    (folder / "card.json").write_text(json.dumps(card))


def lose_a_field(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    del card["licence"]
    (folder / "card.json").write_text(json.dumps(card))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damage, "weights.safetensors: is damaged or not the one"),
        (swap, "weights.safetensors: is damaged or not the one"),
        (lose_licence, "LICENSE: does not exist"),
        (tell_of_another_model, "card.json: does not fit weights.safetensors"),
        (lose_a_field, "card.json: licence is missing"),
    ],
)
def test_what_does_not_belong_together_is_refused_in_one_line(folder, spoil, message) -> None:
    spoil(folder)
    with pytest.raises(InputError) as caught:
        load_weights(find_weights(str(folder)))
    assert message in str(caught.value)
    assert "anew" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scores_are_said_as_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "show", "terramamba-change"]) == 0
    line = r"LEVIR-CD, buildings, 6 pairs +test +F1 \d+\.\d\d %; precision \d+\.\d\d %; recall "
    assert re.search(line, capsys.readouterr().out)


def test_terms_that_restrict_are_said_in_a_line_and_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry._say_once.cache_clear()
    load_weights(find_weights(str(folder)))
    assert capsys.readouterr().err == ""
    weights = find_weights(str(folder))
    write_weights_card(folder, replace(weights.card, licence="for academic use"))
    for _ in range(2):
        load_weights(find_weights(str(folder)))
    said = "note: tiny-cover: for academic use; `terramamba weights show tiny-cover` has the terms"
    assert capsys.readouterr().err.splitlines() == [said]


def test_the_command_lists_shows_and_verifies(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights"]) == 0
    assert "tiny-cover" in capsys.readouterr().out
    assert main(["weights", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["terms"] == "for tests alone"
    assert main(["weights", "show", str(shipped)]) == 0
    card = capsys.readouterr().out
    assert all(text in card for text in ("for tests alone", "33.5", "Anything.", "Apache-2.0"))
    assert main(["weights", "verify"]) == 0
    assert "tiny-cover: as its card says" in capsys.readouterr().out
    copytree(shipped, shipped.parent / "broken")
    damage(shipped.parent / "broken")
    assert main(["weights", "verify"]) == 1
    assert "broken" in capsys.readouterr().err


@pytest.mark.parametrize("weights", shipped_weights(), ids=lambda weights: weights.card.name)
def test_every_shipped_file_is_as_its_card_says(weights: Weights) -> None:
    verify_weights(weights)
    assert weights.card.cannot
    assert weights.card.scores
