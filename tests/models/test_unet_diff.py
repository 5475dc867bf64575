from pathlib import Path

import pytest
import torch
from torch import nn

from terramamba.core.errors import InputError
from terramamba.models import create_model, load_model, save_model


def small() -> nn.Module:
    return create_model("unet_diff", in_channels=3, width=4)


def settled(x: torch.Tensor) -> nn.Module:
    """A model whose batch norms have seen x, in evaluation mode."""
    model = small()
    with torch.no_grad():
        model(x)
    return model.eval()


def test_default_width_has_about_half_a_million_parameters() -> None:
    count = sum(p.numel() for p in create_model("unet_diff", in_channels=3).parameters())
    assert 400_000 < count < 600_000


@pytest.mark.parametrize(("h", "w"), [(256, 256), (100, 75), (33, 47), (17, 20), (3, 1)])
def test_any_size_gives_logits_of_that_size(h: int, w: int, seed: int) -> None:
    with torch.no_grad():
        logits = small().eval()(torch.randn(1, 2, 3, h, w))
    assert logits.shape == (1, 1, h, w)
    assert logits.isfinite().all()


def test_every_parameter_learns(seed: int) -> None:
    model = create_model("unet_diff", in_channels=5, num_classes=3, width=4)
    logits = model(torch.randn(2, 2, 5, 40, 32))
    assert logits.shape == (2, 3, 40, 32)
    (logits * torch.randn_like(logits)).sum().backward()
    assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]


def test_dates_may_be_exchanged_and_equal_dates_show_nothing(seed: int) -> None:
    x = torch.randn(2, 2, 3, 32, 40)
    model = settled(x)
    with torch.no_grad():
        torch.testing.assert_close(model(x), model(x.flip(1)))
        same = model(x[:, :1].expand(-1, 2, -1, -1, -1))
        # Features that cancel leave only what the decoder says of zeros, whatever is in the images.
        torch.testing.assert_close(same[0], same[1])
        assert not torch.allclose(model(x)[0], same[0])


def test_a_pair_does_not_depend_on_the_others_of_its_batch(seed: int) -> None:
    x = torch.randn(3, 2, 3, 24, 32)
    model = settled(x)
    with torch.no_grad():
        alone = torch.cat([model(pair[None]) for pair in x])
        torch.testing.assert_close(model(x), alone, rtol=1e-4, atol=1e-5)


def test_saved_and_loaded_it_answers_the_same(tmp_path: Path, seed: int) -> None:
    x = torch.randn(1, 2, 3, 32, 32)
    model = settled(x)
    saved = save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model", saved)
    assert saved.options["width"] == 4
    with torch.no_grad():
        assert torch.equal(model(x), loaded(x))


def test_impossible_width_is_refused() -> None:
    with pytest.raises(InputError, match="width=0"):
        create_model("unet_diff", in_channels=3, width=0)
