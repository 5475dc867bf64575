"""Attention is read as the model computes it, and reading it changes nothing."""

import numpy as np
import pytest
import torch

from terramamba.explain.attention import QUERIES, attention_facts, classify_patches, effective_tokens
from terramamba.models.registry import create_model

SIDE = 5


def make_model(**options):
    model = create_model("ssa_mamba", preset="tiny", in_channels=6, num_classes=3, depth=2, **options).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("query.weight", "key.weight")):
                weight *= 30  # fresh weights ask all tokens alike, which would hide mistakes
    return model


def test_the_model_answers_as_if_nobody_looked(seed) -> None:
    model, images = make_model(), torch.rand(9, 6, SIDE, SIDE)
    with torch.no_grad():
        alone = model(images)
    logits, _ = classify_patches(model, images, torch.device("cpu"))
    torch.testing.assert_close(logits, alone, rtol=0, atol=0)


@pytest.mark.parametrize("attention", ["asymmetric", "reversed", "symmetric"])
def test_weights_are_those_of_queries_and_keys(attention, seed) -> None:
    model, images = make_model(attention=attention), torch.rand(4, 6, SIDE, SIDE)
    outputs = {}
    modules = [m for block in model.blocks for way in block.attention for m in (way.query, way.key)]
    hooks = [m.register_forward_hook(lambda m, _i, out: outputs.update({m: out})) for m in modules]
    _, asked = classify_patches(model, images, torch.device("cpu"))
    for hook in hooks:
        hook.remove()
    seen = [outputs[m].double().numpy() for m in modules]
    ways = 2 if attention == "symmetric" else 1
    assert asked.weights.shape == (4, len(QUERIES), 2 * ways, 2, SIDE, SIDE)
    assert len(asked.maps) == 2 * ways
    np.testing.assert_allclose(asked.weights.sum(axis=(-2, -1)), 1, rtol=1e-5)
    unlike = 0.0
    for place in range(2 * ways):
        q, k = (x.reshape(4, SIDE**2, 2, -1) for x in seen[2 * place : 2 * place + 2])
        score = np.einsum("bind,bjnd->bnij", q, k) / np.sqrt(q.shape[-1])
        weights = np.exp(score - score.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        unlike = max(unlike, float(weights.max()))
        found = asked.weights[:, :, place].reshape(4, len(QUERIES), 2, -1)
        np.testing.assert_allclose(found[:, 0], weights[:, :, SIDE**2 // 2], atol=1e-5)
        np.testing.assert_allclose(found[:, 1], weights.mean(axis=2), atol=1e-5)
    assert unlike > 2 / SIDE**2


@pytest.mark.parametrize("options", [{"attention": "none"}, {"branches": "spatial"}])
def test_a_model_without_attention_has_none(options, seed) -> None:
    logits, asked = classify_patches(make_model(**options), torch.rand(2, 6, 3, 3), torch.device("cpu"))
    assert logits.shape == (2, 3)
    assert asked is None


def test_maps_are_named_after_blocks_and_directions() -> None:
    images = torch.rand(1, 6, 3, 3)
    _, asked = classify_patches(make_model(), images, torch.device("cpu"))
    assert asked.maps == ("block 1", "block 2")
    _, asked = classify_patches(make_model(attention="symmetric"), images, torch.device("cpu"))
    assert asked.maps[1] == "block 1, spectral asks spatial"


def test_tokens_asked_counts_the_tokens_that_share_the_weight(seed) -> None:
    count = int(np.random.default_rng(seed).integers(1, SIDE**2 + 1))
    weights = np.zeros((SIDE, SIDE))
    weights.flat[:count] = 1 / count
    assert effective_tokens(weights) == pytest.approx(count)


def test_facts_are_of_all_patches(seed) -> None:
    _, asked = classify_patches(make_model(), torch.rand(3, 6, SIDE, SIDE), torch.device("cpu"))
    first, second = attention_facts(asked)
    assert (first["map"], second["map"]) == asked.maps
    assert 1 <= first["tokens_asked_by_centre"] <= SIDE**2
    assert np.mean(first["tokens_asked_by_head"]) == pytest.approx(first["tokens_asked_by_centre"])
    assert first["centre_asks_itself"] == pytest.approx(
        asked.weights[:, 0, 0, :, SIDE // 2, SIDE // 2].mean(), rel=1e-4
    )
