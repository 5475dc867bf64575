"""Published change detectors: sizes against their papers, shapes, gradients, exchanged dates, storage."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models import create_model, load_model, model_spec, save_model

SMALL: dict[str, dict[str, object]] = {
    "fc_ef": {"width": 4},
    "fc_siam_conc": {"width": 4},
    "fc_siam_diff": {"width": 4},
    "tinycd": {},
    "bit": {"base_channels": 8, "channels": 16, "decoder_depth": 2},
    "changeformer": {"widths": (8, 8, 16, 16), "depths": (1, 2, 1, 1), "channels": 8},
    "changemamba": {"base_channels": 4, "depths": (1, 1, 1, 1), "d_state": 2, "width": 8},
}
"""Options of a small model of every kind."""

pytestmark = pytest.mark.filterwarnings("error")


def small(name: str, **options: object) -> nn.Module:
    return create_model(name, **{"in_channels": 3, **SMALL[name], **options})


def settled(name: str, x: Tensor) -> nn.Module:
    """A model whose norms are used to x, in evaluation mode."""
    model = small(name, in_channels=x.shape[2]).to(x.dtype)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model(x)
    return model.eval()


def differ(x: Tensor, y: Tensor) -> bool:
    return not torch.allclose(x, y, rtol=0, atol=1e-9)


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def conv(before: int, after: int, side: int = 3, *, groups: int = 1, bias: bool = True) -> int:
    """Weights of a convolution."""
    return before // groups * after * side * side + after * bias


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("h", "w"), [(64, 64), (33, 47), (17, 70), (3, 1)])
def test_any_size_gives_logits_of_that_size(name: str, h: int, w: int, seed: int) -> None:
    with torch.no_grad():
        logits = small(name).eval()(torch.randn(1, 2, 3, h, w))
    assert logits.shape == (1, 1, h, w)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", SMALL)
def test_any_bands_and_classes_and_every_parameter_learns(name: str, seed: int) -> None:
    bands = int(torch.randint(1, 12, ()))
    model = small(name, in_channels=bands, num_classes=3)
    logits = model(torch.randn(3, 2, bands, 64, 80))
    assert logits.shape == (3, 3, 64, 80)
    (logits * torch.randn_like(logits)).sum().backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # The slope of a PReLU learns only where its input is below 0, which may be nowhere.
    slopes = [f"{n}.weight" for n, module in model.named_modules() if isinstance(module, nn.PReLU)]
    assert set(still) <= set(slopes)
    assert len(still) <= len(slopes) / 2
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_a_pair_does_not_depend_on_the_others_of_its_batch(name: str, seed: int) -> None:
    x = torch.randn(3, 2, 4, 32, 48).double()
    model = settled(name, x)
    with torch.no_grad():
        alone = torch.cat([model(pair[None]) for pair in x])
        torch.testing.assert_close(model(x), alone)


@pytest.mark.parametrize("name", SMALL)
def test_both_dates_count(name: str, seed: int) -> None:
    x = torch.randn(2, 2, 3, 32, 32).double()
    model = settled(name, x)
    with torch.no_grad():
        for date in (0, 1):
            other = x.clone()
            other[:, date] = torch.randn(2, 3, 32, 32).double()
            assert differ(model(x), model(other))


@pytest.mark.parametrize("name", SMALL)
def test_saved_and_loaded_it_answers_the_same(name: str, tmp_path: Path, seed: int) -> None:
    x = torch.randn(2, 2, 3, 32, 32)
    model = settled(name, x)
    saved = save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model", saved)
    assert saved.name == name
    with torch.no_grad():
        assert torch.equal(model(x), loaded(x))


@pytest.mark.parametrize("name", SMALL)
def test_records_are_whole(name: str) -> None:
    spec = model_spec(name)
    assert (spec.name, spec.task) == (name, "change")
    assert spec.default_preset in spec.presets
    assert {option for options in spec.presets.values() for option in options} <= set(spec.parameters())
    assert spec.claims["parameters"]
    for option in ("in_channels", "num_classes"):
        with pytest.raises(InputError, match=f"{option}=0"):
            small(name, **{option: 0})


@pytest.mark.parametrize(
    ("name", "published"), [("fc_ef", "1.35"), ("fc_siam_conc", "1.55"), ("fc_siam_diff", "1.35")]
)
def test_fully_convolutional_detectors_have_the_published_size(name: str, published: str) -> None:
    count = size(create_model(name, in_channels=3))
    assert f"{count / 1e6:.2f}" == published
    dates, skips = (2 if name == "fc_ef" else 1), (2 if name == "fc_siam_conc" else 1)
    down = [3 * dates, 16, 16, 32, 32, 64, 64, 64, 128, 128, 128]
    by_hand = sum(conv(a, b) for a, b in pairwise(down)) + 2 * sum(down[1:])
    for c, after in ((128, (128, 128, 64)), (64, (64, 64, 32)), (32, (32, 16)), (16, (16,))):
        widths = [c + skips * c, *after]
        by_hand += conv(c, c) + sum(conv(a, b) for a, b in pairwise(widths)) + 2 * sum(after)
    assert count == by_hand + conv(16, 1)


def test_fc_ef_with_its_first_weights_exchanged_sees_the_dates_exchanged(seed: int) -> None:
    x = torch.randn(2, 2, 3, 32, 48).double()
    model = settled("fc_ef", x)
    with torch.no_grad():
        expected = model(x.flip(1))
        assert differ(model(x), expected)
        first = next(module for module in model.modules() if isinstance(module, nn.Conv2d)).weight
        first.copy_(first.roll(3, dims=1))
        torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("name", ["fc_siam_conc", "fc_siam_diff"])
def test_skips_of_the_siamese_networks_exchange_with_the_dates(name: str, seed: int) -> None:
    x = torch.randn(2, 2, 3, 32, 48).double()
    model = settled(name, x)
    with torch.no_grad():
        assert differ(model(x), model(x.flip(1)))
        nn.init.zeros_(model.enlarge[-1].weight)  # without the coarsest features, which are the later date's
        expected = model(x.flip(1))
        if name == "fc_siam_conc":
            for up, c in zip(model.up, (4, 8, 16, 32), strict=True):
                up[0][0].weight[:, c:] = up[0][0].weight[:, c:].roll(c, dims=1)
        torch.testing.assert_close(model(x), expected)


def test_tinycd_has_the_published_size() -> None:
    count = size(create_model("tinycd", in_channels=3))
    assert f"{count / 1e6:.2f}" == "0.29"

    def bottleneck(before: int, wide: int, after: int, side: int) -> int:
        """Convolutions without bias, norms, and the excitation with a quarter of the input's channels."""
        widen = before * wide + 2 * wide if wide > before else 0
        look = wide * side * side + 2 * wide
        excite = conv(wide, before // 4, 1) + conv(before // 4, wide, 1)
        return widen + look + excite + wide * after + 2 * after

    by_hand = conv(3, 48, bias=False) + 2 * 48 + bottleneck(48, 48, 24, 3) + bottleneck(24, 24, 24, 3)
    by_hand += bottleneck(24, 144, 32, 3) + 3 * bottleneck(32, 192, 32, 3)
    by_hand += bottleneck(32, 192, 56, 5) + 3 * bottleneck(56, 336, 56, 5)
    by_hand += sum(conv(2 * c, c, groups=c) + 1 for c in (3, 24, 32, 56))
    for widths in ((3, 10, 5, 1), (24, 12, 6, 1), (32, 16, 8, 1), (32, 16, 8, 1)):
        by_hand += sum(conv(a, b, 1) + 1 for a, b in pairwise(widths))
    for before, after in ((56, 64), (64, 64), (64, 32)):
        by_hand += conv(before, before, groups=before) + conv(before, after, 1) + 2
    assert count == by_hand - 1  # the last layer's slope: a logit is not bent


def test_tinycd_with_its_mixing_weights_exchanged_sees_the_dates_exchanged(seed: int) -> None:
    x = torch.randn(2, 2, 3, 32, 48).double()
    model = settled("tinycd", x)
    with torch.no_grad():
        expected = model(x.flip(1))
        assert differ(model(x), expected)
        for mixing in model.mixings:
            mixing.conv.weight.copy_(mixing.conv.weight.flip(1))
        torch.testing.assert_close(model(x), expected)


def test_bit_has_the_published_size_less_the_classifier_that_it_never_runs() -> None:
    count = size(create_model("bit", in_channels=3))
    assert f"{(count + 513_000) / 1e6:.2f}" == "3.55"

    def block(before: int, after: int) -> int:
        skip = conv(before, after, 1, bias=False) + 2 * after if before != after else 0
        return conv(before, after, bias=False) + conv(after, after, bias=False) + 4 * after + skip

    def layer(inner: int) -> int:
        return 4 * 32 * inner + 32 + 2 * 64 + 32 * 64 + 64 + 64 * 32 + 32

    by_hand = conv(3, 64, 7, bias=False) + 128 + 2 * block(64, 64)
    by_hand += block(64, 128) + block(128, 128) + block(128, 256) + block(256, 256) + conv(256, 32)
    by_hand += 32 * 4 + 8 * 32 + layer(8 * 64) + 8 * layer(8 * 8)
    assert count == by_hand + conv(32, 32, bias=False) + 64 + conv(32, 1)


def test_bit_is_symmetric_where_its_positions_are(seed: int) -> None:
    x = torch.randn(2, 2, 3, 32, 48).double()
    model = settled("bit", x)
    with torch.no_grad():
        assert differ(model(x), model(x.flip(1)))
        model.positions[4:] = model.positions[:4]
        torch.testing.assert_close(model(x), model(x.flip(1)))


def test_tokens_are_means_of_pixels_weighted_by_their_scores(seed: int) -> None:
    tokenizer = small("bit").tokenizer.double()
    pixels = torch.randn(2, 35, 16).double()
    tokens, scores = tokenizer(pixels).detach(), tokenizer.score.weight.detach()
    for b in range(2):
        for token in range(4):
            weights = [float(torch.exp(scores[token] @ pixel)) for pixel in pixels[b]]
            mean = sum(weight * pixel for weight, pixel in zip(weights, pixels[b], strict=True))
            torch.testing.assert_close(tokens[b, token], mean / sum(weights))


def test_changeformer_has_the_published_size_with_the_heads_of_its_coarse_maps() -> None:
    count = size(create_model("changeformer", in_channels=3))
    coarse = 4 * (conv(256, 2) + 2 * 2 + conv(2, 2))
    assert f"{(count + coarse + conv(256, 1)) / 1e6:.2f}" == "41.03"
    by_hand = 0
    for before, c, depth, side in ((3, 64, 3, 8), (64, 128, 3, 4), (128, 320, 4, 2), (320, 512, 3, 1)):
        attention = 4 * (c * c + c) + (conv(c, c, side) + 2 * c if side > 1 else 0)
        mlp = conv(c, 4 * c, 1) + conv(4 * c, 4 * c, groups=4 * c) + conv(4 * c, c, 1)
        by_hand += conv(before, c, 7) + 2 * c + depth * (attention + mlp + 2 * 2 * c) + 2 * c
        by_hand += conv(c, 256, 1) + conv(512, 256) + 2 * 256 + conv(256, 256)
    by_hand += conv(4 * 256, 256, 1) + 2 * 256 + 2 * (conv(256, 256, 4) + 2 * conv(256, 256))
    assert count == by_hand + conv(256, 1)


def test_changeformer_with_its_difference_weights_exchanged_sees_the_dates_exchanged(seed: int) -> None:
    x = torch.randn(2, 2, 3, 64, 32).double()
    model = settled("changeformer", x)
    with torch.no_grad():
        expected = model(x.flip(1))
        assert differ(model(x), expected)
        for difference in model.decoder.differences:
            weight = difference[0].weight
            weight.copy_(weight.roll(weight.shape[1] // 2, dims=1))
        torch.testing.assert_close(model(x), expected)


def test_reduced_attention_by_loops(seed: int) -> None:
    """Two heads, keys of blocks of 2 x 2 positions."""
    from terramamba.models.baselines.changeformer import ReducedAttention

    layer = ReducedAttention(6, heads=2, reduction=2, dropout=0.1).double().eval()
    x = torch.randn(1, 4, 6, 6).double()
    with torch.no_grad():
        blocks = x.view(2, 2, 3, 2, 6).permute(0, 2, 4, 1, 3).reshape(6, -1)
        keys, values = layer.key_value(
            layer.norm(blocks @ layer.reduce.weight.flatten(1).T + layer.reduce.bias)
        ).split(6, dim=1)
        seen = []
        for query in layer.query(x.view(24, 6)):
            parts = []
            for head in (slice(0, 3), slice(3, 6)):
                weights = torch.stack([query[head] @ key[head] for key in keys]).div(3**0.5).exp()
                parts.append((weights[:, None] * values[:, head]).sum(0) / weights.sum())
            seen.append(layer.out[0](torch.cat(parts)))
        torch.testing.assert_close(layer(x), torch.stack(seen).view(1, 4, 6, 6))


def test_changemamba_counts_by_hand_and_shares_the_encoder_of_glmamba() -> None:
    """No paper's number holds: theirs is another encoder."""
    model = create_model("changemamba", in_channels=3)
    encoder = create_model("glmamba", in_channels=3).encoder
    assert {n: p.shape for n, p in model.encoder.named_parameters()} == {
        n: p.shape for n, p in encoder.named_parameters()
    }
    inner, rank, states = 256, 8, 16
    scan = 4 * ((rank + 2 * states) * inner + rank * inner + inner + states * inner + inner)
    block = 128 * 2 * inner + conv(inner, inner, groups=inner) + scan + inner * 128 + 2 * 128 + 2 * inner
    fuse = 5 * 128 * 128 + 2 * 128
    by_hand = 4 * (3 * block + fuse) + 3 * 2 * (conv(128, 128, bias=False) + 2 * 128) + conv(128, 1, 1)
    by_hand += sum(2 * conv(c, 128, 1) + conv(2 * c, 128, 1) for c in (48, 96, 192, 384))
    assert size(model) == size(encoder) + by_hand


def test_changemamba_lays_the_dates_out_in_three_ways(seed: int) -> None:
    scan = small("changemamba").scans[1].double().eval()
    before, after = torch.randn(2, 1, 3, 5, 8).double()
    with torch.no_grad():
        beside = torch.zeros(1, 3, 10, 8).double()
        in_turns, deep = torch.zeros_like(beside), torch.zeros(1, 3, 5, 16).double()
        for i in range(3):
            for j in range(5):
                beside[0, i, j], beside[0, i, 5 + j] = before[0, i, j], after[0, i, j]
                in_turns[0, i, 2 * j], in_turns[0, i, 2 * j + 1] = before[0, i, j], after[0, i, j]
                deep[0, i, j] = torch.cat([before[0, i, j], after[0, i, j]])
        beside, in_turns, deep = scan.sequential(beside), scan.cross(in_turns), scan.parallel(deep)
        fused = torch.zeros(1, 40, 3, 5).double()
        for i in range(3):
            for j in range(5):
                found = [deep[0, i, j], in_turns[0, i, 2 * j], in_turns[0, i, 2 * j + 1]]
                fused[0, :, i, j] = torch.cat([*found, beside[0, i, j], beside[0, i, 5 + j]])
        torch.testing.assert_close(scan(before, after), scan.fuse(fused))


def test_all_of_changemamba_is_optimised_and_its_states_do_not_decay() -> None:
    model = small("changemamba")
    decaying, free = model.parameter_groups(0.1)
    assert (decaying["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {id(p) for group in (decaying, free) for p in group["params"]} == set(names)
    assert len(decaying["params"]) + len(free["params"]) == len(names)
    exempt = {names[id(p)].rsplit(".", 1)[1] for p in free["params"]}
    assert {"A_log", "D", "dt_bias", "bias"} <= exempt
    assert not {"A_log", "D", "dt_bias", "bias"} & {
        names[id(p)].rsplit(".", 1)[1] for p in decaying["params"]
    }


@pytest.mark.parametrize("name", ["bit", "changeformer", "changemamba", "tinycd"])
def test_what_looks_across_the_dates_answers_otherwise_when_they_are_exchanged(name: str, seed: int) -> None:
    x = torch.randn(2, 2, 3, 32, 48).double()
    model = settled(name, x)
    with torch.no_grad():
        assert differ(model(x), model(x.flip(1)))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("fc_ef", {"width": 3}, "width=3; give an even number"),
        ("fc_siam_diff", {"dropout": 1.0}, "dropout=1.0"),
        ("tinycd", {"drop_path": -0.1}, "drop_path=-0.1"),
        ("bit", {"tokens": 0}, "tokens=0"),
        ("changeformer", {"widths": (8, 8, 8)}, "give four numbers of each"),
        ("changeformer", {"widths": (8, 8, 10, 8)}, "give multiples of the heads"),
        ("changemamba", {"depths": (1, 0, 1, 1)}, "depths="),
        ("changemamba", {"mlp_ratio": -1.0}, "mlp_ratio=-1.0"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(
    name: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        small(name, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
