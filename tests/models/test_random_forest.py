"""The random forest against scikit-learn, on the spectra it was fitted to and on others."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from terramamba.core.errors import InputError
from terramamba.models import load_model, model_spec, save_model
from terramamba.models.baselines.random_forest import LEAST, fit_random_forest

BANDS, FEW = 20, 12


@pytest.fixture
def few_trees(monkeypatch):
    """A forest that is stored in several rounds, of few trees."""
    monkeypatch.setattr("terramamba.models.baselines.random_forest.TREES", FEW)
    monkeypatch.setattr("terramamba.models.baselines.random_forest.AT_ONCE", FEW // 3)


def spectra(generator, classes, count):
    """Noisy spectra around one mean a class, and their classes; whole numbers, so that some are equal."""
    labels = np.resize(classes, count)
    means = 3 * np.sin(np.arange(20)[:, None] * np.arange(1, BANDS + 1))
    return np.rint(means[labels] + 2 * generator.standard_normal((count, BANDS))).astype(np.float32), labels


def fitted(seed, classes, num_classes):
    """The forest, its record, spectra that it does not know, and scikit-learn's own forest."""
    generator = np.random.default_rng(seed)
    train, val = spectra(generator, classes, 60), spectra(generator, classes, 40)
    draw = seed % 1000
    model, record = fit_random_forest(*train, *val, num_classes=num_classes, seed=draw)
    oracle = RandomForestClassifier(FEW, max_features=record["bands_a_split"], random_state=draw).fit(*train)
    return model, record, np.concatenate([train[0], spectra(generator, classes, 100)[0]]), oracle, val


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize(("classes", "num_classes"), [((0, 1), 2), ((0, 1, 2, 3), 4), ((1, 3, 4), 6)])
def test_probabilities_are_those_of_scikit_learn(classes, num_classes, seed):
    model, record, x, oracle, (val_x, val_y) = fitted(seed, classes, num_classes)
    expected = oracle.predict_proba(x)
    np.testing.assert_allclose(model.probabilities(torch.from_numpy(x)).numpy(), expected, atol=1e-12)
    patches = torch.randn(len(x), BANDS, 3, 3)
    patches[:, :, 1, 1] = torch.from_numpy(x)
    scores = model(patches)
    assert scores.shape == (len(x), num_classes)
    softmax = torch.softmax(scores, dim=1).numpy()[:, list(classes)]
    np.testing.assert_allclose(softmax, expected, atol=2 * num_classes * LEAST)
    absent = [k for k in range(num_classes) if k not in classes]
    np.testing.assert_allclose(scores[:, absent].numpy(), np.log(LEAST), rtol=1e-6)
    assert record["validation_oa"] == pytest.approx(oracle.score(val_x, val_y))
    assert record["nodes"] == sum(tree.tree_.node_count for tree in oracle.estimators_)


@pytest.mark.usefixtures("few_trees")
def test_bands_of_a_split_are_the_best_on_validation(seed):
    generator = np.random.default_rng(seed)
    train, val = spectra(generator, (0, 1, 2), 60), spectra(generator, (0, 1, 2), 40)
    _, record = fit_random_forest(*train, *val, num_classes=3, seed=7)
    assert record["grid"]["bands_a_split"] == [1, 2, 4, 6]
    shares = [
        RandomForestClassifier(FEW, max_features=bands, random_state=7).fit(*train).score(*val)
        for bands in (1, 2, 4, 6)
    ]
    assert record["bands_a_split"] == [1, 2, 4, 6][int(np.argmax(shares))]


@pytest.mark.usefixtures("few_trees")
def test_of_many_spectra_a_sample_chooses_and_all_grow_the_forest(seed, monkeypatch):
    monkeypatch.setattr("terramamba.models.baselines.random_forest.CHOSEN_ON", 40)
    generator = np.random.default_rng(seed)
    train, val = spectra(generator, (0, 1, 2), 90), spectra(generator, (0, 1, 2), 40)
    model, record = fit_random_forest(*train, *val, num_classes=3, seed=7)
    assert record["chosen_on"] <= 40
    oracle = RandomForestClassifier(FEW, max_features=record["bands_a_split"], random_state=7).fit(*train)
    assert record["nodes"] == sum(tree.tree_.node_count for tree in oracle.estimators_)
    assert record["validation_oa"] == pytest.approx(oracle.score(*val))
    found = model.probabilities(torch.from_numpy(val[0])).numpy()
    np.testing.assert_allclose(found, oracle.predict_proba(val[0]), atol=1e-12)


@pytest.mark.usefixtures("few_trees")
def test_pieces_of_many_spectra_are_those_of_all(seed, monkeypatch):
    model, _, x, *_ = fitted(seed, (0, 1, 2, 3), 4)
    whole = model.probabilities(torch.from_numpy(x))
    monkeypatch.setattr("terramamba.models.baselines.random_forest.AT_HAND", 7 * FEW * 4)
    assert torch.equal(model.probabilities(torch.from_numpy(x)), whole)


@pytest.mark.usefixtures("few_trees")
def test_saved_and_loaded_it_decides_the_same(seed, tmp_path):
    model, _, x, *_ = fitted(seed, (0, 2), 4)
    saved = save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model", saved)
    patches = torch.from_numpy(x)[:, :, None, None]
    assert torch.equal(again(patches), model(patches))
    assert again.options == model.options
    assert model_spec("random_forest").fit is fit_random_forest


def test_what_cannot_be_fitted(seed):
    x, y = spectra(np.random.default_rng(seed), (0, 1), 10)
    with pytest.raises(InputError, match="of 1 class"):
        fit_random_forest(x, np.zeros_like(y), x, y, num_classes=2, seed=0)
    with pytest.raises(InputError, match="no validation pixels"):
        fit_random_forest(x, y, x[:0], y[:0], num_classes=2, seed=0)
