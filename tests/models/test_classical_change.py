from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.models import create_model, load_model, model_spec, save_model
from terramamba.models.baselines.cva import change_magnitude, otsu_threshold

DETECTORS = ["cva", "pca_kmeans"]


def made_up_pair(h: int = 48, w: int = 60, bands: int = 4) -> tuple[Tensor, Tensor]:
    """Two noisy dates of one scene, and where a block of it changed in all bands."""
    scene = torch.randn(bands, h, w)
    pair = torch.stack([scene, scene]) + 0.05 * torch.randn(2, bands, h, w)
    changed = torch.zeros(h, w, dtype=torch.bool)
    changed[10:30, 15:40] = True
    pair[1, :, changed] += 1.0
    return pair[None], changed


def two_humps() -> np.ndarray:
    rng = np.random.default_rng(torch.randint(2**31, ()).item())
    low, high = rng.normal(2.0, 0.5, rng.integers(500, 3000)), rng.normal(6.0, 1.0, rng.integers(500, 3000))
    return np.abs(np.concatenate([low, high])).astype(np.float32)


def test_otsu_is_the_best_of_all_partitions(seed: int) -> None:
    values = two_humps()
    counts, edges = np.histogram(values, bins=256, range=(values.min(), values.max()))
    centres = (edges[:-1] + edges[1:]) / 2

    def spread(last: int) -> float:
        """Otsu's other criterion, straight from its definition: variance inside the two classes."""
        total = 0.0
        for part in (slice(None, last + 1), slice(last + 1, None)):
            if counts[part].sum():
                mean = np.average(centres[part], weights=counts[part])
                total += (counts[part] * (centres[part] - mean) ** 2).sum()
        return total

    threshold = otsu_threshold(torch.from_numpy(values)).item()
    chosen = int(np.abs(centres - threshold).argmin())
    assert threshold == pytest.approx(centres[chosen], rel=1e-5)
    # Nearly: bins' edges in float32 and float64 may part a value or two differently.
    assert spread(chosen) <= 1.001 * min(spread(last) for last in range(255))


def test_magnitude_is_the_length_of_the_change_vector() -> None:
    x = torch.tensor([[[[[1.0]], [[2.0]]], [[[4.0]], [[6.0]]]]])
    assert change_magnitude(x).item() == 5.0


@pytest.mark.parametrize("name", DETECTORS)
def test_a_made_up_change_is_found(name: str, seed: int) -> None:
    x, changed = made_up_pair()
    logits = create_model(name, in_channels=4)(x)
    assert logits.shape == (1, 1, 48, 60)
    found = logits[0, 0] > 0
    hits = (found & changed).sum().item()
    assert hits / changed.sum().item() > 0.95
    assert hits / found.sum().item() > 0.95
    probability = torch.sigmoid(logits)
    assert probability.std() > 0.05  # not saturated: a map of probabilities says something
    assert probability.max() < 0.999


def test_cva_changes_sign_at_otsus_threshold(seed: int) -> None:
    x, _ = made_up_pair()
    magnitude = change_magnitude(x)
    logits = create_model("cva", in_channels=4)(x)[:, 0]
    assert torch.equal(logits > 0, magnitude > otsu_threshold(magnitude))


def test_cva_has_no_result_where_the_magnitude_overflows(seed: int) -> None:
    x = torch.rand(1, 2, 3, 8, 9, generator=torch.Generator().manual_seed(seed))
    x[0, 0, :, 2, 3] = 1e30
    model = create_model("cva", in_channels=3)
    logits = model(x)[0, 0]
    assert logits.isnan().nonzero().tolist() == [[2, 3]]
    valid = torch.ones(1, 8, 9, dtype=torch.bool)
    valid[0, 2, 3] = False
    torch.testing.assert_close(logits[valid[0]], model(x, valid=valid)[0, 0][valid[0]])


def test_pca_kmeans_smooths_what_cva_takes_for_change(seed: int) -> None:
    x, changed = made_up_pair()
    speck = (5, 50)
    assert not changed[speck]
    x[0, 1, :, speck[0], speck[1]] += 1.0
    assert create_model("cva", in_channels=4)(x)[0, 0][speck] > 0
    assert create_model("pca_kmeans", in_channels=4)(x)[0, 0][speck] < 0


@pytest.mark.parametrize("name", DETECTORS)
def test_pairs_of_a_batch_are_decided_each_by_itself(name: str, seed: int) -> None:
    x = torch.cat([made_up_pair()[0], 3 * made_up_pair()[0]])
    model = create_model(name, in_channels=4)
    torch.testing.assert_close(model(x), torch.cat([model(pair[None]) for pair in x]))
    assert torch.equal(model(x), model(x))


@pytest.mark.parametrize("name", DETECTORS)
def test_decisions_are_float32_under_autocast(name: str, seed: int) -> None:
    x, _ = made_up_pair()
    model = create_model(name, in_channels=4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(x)
    torch.testing.assert_close(logits, model(x))


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_no_difference_and_the_same_everywhere_are_unchanged(name: str, shift: float, seed: int) -> None:
    before = torch.randn(3, 9, 11).mul(8).round() / 8
    logits = create_model(name, in_channels=3)(torch.stack([before, before + round(shift * 8) / 8])[None])
    assert (logits < 0).all()


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize(("h", "w"), [(100, 75), (17, 20), (3, 2)])
def test_any_size(name: str, h: int, w: int, seed: int) -> None:
    logits = create_model(name, in_channels=3)(torch.randn(1, 2, 3, h, w))
    assert logits.shape == (1, 1, h, w)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", DETECTORS)
def test_they_have_nothing_to_learn_and_need_the_whole_image(name: str, tmp_path: Path, seed: int) -> None:
    model = create_model(name, in_channels=4)
    assert not model_spec(name).trainable
    assert model.whole_image is True
    assert not list(model.parameters())
    saved = save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model", saved)
    x, _ = made_up_pair()
    assert torch.equal(model(x), loaded(x))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cva", {"num_classes": 2}, "num_classes=2"),
        ("pca_kmeans", {"num_classes": 2}, "num_classes=2"),
        ("pca_kmeans", {"block": 4}, "odd"),
        ("pca_kmeans", {"components": 26}, "1 to 25"),
    ],
)
def test_impossible_options_are_refused(name: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        create_model(name, in_channels=3, **options)
