"""What is timed side by side computes the same, and the order in which it is timed."""

import pytest
import torch

from terramamba.bench import alternatives, networks, scan
from terramamba.bench.loops import LOOP, loop_backends
from terramamba.bench.timing import Times, figures, take_turns
from terramamba.ops import available_backends

SHAPES = {shape.key: shape for shape in scan.SHAPES["small"]}


@pytest.mark.parametrize("key", SHAPES)
def test_the_loop_computes_what_the_reference_does(key, seed):
    shape = SHAPES[key]
    inputs = {name: x.requires_grad_() for name, x in shape.inputs().items()}
    with loop_backends():
        assert available_backends(shape.op)[LOOP] == ""
        results = [shape.scan(backend)(inputs) for backend in (LOOP, "reference")]
    assert LOOP not in available_backends(shape.op)
    torch.testing.assert_close(*results, rtol=1e-5, atol=1e-5)
    gradients = [torch.autograd.grad(y.square().sum(), list(inputs.values())) for y in results]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("package", ["mambapy", "transformers"])
def test_other_packages_compute_what_the_reference_does(package, seed):
    found, absent = alternatives.find()
    if package in absent:
        pytest.skip(f"{package}: {absent[package]}")
    shape = SHAPES["sequence"]
    inputs = shape.inputs() | {"A": -torch.rand(shape.d, shape.n), "delta_bias": torch.randn(shape.d)}
    torch.testing.assert_close(found[package](inputs), shape.scan("reference")(inputs), rtol=1e-4, atol=1e-4)


def test_a_package_without_the_function_is_absent(monkeypatch):
    monkeypatch.setitem(alternatives._ALTERNATIVES, "mambapy", ("math", "pscan", alternatives._mambapy))
    _, absent = alternatives.find()
    assert absent["mambapy"] == "this version has no math.pscan; pip install 'terramamba[bench]'"


def test_all_ways_of_a_model_give_one_result(seed):
    network = networks.Network("ssa_mamba", "ssa_mamba", "tiny", (2, 6, 3, 3))
    model, images = network.model().eval(), network.images()
    with loop_backends(), torch.no_grad():
        names = networks.ways()
        outputs = {name: networks.within(name, lambda: model(images))() for name in names}
    assert names[0] == LOOP
    for name, output in outputs.items():
        loose = name.endswith(networks.BF16)
        torch.testing.assert_close(output.float(), outputs[LOOP], rtol=0, atol=0.05 if loose else 1e-5)


def test_candidates_take_turns():
    order = []
    times = take_turns({name: lambda name=name: order.append(name) for name in "ab"}, seconds=1e-9)
    assert order[:2] == ["a", "b"]  # the first runs, which are slow beside a nanosecond and count
    assert {name: entry.runs for name, entry in times.items()} == {"a": 1, "b": 1}
    order.clear()
    times = take_turns({name: lambda name=name: order.append(name) for name in "ab"}, seconds=0.01)
    rounds = "".join(order)[2:]
    assert rounds.count("ab") >= 3
    assert times["a"].runs == rounds.count("a")


def test_quartiles_and_figures():
    assert Times.of([2.0]) == Times(2.0, 2.0, 2.0, 1)
    assert Times.of([1.0, 2.0, 3.0, 4.0, 5.0]) == Times(2.0, 3.0, 4.0, 5)
    written = {0: "0", 0.012345: "0.0123", 1: "1.00", 59.96: "60.0", 123.4: "123", 98765.4: "98,800"}
    assert {value: figures(value) for value in written} == written
