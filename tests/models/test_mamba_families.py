"""SSA-Mamba's two rival families: what its switches take away, and nothing else."""

import pytest
import torch

from terramamba.models import create_model, load_model, model_spec, save_model

FAMILIES = ["coupled_mamba", "isolated_mamba"]


def build(name, **options):
    return create_model(name, preset="tiny", in_channels=9, num_classes=4, **options)


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("preset", ["paper", "small", "tiny"])
def test_what_the_switches_take_away(preset):
    full, coupled, isolated = (
        create_model(name, preset=preset, in_channels=144, num_classes=15)
        for name in ("ssa_mamba", "coupled_mamba", "isolated_mamba")
    )
    d, depth = full.options["d_model"], full.options["depth"]
    assert parameters(full) - parameters(isolated) == depth * (4 * d * d + 2 * d)  # attention and its norm
    branch = parameters(full.blocks[0].branches["spatial"])
    assert parameters(isolated) - parameters(coupled) == depth * branch


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parameter_learns_and_tokens_give_the_logits(name, seed):
    model = build(name, dropout=0.0)
    x = torch.rand(4, 9, 5, 5)
    logits = model(x)
    (logits * torch.randn_like(logits)).sum().backward()
    assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    model.eval()
    torch.testing.assert_close(model.token_logits(x).mean(dim=(2, 3)), model(x))


def test_isolated_is_ssa_mamba_without_attention(seed):
    isolated = build("isolated_mamba").eval()
    full = create_model("ssa_mamba", preset="tiny", in_channels=9, num_classes=4, attention="none").eval()
    full.load_state_dict(isolated.state_dict())
    x = torch.rand(2, 9, 5, 5)
    assert torch.equal(full(x), isolated(x))


def test_coupled_is_the_isolated_one_with_equal_branches(seed):
    coupled, isolated = build("coupled_mamba").eval(), build("isolated_mamba").eval()
    weights = coupled.state_dict()
    isolated.load_state_dict(
        {
            key: weights[
                key.replace("branches.spatial", "branches.both").replace("branches.spectral", "branches.both")
            ]
            for key in isolated.state_dict()
        }
    )
    x = torch.rand(2, 9, 5, 5)
    torch.testing.assert_close(isolated(x), coupled(x))


@pytest.mark.parametrize("name", FAMILIES)
def test_saved_and_loaded_under_its_own_name(name, tmp_path, seed):
    model, x = build(name).eval(), torch.rand(2, 9, 5, 5)
    saved = save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model", saved)
    assert saved.name == again.spec_name == name == model_spec(name).name
    assert again.options["attention"] == "none"
    assert torch.equal(again(x), model(x))
