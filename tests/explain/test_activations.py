"""Activations and Grad-CAM of GLMamba beside second computations, and a model that stays as it was."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from terramamba.change.explain.explain import separation
from terramamba.explain.activations import change_evidence
from terramamba.models.registry import create_model

HEIGHT, WIDTH = 50, 71
CELLS = {1: 4, 2: 8, 3: 16, 4: 32}


def make(side=(HEIGHT, WIDTH), **options):
    model = create_model("glmamba", preset="nano", in_channels=2, **options).eval()
    return model, torch.randn(2, 2, *side), np.ones(side, bool)


def test_the_model_answers_as_if_nobody_looked(seed) -> None:
    model, images, usable = make()
    with torch.no_grad():
        alone = torch.sigmoid(model(images[None]))[0, 0].numpy()
    found = change_evidence(model, images, usable, 0.5)
    np.testing.assert_array_equal(found.probability, alone)
    assert not any(module._forward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_activations_are_those_of_the_models_own_features(seed) -> None:
    model, images, usable = make()
    layers = change_evidence(model, images, usable, 0.5).layers
    with torch.no_grad():
        features = model(images[None], return_features=True)[1]
    assert len(layers) == 12
    for layer in layers:
        maps = features[f"{layer.part.lower()}{layer.stage}"]
        maps = maps[:, ("before", "after").index(layer.date)] if layer.date else maps
        assert layer.cell == CELLS[layer.stage]
        rms = maps.square().mean(dim=1, keepdim=True).sqrt()
        padded = [-(-side // 32) * 32 for side in (HEIGHT, WIDTH)]
        full = F.interpolate(rms, size=padded, mode="bilinear")[0, 0, :HEIGHT, :WIDTH]
        np.testing.assert_allclose(layer.activation, full.numpy(), rtol=1e-4, atol=1e-6)


def test_grad_cam_beside_finite_differences(seed) -> None:
    model, images, usable = make(side=(32, 27))
    model, images = model.double().requires_grad_(seed % 2 == 0), images.double()  # frozen or not
    usable[:10] = False
    # Of distinct values, as random weights may answer the same for most pixels.
    distinct = np.unique(change_evidence(model, images, usable, 0.5).probability[usable])
    threshold = float(distinct[len(distinct) // 2])
    evidence = change_evidence(model, images, usable, threshold)
    assert 0 < evidence.explained.sum() < usable.sum()
    explained = torch.from_numpy(evidence.explained)
    layer = evidence.layers[torch.randint(len(evidence.layers), ()).item()]
    (module,) = (t.module for t in model.target_layers() if (t.part, t.stage) == (layer.part, layer.stage))
    date = 1 if layer.date == "after" else 0
    kept = []

    def scores(added: torch.Tensor) -> torch.Tensor:
        """The explained logits' sum with ``added`` (b, c) to the channels of the layer, for each b."""

        def push(_module, _inputs, output):
            kept.append(output.clone())
            dates = output.clone().unflatten(0, (-1, len(added)))  # CSAM has both dates, the first outermost
            dates[date] += added[:, :, None, None]
            return dates.flatten(0, 1)

        handle = module.register_forward_hook(push)
        with torch.no_grad():
            logits = model(images.expand(len(added), -1, -1, -1, -1))[:, 0]
        handle.remove()
        return (logits * explained).sum(dim=(1, 2))

    step = 1e-4
    scores(torch.zeros(1, 1, dtype=torch.float64))
    maps = kept[0][date]
    each = step * torch.eye(len(maps), dtype=torch.float64)
    weights = (scores(each) - scores(-each)) / (2 * step) / maps[0].numel()
    small = torch.relu((weights[:, None, None] * maps).sum(dim=0))
    full = F.interpolate(small[None, None], scale_factor=layer.cell, mode="bilinear")[0, 0]
    expected = full[:, :27].numpy()
    np.testing.assert_allclose(layer.cam, expected, rtol=1e-3, atol=1e-4 * max(expected.max(), 1e-6))


def test_parts_that_are_off_are_left_out(seed) -> None:
    model, images, usable = make(csam=False, csie=False, bfa="difference")
    assert change_evidence(model, images, usable, 0.5).layers == ()


def test_where_nothing_is_marked_all_usable_pixels_are_explained(seed) -> None:
    model, images, usable = make()
    usable[:, :9] = False
    found = change_evidence(model, images, usable, 1.1)
    np.testing.assert_array_equal(found.explained, usable)


def test_separation_is_the_area_under_the_roc_curve(seed) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 9, (20, 30)).astype(np.float32)
    marked, among = rng.random((2, 20, 30)) < [[[0.3]], [[0.8]]]
    assert separation(values, marked, among) == pytest.approx(roc_auc_score(marked[among], values[among]))
    assert np.isnan(separation(values, np.zeros_like(marked), among))
