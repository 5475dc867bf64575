"""How a model is run for a map: on so many samples at a time, in a precision, without gradients."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from terramamba.core.errors import InputError

PRECISIONS = ("32", "bf16")


def check_options(batch_size: int, precision: str) -> None:
    """Raise ``InputError`` where an option has a value that it cannot have."""
    if batch_size < 1:
        raise InputError(f"--batch-size {batch_size}: at least 1 is needed")
    if precision not in PRECISIONS:
        raise InputError(f"--precision {precision}: choose one of {', '.join(PRECISIONS)}")


@contextmanager
def inferring(device: torch.device, precision: str) -> Iterator[None]:
    """Run models without gradients, with matrix products in bfloat16 where ``precision`` is bf16."""
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"),
    ):
        yield
