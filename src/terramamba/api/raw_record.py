"""What typed results have in common: each is also the mapping that its file holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, eq=False)
class RawRecord(Mapping[str, Any]):
    """A result that is also the mapping in its JSON file, ``raw``."""

    task: str
    """``classify`` or ``change``."""
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def folder(self) -> Path:
        """The folder of its files."""
        return Path(self.raw["folder"])

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was assumed or left out."""
        said = (entry if isinstance(entry, str) else "; ".join(entry) for entry in self.raw.get("notes", ()))
        return tuple(said)

    def __getitem__(self, key: str) -> Any:
        return self.raw[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)
