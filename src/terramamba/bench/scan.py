"""``terramamba bench scan``: the operators alone, at the sizes that models have."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from terramamba import ops
from terramamba.bench.alternatives import find
from terramamba.bench.loops import LOOP, timed_backends
from terramamba.bench.timing import Case, Work
from terramamba.ops import native_library

Inputs = dict[str, Tensor]
Scan = Callable[[Inputs], Tensor]

LONGEST = 1024
"""Steps up to which ways whose backward pass is quadratic are differentiated."""
QUADRATIC = frozenset({LOOP, "transformers"})
PATIENT = "sequence"
"""Shape at which ``long`` differentiates the loop all the same."""
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Shape:
    """Sizes of one operator's inputs: b sequences of d channels, l steps, n states; g groups or paths."""

    key: str
    op: str
    title: str
    b: int
    d: int
    l: int  # noqa: E741
    n: int
    g: int = 1
    channels_inner: bool = False

    def __str__(self) -> str:
        sizes = {"b": self.b, "d": self.d, "l": self.l, "n": self.n, "g": self.g}
        return f"{self.op}, {self.title}: " + ", ".join(f"{name} {size}" for name, size in sizes.items())

    @property
    def updates(self) -> int:
        """How often a state is updated."""
        return self.b * self.d * self.l * self.n

    def inputs(self) -> Inputs:
        """Draw random inputs, steps before softplus around those of a fresh model."""
        A, D = -torch.arange(1.0, self.n + 1).repeat(self.d, 1), torch.ones(self.d)
        if self.op == "lti_scan":
            B, C = torch.randn(2, self.d, self.n)
            x = torch.randn(self.b, self.l, self.d)
            return {"x": x, "delta": 0.1 * torch.rand(self.d), "A": A, "B": B, "C": C, "D": D}
        bias = torch.zeros(self.d)
        if self.op == "selective_scan_2d":
            side = round(self.l**0.5)
            own, weights = (
                (self.b, side, side, self.g, self.d // self.g),
                (self.b, side, side, self.g, self.n),
            )
            delta, B, C = 0.3 * torch.randn(own) - 4, torch.randn(weights), torch.randn(weights)
            x = torch.randn(self.b, side, side, self.d // self.g)
            return {"x": x, "delta": delta, "A": A, "B": B, "C": C, "D": D, "delta_bias": bias}
        u, delta = self._sequence(self.d), 0.3 * self._sequence(self.d) - 4
        B, C = self._sequence(self.g, self.n), self._sequence(self.g, self.n)
        return {"u": u, "delta": delta, "A": A, "B": B, "C": C, "D": D, "delta_bias": bias}

    def _sequence(self, *sizes: int) -> Tensor:
        if self.channels_inner:
            return torch.randn(self.l, self.b, *sizes).movedim(0, -1)
        return torch.randn(self.b, *sizes, self.l)

    def scan(self, backend: str) -> Scan:
        """Run the operator on this backend."""
        run: Callable[..., Tensor] = getattr(ops, self.op)
        options = {} if self.op == "lti_scan" else {"delta_softplus": True}
        return lambda inputs: run(**inputs, **options, backend=backend)


SHAPES = {
    "full": (
        Shape("sequence", "selective_scan", "memory (b, d, l)", b=1, d=512, l=4096, n=16, g=4),
        Shape("inner", "selective_scan", "memory (l, b, d)", 1, 512, 4096, 16, 4, channels_inner=True),
        Shape("short", "selective_scan", "memory (b, d, l)", b=1, d=512, l=512, n=16, g=4),
        Shape("stage1", "selective_scan_2d", "GLMamba base, stage 1", b=2, d=384, l=4096, n=16, g=4),
        Shape("stage2", "selective_scan_2d", "GLMamba base, stage 2", b=2, d=768, l=1024, n=16, g=4),
        Shape("stage3", "selective_scan_2d", "GLMamba base, stage 3", b=2, d=1536, l=256, n=16, g=4),
        Shape("stage4", "selective_scan_2d", "GLMamba base, stage 4", b=2, d=3072, l=64, n=16, g=4),
        Shape("lti", "lti_scan", "SSA-Mamba paper, 64 patches", b=64, d=512, l=49, n=16),
    ),
    "small": (
        Shape("sequence", "selective_scan", "memory (b, d, l)", b=1, d=8, l=12, n=4, g=2),
        Shape("stage1", "selective_scan_2d", "a map", b=1, d=16, l=16, n=4, g=4),
        Shape("lti", "lti_scan", "tokens", b=2, d=8, l=9, n=4),
    ),
}


def cases(size: str, long: bool) -> Iterator[Case]:
    """Yield every shape, forward without gradients and forward + backward."""
    for shape in SHAPES[size]:
        yield _case(shape, "forward", long)
        yield _case(shape, "training", long)


def absent() -> dict[str, str]:
    """Return what could be compared with and is not there, with the reason."""
    _, missing = find()
    return missing | ({"native": native_library.REASON} if native_library.REASON else {})


def warm_up() -> None:
    """Run every way once at a tiny size: the first call of a backend loads what all later ones use."""
    for case in cases("small", long=True):
        for work in case.works().values():
            work()


def _case(shape: Shape, mode: str, long: bool) -> Case:
    ways = tuple(_ways(shape))
    too_long = QUADRATIC - ({LOOP} if long and shape.key == PATIENT else set())
    left_out = {
        name: f"its backward pass is quadratic in l; run at l {LONGEST} and less"
        for name in ways
        if mode == "training" and shape.l > LONGEST and name in too_long
    }
    return Case(
        key=f"{shape.key} {mode}",
        title=f"{shape}; {'forward' if mode == 'forward' else 'forward + backward'}",
        amount=shape.updates,
        unit="updates",
        ways=ways,
        left_out=left_out,
        works=partial(_works, shape, mode, frozenset(left_out)),
        facts={"op": shape.op, "mode": mode, "updates": shape.updates, "bytes": _least_bytes(shape)},
    )


def _works(shape: Shape, mode: str, left_out: frozenset[str]) -> Mapping[str, Work]:
    inputs = {name: x.requires_grad_() for name, x in shape.inputs().items()}
    weights = torch.randn_like(next(iter(inputs.values())))

    def forward(scan: Scan) -> None:
        with torch.no_grad():
            scan(inputs)

    def training(scan: Scan) -> None:
        torch.autograd.grad(scan(inputs), list(inputs.values()), weights)

    run = forward if mode == "forward" else training
    return {name: partial(run, scan) for name, scan in _ways(shape).items() if name not in left_out}


def _ways(shape: Shape) -> dict[str, Scan]:
    """Every backend that can run here, the native one at every instruction set, and other packages."""
    there = timed_backends(shape.op)
    # The loop first: everything else is compared with it.
    ways = {name: shape.scan(name) for name in sorted(there, key=lambda name: name != LOOP)}
    for level in native_library.levels()[1:]:
        ways[f"native-{level}"] = partial(_at_level, level, ways["native"])
    if shape.op == "selective_scan":
        ways |= find()[0]
    return ways


def _at_level(level: str, scan: Scan, inputs: Inputs) -> Tensor:
    before = native_library.use_level(level)
    try:
        return scan(inputs)
    finally:
        native_library.use_level(before)


def _least_bytes(shape: Shape) -> int:
    """Bytes that a forward pass cannot avoid to move: inputs read once, outputs written once."""
    tokens, weights = shape.b * shape.l, shape.b * shape.l * shape.g * shape.n
    if shape.op == "lti_scan":
        return FLOAT_BYTES * 2 * tokens * shape.d
    maps = 2 * tokens * (shape.d // shape.g if shape.op == "selective_scan_2d" else shape.d)
    return FLOAT_BYTES * (maps + tokens * shape.d + 2 * weights)
