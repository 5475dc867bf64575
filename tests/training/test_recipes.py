"""What a recipe decides, from what it decides it, and what stays as it was given."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch

from terramamba.change.recipe import practical as change_recipe
from terramamba.change.recipe import with_crops
from terramamba.change.settings import ChangeSettings
from terramamba.core.options import options_of
from terramamba.landcover.recipe import LENGTH
from terramamba.landcover.recipe import practical as land_cover_recipe
from terramamba.landcover.settings import ClassifySettings
from terramamba.models.registry import create_model, list_models, model_spec
from terramamba.tasks import TASKS
from terramamba.training.recipes import power_of_two, recipe_in_words, resolve, settled
from terramamba.training.settings import TrainConfig
from terramamba.training.workload import RATES, Volume, Workload, workload


@dataclass(frozen=True)
class Spec:
    """A model's record, as far as recipes look at it."""

    default_preset: str = "paper"
    recipe: dict[str, Any] = field(
        default_factory=lambda: {
            "epochs": 200,
            "lr": 1e-3,
            "warmup_epochs": 5,
            "clip_norm": 1.0,
            "patience": 50,
        }
    )


PATCHES = Volume(1000, 100, (20, 7, 7))
WORK = Workload(PATCHES, parameters=232_000, tensors=134, flops=24e6, device="cpu")


def classify(**given: Any) -> ClassifySettings:
    return ClassifySettings(**{"out": "o", "scene": "s", "model": "ssa_mamba", **given})


def change(**given: Any) -> ChangeSettings:
    return ChangeSettings(out="o", data="d", **given)


def test_the_published_recipe_is_the_record_s_and_what_it_is_silent_about_has_one_value():
    found = resolve(classify(recipe="published"), Spec(), WORK, land_cover_recipe)
    assert (found.epochs, found.lr, found.warmup_epochs, found.clip_norm, found.patience) == (
        200,
        1e-3,
        5,
        1.0,
        50,
    )
    assert (found.batch_size, found.optimizer, found.schedule, found.poly_power) == (
        16,
        "adam",
        "cosine",
        0.9,
    )
    assert found.preset == "paper"


def test_nothing_that_a_recipe_decides_is_left_open_and_all_of_it_is_named():
    for settings, rule in (
        (classify(patch_size=7), land_cover_recipe),
        (with_crops(change(), 9, "cpu"), change_recipe),
    ):
        for recipe in ("published", "practical"):
            found = resolve(replace(settings, recipe=recipe), Spec(), WORK, rule)
            by_recipe = [option.name for option in options_of(type(found)) if option.by_recipe]
            assert [name for name in by_recipe if getattr(found, name) is None] == []
            given = [name for name in by_recipe if getattr(settings, name) is not None]
            assert set(found.decided) | set(given) == set(by_recipe)
            assert resolve(found, Spec(), WORK, rule) == found


def test_what_is_given_stays_and_the_rest_follows_from_it():
    alone = resolve(classify(), Spec(), WORK, land_cover_recipe)
    given = resolve(classify(batch_size=8, lr=0.5, preset="tiny"), Spec(), WORK, land_cover_recipe)
    assert (given.batch_size, given.lr, given.preset) == (8, 0.5, "tiny")
    assert not {"batch_size", "lr", "preset"} & set(given.decided)
    assert given.epochs < alone.epochs  # smaller batches make more steps of an epoch
    short = resolve(classify(recipe="published", epochs=8), Spec(), WORK, land_cover_recipe)
    assert (short.epochs, short.warmup_epochs) == (8, 2)


def test_a_model_that_no_recipe_trains_has_its_size_decided_and_nothing_else():
    found = resolve(classify(model="svm"), Spec(default_preset="default"), None, land_cover_recipe)
    assert (found.preset, found.decided, found.epochs) == ("default", ["preset"], None)


def sized(work: Workload, **given: Any) -> ClassifySettings:
    return resolve(classify(**given), Spec(), work, land_cover_recipe)


def of(samples: int, **changed: Any) -> Workload:
    return replace(WORK, volume=replace(PATCHES, samples=samples), **changed)


