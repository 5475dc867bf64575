"""Model cards for models that were never trained, importable by all tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from terramamba.core.run_files import WEIGHTS
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.scaling import Scaling
from terramamba.models.weights import SavedModel, save_model
from terramamba.runs.model_card import MadeBy, ModelCard, PatchShape, Threshold, write_card

NEVER_SAVED = SavedModel("toy", "default", {})
CHANGE_CLASSES = ClassTable((0, 1), ("unchanged", "changed"), (None, None))


def land_cover_classes(count: int) -> ClassTable:
    """Codes 1 to ``count``, each with a colour."""
    codes = range(1, count + 1)
    return ClassTable(tuple(codes), tuple(f"class {c}" for c in codes), tuple((40 * c, 0, 0) for c in codes))


def plain_scaling(bands: int) -> Scaling:
    """Values as they are."""
    return Scaling("minmax", tuple(range(bands)), (0.0,) * bands, (1.0,) * bands, (0.5,) * bands)


def cover_card(**fields: Any) -> ModelCard:
    """A card of a land-cover model of 4 bands and 3 classes; ``fields`` are others."""
    usual: dict[str, Any] = {
        "task": "classify",
        "model": NEVER_SAVED,
        "source_bands": 4,
        "scaling": plain_scaling(4),
        "classes": land_cover_classes(3),
        "patches": PatchShape(5, "reflect"),
        "protocol": "toy",
        "split_id": "none",
        "made_by": MadeBy("0"),
    }
    return ModelCard(**(usual | fields))


def change_card(**fields: Any) -> ModelCard:
    """A card of a change detector of 2 bands; ``fields`` are others."""
    usual: dict[str, Any] = {
        "task": "change",
        "source_bands": 2,
        "scaling": plain_scaling(2),
        "classes": CHANGE_CLASSES,
        "patches": None,
        "threshold": Threshold(0.5, "given"),
    }
    return cover_card(**(usual | fields))


def save_run(model: nn.Module, folder: Path, card: ModelCard) -> Path:
    """A folder with all that mapping needs: ``model`` and its ``card``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_card(folder, replace(card, model=save_model(model, folder / WEIGHTS)))
    return folder
