"""Model cards for models that were never trained, importable by all tests."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from torch import nn

from terramamba.core.run_files import WEIGHTS
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.scaling import Scaling
from terramamba.models.weights import SavedModel, save_model
from terramamba.runs.model_card import (
    DataCard,
    JudgedCard,
    MadeBy,
    ModelCard,
    PatchShape,
    Threshold,
    write_card,
)
from terramamba.weights.card import TrainedOn, WeightsCard, WeightsMadeBy, WeightsScore

CHANGE_CLASSES = ClassTable((0, 1), ("unchanged", "changed"), (None, None))


def land_cover_classes(count: int) -> ClassTable:
    """Codes 1 to ``count``, each with a colour."""
    codes = tuple(range(1, count + 1))
    return ClassTable(codes, tuple(f"class {code}" for code in codes), tuple((40 * c, 0, 0) for c in codes))


def plain_scaling(bands: int) -> Scaling:
    """Values as they are."""
    return Scaling("minmax", tuple(range(bands)), (0.0,) * bands, (1.0,) * bands, (0.5,) * bands)


def cover_card(**given: Any) -> ModelCard:
    """A card of a land-cover model of 4 bands and 3 classes; ``given`` are fields of any of its parts."""
    usual: dict[str, Any] = {
        "task": "classify",
        "source_bands": 4,
        "scaling": plain_scaling(4),
        "classes": land_cover_classes(3),
        "patches": PatchShape(5, "reflect"),
        "protocol": "toy",
        "split_id": "none",
    }
    return _card(usual | given)


def change_card(**given: Any) -> ModelCard:
    """A card of a change detector of 2 bands; ``given`` are fields of any of its parts."""
    usual: dict[str, Any] = {
        "task": "change",
        "source_bands": 2,
        "scaling": plain_scaling(2),
        "classes": CHANGE_CLASSES,
        "threshold": Threshold(0.5, "given"),
        "protocol": "toy",
        "split_id": "none",
    }
    return _card(usual | given)


def save_run(model: nn.Module, folder: Path, card: ModelCard) -> Path:
    """A folder with all that mapping needs: ``model`` and its ``card``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_card(folder, replace(card, model=save_model(model, folder / WEIGHTS)))
    return folder


def _card(given: dict[str, Any]) -> ModelCard:
    data, judged = (
        kind(**{field.name: given.pop(field.name) for field in fields(kind) if field.name in given})
        for kind in (DataCard, JudgedCard)
    )
    usual = {"model": SavedModel("toy", "default", {}), "made_by": MadeBy("0")}
    return ModelCard(**(usual | given), data=data, judged=judged)


def weights_card(**given: Any) -> WeightsCard:
    """A card of weights that learnt from nothing; ``given`` are fields of it."""
    usual: dict[str, Any] = {
        "name": "a-test",
        "title": "three classes of five bands",
        "task": "classify",
        "model": SavedModel("ssa_mamba", "tiny", {}),
        "classes": ClassTable((1, 2, 3), ("water", "wood", "roof"), ((0, 0, 255), None, (255, 0, 0))),
        "takes": ("Reflectance in five bands.",),
        "trained_on": (TrainedOn("nothing", "0 pixels", "made up", "anybody may do anything"),),
        "licence": "Apache-2.0",
        "terms": "for tests alone",
        "made_by": WeightsMadeBy("pytest", "0"),
        "protocol": "never trained",
        "scores": (WeightsScore("nothing", "test", "overall accuracy, %", 33.5),),
        "calibration": "never measured",
        "cannot": ("Anything.",),
    }
    return WeightsCard(**usual | given)
