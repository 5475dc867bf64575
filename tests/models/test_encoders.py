"""Change detectors on an encoder that may begin with what it learnt from photographs, beside their own."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lite0 import public_names
from terramamba.core.errors import InputError
from terramamba.models import create_model, list_models, load_model, model_spec, save_model
from terramamba.models.encoders.efficientnet_lite0 import EfficientNetLite0
from terramamba.models.encoders.pretrained import begin_encoder
from terramamba.models.glmamba import GLMamba
from terramamba.training.config import with_encoder
from terramamba.training.settings import TrainSettings

LITE0 = "efficientnet_lite0"
SMALL = {
    "glmamba": {"base_channels": 8, "depths": (1, 1, 1, 1), "d_state": 2},
    "changemamba": {"base_channels": 4, "depths": (1, 1, 1, 1), "d_state": 2, "width": 8},
    "unet_diff": {"width": 4},
    "bit": {"channels": 16, "decoder_depth": 2},
    "changeformer": {"widths": (8, 8, 16, 16), "depths": (1, 1, 2, 1), "channels": 8},
    "difference_mamba": {"width": 8, "d_state": 2},
}
TAKING = [name for name in list_models() if LITE0 in model_spec(name).encoders]


def small(name, **options):
    return create_model(name, **{"in_channels": 3, "encoder": LITE0, **SMALL[name], **options})


def test_models_that_take_it_are_those_with_a_place_for_it():
    assert set(TAKING) == set(SMALL)
    assert model_spec("svm").encoders == model_spec("tinycd").encoders == ()


@pytest.mark.parametrize("name", TAKING)
def test_any_size_gives_logits_of_that_size_for_each_pair_by_itself(name, seed):
    model = small(name).eval()
    with torch.no_grad():
        assert model(torch.randn(1, 2, 3, 3, 1)).shape == (1, 1, 3, 1)
        x = torch.randn(2, 2, 3, 33, 47)
        found = model(x)
        torch.testing.assert_close(found[1:], model(x[1:]), rtol=1e-3, atol=1e-4)
    assert found.shape == (2, 1, 33, 47)
    assert found.isfinite().all()


@pytest.mark.parametrize("name", TAKING)
def test_every_parameter_learns_from_both_dates(name, seed):
    model = small(name, in_channels=5, num_classes=2)
    x = torch.randn(3, 2, 5, 64, 64, requires_grad=True)
    logits = model(x)
    (logits * torch.randn_like(logits)).sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert (x.grad.abs().sum(dim=(0, 2, 3, 4)) > 0).all()


@pytest.mark.parametrize("name", TAKING)
@pytest.mark.parametrize("bands", [4, 6])
def test_its_encoder_begins_with_public_weights_learns_more_slowly_and_is_kept(name, bands, tmp_path, seed):
    theirs, model = EfficientNetLite0(3), small(name, in_channels=bands)
    before = [group["params"] for group in model.parameter_groups(0.1)]
    save_file(public_names(theirs), tmp_path / "w.safetensors")
    begin_encoder(model, str(tmp_path / "w.safetensors"), model_spec(name).encoders)
    found, expected = model.local_encoders[0].state_dict(), theirs.state_dict()
    for key, value in expected.items():
        if key == "stem.0.weight":
            value = value.mean(1, keepdim=True).expand(-1, bands, -1, -1) * 3 / bands
        torch.testing.assert_close(found[key], value)
    groups = model.parameter_groups(0.1)
    assert [[id(p) for p in group["params"]] for group in groups] == [[id(p) for p in own] for own in before]
    rates = {id(p): group["lr_scale"] for group in groups for p in group["params"]}
    encoder = {id(p) for p in model.local_encoders[0].parameters()}
    assert rates == {id(p): 0.25 if id(p) in encoder else 1.0 for p in model.parameters()}
    saved = save_model(model.eval(), tmp_path / "model")
    x = torch.randn(1, 2, bands, 32, 40)
    with torch.no_grad():
        assert torch.equal(load_model(tmp_path / "model", saved)(x), model(x))


@pytest.mark.parametrize("name", [name for name in TAKING if "own" in model_spec(name).encoders])
def test_without_a_word_of_it_the_model_is_the_published_one(name):
    own = create_model(name, in_channels=3, **SMALL[name])
    assert own.options["encoder"] == "own"
    assert not any(isinstance(module, EfficientNetLite0) for module in own.modules())
    assert all("lr_scale" not in group for group in own.parameter_groups(0.1))
    other = small(name)
    assert other.encoder_name == LITE0 != own.encoder_name
    assert [*other.state_dict()] != [*own.state_dict()]


def test_glmamba_has_its_parts_on_it_and_scans_where_the_depths_say_so():
    model = small("glmamba", depths=(9, 9, 2, 3))
    assert isinstance(model, GLMamba)
    assert [len(stage) for stage in model.encoder.stages] == [2, 3]
    assert [len(part) for part in (model.csam, model.bfa, model.csie)] == [2, 4, 4]
    assert not small("glmamba", csam=False, csie=False).csam
    for option in ({"scan": "corners"}, {"discretization": "zoh"}, {"mlp_ratio": 2.0}, {"expand": 1}):
        one, other = small("glmamba").encoder.stages[0][0], small("glmamba", **option).encoder.stages[0][0]
        ways = [(repr(block), block.ss2d.scan, block.ss2d.discretization) for block in (one, other)]
        assert ways[0] != ways[1]


def test_weights_saved_before_there_was_a_choice_are_the_same_model(tmp_path, seed):
    model = create_model("unet_diff", in_channels=3, width=4).eval()
    saved = save_model(model, tmp_path / "model")
    old = {name: value for name, value in saved.options.items() if name != "encoder"}
    x = torch.randn(1, 2, 3, 32, 40)
    with torch.no_grad():
        assert torch.equal(
            load_model(tmp_path / "model", type(saved)(saved.name, saved.preset, old, saved.sha256))(x),
            model(x),
        )


def settings(**options):
    return TrainSettings(out="run", **options)


def test_the_flag_is_an_option_of_the_model_or_refused_in_one_line():
    assert with_encoder(settings(model="svm")).set == {}
    assert with_encoder(settings(model="glmamba", encoder=LITE0)).set == {"encoder": LITE0}
    for options, said in (
        ({"model": "tinycd", "encoder": LITE0}, "tinycd: its encoder is its own alone.* or train glmamba or"),
        ({"model": "svm", "encoder": LITE0}, "svm: its encoder is its own alone"),
        (
            {"model": "glmamba", "encoder": "resnet"},
            "its encoders are own, efficientnet_lite0; leave it out$",
        ),
        ({"model": "bit", "encoder": LITE0, "set": {"encoder": "own"}}, "give one of them"),
    ):
        with pytest.raises(InputError, match=said) as error:
            with_encoder(settings(**options))
        assert "\n" not in str(error.value)


def test_weights_of_another_encoder_name_the_flag_that_fits(tmp_path, seed):
    save_file(public_names(EfficientNetLite0(3)), tmp_path / "lite0.safetensors")
    save_file({"patch_embed.0.weight": torch.ones(8, 3, 4, 4)}, tmp_path / "vmamba.safetensors")
    for name, options, file, said in (
        (
            "glmamba",
            {"encoder": "own"},
            "lite0",
            "which glmamba as it is has not; give --encoder efficientnet_lite0",
        ),
        (
            "bit",
            {"encoder": "own"},
            "lite0",
            "which bit as it is has not; give --encoder efficientnet_lite0 too",
        ),
        ("glmamba", {}, "vmamba", "they are of vmamba, .*; give weights of efficientnet_lite0"),
    ):
        with pytest.raises(InputError, match=said):
            begin_encoder(
                small(name, **options), str(tmp_path / f"{file}.safetensors"), model_spec(name).encoders
            )
    plain = create_model("tinycd", in_channels=3)
    assert plain.encoder_name is None
    with pytest.raises(InputError, match="tinycd has no encoder that could begin with weights"):
        begin_encoder(plain, str(tmp_path / "lite0.safetensors"), ())
    assert isinstance(plain, nn.Module)
