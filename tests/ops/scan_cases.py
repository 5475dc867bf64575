"""Selective scans to try: sizes, options and memory layouts, with random inputs for each."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from terramamba.ops import selective_scan

Result = dict[str, Tensor]
SEQUENCES = ("u", "delta", "B", "C")
LAYOUTS = ("time last", "time first", "strided", "strided channels", "expanded")


@dataclass(frozen=True)
class Case:
    l: int = 5  # noqa: E741
    d: int = 8
    n: int = 4
    g: int = 1
    b: int = 2
    zoh: bool = False
    D: bool = True
    bias: bool = True
    softplus: bool = True
    state: bool = True
    layout: str = "time last"

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Case":
        flags = {name: bool(rng.integers(2)) for name in ("zoh", "D", "bias", "softplus", "state")}
        d = int(rng.choice([1, 3, 16, 100]))
        return cls(
            l=int(rng.choice([1, 2, 63, 64, 65, 500], p=[0.15, 0.15, 0.2, 0.2, 0.2, 0.1])),
            d=d,
            n=int(rng.choice([1, 4, 16, 17])),
            g=int(rng.choice([1, 4])) if d % 4 == 0 else 1,
            layout=str(rng.choice(LAYOUTS)),
            **flags,
        )

    def inputs(self, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
        """Leaves of a graph, in float64 numbers that float32 can hold, so that both see the same ones."""
        b, d, n, g, l = self.b, self.d, self.n, self.g, self.l  # noqa: E741
        tensors = {
            "u": torch.randn(b, d, l),
            "delta": torch.randn(b, d, l) - 1 if self.softplus else 0.3 * torch.randn(b, d, l).abs(),
            "A": -torch.rand(d, n) * 2,
            "B": torch.randn(b, g, n, l),
            "C": torch.randn(b, g, n, l),
        }
        if self.layout == "expanded":
            for name in SEQUENCES:
                tensors[name] = tensors[name][:1].expand_as(tensors[name])
        if self.g == 1 and self.b == 1:
            tensors["B"], tensors["C"] = tensors["B"][:, 0], tensors["C"][:, 0]
        if self.D:
            tensors["D"] = torch.randn(d)
        if self.bias:
            tensors["delta_bias"] = 0.1 * torch.rand(d)
        if self.state:
            tensors["initial_state"] = torch.randn(b, d, n)
        return self.cast(tensors, dtype)

    def cast(self, inputs: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
        """The same numbers in another type, as new leaves in the case's memory layout."""
        converted = {k: x.detach().to(dtype) for k, x in inputs.items()}
        converted |= {k: laid_out(converted[k], self.layout) for k in SEQUENCES}
        return {k: x.requires_grad_() for k, x in converted.items()}

    def scan(self, inputs: dict[str, Tensor], backend: str) -> tuple[Tensor, Tensor]:
        """Outputs and last state."""
        return selective_scan(
            **inputs,
            delta_softplus=self.softplus,
            discretization="zoh" if self.zoh else "euler",
            return_last_state=True,
            backend=backend,
        )

    def results(self, inputs: dict[str, Tensor], backend: str, *, last: bool = True) -> dict[str, Tensor]:
        """Outputs, last state and the gradients of a fixed function of both (of the outputs alone)."""
        y, state = self.scan(inputs, backend)
        loss = (y.double() * wave(y)).sum()
        if last:
            loss = loss + (state.double() * wave(state)).sum()
        gradients = torch.autograd.grad(loss, list(inputs.values()), materialize_grads=True)
        return {"y": y, "last": state, **dict(zip(inputs, gradients, strict=True))}

    def but(self, **changes: object) -> "Case":
        return replace(self, **changes)


CORNERS = (
    Case(l=1, d=1, n=1, b=1, D=False, bias=False, softplus=False, state=False),
    Case(l=500, d=16, n=17, g=4, layout="time first"),
    Case(l=65, d=100, n=16, zoh=True, b=1),
    Case(l=64, d=3, n=1, zoh=True, layout="strided"),
    Case(l=70, d=16, n=16, g=4, b=40, bias=False),  # two slices of the batch, the second one shorter
    Case(l=63, d=16, n=4, g=4, b=40, softplus=False, D=False),  # sequences innermost
)


def laid_out(x: Tensor, layout: str) -> Tensor:
    """The same numbers (time is the last axis) in another order in memory, or with gaps between them."""
    if layout == "time first":
        return x.movedim(-1, 0).contiguous().movedim(0, -1)
    if layout == "strided":
        return x.new_empty(*x.shape[:-1], 2 * x.shape[-1] + 1)[..., 1::2].copy_(x)
    if layout == "strided channels":
        return laid_out(x.movedim(-1, 0), "strided").movedim(0, -1)
    if layout == "expanded":
        return x[:1].clone().expand_as(x)
    return x.contiguous()


def wave(x: Tensor) -> Tensor:
    """Weights of alternating sign and size, shaped like x, that every float type can hold."""
    return (torch.cos(torch.arange(x.numel(), dtype=torch.float64)) * 64).round().view(x.shape) / 64


def error(value: Tensor, truth: Tensor) -> float:
    """Root mean square error relative to the truth's."""
    difference = (value.detach().double() - truth.detach()).norm()
    return float(difference / truth.detach().norm().clamp(min=1e-12))


def disturbed(run: Callable[..., Result], inputs: dict[str, Tensor], *rest: object) -> Callable[[], Result]:
    """A function that runs with other errors of float32's rounding in every input at each call."""

    def call() -> Result:
        near = {
            k: (x.detach() * (1 + 2.0**-23 * torch.randn_like(x))).requires_grad_() for k, x in inputs.items()
        }
        return run(near, *rest)

    return call


def assert_close(
    values: dict[str, Tensor],
    truth: dict[str, Tensor],
    *,
    outputs: float,
    gradients: float,
    plain: Callable[[], dict[str, Tensor]] | None = None,
) -> None:
    """Relative errors are within the bounds, or within 100 times the largest of some calls of ``plain``.

    ``plain`` is the reference in the same float type, ``disturbed``: where random numbers happen to cancel in
    a sum, nobody can keep the bounds, and a single call may be lucky.
    """
    assert values.keys() == truth.keys()
    for name, value in values.items():
        bound = outputs if name in ("y", "last") else gradients
        assert value.shape == truth[name].shape
        found = error(value, truth[name])
        if plain is not None and not found <= bound:
            bound = 100 * max(error(plain()[name], truth[name]) for _ in range(8))
        assert found <= bound, f"{name}: relative error {found:.2e} > {bound:.0e}"
