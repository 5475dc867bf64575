"""Blocks that several models share, against NumPy."""

import numpy as np
import torch

from terramamba.models.layers import CBAM, SqueezeExcitation, conv_bn_relu


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_squeeze_excitation_scales_maps_and_tokens_alike(seed):
    layer = SqueezeExcitation(6, 3).double()
    x = torch.randn(2, 6, 3, 4, dtype=torch.float64)
    weights, biases = (
        [getattr(layer.get_submodule(name), part).detach().numpy() for name in ("squeeze", "excite")]
        for part in ("weight", "bias")
    )
    mean = x.numpy().reshape(2, 6, -1).mean(-1)
    scale = sigmoid(np.maximum(mean @ weights[0].T + biases[0], 0) @ weights[1].T + biases[1])
    expected = x.numpy() * scale[:, :, None, None]
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-12)
    tokens = layer.scale_tokens(x.flatten(2).mT).detach().numpy()
    np.testing.assert_allclose(tokens, expected.reshape(2, 6, -1).swapaxes(1, 2), rtol=1e-12)


def test_cbam_weighs_channels_then_positions(seed):
    layer = CBAM(4, ratio=16).double()  # a ratio beyond the channels leaves a bottleneck of one
    assert layer.mlp[0].out_features == 1
    x = torch.randn(2, 4, 5, 3, dtype=torch.float64)
    first, second = (layer.mlp[i].weight.detach().numpy() for i in (0, 2))
    maps = x.numpy()
    pooled = [maps.mean((2, 3)), maps.max((2, 3))]
    channel = sigmoid(sum(np.maximum(p @ first.T, 0) @ second.T for p in pooled))
    weighed = maps * channel[:, :, None, None]
    planes = np.pad(np.stack([weighed.mean(1), weighed.max(1)], 1), ((0, 0), (0, 0), (3, 3), (3, 3)))
    kernel, bias = (p.detach().numpy() for p in layer.spatial.parameters())
    place = np.array(
        [[[(planes[n, :, i : i + 7, j : j + 7] * kernel[0]).sum() for j in range(3)] for i in range(5)]
         for n in range(2)]
    ) + bias  # fmt: skip
    np.testing.assert_allclose(layer(x).detach().numpy(), weighed * sigmoid(place)[:, None], rtol=1e-10)
    assert (place < 0).any() or (layer.spatial.bias.data.sub_(10) is not None and (layer(x) / x).max() < 0.5)


def test_convolution_block_keeps_the_size_and_is_not_negative(seed):
    block = conv_bn_relu(3, 5)
    y = block(torch.randn(2, 3, 7, 6))
    assert y.shape == (2, 5, 7, 6)
    assert y.min() == 0
    assert block[0].bias is None
