"""Every backend of the selective scan against the float64 reference: outputs and all gradients."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import CORNERS, LAYOUTS, Case, assert_close, disturbed, error, wave
from scan_ways import FLOAT32, bounds, is_double, ways
from torch.utils.checkpoint import checkpoint

from programs import python
from terramamba.ops import scan_tiles, selective_scan

BACKENDS = pytest.mark.parametrize("backend", ways(), indirect=True)
DRAWN = 16


def check(case: Case, backend: str) -> None:
    inputs = case.inputs()
    truth = case.results(inputs, "reference")
    narrow = case.cast(inputs, torch.float32)
    plain = disturbed(case.results, narrow, "reference")
    assert_close(case.results(narrow, backend), truth, **FLOAT32, plain=plain)
    if is_double("selective_scan", backend):
        assert_close(case.results(inputs, backend), truth, outputs=1e-11, gradients=1e-8)
    else:
        assert_close(case.results(inputs, backend), truth, **FLOAT32, plain=plain)


@BACKENDS
@pytest.mark.parametrize("case", CORNERS, ids=str)
def test_corner_cases(seed, poison, case, backend):
    check(case, backend)


@BACKENDS
@pytest.mark.parametrize("number", range(DRAWN))
def test_drawn_cases(seed, poison, number, backend):
    case = Case.draw(np.random.default_rng(seed))
    print(case)
    check(case, backend)


@settings(max_examples=25, deadline=None, print_blob=True)
@given(
    sizes=st.tuples(*(st.integers(1, 7) for _ in range(4)), st.integers(1, 3)),
    flags=st.tuples(*(st.booleans() for _ in range(5))),
    layout=st.sampled_from(LAYOUTS),
    cuts=st.tuples(st.integers(1, 40), st.integers(1, 200), st.integers(1, 60), st.integers(1, 3)),
    draw=st.integers(0, 2**32 - 1),
)
def test_however_the_work_is_cut_up(sizes, flags, layout, cuts, draw):
    l, c, n, b, g = sizes  # noqa: E741
    torch.manual_seed(draw)
    case = Case(l, c * g, n, g, b, *flags, layout)
    names = ("SLICE_STATES", "TILE_STATES", "CHUNK_INPUTS", "FEWEST_STEPS")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(names, cuts, strict=True):
            patch.setattr(scan_tiles, name, value)
        check(case, "pytorch")


@BACKENDS
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_inputs(seed, dtype, backend):
    case = Case(l=65, d=16, n=4, g=4)
    halves = case.inputs(dtype)
    wide = case.cast(halves, torch.float64)
    got, truth = case.results(halves, backend), case.results(wide, "reference")
    assert got["last"].dtype == torch.float32
    assert {x.dtype for k, x in got.items() if k != "last"} == {dtype}
    # Everything inside is float32, so that only the rounding of the results is left.
    half = torch.finfo(dtype).eps / 2
    assert_close(got, truth, outputs=half, gradients=half)


@pytest.mark.parametrize("backend", [*ways(), "reference"], indirect=True)
def test_parameters_may_be_wider_than_inputs(seed, backend):
    case = Case(l=9)
    inputs = case.inputs(torch.float32)
    for name in ("u", "delta", "B", "C"):
        inputs[name] = inputs[name].detach().bfloat16().requires_grad_()
    got = case.results(inputs, backend)
    assert {k: x.dtype for k, x in got.items() if k in inputs} == {k: x.dtype for k, x in inputs.items()}
    assert got["y"].dtype == torch.bfloat16


@BACKENDS
@pytest.mark.parametrize("zoh", [False, True])
def test_extreme_steps_are_finite_and_right(seed, zoh, backend):
    """Delta*A from -1e-6 to -80, and A = 0, at once."""
    case = Case(l=65, d=16, n=17, zoh=zoh, softplus=False, bias=False)
    inputs = case.inputs()
    A = -torch.logspace(-6, np.log10(80), 16 * 17).view(16, 17)
    A[0, 0] = 0
    inputs["A"] = A.double().requires_grad_()
    inputs["delta"] = torch.ones(2, 16, 65).double().requires_grad_()
    truth = case.results(inputs, "reference")
    got = case.results(case.cast(inputs, torch.float32), backend)
    assert all(torch.isfinite(x).all() for x in got.values())
    assert_close(got, truth, **FLOAT32)


@BACKENDS
def test_two_halves_with_the_state_carried_over_equal_the_whole(seed, backend):
    case = Case(l=131, d=6, n=4, g=2)
    inputs = case.inputs()
    whole = case.results(inputs, backend)
    cut, first_state = 64, inputs["initial_state"]
    parts = {k: inputs[k] for k in ("A", "D", "delta_bias")}
    sequences = {k: inputs[k] for k in ("u", "delta", "B", "C")}
    y1, middle = case.scan(
        {**parts, "initial_state": first_state, **{k: x[..., :cut] for k, x in sequences.items()}}, backend
    )
    y2, last = case.scan(
        {**parts, "initial_state": middle, **{k: x[..., cut:] for k, x in sequences.items()}}, backend
    )
    y = torch.cat([y1, y2], dim=-1)
    loss = (y * wave(y)).sum() + (last * wave(last)).sum()
    gradients = torch.autograd.grad(loss, list(inputs.values()))
    halves = {"y": y, "last": last, **dict(zip(inputs, gradients, strict=True))}
    assert_close(halves, whole, **bounds("selective_scan", backend, outputs=1e-13, gradients=1e-12))


@BACKENDS
def test_autocast_keeps_float32_inside(seed, backend):
    case = Case(l=65, d=16, g=4)
    inputs = case.inputs(torch.float32)
    plain = case.results(inputs, backend)
    with torch.autocast("cpu", torch.bfloat16):
        under = case.results(inputs, backend)
    assert all(torch.equal(plain[k], under[k]) for k in plain)
    assert under["y"].dtype == torch.float32


@BACKENDS
@pytest.mark.parametrize("layout", LAYOUTS)
def test_inputs_are_left_alone_and_results_repeat(seed, layout, backend):
    for case in (Case(l=70, d=16, g=4, b=3, layout=layout), Case(l=1, d=1, n=1, b=1, layout=layout)):
        inputs = case.inputs(torch.float32)
        before = {k: x.detach().clone() for k, x in inputs.items()}
        once, again = case.results(inputs, backend), case.results(inputs, backend)
        assert all(torch.equal(inputs[k], x) for k, x in before.items())
        assert all(torch.equal(once[k], again[k]) for k in once)


@BACKENDS
def test_little_is_kept_for_the_backward_pass(seed, backend):
    """The work of a backward pass is linear in l, and what is kept is far less than all the states."""
    case = Case(l=1024, d=32, n=16, b=1)
    inputs = case.inputs(torch.float32)
    kept: dict[int, int] = {}

    def note(x: torch.Tensor) -> torch.Tensor:
        kept[x.data_ptr()] = x.nelement() * x.element_size()
        return x

    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        y, _ = case.scan(inputs, backend)
    given = {x.data_ptr() for x in inputs.values()}
    extra = sum(size for pointer, size in kept.items() if pointer not in given)
    assert 0 < extra <= y.nelement() * case.n * 4 / 16
    nodes, stack = set(), [y.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in nodes:
            nodes.add(node)
            stack += [parent for parent, _ in node.next_functions]
    assert len(nodes) < 20


@BACKENDS
def test_recomputed_activations_give_the_same(seed, backend):
    case = Case(l=70, d=8, g=2)
    inputs = case.inputs(torch.float32)
    found = []
    for scan in (case.scan, partial(checkpoint, case.scan, use_reentrant=False)):
        y, last = scan(inputs, backend)
        loss = (y * wave(y)).sum() + (last * wave(last)).sum()
        found.append((y, last, *torch.autograd.grad(loss, list(inputs.values()))))
    assert all(map(torch.equal, *found))


@BACKENDS
def test_nothing_is_kept_without_gradients(seed, backend):
    case = Case(l=64)
    inputs = case.inputs(torch.float32)
    want = case.scan(inputs, backend)[0].detach()
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            y, last = case.scan(inputs, backend)
        assert torch.equal(y, want)
        assert not y.requires_grad
        assert not last.requires_grad
    plain = {k: x.detach() for k, x in inputs.items()}
    assert torch.equal(case.scan(plain, backend)[0], want)


@BACKENDS
def test_gradients_of_some_inputs_only(seed, backend):
    case = Case(l=20, d=4, g=2)
    inputs = case.inputs()
    full = case.results(inputs, backend, last=False)
    for name in inputs:
        some = {k: x.detach().requires_grad_(k == name) for k, x in inputs.items()}
        y, _ = case.scan(some, backend)
        (gradient,) = torch.autograd.grad((y * wave(y)).sum(), some[name])
        assert error(gradient, full[name]) < 1e-12


@BACKENDS
def test_gradient_of_the_last_state_alone(seed, backend):
    case = Case(l=20, d=4)
    inputs = case.inputs()
    got, want = (
        torch.autograd.grad(
            case.scan(inputs, name)[1].sin().sum(), list(inputs.values()), materialize_grads=True
        )
        for name in (backend, "reference")
    )
    bound = bounds("selective_scan", backend, gradients=1e-10)["gradients"]
    assert all(error(a, b) < bound for a, b in zip(got, want, strict=True) if b.any())


@pytest.mark.parametrize("backend", [*ways(), "reference"], indirect=True)
@pytest.mark.parametrize("case", [Case(b=0, l=6, D=False), Case(b=0, l=70, n=17, g=4, zoh=True)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_an_empty_batch_gives_empty_results_and_gradients_of_zero(seed, poison, backend, case, dtype):
    inputs = case.inputs(dtype)
    got = case.results(inputs, backend)
    assert got["y"].shape == (0, 8, case.l)
    assert got["last"].shape == (0, 8, case.n)
    for name, x in inputs.items():
        assert torch.equal(got[name], torch.zeros_like(x)), name


def test_a_compiler_leaves_the_loop_of_pytorch_alone():
    """Unrolled, the steps would take minutes to compile. In a process without checks of annotations."""
    code = """
import torch
from terramamba.ops import selective_scan
u, delta, A = torch.randn(2, 4, 300, requires_grad=True), torch.rand(2, 4, 300), -torch.rand(4, 3)
B, C = torch.randn(2, 3, 300), torch.randn(2, 3, 300)
scan = lambda u: selective_scan(2 * u, delta, A, B, C, backend="pytorch").sin()
torch._dynamo.config.error_on_recompile = True
compiled = torch.compile(scan, backend="eager")
results = [(y, *torch.autograd.grad(y.sum(), u)) for y in (scan(u), compiled(u))]
assert all(map(torch.equal, *results))
"""
    python("-c", code, check=True, timeout=120)


def test_without_last_state_only_outputs_come_back(seed):
    inputs = {k: x.detach() for k, x in Case().inputs().items()}
    assert isinstance(selective_scan(**inputs), torch.Tensor)
