"""How the PyTorch scan cuts its work into pieces that stay in the processor's cache, and how it lays them out.

A piece is a slice of the batch times a block of steps. Its arrays have the axes (step, state, rows, columns): one
of the last two is the channel c of a group, the other the sequence b and group g, and the longer of the two is
innermost. Measured on two AVX-512 cores with 262,144 states in a block (c = 32, n = 4, 64 sequences and groups): an
input term takes 0.017 ms with sequences innermost and 0.040 ms with channels innermost; with c = 128, n = 16 and 4
sequences it is 0.18 ms against 0.012 ms.
"""

import torch
from jaxtyping import Float
from torch import Tensor

SLICE_STATES = 1 << 13
"""Least states (sequences times channels times n) of a slice: under it a step costs its call more than its work."""
BLOCK_STATES = 1 << 18
"""States times steps of a block in the processor's memory: four float32 arrays of 1 MB."""
DEVICE_BLOCK_STATES = 1 << 25
"""The same on an accelerator, which has no cache to stay in and many cores to fill."""
FEWEST_STEPS = 16
"""Fewest steps of a block: the state before each block is kept for the backward pass."""


def slices(batch: int, states: int, length: int, device: torch.device) -> tuple[list[slice], list[slice]]:
    """Slices of the batch and blocks of the steps, for ``states`` states a sequence."""
    on_cpu = device.type == "cpu"
    size = -(-SLICE_STATES // max(states, 1)) if on_cpu else batch
    size = max(min(size, batch), 1)
    steps = (BLOCK_STATES if on_cpu else DEVICE_BLOCK_STATES) // max(size * states, 1)
    steps = min(max(steps, FEWEST_STEPS), length)
    return _ranges(batch, size), _ranges(length, steps)


def _ranges(total: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]


class Blocks:
    """Layout of the blocks of one slice of the batch: b sequences, g groups of c channels, n states a channel."""

    def __init__(self, b: int, g: int, c: int, n: int, dtype: torch.dtype) -> None:
        self.b, self.g, self.c, self.n = b, g, c, n
        self.dtype = dtype
        self.channels_innermost = c >= b * g
        self.inner = (b * g, c) if self.channels_innermost else (c, b * g)
        self.channel_axis = 3 if self.channels_innermost else 2

    def load(self, x: Float[Tensor, "b d t"]) -> Float[Tensor, "t 1 r s"]:
        """A block of u, delta or the gradient of y."""
        x = x.view(self.b, self.g, self.c, -1)
        return self._steps_first(self._inner_order(x)).view(-1, 1, *self.inner)

    def load_weights(self, x: Float[Tensor, "b g n t"]) -> Float[Tensor, "t n #r #s"]:
        """A block of B or C, which all channels of a group share."""
        rows = self._steps_first(x.permute(2, 0, 1, 3)).view(-1, self.n, self.b * self.g)
        return rows.unsqueeze(self.channel_axis)

    def store(self, block: Float[Tensor, "t 1 r s"], x: Float[Tensor, "b d t"]) -> None:
        """The reverse of ``load``: put a block into x, in the type of x."""
        _put(block, self._inner_order(x.view(self.b, self.g, self.c, -1)))

    def store_weights(self, block: Float[Tensor, "t n #r #s"], x: Float[Tensor, "b g n t"]) -> None:
        """The reverse of ``load_weights``: put a block into x, in the type of x."""
        _put(block, x.permute(2, 0, 1, 3))

    def load_state(self, state: Float[Tensor, "b d n"]) -> Float[Tensor, "n r s"]:
        """A state as the blocks have it."""
        x = state.to(self.dtype).view(self.b, self.g, self.c, -1)
        return self._inner_order(x).movedim(-1, 0).reshape(-1, *self.inner).contiguous()

    def store_state(self, block: Float[Tensor, "n r s"], state: Float[Tensor, "b d n"]) -> None:
        """The reverse of ``load_state``."""
        x = self._inner_order(state.view(self.b, self.g, self.c, self.n))
        x.copy_(block.view(self.n, *x.shape[:-1]).movedim(0, -1))

    def spread(self, parameter: Float[Tensor, "d n"]) -> Float[Tensor, "n r s"]:
        """A parameter of each channel, the same for every sequence."""
        return self.load_state(parameter.expand(self.b, *parameter.shape))

    def gather(self, block: Float[Tensor, "n r s"]) -> Float[Tensor, "d n"]:
        """The sum over the sequences of the slice: the gradient of what ``spread`` spreads."""
        if self.channels_innermost:
            sums = block.view(-1, self.b, self.g, self.c).sum(1)
        else:
            sums = block.view(-1, self.c, self.b, self.g).sum(2).transpose(1, 2)
        return sums.flatten(1).t()

    def _inner_order(self, x: Tensor) -> Tensor:
        """(b, g, c, ...) as the last two axes of a block hold them."""
        return x if self.channels_innermost else x.permute(2, 0, 1, 3)

    def _steps_first(self, x: Tensor) -> Tensor:
        """(..., t) -> (t, ...) contiguous, in the type of computing.

        When steps lie side by side, rows are copied first: PyTorch transposes a contiguous matrix three times
        faster than a slice of one.
        """
        if x.stride(-1) != 1:
            return x.movedim(-1, 0).to(self.dtype).contiguous()
        rows = x.to(self.dtype).contiguous()
        return rows.view(-1, x.shape[-1]).t().contiguous().view(x.shape[-1], *x.shape[:-1])


def _put(block: Tensor, x: Tensor) -> None:
    """Copy (t, ...) into x (..., t)."""
    steps = x.shape[-1]
    if x.stride(-1) == 1:
        x.copy_(block.reshape(steps, -1).t().contiguous().view(x.shape))
    else:
        x.movedim(-1, 0).copy_(block.reshape(steps, *x.shape[:-1]))
