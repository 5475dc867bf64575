"""Which implementation of an operator runs: chosen by the tensors' device, or asked for by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch

Discretization = Literal["euler", "zoh"]


class Implementation(Protocol):
    """One backend's function for an operator."""

    def __call__(self, *arguments: Any) -> Any: ...


@dataclass(frozen=True)
class Backend:
    """An implementation, the devices it is the first choice for, and why it cannot run here ("" if it can)."""

    run: Implementation
    first_choice_on: tuple[str, ...] = ()
    reason: str = ""


def choose(op: str, table: Mapping[str, Backend], name: str, device: torch.device) -> Backend:
    """The backend called ``name`` in ``table``; for "auto" the first choice for ``device``.

    Raises:
        ValueError: no backend of that name, or it cannot run here; the message says why.
    """
    if name == "auto":
        for backend in table.values():
            if device.type in backend.first_choice_on and not backend.reason:
                return backend
        name = "pytorch"
    if name not in table:
        raise ValueError(f"{op} has no backend {name!r}; there are: auto, {', '.join(table)}")
    if table[name].reason:
        raise ValueError(f"backend {name!r} of {op} cannot run here: {table[name].reason}")
    return table[name]


def check_discretization(value: str) -> None:
    """Raise ValueError unless ``value`` names a discretization."""
    if value not in ("euler", "zoh"):
        raise ValueError(f"discretization is 'euler' or 'zoh', not {value!r}")
