"""What `terramamba models` lists: every model with its claims, and the exact size of each of its presets.

Sizes are counted from the models themselves, which takes PyTorch and some seconds. The list that comes of it
is kept in ``listing.json`` beside this file, so that it is there at once, and a test counts anew. Write it
again after a change of a model: ``python -m terramamba.models.listing``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from terramamba.core.errors import InputError
from terramamba.core.typed import typed
from terramamba.core.words import meant

if TYPE_CHECKING:
    from terramamba.models.spec import ModelSpec

FILE = Path(__file__).with_name("listing.json")

CLASSES = 15
"""Classes that the head of a model which needs a number of them is counted with: those of Houston2013, the
papers' first scene."""


@dataclass(frozen=True)
class Size:
    """A preset, counted; None of a model that is no network."""

    preset: str
    default: bool
    parameters: int | None
    flops: int | None
    """Of one forward pass at the model's example input, as ``models.cost`` counts."""


@dataclass(frozen=True)
class ListedModel:
    """A model as it is listed."""

    name: str
    task: str
    title: str
    paper: str
    claims: Mapping[str, str]
    """Published figures, word for word."""
    encoders: tuple[str, ...]
    """That it can be built on (--encoder); () where there is no choice."""
    example: tuple[int, ...]
    """Shape of the input, without the batch, at which FLOPs are counted."""
    sizes: tuple[Size, ...]


def listed_models(task: str | None = None) -> list[ListedModel]:
    """Return all models, or those for ``task``, in the order of the registry; needs no PyTorch.

    Raises:
        InputError: there are none for ``task``.
    """
    models = [typed(ListedModel, row) for row in json.loads(FILE.read_text(encoding="utf-8"))]
    tasks = list(dict.fromkeys(model.task for model in models))
    if task is not None and task not in tasks:
        raise InputError(f"task {task!r} is unknown; choose one of: {', '.join(tasks)}{meant(task, tasks)}")
    return [model for model in models if task in (None, model.task)]


def count_models() -> list[ListedModel]:
    """Build every preset of every model without weights, and count its parameters and FLOPs."""
    from terramamba.models.registry import list_models, model_spec

    return [_counted(model_spec(name)) for name in list_models()]


def _counted(spec: "ModelSpec") -> ListedModel:
    return ListedModel(
        spec.name,
        spec.task,
        spec.title,
        spec.paper,
        dict(spec.claims),
        spec.encoders if len(spec.encoders) > 1 else (),
        spec.example[1:],
        tuple(_size(spec, preset) for preset in spec.presets),
    )


def _size(spec: "ModelSpec", preset: str) -> Size:
    import torch

    from terramamba.models.cost import model_cost
    from terramamba.models.registry import create_model

    default = preset == spec.default_preset
    if not spec.by_steps:
        return Size(preset, default, None, None)
    sizes = {"in_channels": spec.example[-3], "num_classes": CLASSES}
    needed = {name for name, known in spec.parameters().items() if known.default is known.empty}
    options = {name: size for name, size in sizes.items() if name in needed}
    with torch.device("meta"):  # sizes are counted, weights are not drawn
        model = create_model(spec.name, preset=preset, **options)
    cost = model_cost(model, spec.example)
    return Size(preset, default, cost.parameters, cost.flops)


def to_json(models: Sequence[ListedModel]) -> str:
    """Return the content of the file, which `terramamba models --json` prints too."""
    return json.dumps([asdict(model) for model in models], indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(to_json(count_models()), encoding="utf-8")
