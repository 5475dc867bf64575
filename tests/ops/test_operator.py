"""The CPU kernel as an operator of PyTorch: its own checks of operators, and its compiler."""

from pathlib import Path

import pytest
import torch
from kernel_cases import ARGUMENTS, draw_path_index, inputs_of
from scan_cases import Case, wave

from programs import python
from terramamba.ops.native_library import REASON, levels

pytestmark = pytest.mark.skipif(not levels(), reason=f"no native kernel: {REASON}")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("on_paths", [False, True])
def test_pytorch_accepts_the_scan_as_an_operator(seed, unchecked, dtype, on_paths):
    case = Case(l=37, d=8, g=2, zoh=on_paths, D=on_paths, state=not on_paths, layout="strided channels")
    inputs = inputs_of(case, on_paths=on_paths, dtype=dtype)
    path_index = draw_path_index(case) if on_paths else None
    options = (path_index, case.softplus, case.zoh)
    given = [inputs.get(k) for k in ARGUMENTS]
    bare = [None if x is None else x.detach() for x in given]
    scan, gradients = torch.ops.terramamba.native_scan, torch.ops.terramamba.native_scan_backward
    torch.library.opcheck(scan.default, (*given, *options, True))
    torch.library.opcheck(scan.default, (*bare, *options, False))
    y, last, saved_states = scan(*bare, *options, True)
    torch.library.opcheck(
        gradients.default, (wave(y).to(dtype), wave(last).float(), saved_states, *bare, *options)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_pytorch_accepts_the_convolution_as_an_operator(seed, dtype):
    x = torch.randn(3, 20, 5).to(dtype).transpose(1, 2).requires_grad_()
    k = torch.randn(20, 5).to(dtype).requires_grad_()
    torch.library.opcheck(torch.ops.terramamba.native_convolution.default, (x, k))
    bare = (torch.randn(3, 5, 20).to(dtype), x.detach(), k.detach())
    torch.library.opcheck(torch.ops.terramamba.native_convolution_backward.default, bare)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("with_D", [False, True])
def test_pytorch_accepts_the_sums_of_exponentials_as_an_operator(seed, dtype, with_D):
    z, w = (-torch.rand(5, 3)).to(dtype).requires_grad_(), torch.randn(5, 3).to(dtype).requires_grad_()
    D = torch.randn(5).to(dtype).requires_grad_() if with_D else None
    torch.library.opcheck(torch.ops.terramamba.native_exponentials.default, (z, w, D, 20))
    bare = (torch.randn(20, 5).t(), z.detach(), w.detach())
    torch.library.opcheck(torch.ops.terramamba.native_exponentials_backward.default, bare)


def test_compiled_without_a_break_the_scans_give_the_same(seed):
    done = python(Path(__file__).with_name("compiled_scans.py"), seed, timeout=200)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
