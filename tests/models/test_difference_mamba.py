"""This project's own change detector: shapes, symmetry, gradients, meanings, any size."""

import pytest
import torch

from terramamba.core.errors import InputError
from terramamba.models.registry import create_model


def model(**options):
    return create_model("difference_mamba", in_channels=3, width=16, d_state=2, **options)


@pytest.mark.parametrize("size", [(64, 48), (37, 51), (3, 20), (1, 1)])
def test_any_size_gives_a_logit_for_each_pixel(size, seed):
    assert model().eval()(torch.randn(2, 2, 3, *size)).shape == (2, 1, *size)


def test_exchanging_the_dates_changes_nothing(seed):
    x, net = torch.randn(1, 2, 3, 40, 33), model().eval()
    torch.testing.assert_close(net(x), net(x.flip(1)), rtol=1e-4, atol=1e-5)


def test_every_parameter_gets_a_gradient_from_both_dates(seed):
    net, x = model(meanings=2), torch.randn(2, 2, 3, 32, 32, requires_grad=True)
    net(x, torch.tensor([0, 1])).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert (x.grad.abs().sum(dim=(0, 2, 3, 4)) > 0).all()


def test_meanings_differ_once_they_have_learnt_and_the_first_is_the_default(seed):
    net, x = model(meanings=3).eval(), torch.randn(1, 2, 3, 32, 32)
    torch.testing.assert_close(net(x, torch.tensor([0])), net(x, torch.tensor([2])))
    for difference in net.differences:
        torch.nn.init.normal_(difference.condition.weight)
    assert not torch.allclose(net(x), net(x, torch.tensor([2])))
    assert torch.equal(net(x), net(x, torch.tensor([0])))


@pytest.mark.parametrize("option", ["in_channels", "width", "d_state", "meanings"])
def test_sizes_below_one_are_refused(option):
    with pytest.raises(InputError, match=f"{option}=0; give a number of at least 1"):
        create_model("difference_mamba", **{"in_channels": 3, option: 0})


def test_without_scans_it_is_a_plain_network(seed):
    plain = model(mixed=0)
    assert not any("ss2d" in name for name, _ in plain.named_parameters())
    assert plain.eval()(torch.randn(1, 2, 3, 32, 32)).shape == (1, 1, 32, 32)
