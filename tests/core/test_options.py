"""Options as fields: checked when they are made, put together from groups, compared where they must agree."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import pytest

from terramamba.core.errors import InputError
from terramamba.core.options import (
    ABOVE_ZERO,
    MAY_DIFFER,
    UNDECIDED,
    ByRecipe,
    Options,
    Silent,
    at_least,
    identity,
    known_options,
    options_of,
    part_of,
)


@dataclass(frozen=True, kw_only=True)
class Rate(Options):
    lr: Annotated[ByRecipe[float], ABOVE_ZERO, Silent(1e-3)] = UNDECIDED
    warmup: Annotated[int, at_least(0)] = 0
    epochs: int = 10

    def refuse_contradictions(self) -> None:
        if self.warmup >= self.epochs:
            raise InputError(f"--warmup {self.warmup}: must be below --epochs")


@dataclass(frozen=True, kw_only=True)
class Where(Options):
    device: Annotated[str, MAY_DIFFER] = "auto"


@dataclass(frozen=True, kw_only=True)
class Both(Rate, Where):
    names: list[str] | None = None
    set: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": "big"}, "--lr: 'big' is not a number"),
        ({"lr": 0}, "--lr 0.0: a number above 0 is needed"),
        ({"lr": float("nan")}, "--lr nan: a number above 0 is needed"),
        ({"warmup": -1}, "--warmup -1: at least 0 is needed"),
        ({"warmup": 10}, "--warmup 10: must be below --epochs"),
        ({"device": None}, "--device: None is not a text"),
    ],
)
def test_what_cannot_be_is_refused_when_the_options_are_made(given, message):
    with pytest.raises(InputError) as refused:
        Both(**given)
    assert str(refused.value) == message
    with pytest.raises(InputError) as refused:
        replace(Both(), **given)
    assert str(refused.value) == message


def test_values_become_those_of_the_annotation():
    both = Both(lr="2e-3", names=("a", "b"))
    assert (both.lr, both.names) == (2e-3, ["a", "b"])
    assert Both().lr is None


def test_an_option_says_what_its_annotation_says():
    options = {option.name: option for option in options_of(Both)}
    assert list(options) == ["device", "lr", "warmup", "epochs", "names", "set"]
    assert [option.name for option in options.values() if option.by_recipe] == ["lr"]
    assert (options["lr"].silent, options["lr"].hint) == (1e-3, float | None)
    assert (options["set"].default, options["set"].flag) == ({}, "--set")


def test_a_group_is_taken_out_of_what_is_put_together():
    assert part_of(Both(lr=0.5, device="cpu"), Rate) == Rate(lr=0.5)


def test_what_may_differ_is_no_part_of_the_identity():
    one, other = Both(lr=0.5, device="cpu"), Both(lr=0.5, device="cuda")
    assert (
        identity(one) == identity(other) == {"lr": 0.5, "warmup": 0, "epochs": 10, "names": None, "set": {}}
    )
    assert identity(one) != identity(replace(one, epochs=11))


def test_a_record_of_another_version_gives_what_is_known_of_it_and_is_checked():
    assert known_options(Rate, {"epochs": 3, "momentum": 0.9}) == Rate(epochs=3)
    with pytest.raises(InputError, match="--epochs: 'x' is not a whole number"):
        known_options(Rate, {"epochs": "x"})