def test_few_samples_are_seen_more_often_and_many_no_fewer_times_than_is_needed():
    few, some, many = (sized(of(samples)) for samples in (100, 1000, 10_000))
    assert few.epochs > some.epochs > many.epochs == 12
    assert few.batch_size < some.batch_size < many.batch_size
    for found, samples in ((few, 100), (some, 1000)):
        assert found.epochs * math.ceil(samples / found.batch_size) == pytest.approx(LENGTH.steps, rel=0.1)
    assert sized(of(10)).epochs == 200  # as published, at most


def test_an_expensive_training_is_cut_to_half_an_hour_but_to_some_epochs_at_least():
    slow, slower = (of(10_000, flops=flops) for flops in (3e8, 1e11))
    found = sized(slow)
    assert 4 <= found.epochs < 12
    assert slow.seconds(found.epochs, found.batch_size) <= 1800
    assert slow.seconds(found.epochs + 1, found.batch_size) > 1800
    assert sized(slower).epochs == 4
    assert sized(replace(slow, device="cuda")).epochs > found.epochs


def test_larger_change_detectors_learn_slower():
    rates = [
        resolve(with_crops(change(), 100, "cpu"), Spec(), replace(WORK, parameters=size), change_recipe).lr
        for size in (285_128, 3_036_737, 12_020_441, 400_000_000)
    ]
    assert rates == [2.6e-3, 8.1e-4, 4.1e-4, 3e-4]


def test_crops_are_many_where_pairs_are_few_and_small_on_a_cpu():
    crops = [with_crops(change(), pairs, "cpu") for pairs in (1, 33, 150, 7120)]
    assert [found.crops_per_pair for found in crops] == [48, 7, 2, 1]
    assert {found.crop_size for found in crops} == {128}
    assert with_crops(change(), 33, "cuda").crop_size == 256
    published = with_crops(change(recipe="published"), 33, "cpu")
    assert (published.crop_size, published.crops_per_pair) == (256, 1)
    assert with_crops(change(crop_size=64), 33, "cpu").crop_size == 64


@pytest.mark.parametrize("name", list_models())
def test_published_recipes_name_settings_that_there_are(name):
    spec = model_spec(name)
    settings = TASKS[spec.task].settings
    assert set(spec.recipe) <= {option.name for option in options_of(settings) if option.by_recipe}
    if spec.recipe:
        required = {"out": "o", "data": "d"} if spec.task == "change" else {"out": "o"}
        settings(**required, **spec.recipe)  # every value within its bounds


def test_powers_of_two_are_the_nearest_within_bounds():
    assert [power_of_two(near, 4, 64) for near in (0, 5, 6, 22, 23, 1000)] == [4, 4, 8, 16, 32, 64]


def test_the_expected_time_is_the_sum_of_steps_and_validation(monkeypatch):
    rate = RATES["cpu"]
    step = 134 * rate.seconds_per_tensor + 3 * 24e6 * 50 / rate.flops_per_second
    assert WORK.seconds(1, 50) == pytest.approx(20 * step + 100 * 24e6 / rate.flops_per_second)
    assert WORK.seconds(3, 50) == pytest.approx(3 * WORK.seconds(1, 50))
    assert replace(WORK, devices=2).steps(50) == 10


def test_a_workload_counts_the_model_and_leaves_it_as_it_was():
    torch.manual_seed(0)
    model = create_model("ssa_mamba", preset="tiny", in_channels=20, num_classes=3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    small = workload(model, PATCHES, torch.device("cpu"))
    assert small.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert workload(model, replace(PATCHES, scale=4.0), torch.device("cpu")).flops == 4 * small.flops
    assert torch.equal(state, torch.get_rng_state())
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_model_recipe_and_time_are_said_in_words():
    found = resolve(classify(recipe="published", set={"depth": 2}), Spec(), WORK, land_cover_recipe)
    assert recipe_in_words(found, WORK, 240.0) == {
        "model": "ssa_mamba, paper, depth=2: 232,000 parameters",
        "recipe": "published: 200 epochs of 63 steps, batch size 16, adam, learning rate 0.001, cosine",
        "time": "about 4 minutes on cpu",
    }


def test_a_configuration_without_a_recipe_trains_all_the_same():
    found = settled(TrainConfig(epochs=3))
    assert (found.epochs, found.batch_size, found.lr, found.optimizer) == (3, 16, 1e-3, "adam")
