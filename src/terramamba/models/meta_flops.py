"""Models without content: shapes go through them, and their floating-point operations (FLOPs) are counted.

What an operation gives for tensors of some shapes is worked out once, since models repeat their blocks;
PyTorch takes a tenth of a millisecond or more for each of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

META = torch.device("meta")


class FlopCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the matrix products, convolutions and attentions within it, by PyTorch's own formulas."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = func(*args, **kwargs or {})
        self.flops += _flops(func, args, kwargs or {}, given)
        return given


class MetaFlopCounter(FlopCounter):  # type: ignore[no-untyped-call]
    """The same where all tensors are on PyTorch's device "meta", as new ones are within it."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[Any, tuple[Any, int]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func._schema.name.endswith("_") and torch.Tag.inplace_view not in func.tags:
            return args[0]  # nothing to write to
        options = dict(kwargs or {})
        if "device" in options:
            options["device"] = META
        asked = (func, _shapes(args), _shapes(tuple(options.items())))
        if asked not in self._known:
            given = func(*args, **options)
            self._known[asked] = given, _flops(func, args, options, given)
        given, flops = self._known[asked]
        self.flops += flops
        return _anew(given)


def _flops(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], given: Any) -> int:
    from torch.utils.flop_counter import flop_registry  # it imports Triton, and most commands count nothing

    formula = flop_registry.get(func.overloadpacket)
    return 0 if formula is None else int(formula(*args, **kwargs, out_val=given))


def _shapes(value: Any) -> Any:
    """What the result for ``value`` depends on; numbers with their type, since 1 and 1.0 are equal."""
    if isinstance(value, Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return tuple(map(_shapes, value))
    return type(value), value


def _anew(value: Any) -> Any:
    """Another tensor like each in ``value``."""
    if isinstance(value, Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=META)
    if isinstance(value, list | tuple):
        return type(value)(map(_anew, value))
    return value
