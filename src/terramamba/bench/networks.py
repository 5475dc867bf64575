"""The models that are timed, their inputs, and the ways to run them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from terramamba.bench.loops import LOOP, timed_backends
from terramamba.models.registry import create_model
from terramamba.ops import prefer

CLASSES = 15
BF16 = "-bf16"
"""Ends the name of a way that runs under bfloat16 autocast."""


@dataclass(frozen=True)
class Network:
    """A model at one size of input.

    Attributes:
        key: its short name.
        name: of the model.
        preset: of the model.
        shape: of the input; the first axis is the batch.
    """

    key: str
    name: str
    preset: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        *_, bands, h, w = self.shape
        one, more = ("patch", "patches") if self.classifies else ("pair", "pairs")
        count = f"1 {one}" if self.shape[0] == 1 else f"{self.shape[0]} {more}"
        return f"{self.name} {self.preset}, {count} of {h} x {w} pixels, {bands} bands"

    @property
    def classifies(self) -> bool:
        """Whether it gives a class for each patch, and not a map."""
        return self.name == "ssa_mamba"

    @property
    def pixels(self) -> int:
        """Pixels that one forward pass maps."""
        return self.shape[0] if self.classifies else self.shape[0] * self.shape[-2] * self.shape[-1]

    def model(self) -> nn.Module:
        """Build the model with fresh weights."""
        options: dict[str, Any] = {"num_classes": CLASSES} if self.classifies else {}
        return create_model(self.name, preset=self.preset, in_channels=self.shape[-3], **options)

    def images(self) -> Tensor:
        """Draw a random input in [0, 1]."""
        return torch.rand(self.shape)

    def labels(self) -> Tensor:
        """Draw labels: a class for each patch, or changed or not for each pixel."""
        if self.classifies:
            return torch.randint(CLASSES, self.shape[:1])
        return torch.randint(2, (self.shape[0], *self.shape[-2:]))


def ways() -> list[str]:
    """Return the names of the ways to run a model: backends, the loop first, some also in bfloat16."""
    there = timed_backends()
    there.sort(key=lambda name: name != LOOP)
    return there + [name + BF16 for name in there if name in ("native", "pytorch")]


def running(way: str) -> AbstractContextManager[object]:
    """Return the context in which a model runs this way."""
    stack = ExitStack()
    stack.enter_context(prefer(way.removesuffix(BF16)))
    stack.enter_context(torch.autocast("cpu", torch.bfloat16) if way.endswith(BF16) else nullcontext())
    return stack


def within(way: str, work: Callable[[], object]) -> Callable[[], object]:
    """Return ``work``, run this way."""

    def run() -> object:
        with running(way):
            return work()

    return run
