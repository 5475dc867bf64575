"""``terramamba models``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.parse import AsJson, Usage, parse

USAGE = Usage(
    "models",
    "List the models with the exact parameters and floating-point operations of every preset, counted from "
    "the models themselves, beside what was published.",
    example="--task change",
)


@dataclass(frozen=True, kw_only=True)
class ModelsOptions(AsJson):
    """Flags of the command."""

    task: str | None = None
    """Only the models for this task: classify or change."""


def run(argv: Sequence[str]) -> int:
    """Print each model's sizes and claims."""
    options, _ = parse(USAGE, ModelsOptions, argv)
    from terramamba.cli.shared.show import show_facts, show_table, show_text
    from terramamba.models.listing import Size, listed_models, to_json

    models = listed_models(options.task)
    if options.json:
        print(to_json(models), end="")
        return 0

    def row(size: Size) -> list[str]:
        mark = " (default)" if size.default else ""
        if size.parameters is None:
            return [size.preset + mark, "no network", ""]
        return [size.preset + mark, f"{size.parameters:,}", f"{size.flops:,}"]

    for place, model in enumerate(models):
        show_text("\n" * (place > 0) + f"{model.name}  ({model.task})  {model.title}")
        claims = {f"published {claim}": text for claim, text in model.claims.items()}
        encoders = {"encoders": ", ".join(model.encoders)} if model.encoders else {}
        show_facts({"paper": model.paper} | claims | encoders)
        shape = " x ".join(map(str, model.example))
        show_table(
            f"counted at an input of {shape}", ["preset", "parameters", "FLOPs"], [*map(row, model.sizes)]
        )
    return 0
