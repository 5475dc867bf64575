"""Selective scans of other public packages that need no CUDA: compared with where they are installed.

The extra ``bench`` installs them.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Scan = Callable[[dict[str, Tensor]], Tensor]

HOW_TO_INSTALL = "pip install 'terramamba[bench]'"


def find() -> tuple[dict[str, Scan], dict[str, str]]:
    """Find scans by the name of their package, and the packages that are not there, with what to do.

    A scan takes the arguments of ``ops.selective_scan`` by name; steps go through softplus.
    """
    found: dict[str, Scan] = {}
    absent: dict[str, str] = {}
    for package, (module, function, adapt) in _ALTERNATIVES.items():
        try:
            found[package] = adapt(getattr(import_module(module), function))
        except ImportError:
            absent[package] = f"not installed; {HOW_TO_INSTALL}"
        except AttributeError:
            absent[package] = f"this version has no {module}.{function}; {HOW_TO_INSTALL}"
    return found, absent


def _mambapy(pscan: Callable[[Tensor, Tensor], Tensor]) -> Scan:
    """Its parallel scan gives h_t = a_t h_{t-1} + x_t, where a, x and h are (b, l, d, n) for all steps."""

    def scan(inputs: dict[str, Tensor]) -> Tensor:
        u, A, B, C, D = (inputs[name] for name in "uABCD")
        channels_per_group = u.shape[1] // B.shape[1]
        steps = F.softplus(inputs["delta"] + inputs["delta_bias"][:, None]).transpose(1, 2)[..., None]
        B, C = (x.repeat_interleave(channels_per_group, dim=1).permute(0, 3, 1, 2) for x in (B, C))
        states = pscan(torch.exp(steps * A), steps * B * u.transpose(1, 2)[..., None])
        return (states * C).sum(-1).transpose(1, 2) + D[:, None] * u

    return scan


def _transformers(scan_group: Callable[..., Any]) -> Scan:
    """What its Mamba models run on without CUDA kernels; one group a call."""

    def scan(inputs: dict[str, Tensor]) -> Tensor:
        groups = inputs["B"].shape[1]
        chunks = {name: inputs[name].chunk(groups, dim=1) for name in ("u", "delta", "B", "C")}
        chunks |= {name: inputs[name].chunk(groups) for name in ("A", "D", "delta_bias")}
        outputs = [
            scan_group(
                *(chunks[name][g] for name in ("u", "delta", "A")),
                *(chunks[name][g][:, 0] for name in ("B", "C")),
                D=chunks["D"][g],
                delta_bias=chunks["delta_bias"][g],
                delta_softplus=True,
            )
            for g in range(groups)
        ]
        return torch.cat(outputs, dim=1)

    return scan


_ALTERNATIVES: dict[str, tuple[str, str, Callable[[Any], Scan]]] = {
    "mambapy": ("mambapy.pscan", "pscan", _mambapy),
    "transformers": ("transformers.models.mamba.modeling_mamba", "mamba_selective_scan", _transformers),
}
