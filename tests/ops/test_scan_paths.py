"""The four ways through a map: what order they have, and that they lead back."""

import pytest
import torch

from terramamba.ops import SCAN_PATHS
from terramamba.ops.path_order import path_index

ORDERS = {
    "cross": [[0, 1, 2, 3, 4, 5], [0, 3, 1, 4, 2, 5], [5, 4, 3, 2, 1, 0], [5, 2, 4, 1, 3, 0]],
    "corners": [[0, 1, 2, 3, 4, 5], [2, 1, 0, 5, 4, 3], [3, 4, 5, 0, 1, 2], [5, 4, 3, 2, 1, 0]],
}
SIZES = [(1, 1), (1, 5), (4, 1), (3, 5), (7, 4), (6, 6)]


def in_map_order(name: str, sequences: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """Sequences (b, 4, c, l) with every path's tokens in row-major order of the map."""
    back = path_index(name, h, w, sequences.device).argsort(dim=1)
    return torch.stack([path[..., order] for path, order in zip(sequences.unbind(1), back, strict=True)], 1)


@pytest.mark.parametrize("name", SCAN_PATHS)
def test_order_on_a_small_map(name):
    scan, _ = SCAN_PATHS[name]
    assert scan(torch.arange(6).view(1, 1, 2, 3))[0, :, 0].tolist() == ORDERS[name]


@pytest.mark.parametrize("name", SCAN_PATHS)
@pytest.mark.parametrize(("h", "w"), SIZES)
def test_every_path_leads_back(seed, name, h, w):
    scan, merge = SCAN_PATHS[name]
    x = torch.randn(2, 3, h, w)
    sequences = scan(x)
    assert sequences.shape == (2, 4, 3, h * w)
    for path in in_map_order(name, sequences, h, w).unbind(1):
        assert torch.equal(path, x.flatten(2))
    torch.testing.assert_close(merge(sequences, h, w), 4 * x.flatten(2))


@pytest.mark.parametrize("name", SCAN_PATHS)
@pytest.mark.parametrize(("h", "w"), SIZES)
def test_merge_is_the_sum_of_the_paths_in_map_order_and_the_adjoint_of_the_scan(seed, name, h, w):
    scan, merge = SCAN_PATHS[name]
    x = torch.randn(2, 3, h, w, requires_grad=True)
    y = torch.randn(2, 4, 3, h * w)
    merged = merge(y, h, w)
    torch.testing.assert_close(merged, in_map_order(name, y, h, w).sum(1))
    (gradient,) = torch.autograd.grad(scan(x), x, y)
    torch.testing.assert_close(gradient.flatten(2), merged)


@pytest.mark.parametrize("name", SCAN_PATHS)
def test_memory_order_of_the_map_does_not_matter(seed, name):
    scan, merge = SCAN_PATHS[name]
    x = torch.randn(2, 3, 5, 4)
    across = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(scan(x), scan(across))
    y = torch.randn(5 * 4, 2, 4, 3).permute(1, 2, 3, 0)
    assert torch.equal(merge(y, 5, 4), merge(y.contiguous(), 5, 4))


@pytest.mark.parametrize("name", SCAN_PATHS)
def test_sequences_of_another_map_are_refused(name):
    with pytest.raises(ValueError, match=r"expected \(b, 4, c, 12\) for a map of 3 x 4"):
        SCAN_PATHS[name][1](torch.zeros(1, 4, 2, 13), 3, 4)
