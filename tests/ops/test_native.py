"""The CPU kernel at every instruction set of this processor: any size, type and number of threads."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_cases import ARGUMENTS, draw_path_index, inputs_of
from scan_cases import LAYOUTS, SEQUENCES, Case, assert_close, disturbed, laid_out, wave
from scan_ways import FLOAT32, NATIVE, at_level
from torch import Tensor

from terramamba.ops import native_library, reference
from terramamba.ops.kernels import CONVOLUTIONS, SCANS, native_exponentials

pytestmark = pytest.mark.skipif(not NATIVE, reason=f"no native kernel: {native_library.REASON}")

AT_EVERY_LEVEL = pytest.mark.parametrize("backend", NATIVE, indirect=True)
DRAWN = settings(
    max_examples=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # ``poison`` is the same for all examples
)
LENGTHS = (1, 7, 8, 9, 49, 130)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the number of PyTorch's threads for a test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def along_paths(*arguments: object) -> tuple[Tensor, Tensor]:
    """The reference with the arguments of a registered kernel: every path written out as a sequence."""
    u, delta, A, B, C, D, delta_bias, state, path_index, softplus, zoh = arguments
    if path_index is not None:
        orders, groups = path_index.long().unbind(0), len(path_index)
        u, delta, B, C = (
            torch.cat([part[..., order] for part, order in zip(parts, orders, strict=True)], dim=1)
            for parts in ((u,) * groups, *(x.chunk(groups, dim=1) for x in (delta, B, C)))
        )
    kind = "zoh" if zoh else "euler"
    y, last = reference.selective_scan(u, delta, A, B, C, D, delta_bias, softplus, kind, state)
    if path_index is not None:
        parts = zip(y.chunk(groups, dim=1), orders, strict=True)
        y = torch.stack([part[..., order.argsort()] for part, order in parts]).sum(0)
    return y, last


def results(
    scan: Callable[..., tuple[Tensor, Tensor]],
    case: Case,
    inputs: dict[str, Tensor],
    path_index: Tensor | None,
) -> dict[str, Tensor]:
    """Outputs, last state and all gradients of a function of both."""
    y, last = scan(*(inputs.get(k) for k in ARGUMENTS), path_index, case.softplus, case.zoh)
    loss = (y.double() * wave(y)).sum() + (last.double() * wave(last)).sum()
    gradients = torch.autograd.grad(loss, list(inputs.values()))
    return {"y": y, "last": last, **dict(zip(inputs, gradients, strict=True))}


def convolved(convolution: Callable[..., Tensor], inputs: dict[str, Tensor], dy: Tensor) -> dict[str, Tensor]:
    """Outputs of x and k, and gradients."""
    given = {name: x.detach().requires_grad_() for name, x in inputs.items()}
    y = convolution(**given)
    gradients = torch.autograd.grad(y, [*given.values()], dy.to(y.dtype))
    return {"y": y, **dict(zip(given, gradients, strict=True))}


def summed(sums: Callable[..., Tensor], inputs: dict[str, Tensor], dk: Tensor) -> dict[str, Tensor]:
    """The kernel of a scan with constant parameters z, w and perhaps D, and gradients."""

    def kernel(z: Tensor, w: Tensor, D: Tensor | None = None) -> Tensor:
        return sums(z, w, D, dk.shape[1])

    return convolved(kernel, inputs, dk)


def widened(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: x.double() for name, x in inputs.items()}


def exponentials(z: Tensor, w: Tensor, D: Tensor | None, length: int) -> Tensor:
    """k_t = sum over n of w_n e^(t z_n), D more at t = 0."""
    k = torch.einsum("dn,dnt->dt", w, torch.exp(z[..., None] * torch.arange(length)))
    return k if D is None else k + D[:, None] * (torch.arange(length) == 0)


def by_definition(x: Tensor, k: Tensor) -> Tensor:
    """y_t = sum over j <= t of k_j x_{t-j}."""
    lags = torch.arange(x.shape[1])[:, None] - torch.arange(x.shape[1])
    matrix = torch.where(lags >= 0, k[:, lags.clamp(min=0)], 0.0)
    return torch.einsum("dts,bsd->btd", matrix, x)


def same(*several: dict[str, Tensor]) -> bool:
    """Whether all results are the same to the bit."""
    return all(torch.equal(x, others[k]) for k, x in several[0].items() for others in several[1:])


@DRAWN
@given(
    sizes=st.tuples(st.integers(1, 130), st.integers(1, 40), st.integers(1, 19), st.integers(1, 4)),
    b=st.integers(0, 3),
    flags=st.tuples(*(st.booleans() for _ in range(5))),
    layout=st.sampled_from(LAYOUTS),
    on_paths=st.booleans(),
    level=st.sampled_from(native_library.levels() or ("none",)),
    draw=st.integers(0, 2**32 - 1),
)
def test_scans_of_any_size(poison, sizes, b, flags, layout, on_paths, level, draw):
    length, channels, n, groups = sizes
    case = Case(length, channels * groups, n, groups, b, *flags, layout)
    torch.manual_seed(draw)
    inputs = inputs_of(case, on_paths=on_paths)
    path_index = draw_path_index(case) if on_paths else None
    wide = {k: x.detach().double().requires_grad_() for k, x in inputs.items()}
    with at_level(level):
        got = results(SCANS["native"], case, inputs, path_index)
    truth = results(along_paths, case, wide, path_index)
    assert_close(
        got, truth, **FLOAT32, plain=disturbed(partial(results, along_paths, case), inputs, path_index)
    )


@DRAWN
@given(
    b=st.integers(0, 20),
    length=st.integers(1, 130),
    d=st.integers(1, 40),
    layout=st.sampled_from(LAYOUTS),
    level=st.sampled_from(native_library.levels() or ("none",)),
    draw=st.integers(0, 2**32 - 1),
)
def test_convolutions_of_any_size(poison, b, length, d, layout, level, draw):
    torch.manual_seed(draw)
    with at_level(level):
        check_convolution(b, length, d, layout)


@AT_EVERY_LEVEL
@pytest.mark.parametrize("length", LENGTHS)
def test_convolutions_of_whole_and_broken_tiles(seed, poison, backend, length):
    for b, d in ((1, 1), (3, 16), (9, 33)):
        check_convolution(b, length, d, "time last")


def check_convolution(b: int, length: int, d: int, layout: str) -> None:
    x, k, dy = torch.randn(b, d, length), torch.randn(d, length), torch.randn(b, length, d)
    x = laid_out(x[:1].expand_as(x), layout).transpose(1, 2)
    k = laid_out(k, layout if layout != "expanded" else "time last")
    given = {"x": x, "k": k}
    got = convolved(CONVOLUTIONS["native"], given, dy)
    truth = convolved(by_definition, widened(given), dy)
    assert_close(got, truth, **FLOAT32, plain=disturbed(partial(convolved, by_definition), given, dy))


@AT_EVERY_LEVEL
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("with_D", [False, True])
def test_sums_of_exponentials_of_any_size(seed, poison, backend, length, with_D):
    for d, n in ((1, 1), (16, 4), (33, 7), (40, 16)):
        z, w, dk = -torch.rand(n, d).t(), torch.randn(d, n), torch.randn(d, length)
        given = {"z": z, "w": w} | ({"D": torch.randn(d)} if with_D else {})
        got = summed(native_exponentials, given, dk)
        truth = summed(exponentials, widened(given), dk)
        assert_close(got, truth, **FLOAT32, plain=disturbed(partial(summed, exponentials), given, dk))


@AT_EVERY_LEVEL
def test_results_do_not_depend_on_the_number_of_threads(seed, backend, threads):
    cases = [Case(l=70, d=d, n=5, g=4, b=b, zoh=bool(b % 2)) for d, b in ((4, 1), (100, 1), (36, 3))]
    drawn = [(case, inputs_of(case, on_paths=on), on) for case in cases for on in (False, True)]
    path_index = draw_path_index(cases[0])
    x, k, dy = torch.randn(21, 49, 70), torch.randn(70, 49), torch.randn(21, 49, 70)
    sums = {"z": -torch.rand(70, 6), "w": torch.randn(70, 6), "D": torch.randn(70)}
    found = []
    for number in (1, 2, 3):
        threads(number)
        found.append(
            [results(SCANS["native"], case, inputs, path_index if on else None) for case, inputs, on in drawn]
            + [convolved(CONVOLUTIONS["native"], {"x": x, "k": k}, dy), summed(native_exponentials, sums, k)]
        )
    assert all(same(*several) for several in zip(*found, strict=True))


def test_scans_of_several_python_threads_do_not_meet(seed):
    cases = [Case(l=200 + i, d=40, n=8, b=2, zoh=bool(i % 2), layout=LAYOUTS[i]) for i in range(4)]
    work = [partial(results, SCANS["native"], case, inputs_of(case), None) for case in cases]
    alone = [each() for each in work]
    with ThreadPoolExecutor(len(work)) as pool:
        for _ in range(5):
            together = list(pool.map(lambda each: each(), work))
            assert all(map(same, alone, together))


@AT_EVERY_LEVEL
def test_any_mixture_of_types_gives_what_float32_gives(seed, poison, backend):
    """Results are those of the same numbers in float32, rounded to each tensor's type."""
    types = itertools.cycle((torch.float64, torch.bfloat16, torch.float32, torch.float16))
    for case in (Case(l=40, d=12, g=4, layout=layout) for layout in LAYOUTS):
        for on_paths in (False, True):
            coarse = inputs_of(case, on_paths=on_paths, dtype=torch.float32)
            mixed = {
                k: laid_out(x.detach().to(next(types)), case.layout) if k in SEQUENCES else x.detach()
                for k, x in coarse.items()
            }
            mixed |= {
                "A": mixed["A"].half(),
                "D": mixed["D"].double(),
                "delta_bias": mixed["delta_bias"].half(),
            }
            mixed = {k: x.requires_grad_() for k, x in mixed.items()}
            single = {k: x.detach().float().requires_grad_() for k, x in mixed.items()}
            path_index = draw_path_index(case) if on_paths else None
            got, want = (results(SCANS["native"], case, given, path_index) for given in (mixed, single))
            assert {k: got[k].dtype for k in mixed} == {k: x.dtype for k, x in mixed.items()}
            assert (got["y"].dtype, got["last"].dtype) == (mixed["u"].dtype, torch.float32)
            assert same({k: x.to(got[k].dtype) for k, x in want.items()}, got)
        next(types)


