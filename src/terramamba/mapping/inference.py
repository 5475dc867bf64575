"""How a model is run for a map: without gradients, in a precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def inferring(device: torch.device, precision: str) -> Iterator[None]:
    """Run models without gradients, with matrix products in bfloat16 where ``precision`` is bf16."""
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"),
    ):
        yield
