"""``terramamba models``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from terramamba.cli.parse import Usage, parse

if TYPE_CHECKING:
    from terramamba.models.spec import ModelSpec

USAGE = Usage(
    "models",
    "List the models with the exact parameters and floating-point operations of every preset, counted from "
    "the models themselves, beside what was published.",
)

CLASSES = 15
"""Classes that the head of a model which needs a number of them is counted with: those of Houston2013, the
papers' first scene."""


@dataclass(frozen=True, kw_only=True)
class ModelsOptions:
    """Flags of the command."""

    task: str | None = None
    """Only the models for this task: classify or change."""


def run(argv: Sequence[str]) -> int:
    """Print each model's sizes and claims."""
    options, _ = parse(USAGE, ModelsOptions, argv)
    from terramamba.cli.show import show_facts, show_table
    from terramamba.models.registry import list_models, model_spec

    for index, name in enumerate(list_models(options.task)):
        spec = model_spec(name)
        print("\n" * (index > 0) + f"{spec.name}  ({spec.task})  {spec.title}")
        show_facts(
            {"paper": spec.paper} | {f"published {claim}": text for claim, text in spec.claims.items()}
        )
        rows = [_preset_row(spec, preset) for preset in spec.presets]
        shape = " x ".join(map(str, spec.example[1:]))
        show_table(f"counted at an input of {shape}", ["preset", "parameters", "FLOPs"], rows)
    return 0


def _preset_row(spec: "ModelSpec", preset: str) -> list[str]:
    import torch

    from terramamba.models.cost import model_cost
    from terramamba.models.registry import create_model

    mark = " (default)" if preset == spec.default_preset else ""
    if not spec.trainable or spec.fit is not None:
        return [preset + mark, "no network", ""]
    sizes = {"in_channels": spec.example[-3], "num_classes": CLASSES}
    needed = {name for name, known in spec.parameters().items() if known.default is known.empty}
    options = {name: size for name, size in sizes.items() if name in needed}
    with torch.device("meta"):  # sizes are counted, weights are not drawn
        model = create_model(spec.name, preset=preset, **options)
    cost = model_cost(model, spec.example)
    return [preset + mark, f"{cost.parameters:,}", f"{cost.flops:,}"]