@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16], ids=str)
def test_the_default_type_does_not_matter(seed, default):
    case, x, k = Case(), torch.randn(2, 5, 3), torch.randn(3, 5)
    inputs = inputs_of(case)
    runs = (
        partial(results, SCANS["native"], case, inputs, None),
        partial(convolved, CONVOLUTIONS["native"], {"x": x, "k": k}, x),
    )
    want = [run() for run in runs]
    torch.set_default_dtype(default)
    try:
        got = [run() for run in runs]
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(map(same, want, got))


@AT_EVERY_LEVEL
@pytest.mark.parametrize("zoh", [False, True])
def test_what_is_not_finite_stays_so_and_huge_steps_do_no_harm(seed, backend, zoh):
    case = Case(l=8, d=2, n=3, b=1, zoh=zoh, bias=False, D=False, state=False)
    clean = {k: x.detach() for k, x in inputs_of(case).items()}
    for name, value in itertools.product((*SEQUENCES, "A"), (torch.inf, -torch.inf, torch.nan, 1e20, -1e20)):
        spoiled = {k: x.clone() for k, x in clean.items()}
        spoiled[name][..., 0, 1] = value
        given = [spoiled.get(k) for k in ARGUMENTS]
        (got, _), (want, _) = (scan(*given, None, True, zoh) for scan in (SCANS["native"], along_paths))
        finite = torch.isfinite(want)
        assert torch.equal(torch.isfinite(got), finite), (name, value)
        torch.testing.assert_close(got[finite], want[finite], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("d", "n"), [(0, 3), (4, 0), (0, 0)])
def test_no_channels_and_no_states(d, n):
    case = Case(l=6, d=d, n=n, b=2)
    inputs = inputs_of(case)
    got, want = (results(scan, case, inputs, None) for scan in (SCANS["native"], along_paths))
    for name, x in want.items():
        torch.testing.assert_close(got[name], x)


def test_a_level_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"the kernel has no level 'sse9' here; there are: .*plain"):
        native_library.use_level("sse9")


def test_second_derivatives_are_refused(seed):
    x, k = torch.randn(2, 5, 3, requires_grad=True), torch.randn(3, 5)
    (gradient,) = torch.autograd.grad(CONVOLUTIONS["native"](x, k).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="no second derivative"):
        gradient.sum().backward()
