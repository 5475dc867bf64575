"""What both kinds of mapping share: checks, scaled reading, stored probabilities, counting of areas."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from terramamba.core.progress import progress

Place = str | os.PathLike[str]


@contextmanager
def inferring(device: torch.device, precision: str) -> Iterator[None]:
    """Neither gradients nor their bookkeeping; matrix products in bfloat16 where ``precision`` is bf16."""
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"),
    ):
        yield


@contextmanager
def pixel_progress(description: str, pixels: int, done: int = 0) -> Iterator[Callable[[float], None]]:
    """Yield a function that reports so many pixels more; shown in megapixels where there are many.

    ``done`` of all ``pixels`` came earlier.
    """
    unit, size = ("Mpx", 1e6) if pixels >= 1e6 else ("px", 1.0)
    # A hair less than all, because parts of a million do not add up exactly.
    with progress(description, pixels / size * (1 - 1e-9), unit, done / size) as advance:
        yield lambda amount: advance(amount / size)
