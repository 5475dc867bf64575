"""Arguments of the registered kernels, whose scans may run along paths through a map."""

import torch
from scan_cases import Case
from torch import Tensor

ARGUMENTS = ("u", "delta", "A", "B", "C", "D", "delta_bias", "initial_state")


def inputs_of(case: Case, *, on_paths: bool = False, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Leaves of a graph, B and C in groups; on paths the groups share the channels of u."""
    inputs = {k: x.detach() for k, x in case.inputs(dtype).items()}
    for name in ("B", "C"):
        if inputs[name].ndim == 3:
            inputs[name] = inputs[name][:, None]
    if on_paths:
        inputs["u"] = inputs["u"][:, : case.d // case.g]
    return {k: x.requires_grad_() for k, x in inputs.items()}


def draw_path_index(case: Case) -> Tensor:
    """A path of its own through the rows of the map for every group."""
    return torch.stack([torch.randperm(case.l) for _ in range(case.g)]).int()
