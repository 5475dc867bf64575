"""From the name of a device to the device."""

import torch

from terramamba.errors import InputError


def resolve_device(name: str = "auto") -> torch.device:
    """The device called ``name``: cpu, cuda, cuda:1, mps, or auto (a GPU when there is one, else the CPU).

    Raises ``InputError`` when that device is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"--device {name}: not one of auto, cpu, cuda, cuda:N, mps")
    if device.type == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not found:
            raise InputError(
                f"--device {name}: PyTorch {torch.__version__} sees no CUDA device; use --device cpu"
            )
        if ":" not in name:
            return torch.device("cuda", torch.cuda.current_device())
        if device.index >= found:
            raise InputError(f"--device {name}: the last of {found} CUDA devices is cuda:{found - 1}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError(f"--device {name}: no Apple GPU is available; use --device cpu")
    return device
