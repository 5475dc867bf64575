"""The support vector machine against scikit-learn, on the spectra it was fitted to and on others."""

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from terramamba.core.errors import InputError
from terramamba.models import load_model, model_spec, save_model
from terramamba.models.baselines.svm import COSTS, GAMMAS, NEVER, fit_svm

BANDS = 5


def spectra(generator, classes, count):
    """Noisy spectra around one mean for each class, and their classes."""
    labels = np.resize(classes, count)
    means = np.sin(np.arange(20)[:, None] * np.arange(1, BANDS + 1))
    return (means[labels] + 0.6 * generator.standard_normal((count, BANDS))).astype(np.float32), labels


def fitted(seed, classes, num_classes):
    generator = np.random.default_rng(seed)
    train, val = spectra(generator, classes, 60), spectra(generator, classes, 40)
    model, record = fit_svm(*train, *val, num_classes=num_classes, seed=0)
    test, _ = spectra(generator, classes, 200)
    oracle = SVC(C=record["C"], gamma=record["gamma"], decision_function_shape="ovo", break_ties=False).fit(
        train[0].astype(np.float64), train[1]
    )
    return model, record, test, oracle, train, val


def patches(x, side):
    """Patches with noise around the spectra."""
    patch = torch.randn(*x.shape, side, side)
    patch[:, :, side // 2, side // 2] = torch.from_numpy(x)
    return patch


@pytest.mark.parametrize(
    ("classes", "num_classes"), [((0, 1), 2), ((0, 1, 2), 3), ((0, 1, 2, 3, 4), 5), ((1, 3, 4), 6)]
)
def test_decisions_are_those_of_scikit_learn(seed, classes, num_classes):
    model, record, x, oracle, *_ = fitted(seed, classes, num_classes)
    decisions = oracle.decision_function(x.astype(np.float64))
    if decisions.ndim == 1:
        decisions = -decisions[:, None]  # scikit-learn lets positive speak for the second of two classes
    np.testing.assert_allclose(model.pairwise(torch.from_numpy(x)).numpy(), decisions, rtol=1e-6, atol=1e-6)

    scores = model(patches(x, 3))
    assert scores.shape == (200, num_classes)
    assert scores.dtype == torch.float32
    if len(classes) > 2:
        oracle.decision_function_shape, oracle.break_ties = "ovr", True
        votes = oracle.decision_function(x.astype(np.float64))
        np.testing.assert_allclose(scores[:, list(classes)].numpy(), votes, rtol=1e-5, atol=1e-5)
    assert (scores.argmax(1).numpy() == oracle.predict(x.astype(np.float64))).all()
    absent = [k for k in range(num_classes) if k not in classes]
    assert (scores[:, absent] == NEVER).all()
    assert record["support_vectors"] == len(oracle.support_)


def test_only_the_middle_pixel_counts(seed):
    model, _, x, *_ = fitted(seed, (0, 1, 2), 3)
    assert torch.equal(model(patches(x, 5)), model(torch.from_numpy(x)[:, :, None, None]))


def test_cost_and_width_are_the_best_on_validation(seed):
    _, record, _, _, (train_x, train_y), (val_x, val_y) = fitted(seed, (0, 1, 2), 3)
    unit = 1 / (BANDS * train_x.astype(np.float64).var())
    shares = {
        (cost, gamma): SVC(C=cost, gamma=gamma * unit, break_ties=True)
        .fit(train_x.astype(np.float64), train_y)
        .score(val_x.astype(np.float64), val_y)
        for cost in COSTS
        for gamma in GAMMAS
    }
    best = max(shares.values())
    first = next(point for point, share in shares.items() if share == best)
    assert record["validation_oa"] == pytest.approx(best)
    assert (record["C"], record["gamma"]) == (first[0], pytest.approx(first[1] * unit))


def test_saved_and_loaded_it_decides_the_same(seed, tmp_path):
    model, _, x, *_ = fitted(seed, (0, 2), 4)
    saved = save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model", saved)
    assert torch.equal(again(patches(x[:1], 1)), model(patches(x[:1], 1)))
    assert torch.equal(again.pairwise(torch.from_numpy(x)), model.pairwise(torch.from_numpy(x)))
    assert again.options == model.options


def test_autocast_does_not_touch_it(seed):
    model, _, x, *_ = fitted(seed, (0, 1, 2), 3)
    x = torch.from_numpy(x)[:, :, None, None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(x)
    assert torch.equal(rough, model(x))


def test_the_record_says_how_it_is_fitted():
    assert model_spec("svm").fit is fit_svm
    assert model_spec("ssa_mamba").fit is None


def test_what_cannot_be_fitted(seed):
    x, y = spectra(np.random.default_rng(seed), (0, 1), 10)
    with pytest.raises(InputError, match="of 1 class"):
        fit_svm(x, np.zeros_like(y), x, y, num_classes=2, seed=0)
    with pytest.raises(InputError, match="no validation pixels"):
        fit_svm(x, y, x[:0], y[:0], num_classes=2, seed=0)
