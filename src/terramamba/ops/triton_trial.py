"""One small scan by the Triton kernels before they are chosen for a GPU: all parts may be there and fail.

A kernel is compiled when it is launched, for this GPU, by Triton's compiler and a C compiler of the machine.
"""

import functools
from concurrent.futures import ThreadPoolExecutor

import torch

from terramamba.core.errors import reason_of
from terramamba.ops import triton

STEPS = 3


@functools.cache
def failure(device: torch.device) -> str:
    """Say why a small scan fails on ``device``, "" if it does not; found out once in a process."""
    # In a thread of its own, whatever autocast, tracing or counting the caller's is under.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_failure, device).result()


def _failure(device: torch.device) -> str:
    try:
        outputs = _count(device)
    except Exception as error:  # Triton, its compilers and PyTorch have no base of their errors in common
        return f"a small launch on {device} failed ({reason_of(error)})"
    wanted = [float(step) for step in range(1, STEPS + 1)]
    return "" if outputs == wanted else f"a small launch on {device} gave {outputs}, not {wanted}"


def _count(device: torch.device) -> list[float]:
    """Outputs of a scan that adds 1 to its state at each step."""
    u = torch.ones(1, 1, STEPS, device=device)
    weights = u[:, None]
    y, _, _ = triton.forward(
        *(u, u, torch.zeros(1, 1, device=device), weights, weights, None, None, None, None),
        softplus=False,
        zoh=False,
        keep=False,
    )
    return y.flatten().tolist()
