"""What is about to be trained on what: said before training starts, and kept with the run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from terramamba.core.display import Shown, as_html, as_text


@dataclass(frozen=True)
class Plan:
    """What was understood of the files, and what comes of it.

    ``warnings`` are about what may make the result worthless, and stand on top; ``shown`` has tables of the
    samples, and facts: what each file was taken for, bands, missing data, the split, model and recipe.
    """

    shown: Shown
    warnings: tuple[str, ...] = ()

    def with_facts(self, facts: Mapping[str, str]) -> "Plan":
        """Return the same plan with further ``facts`` below the others."""
        return replace(self, shown=replace(self.shown, facts={**self.shown.facts, **facts}))

    def _repr_html_(self) -> str:
        warnings = Shown((), dict.fromkeys(("warning",), "\n".join(self.warnings)) if self.warnings else {})
        return as_html(warnings) + as_html(self.shown)

    def text(self, width: int | None = None) -> str:
        """Write it as lines for a log, or for a terminal of so many columns."""
        return "\n".join([*(f"warning: {warning}" for warning in self.warnings), as_text(self.shown, width)])
