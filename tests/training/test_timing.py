"""The time that training will take, from a few steps: nothing that training starts from changes by it."""

from copy import deepcopy

import torch

from terramamba.landcover.objective import Classification
from terramamba.landcover.settings import ClassConfig
from terramamba.training.timing import timed_seconds
from terramamba.training.workload import Volume, workload
from toys import Patches, PatchNet

CPU = torch.device("cpu")


def test_timing_leaves_model_and_random_numbers_as_they_were(seed):
    torch.manual_seed(seed)
    model, samples = PatchNet(), Patches(32, seed)
    weights, drawn = deepcopy(model.state_dict()), torch.random.get_rng_state()
    config = ClassConfig(epochs=3, batch_size=4)
    work = workload(model, Volume(32, 8.0, (4, 5, 5)), CPU)
    seconds = timed_seconds(model, Classification, samples, config, work, CPU)
    assert seconds > 0
    assert torch.equal(drawn, torch.random.get_rng_state())
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
