"""Losses against their formulas in float64 NumPy, learning rates against theirs."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from terramamba.models.model import Model
from terramamba.training.config import learning_rate, make_optimizer
from terramamba.training.losses import change_loss, class_loss, token_class_loss
from terramamba.training.recipes import settled
from terramamba.training.settings import ChangeLoss, TrainConfig


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def pair(seed):
    """Logits, and a mask of unchanged, changed (two spellings) and unknown pixels."""
    mask = torch.tensor([0, 0, 1, 7, 255])[torch.randint(0, 5, (3, 8, 9))]
    return torch.randn(3, 8, 9) * 3, mask


@pytest.mark.parametrize("weight", [None, 4.0])
@pytest.mark.parametrize("kind", get_args(ChangeLoss))
def test_change_losses_are_their_formulas(pair, kind, weight):
    logits, mask = pair
    known = mask.numpy() != 255
    x, y = logits.double().numpy()[known], (mask.numpy()[known] != 0).astype(float)
    p = sigmoid(x)
    each = -(weight or 1.0) * y * np.log(p) - (1 - y) * np.log1p(-p)
    if kind == "focal":
        each = each * (1 - np.where(y == 1, p, 1 - p)) ** 2
    wanted = each.mean()
    if kind == "bce_dice":
        wanted += 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
    assert change_loss(logits, mask, kind, weight).item() == pytest.approx(wanted, rel=1e-5)


def test_unknown_pixels_have_no_gradient(pair):
    logits, mask = pair
    logits.requires_grad_()
    for kind in get_args(ChangeLoss):
        (gradient,) = torch.autograd.grad(change_loss(logits, mask, kind), logits)
        assert (gradient[mask == 255] == 0).all()
        assert (gradient[mask != 255] != 0).any()
        (nothing,) = torch.autograd.grad(change_loss(logits, torch.full_like(mask, 255), kind), logits)
        assert (nothing == 0).all()


def test_losses_stay_finite_at_certain_logits():
    logits, mask = torch.tensor([[[200.0, -200.0]]], requires_grad=True), torch.tensor([[[0, 1]]])
    for kind in get_args(ChangeLoss):
        loss = change_loss(logits, mask, kind)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert math.isfinite(loss.item())
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("weights", [None, [1.0, 3.0, 0.5]])
def test_class_losses_are_weighted_means(seed, weights):
    logits, label = torch.randn(2, 3, 4, 5), torch.randint(-1, 3, (2, 4, 5))
    label[0, 0, 0] = 1
    tensor = None if weights is None else torch.tensor(weights)
    x = logits.double().movedim(1, -1).numpy().reshape(-1, 3)
    y = label.numpy().ravel()
    logp = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    w = np.array(weights or [1.0] * 3)[y[y >= 0]]
    wanted = -(w * logp[y >= 0, y[y >= 0]]).sum() / w.sum()
    assert token_class_loss(logits, label, tensor).item() == pytest.approx(wanted, rel=1e-5)
    flat = torch.from_numpy(x[y >= 0]).float(), torch.from_numpy(y[y >= 0])
    assert class_loss(*flat, tensor).item() == pytest.approx(wanted, rel=1e-5)
    assert token_class_loss(logits, torch.full_like(label, -1), tensor).item() == 0


def test_cosine_schedule_rises_then_falls_to_zero():
    config = settled(TrainConfig(epochs=10, lr=2.0, schedule="cosine", warmup_epochs=2))
    rates = [learning_rate(config, epoch, step, 5) for epoch in range(10) for step in range(5)]
    assert rates[:10] == pytest.approx([0.2 * (k + 1) for k in range(10)])
    wanted = [1 + math.cos(math.pi * k / 40) for k in range(40)]
    assert rates[10:] == pytest.approx(wanted)
    assert 0 < rates[-1] < 0.01


def test_poly_schedule_falls_epoch_by_epoch():
    config = settled(TrainConfig(epochs=4, lr=1.0, schedule="poly", poly_power=0.9))
    rates = [learning_rate(config, epoch, step, 3) for epoch in range(4) for step in range(3)]
    assert rates == pytest.approx([(1 - epoch / 4) ** 0.9 for epoch in range(4) for _ in range(3)])
    constant = settled(TrainConfig(epochs=4, lr=0.5, schedule="constant"))
    assert {learning_rate(constant, epoch, 0, 3) for epoch in range(4)} == {0.5}


class Scaled(Model):
    """A matrix, and a scale without decay where ``spared``."""

    def __init__(self, spared):
        super().__init__()
        self.matrix, self.scale = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
        self.spared = spared

    def parameter_groups(self, weight_decay):
        groups = [{"params": [self.matrix], "weight_decay": weight_decay}]
        return groups + ([{"params": [self.scale], "weight_decay": 0.0}] if self.spared else [])


def test_optimiser_uses_the_parameter_groups_of_the_model():
    config = settled(TrainConfig(epochs=1, optimizer="adamw", weight_decay=0.1))
    plain = make_optimizer(Scaled(spared=False), config)
    assert isinstance(plain, torch.optim.AdamW)
    assert [group["weight_decay"] for group in plain.param_groups] == [0.1]
    grouped = make_optimizer(Scaled(spared=True), settled(TrainConfig(epochs=1, weight_decay=0.1)))
    assert isinstance(grouped, torch.optim.Adam)
    assert [group["weight_decay"] for group in grouped.param_groups] == [0.1, 0.0]
