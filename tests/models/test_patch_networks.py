"""The networks for hyperspectral patches: sizes against their papers or by hand, any bands, any side."""

import pytest
import torch

from terramamba.api import train_classifier
from terramamba.core.errors import InputError
from terramamba.data.synthetic.files import make_scene
from terramamba.landcover.settings import ClassifySettings
from terramamba.models import create_model, load_model, model_spec, save_model
from terramamba.runs.folder import load_run


def one_d_cnn(bands, classes, side):
    width = max(bands // 9, 1)
    pooled = min(40, bands - width + 1)
    return 20 * (width + 1) + (20 * pooled + 1) * 100 + 101 * classes


def two_d_cnn(bands, classes, side):
    flat = 90 * (max(side, 5) - 4) ** 2
    return 10 * bands + (9 * 10 + 1) * 30 + (9 * 30 + 1) * 90 + (flat + 1) * 60 + 61 * classes


def three_d_cnn(bands, classes, side):
    for width, stride in ((3, 1), (3, 2), (3, 1), (3, 2), (3, 1), (2, 2)):
        bands = (bands + 2 - width) // stride + 1
    convs = (27 + 1) * 20 + (3 * 20 + 1) * 20 + (27 * 20 + 1) * 35 + 2 * (3 * 35 + 1) * 35 + (2 * 35 + 1) * 35
    return convs + (35 * bands * (max(side, 5) - 4) ** 2 + 1) * classes


def hybridsn(bands, classes, side):
    volume = (7 * 9 + 1) * 8 + (8 * 5 * 9 + 1) * 16 + (16 * 3 * 9 + 1) * 32
    plane = (32 * 18 * 9 + 1) * 64
    flat = 64 * (max(side, 9) - 8) ** 2
    return 30 * bands + volume + plane + (flat + 1) * 256 + 257 * 128 + 129 * classes


def resnet(bands, classes, side):
    positions = -(-(bands - 6) // 2)
    spectral = 7 * 24 + 4 * 7 * 24 * 24 + positions * 24 * 128
    spatial = 9 * 128 * 24 + 4 * 9 * 24 * 24
    norms = 2 * (24 + 4 * 24 + 128 + 24 + 4 * 24)
    return spectral + spatial + norms + 25 * classes


def spectralformer(bands, classes, side):
    d, layers = 64, 5
    layer = 2 * d + 3 * d * d + (d + 1) * d + 2 * d + (d + 1) * 8 + 9 * d
    outside = (3 * side * side + 1) * d + (bands + 1) * d + d + 2 * d + (d + 1) * classes
    return layers * layer + (layers - 2) * 2 + outside


BY_HAND = {
    "one_d_cnn": one_d_cnn,
    "two_d_cnn": two_d_cnn,
    "three_d_cnn": three_d_cnn,
    "hybridsn": hybridsn,
    "resnet": resnet,
    "spectralformer": spectralformer,
}
"""Parameters from the papers' lists of layers."""
LEAST_BANDS = {"resnet": 7}


def build(name, bands, classes, side, **options):
    if "patch_size" in model_spec(name).parameters():
        options["patch_size"] = side
    return create_model(name, in_channels=bands, num_classes=classes, **options)


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", BY_HAND)
def test_parameters_by_hand(name, seed):
    for bands in (LEAST_BANDS.get(name, 1), 30, 103, 144, 145, 146, 147, 200):
        classes, side = int(torch.randint(2, 30, ())), 2 * int(torch.randint(0, 8, ())) + 1
        count = parameters(build(name, bands, classes, side))
        assert count == BY_HAND[name](bands, classes, side), (bands, classes, side)


@pytest.mark.parametrize(
    ("name", "bands", "classes", "side", "projection", "published"),
    [
        ("one_d_cnn", 220, 8, 7, 0, 81_408),
        ("one_d_cnn", 224, 16, 7, 0, 82_216),
        ("hybridsn", 200, 16, 25, 30 * 200, 5_122_176),
    ],
)
def test_parameters_as_published(name, bands, classes, side, projection, published):
    count = parameters(build(name, bands, classes, side))
    assert count - projection == published
    assert f"{published:,}" in model_spec(name).claims["parameters"]


@pytest.mark.parametrize("side", [1, 3, 9])
@pytest.mark.parametrize("name", BY_HAND)
def test_any_bands_and_any_side_give_logits(name, side, seed):
    for bands in {LEAST_BANDS.get(name, 1), LEAST_BANDS.get(name, 1) + 1, 42}:
        x = torch.rand(2, bands, side, side)
        with torch.no_grad():
            logits = build(name, bands, 4, side).eval()(x)
        assert logits.shape == (2, 4)
        assert logits.isfinite().all()
        assert not torch.equal(logits[0], logits[1])


@pytest.mark.parametrize("side", [1, 7])
@pytest.mark.parametrize("name", BY_HAND)
def test_every_parameter_learns(name, side, seed):
    model = build(name, 33, 5, side)
    logits = model(torch.rand(8, 33, side, side))
    (logits * torch.randn_like(logits)).sum().backward()
    assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]


@pytest.mark.parametrize("name", BY_HAND)
def test_saved_and_loaded_it_answers_the_same(name, tmp_path, seed):
    model, x = build(name, 21, 3, 5), torch.rand(4, 21, 5, 5)
    model(x)  # moves the running means of the norms
    saved = save_model(model.eval(), tmp_path / "model")
    again = load_model(tmp_path / "model", saved)
    assert again.options == model.options
    with torch.no_grad():
        assert torch.equal(again(x), model(x))
        torch.testing.assert_close(torch.cat([model(patch[None]) for patch in x]), model(x))


@pytest.mark.parametrize("name", BY_HAND)
def test_what_cannot_be_built(name):
    with pytest.raises(InputError, match=f"{name}.*num_classes=0; give at least 1"):
        build(name, 20, 0, 7)
    with pytest.raises(InputError, match=f"{name}.*in_channels={LEAST_BANDS.get(name, 1) - 1}"):
        build(name, LEAST_BANDS.get(name, 1) - 1, 3, 7)


@pytest.mark.parametrize("name", BY_HAND)
def test_trained_by_the_engine_at_the_side_of_its_patches(name, scene, tmp_path, seed):
    settings = ClassifySettings(
        scene=str(scene.scene),
        labels=str(scene.labels),
        out=str(tmp_path / "run"),
        model=name,
        split="random",
        patch_size=5,
        epochs=1,
        device="cpu",
        seed=seed % 1000,
    )
    result = train_classifier(settings)
    assert result["protocol"].startswith("random-n")
    assert result["protocol"].endswith("-p5")
    run = load_run(tmp_path / "run")
    options = run.model.options
    assert result["parameters"] == BY_HAND[name](options["in_channels"], options["num_classes"], 5)
    assert 0 <= result["test"]["oa"] <= 1


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"), 0, height=24, width=24, bands=12)


def test_one_d_cnn_looks_at_the_middle_pixel_alone(seed):
    model, x = build("one_d_cnn", 40, 3, 5), torch.rand(2, 40, 5, 5)
    assert torch.equal(model(x), model(x[:, :, 2:3, 2:3]))


@pytest.mark.parametrize("name", ["two_d_cnn", "three_d_cnn", "hybridsn", "spectralformer"])
def test_patches_of_another_side_and_even_sides_are_refused(name):
    with pytest.raises(InputError, match="patches of 5 x 5 pixels, but it was built for 7 x 7"):
        build(name, 20, 3, 7)(torch.rand(2, 20, 5, 5))
    with pytest.raises(InputError, match="patch_size=4; give an odd number"):
        build(name, 20, 3, 4)


def test_tokens_of_spectralformer_are_bands_with_their_neighbours(seed):
    bands, side = 9, 3
    model = build("spectralformer", bands, 4, side, group=5).eval()
    seen = []
    model.embed.register_forward_hook(lambda module, given, answer: seen.append(given[0]))
    x = torch.rand(2, bands, side, side)
    model(x)
    for band in range(bands):
        around = [(band + offset) % bands for offset in (-2, -1, 0, 1, 2)]
        assert torch.equal(seen[0][:, band], torch.cat([x[:, other].flatten(1) for other in around], dim=1))


def test_fusion_of_spectralformer_goes_back_two_layers(seed):
    model = build("spectralformer", 9, 4, 3, depth=3, dropout=0.0)
    x = torch.rand(2, 9, 3, 3)
    entered = []
    for layer in model.attention:
        layer.register_forward_pre_hook(lambda module, given: entered.append(given[0].detach()))
    model(x)
    model.fusion[0].data = torch.tensor([0.0, 1.0])
    model(x)
    assert torch.equal(entered[5], entered[0])  # the third layer now reads what the first did
    assert not torch.equal(entered[2], entered[0])
