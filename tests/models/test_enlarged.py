"""A detector that is shown images enlarged answers for the pixels of the images as they are."""

import torch

from terramamba.models.enlarged import Enlarged
from terramamba.models.registry import create_model


def test_each_pixel_gets_the_mean_of_those_that_it_became(seed):
    net = create_model("difference_mamba", in_channels=3, width=16, d_state=2, meanings=2).eval()
    x, meaning = torch.randn(2, 2, 3, 11, 14), torch.tensor([1, 0])
    found = Enlarged(net, 3).eval()(x, meaning=meaning)
    larger = torch.stack(
        [torch.nn.functional.interpolate(pair, size=(33, 42), mode="bilinear") for pair in x]
    )
    blocks = net(larger, meaning).unfold(2, 3, 3).unfold(3, 3, 3)
    torch.testing.assert_close(found, blocks.mean(dim=(4, 5)), rtol=1e-4, atol=1e-5)


def test_asked_for_no_more_than_they_are_it_is_the_model_itself(seed):
    net = create_model("fc_siam_diff", in_channels=2).eval()
    x = torch.randn(1, 2, 2, 16, 20)
    torch.testing.assert_close(Enlarged(net, 1).eval()(x), net(x))
