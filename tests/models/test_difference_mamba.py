"""This project's own change detector: shapes, symmetry, gradients, meanings, any size."""

import pytest
import torch

from terramamba.core.errors import InputError
from terramamba.models.difference_mamba import weights_of_before
from terramamba.models.registry import create_model


def model(**options):
    return create_model("difference_mamba", in_channels=3, width=16, d_state=2, **options)


@pytest.mark.parametrize("size", [(64, 48), (37, 51), (3, 20), (1, 1)])
def test_any_size_gives_a_logit_for_each_pixel(size, seed):
    assert model().eval()(torch.randn(2, 2, 3, *size)).shape == (2, 1, *size)


def test_exchanging_the_dates_changes_nothing(seed):
    x, net = torch.randn(1, 2, 3, 40, 33), model().eval()
    torch.testing.assert_close(net(x), net(x.flip(1)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("own", [False, True])
def test_every_parameter_gets_a_gradient_from_both_dates(own, seed):
    net = model(meanings=2, own_encoders=own)
    x = torch.randn(2, 2, 3, 32, 32, requires_grad=True)
    net(x, torch.tensor([0, 1])).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert (x.grad.abs().sum(dim=(0, 2, 3, 4)) > 0).all()


@pytest.mark.parametrize("own", [False, True])
def test_each_meaning_has_a_decoder_and_the_first_is_the_default(own, seed):
    net, x = model(meanings=3, own_encoders=own).eval(), torch.randn(4, 2, 3, 32, 32)
    found = [net(x, torch.full((4,), meaning)) for meaning in range(3)]
    assert not torch.allclose(found[0], found[2], atol=1e-3)
    torch.testing.assert_close(net(x), found[0])
    mixed = net(x, torch.tensor([2, 0, 1, 2]))
    wanted = torch.stack([found[2][0], found[0][1], found[1][2], found[2][3]])
    torch.testing.assert_close(mixed, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("own", [False, True])
def test_evaluated_it_also_sees_images_enlarged_for_the_meanings_that_ask_for_it(own, seed):
    net = model(meanings=2, finer=[1, 2], own_encoders=own).eval()
    x, meaning = torch.randn(2, 2, 3, 20, 27), torch.tensor([1, 0])
    found = net(x, meaning)
    net.finer = (1, 1)
    first = torch.tensor([1])
    enlarged = torch.nn.functional.interpolate(x[0], scale_factor=2, mode="bilinear")[None]
    alone = net(enlarged, first).unflatten(2, (20, 2)).unflatten(4, (27, 2)).mean((3, 5))
    torch.testing.assert_close(found[:1], (net(x[:1], first) + alone) / 2, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1:], net(x[1:], meaning[1:]), rtol=1e-4, atol=1e-5)


def test_trained_it_sees_images_as_they_are(seed):
    net, seen = model(finer=[2]), []
    net.encoder.register_forward_hook(lambda _, given, __: seen.append(given[0].shape[-1]))
    net.train()(torch.randn(1, 2, 3, 20, 27))
    net.eval()(torch.randn(1, 2, 3, 20, 27))
    assert seen == [32, 32, 64]


@pytest.mark.parametrize("finer", [[], [0], [1, 2]])
def test_how_much_finer_is_a_number_for_each_meaning(finer):
    with pytest.raises(InputError, match=r"finer=.*; give a number of at least 1, or one for each meaning"):
        model(meanings=3, finer=finer)


def test_with_encoders_of_their_own_meanings_share_nothing(seed):
    net, x = model(meanings=2, own_encoders=True).eval(), torch.randn(1, 2, 3, 32, 32)
    first = net(x, torch.tensor([0]))
    with torch.no_grad():
        for name, value in net.named_parameters():
            if name.startswith(net.weights_of_meaning(1)):
                value.add_(1)
    torch.testing.assert_close(net(x, torch.tensor([0])), first)
    assert all(name.startswith(sum(map(net.weights_of_meaning, (0, 1)), ())) for name in net.state_dict())
    assert all(encoder.training for encoder in net.train().local_encoders)
    net.set_encoder_rate(0)
    assert not any(encoder.training for encoder in net.train().local_encoders)


@pytest.mark.parametrize("meanings", [1, 2])
def test_it_says_whether_a_batch_may_leave_weights_out(meanings, seed):
    """Processes that train together would wait for gradients that never come."""
    net = model(meanings=meanings)
    net(torch.randn(2, 2, 3, 32, 32), torch.zeros(2, dtype=torch.long)).square().sum().backward()
    assert any(p.grad is None for p in net.parameters()) is net.may_skip_weights is (meanings == 2)


def test_weights_of_when_meanings_shared_a_decoder_give_the_same(seed):
    """A gain and a shift for each meaning, after the batch norm: today they are that norm's own."""
    one, three = model().eval(), model(meanings=3).eval()
    of_one = {name.removeprefix("decoders.0."): value for name, value in one.state_dict().items()}
    conditions = {
        f"differences.{i}.condition.weight": torch.randn(3, 2 * len(d.project[1].weight))
        for i, d in enumerate(one.decoders[0].differences)
    }
    three.load_state_dict(weights_of_before({**of_one, **conditions}))
    x = torch.randn(1, 2, 3, 32, 32)
    for meaning in range(3):

        def conditioned(module, _inputs, normed, number=meaning):
            place = [d.project for d in one.decoders[0].differences].index(module)
            gain, shift = conditions[f"differences.{place}.condition.weight"][number].chunk(2)
            return normed * (1 + gain[:, None, None]) + shift[:, None, None]

        hooks = [d.project.register_forward_hook(conditioned) for d in one.decoders[0].differences]
        torch.testing.assert_close(three(x, torch.tensor([meaning])), one(x), rtol=1e-4, atol=1e-5)
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize("more", [{}, {"differences.0.condition.weight": torch.zeros(10**6, 2)}])
def test_weights_of_today_and_of_no_model_are_taken_as_they_are(more, seed):
    saved = {**model(meanings=2).state_dict(), **more}
    assert weights_of_before(saved) is saved
    damaged = {"differences.0.project.1.weight": torch.zeros(2), **more}
    assert weights_of_before(damaged) is damaged


@pytest.mark.parametrize("option", ["in_channels", "width", "d_state", "meanings"])
def test_sizes_below_one_are_refused(option):
    with pytest.raises(InputError, match=f"{option}=0; give a number of at least 1"):
        create_model("difference_mamba", **{"in_channels": 3, option: 0})


def test_without_scans_it_is_a_plain_network(seed):
    plain = model(mixed=0)
    assert not any("ss2d" in name for name, _ in plain.named_parameters())
    assert plain.eval()(torch.randn(1, 2, 3, 32, 32)).shape == (1, 1, 32, 32)
