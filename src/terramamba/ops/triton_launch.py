"""How a scan is cut into programs for the Triton kernels, and the states that enter its chunks of steps."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

EVERY = 16
"""Steps between the states that are kept for the backward pass."""
UNROLL = 8
"""Steps written out in a kernel, so that the reads of several are under way together; it divides EVERY."""
WARP = 32
"""Threads of a warp."""
FEW_STATES, MOST_STATES = 8, 16
"""States that a thread of the forward pass holds with registers to spare, and at most."""
CHUNK_STEPS = 64
"""Fewest steps of a chunk, a multiple of EVERY: shorter ones move more bytes of states than of inputs."""
PROGRAMS = 8
"""Programs, of one warp each, that fill a multiprocessor of a GPU."""


def forward_unroll(states: int, zoh: bool, *weights: Tensor) -> int:
    """Give the steps that are written out forward: fewer where a thread's ``states`` need more registers.

    They do for 1 / A with zoh, and for a pointer each where those of ``weights`` (b, g, n, l) lie apart.
    """
    apart = any(W.stride(2) != 1 for W in weights)
    return UNROLL >> zoh + apart if states > FEW_STATES else UNROLL


def on(device: torch.device) -> AbstractContextManager[object]:
    """Launch on this GPU; Triton takes the current one."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def multiprocessors(device: torch.device) -> int:
    """Count how many multiprocessors there are to fill; 1 for Triton's interpreter on a CPU."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 1


@dataclass(frozen=True)
class Launch:
    """How a scan is cut into programs, for each sequence and group: blocks of channels, chunks of steps.

    ``sizes`` and ``options`` are the last arguments of every kernel.
    """

    blocks: int
    chunks: int
    programs: int
    sizes: tuple[int, ...]
    options: dict[str, Any]

    @classmethod
    def of(
        cls,
        B: Tensor,
        d: int,
        softplus: bool,
        zoh: bool,
        *,
        lanes: int,
        rows: int = 1,
        warps: int = 1,
        unroll: int = UNROLL,
    ) -> "Launch":
        """Cut into programs of ``rows * lanes`` channels, of fewer rows if there are fewer channels."""
        b, groups, n, length = B.shape
        channels = d // groups
        states = power_of_2(n)
        rows = min(rows, power_of_2(-(-channels // lanes)))
        blocks = -(-channels // (rows * lanes))
        # More chunks than fill the GPU would only move more states.
        most = PROGRAMS * multiprocessors(B.device) // (b * groups * blocks)
        chunks = max(min(most, length // CHUNK_STEPS), 1)
        steps = -(-length // (chunks * EVERY)) * EVERY
        chunks = -(-length // steps)
        return cls(
            blocks,
            chunks,
            b * groups * blocks * chunks,
            (channels, n, length, blocks, chunks, groups, steps),
            {
                "SOFTPLUS": softplus,
                "ZOH": zoh,
                "EVERY": EVERY,
                "UNROLL": unroll,
                "ROWS": rows,
                "N": states,
                "LANES": lanes,
                "num_warps": warps,
            },
        )


def enter(
    launch: Launch,
    x: Tensor,
    delta: Tensor,
    A: Tensor,
    W: Tensor,
    delta_bias: Tensor | None,
    first: Tensor | None,
    path_index: Tensor | None,
    *,
    backward: bool,
) -> Float[Tensor, "c b d n"]:
    """Find the states that enter the chunks, or with ``backward`` the gradients of those that leave them."""
    from terramamba.ops import triton_forward as kernels

    (b, groups, n, _), d = W.shape, len(A)
    states = torch.empty(launch.chunks, b, n, d, dtype=torch.float32, device=x.device)
    sums = states.new_empty(launch.chunks, b, d)
    kernels.chunk_states[(launch.programs,)](
        *(x, delta, A, W, delta_bias, path_index, states, sums),
        *by_group(x, groups, path_index).stride(),
        *(*strides(delta, A, W, delta_bias), *strides(path_index, ndim=2)),
        *launch.sizes,
        BACKWARD=backward,
        **launch.options,
    )
    block = 256
    kernels.carry_states[(-(-b * d * n // block),)](
        *(first, states, sums, A, *strides(first, ndim=3), *A.stride()),
        *(d, n, b * d * n, launch.chunks),
        BACKWARD=backward,
        BLOCK=block,
    )
    return states.mT


def by_group(x: Float[Tensor, "b e l"], groups: int, path_index: Tensor | None) -> Float[Tensor, "b g c l"]:
    """View u or y with an axis of groups, of which all are the same map if there is a ``path_index``."""
    if path_index is not None:
        return x[:, None].expand(-1, groups, -1, -1)
    b, e, length = x.shape
    return x.view(b, groups, e // groups, length)


def path_parts(like: Tensor, launch: Launch, b: int) -> Float[Tensor, "b g c l"]:
    """Make memory for what each path adds to a map, channels innermost."""
    channels, _, length, _, _, groups, _ = launch.sizes
    return like.new_empty(b, groups, length, channels).mT


def sum_parts(parts: Tensor, axes: int | tuple[int, ...], out: Tensor) -> None:
    """Put the sum of float32 parts into ``out``, in its type."""
    if out.dtype == parts.dtype:
        torch.sum(parts, axes, out=out)
    else:
        out.copy_(parts.sum(axes))


def strides(*tensors: Tensor | None, ndim: int = 1) -> Sequence[int]:
    """List the strides of the tensors; for None as many zeros as it would have axes."""
    return [s for x in tensors for s in ((0,) * ndim if x is None else x.stride())]


def power_of_2(n: int) -> int:
    """Find the smallest power of 2 that is not under n."""
    return 1 << (n - 1).bit_length()
