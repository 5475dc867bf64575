"""Which implementation of an operator runs: chosen by the tensors' device, or asked for by name."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch

logger = logging.getLogger(__name__)

Discretization = Literal["euler", "zoh"]


@dataclass(frozen=True)
class Backend:
    """One implementation of an operator.

    Attributes:
        run: the function; all backends of an operator have the same signature.
        first_choice_on: types of devices on which "auto" takes it.
        reason: why it cannot run here, "" if it can.
    """

    run: Callable[..., Any]
    first_choice_on: tuple[str, ...] = ()
    reason: str = ""


BACKENDS: dict[str, dict[str, Backend]] = {}
"""Backends by operator and name; each operator's module enters its own. "pytorch" runs on every device."""


def available_backends(op: str = "selective_scan") -> dict[str, str]:
    """Names of the backends of an operator, each with "" or the reason why it cannot run here.

    Raises:
        ValueError: no operator is called ``op``.
    """
    if op not in BACKENDS:
        raise ValueError(f"no operator {op!r}; there are: {', '.join(sorted(BACKENDS))}")
    return {name: backend.reason for name, backend in BACKENDS[op].items()}


def choose(op: str, name: str, device: torch.device) -> Backend:
    """The backend ``name`` of ``op``; for "auto" the first choice on ``device``, or else "pytorch".

    Raises:
        ValueError: there is no such backend, or it cannot run here; the message says why.
    """
    table = BACKENDS[op]
    if name == "auto":
        fit = [k for k, b in table.items() if device.type in b.first_choice_on and not b.reason]
        name = fit[0] if fit else "pytorch"
        logger.debug("%s on %s runs on backend %s", op, device, name)
    if name not in table:
        raise ValueError(f"{op} has no backend {name!r}; there are: auto, {', '.join(table)}")
    if table[name].reason:
        raise ValueError(f"backend {name!r} of {op} cannot run here: {table[name].reason}")
    return table[name]


def check_discretization(value: str) -> None:
    """Raise ValueError unless ``value`` names a discretization."""
    if value not in ("euler", "zoh"):
        raise ValueError(f"discretization is 'euler' or 'zoh', not {value!r}")


def full_precision(device: torch.device) -> AbstractContextManager[None]:
    """A context in which autocast leaves types as they are."""
    if torch.amp.is_autocast_available(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()
