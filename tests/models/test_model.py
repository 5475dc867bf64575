"""What every model of the registry answers, and that the answers are true."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.models import create_model, list_models, model_spec
from terramamba.models.model import Model

PRESETS = {"ssa_mamba": "tiny", "coupled_mamba": "tiny", "isolated_mamba": "tiny"}
PRESETS |= {"glmamba": "nano", "changemamba": "nano", "bit": "small", "changeformer": "small"}
HAS_BLOCKS = {"ssa_mamba", "coupled_mamba", "isolated_mamba", "glmamba", "changemamba"}
HAS_BLOCKS |= {"difference_mamba"}
WITHOUT_BF16 = {"svm", "random_forest", "cva", "pca_kmeans", "ir_mad"}
SAVED = Path(__file__).with_name("saved_weights.json")


def make(name: str) -> tuple[Model, Tensor]:
    """A small model and an input."""
    if model_spec(name).task == "change":
        return create_model(name, preset=PRESETS.get(name), in_channels=3), torch.rand(1, 2, 3, 40, 36)
    model = create_model(name, preset=PRESETS.get(name), in_channels=16, num_classes=3)
    return model, torch.rand(2, 16, 7, 7)


@pytest.mark.parametrize("name", list_models())
def test_every_model_answers_and_what_it_says_holds(name: str, seed: int) -> None:
    model, x = make(name)
    model.eval()
    assert isinstance(model, Model)
    assert model.spec_name == name
    assert (model.patch_size is None) == ("patch_size" not in model.options)
    parts = set(model.modules())
    blocks = model.checkpoint_blocks()
    assert parts.issuperset(blocks)
    assert len(set(blocks)) == len(blocks)
    assert bool(blocks) == (name in HAS_BLOCKS)
    grouped = [p for group in model.parameter_groups(0.1) for p in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, model.parameters()))
    assert parts.issuperset(layer.module for layer in model.target_layers())
    with torch.no_grad():
        logits = model(x)
        found = model.forward_features(x)
        with torch.autocast("cpu", torch.bfloat16):
            rough = model(x).float()
    assert torch.equal(found.logits, logits)
    for weights in found.attention.values():
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    # What has no products of matrices comes out the same under autocast.
    assert torch.equal(rough, logits) == (name in WITHOUT_BF16) == (not model.supports_bf16)


@pytest.mark.parametrize("name", list_models("classify"))
def test_tokens_are_classified_or_refused(name: str, seed: int) -> None:
    model, x = make(name)
    model.eval()
    if not model.classifies_tokens:
        with pytest.raises(InputError, match=f"{name}: this model does not classify the single pixels"):
            model.token_logits(x)
        return
    with torch.no_grad():
        tokens = model.token_logits(x)
        assert tokens.shape == (2, 3, 7, 7)
        torch.testing.assert_close(tokens.mean(dim=(2, 3)), model(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", list_models())
def test_an_empty_batch_gives_no_logits_and_gradients_of_zero(name: str, seed: int) -> None:
    model, x = make(name)
    found = model.eval()(x)
    statistics = {key: value.clone() for key, value in model.named_buffers() if "running" in key}
    model.train()
    logits = model(x[:0])
    assert logits.shape == (0, *found.shape[1:])
    assert logits.dtype == found.dtype
    if logits.requires_grad:
        logits.sum().backward()
        assert [key for key, p in model.named_parameters() if p.grad is None or p.grad.any()] == []
    assert [key for key, value in statistics.items() if not torch.equal(value, model.get_buffer(key))] == []
    if model.classifies_tokens:
        assert model.token_logits(x[:0]).shape == (0, *model.token_logits(x).shape[1:])
    for one, all_of_it in zip(
        model.eval().forward_features(x[:0]).maps.values(),
        model.forward_features(x).maps.values(),
        strict=True,
    ):
        assert one.shape == (0, *all_of_it.shape[1:])


@pytest.mark.parametrize("name", ["cva", "pca_kmeans", "ir_mad"])
def test_detectors_without_training_must_see_the_whole_image(name: str, seed: int) -> None:
    model, _ = make(name)
    assert model.whole_image
    x = torch.rand(1, 2, 3, 32, 32)
    x[:, 1, :, :16] = x[:, 0, :, :16] + 0.02 * torch.rand(3, 16, 32)  # hardly any change in the upper half
    whole, upper = model(x)[..., :16, :], model(x[..., :16, :])
    assert (whole > 0).float().mean() < 0.1 < (upper > 0).float().mean()


@pytest.mark.parametrize("name", list_models())
def test_weights_and_options_have_the_names_under_which_they_were_saved(name: str) -> None:
    """A change here is a change of the files: runs that were trained before it can no longer be read."""
    model, _ = make(name)
    names = "".join(f"{key} {tuple(value.shape)}\n" for key, value in model.state_dict().items())
    found = {"options": list(model.options), "weights": hashlib.sha256(names.encode()).hexdigest()[:16]}
    saved = json.loads(SAVED.read_text(encoding="utf-8"))
    assert found == saved.get(name), f"the line of a new model: {json.dumps({name: found})[1:-1]},"
