"""The model card: written and read back, its bounds, its versions."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from cards import change_card, cover_card, save_run
from terramamba.core.errors import InputError
from terramamba.core.run_files import CARD
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.splits.leakage import Leakage
from terramamba.models.registry import create_model
from terramamba.models.weights import SavedModel
from terramamba.runs.card_form import FORMAT
from terramamba.runs.folder import load_run
from terramamba.runs.model_card import (
    FastAgreement,
    JudgedCard,
    MadeBy,
    ModelCard,
    PatchShape,
    Threshold,
    TilingScore,
    as_json,
    read_card,
    write_card,
)
from terramamba.scores.calibration import TemperatureFit

FULL = cover_card(
    threshold=Threshold(0.25, "validation"),
    model=SavedModel("ssa_mamba", "tiny", {"d_model": 32, "residuals": True, "step": "exp"}, "0a" * 32),
    wavelengths=(400.5, 555.0, 601.0, 1e3 / 3),
    classes=ClassTable((1, 7, 65_535), ("Wald – Forêt", "", "roof"), ((0, 255, 0), None, (1, 2, 3))),
    patches=PatchShape(7, "zeros"),
    calibration=TemperatureFit(1.2345678901234567, "validation", 512, False),
    fast=FastAgreement(0.9, {1: TilingScore(0.8, 0.85), 9: TilingScore(0.9, 1.0)}),
    leakage=Leakage(0.0, 0.25),
    made_by=MadeBy("0.1.0", "d" * 40),
)


@pytest.mark.parametrize("card", [FULL, cover_card(), change_card()])
def test_what_is_written_is_read_back(card: ModelCard, tmp_path: Path) -> None:
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card
    first = (tmp_path / CARD).read_bytes()
    write_card(tmp_path, read_card(tmp_path))
    assert (tmp_path / CARD).read_bytes() == first
    assert json.loads(first)["format"] == FORMAT


def refused(folder: Path) -> str:
    """The one line that reading the card ends with."""
    with pytest.raises(InputError) as caught:
        read_card(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder / CARD) in message
    return message


def placed(record: Mapping[str, Any], field: str, value: Any) -> dict[str, Any]:
    """``record`` with ``value`` at ``field``, which counts through lists too."""
    first, _, rest = field.partition(".")
    changed: Any = list(record) if isinstance(record, list) else dict(record)
    key: Any = int(first) if isinstance(changed, list) else first
    changed[key] = placed(changed[key], rest, value) if rest else value
    return changed


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("task", "land cover", "task is 'land cover', not the name of a job"),
        ("model", None, "model is None"),
        ("model.sha256", "0a", "model.sha256 is '0a', not 64 hexadecimal digits"),
        ("model.options", [], "model.options is []"),
        ("source_bands", 0, "source_bands is 0, not a number from 1 to 1,000,000"),
        ("source_bands", 4.5, "source_bands is 4.5, not a whole number"),
        ("source_bands", 3, "one for each of 3 bands"),
        ("wavelengths", [400, 500, 600, -1], "wavelengths.3 is -1"),
        ("wavelengths", [400], "wavelengths is (400.0,), not one for each of 4 bands"),
        ("scaling.kind", "robust", "scaling.kind is 'robust', not one of minmax, standard"),
        ("scaling.factor.2", None, "scaling.factor.2 is None, not a number"),
        ("quantiles", [[0.0] * 4] * 3, "not 4 numbers for each of 4 bands"),
        ("scaling.fill", [0.5], "scaling.fill is (0.5,), not one number for each of 4 bands"),
        ("scaling.bands", [0, 1, 2, 4], "scaling.bands is (0, 1, 2, 4), not bands 0 to 3"),
        ("scaling.bands.0", -1, "scaling.bands.0 is -1"),
        ("classes.2.code", 65_536, "classes.2.code is 65536, not a number from 0 to 65,535"),
        ("classes.2.code", 7, "not a code of its own for each class"),
        ("classes.1.name", None, "classes.1.name is None, not text"),
        ("classes.0.colour", [0, 256, 0], "classes.0.colour.1 is 256, not a number from 0 to 255"),
        ("classes", [], "not a list of 1 to 255 classes"),
        ("patch_size", 4, "patch_size is 4, not an odd number from 1 to 9,999"),
        ("patch_size", -7, "patch_size is -7"),
        ("border", "wrap", "border is 'wrap', not one of reflect, zeros"),
        ("threshold", 1.5, "threshold is 1.5, not a number from 0 to 1"),
        ("threshold_from", "luck", "threshold_from is 'luck', not one of validation, given, fixed"),
        ("calibration.temperature", 0, "calibration.temperature is 0"),
        ("calibration.at_limit", "no", "calibration.at_limit is 'no', not true or false"),
        ("fast.exact_oa", 90, "fast.exact_oa is 90, not a number from 0 to 1"),
        ("fast.tilings", {"0": {"oa": 0.5, "agreement": 0.5}}, "fast.tilings.0 is 0, not a number"),
        ("leakage.shared", 2, "leakage.shared is 2, not a number from 0 to 1"),
        ("protocol", "x" * 100_001, "protocol is 'xxx"),
        ("split_id", 7, "split_id is 7, not text"),
        ("terramamba", 7, "terramamba is 7, not text"),
    ],
)
def test_a_field_out_of_its_bounds_is_named_with_its_value(
    tmp_path: Path, field: str, value: Any, words: str
) -> None:
    (tmp_path / CARD).write_text(json.dumps(placed(as_json(FULL), field, value)))
    said = refused(tmp_path)
    assert words in said
    assert said.endswith("restore it or train the model anew")


def test_a_card_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model\.json: cannot be written, threshold is None"):
        write_card(tmp_path, change_card(threshold=Threshold(float("nan"), "given")))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"\x80\x04garbage", "is no JSON"),
        (b"{", "not JSON"),
        (b"[1, 2]", "no names with values"),
        (b"{}", "of format None"),
        (b'{"format": 2}', "of format 2, and this terramamba knows format 1; use the version"),
        (b'{"format": 1}', "task is missing"),
        (b'{"format": "1"}', "format '1'"),
    ],
)
def test_what_is_no_card_of_a_known_version_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / CARD).write_bytes(content)
    assert words in refused(tmp_path)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model\.json in it, so it is no finished run; train first"):
        read_card(tmp_path)


OLD = {
    "format": 1,
    "model": {"name": "ssa_mamba", "preset": "tiny", "options": {}, "sha256": "0a" * 32},
    "task": "classify",
    "protocol": "block-10-10-p7",
    "split_id": "0123",
    "terramamba": "0.1.0",
    "commit": None,
    "source_bands": 1,
    "wavelengths": None,
    "scaling": {"kind": "minmax", "bands": [0], "offset": [0.0], "factor": [1.0], "fill": [0.5]},
    "classes": [{"code": 1, "name": "water", "colour": [0, 0, 255]}, {"code": 4, "name": "roof"}],
    "patch_size": 7,
    "border": "zeros",
}


def test_a_card_of_the_first_release_is_read(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text(json.dumps(OLD))
    card = read_card(tmp_path)
    assert card.data.classes == ClassTable((1, 4), ("water", "roof"), ((0, 0, 255), None))
    assert card.data.patches == PatchShape(7, "zeros")
    assert (card.judged, card.data.leakage) == (JudgedCard(), None)
    assert card.made_by == MadeBy("0.1.0", None)
    pair = {key: value for key, value in OLD.items() if key not in ("patch_size", "border")}
    pair |= {"task": "change", "threshold": 0.25, "threshold_from": "validation"}
    (tmp_path / CARD).write_text(json.dumps(pair))
    card = read_card(tmp_path)
    assert (card.data.patches, card.judged.threshold) == (None, Threshold(0.25, "validation"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"patch_size": 6}, "patch_size is 6"),
        ({"patch_size": None}, "patch_size is None"),
        ({"classes": None}, "classes is None"),
        ({"classes": [{"name": "water"}]}, "classes.0.code is None"),
        ({"classes": [7]}, "classes is [7]"),
        ({"threshold": 0.5}, "threshold_from is missing"),
    ],
)
def test_a_card_of_the_first_release_has_the_same_bounds(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    (tmp_path / CARD).write_text(json.dumps(OLD | changes))
    assert words in refused(tmp_path)


def test_a_loaded_run_can_be_changed_and_saved_again(tmp_path: Path, seed: int) -> None:
    model = create_model("ssa_mamba", preset="tiny", in_channels=4, num_classes=3)
    run = load_run(save_run(model, tmp_path / "run", cover_card()))
    torch.nn.init.ones_(run.model.head.bias)
    again = load_run(save_run(run.model, tmp_path / "run", replace(run.card, task="other")))
    assert (again.model.head.bias == 1).all()
    assert again.task == "other"
    assert again.card.model.sha256 != run.card.model.sha256
