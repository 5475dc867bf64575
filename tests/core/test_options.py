"""Options as fields: checked when they are made, put together from groups, compared where they must agree."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
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
    optimizer: Literal["adam", "adamw"] = "adam"
    precision: Literal["32", "bf16"] = "32"
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
        ({"device": None}, "--device: None is not text"),
        ({"device": 3}, "--device: 3 is not text"),
        ({"epochs": 3.0}, "--epochs: 3.0 is not a whole number"),
        ({"epochs": "3"}, "--epochs: '3' is not a whole number"),
        ({"epochs": True}, "--epochs: True is not a whole number"),
        ({"lr": True}, "--lr: True is not a number"),
        ({"names": "a.tif"}, "--names: 'a.tif' is not a list"),
        ({"names": [True]}, "--names: True is not text"),
        ({"set": ["depth"]}, "--set: ['depth'] is not names with values"),
        ({"optimizer": "sgd"}, "--optimizer: 'sgd' is not one of adam, adamw"),
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
    both = Both(lr="2e-3", names=("a", Path("b")), epochs=np.int64(3), device=Path("cpu"), precision=32)
    assert (both.lr, both.names, both.epochs, both.device) == (2e-3, ["a", "b"], 3, "cpu")
    assert (type(both.epochs), both.precision) == (int, "32")
    assert (Both(lr=1).lr, Both(lr=np.float32(0.5)).lr, Both().lr) == (1.0, 0.5, None)


def test_an_option_says_what_its_annotation_says():
    options = {option.name: option for option in options_of(Both)}
    assert list(options) == ["device", "lr", "warmup", "epochs", "optimizer", "precision", "names", "set"]
    assert [option.name for option in options.values() if option.by_recipe] == ["lr"]
    assert (options["lr"].silent, options["lr"].hint) == (1e-3, float | None)
    assert (options["set"].default, options["set"].flag) == ({}, "--set")


def test_a_group_is_taken_out_of_what_is_put_together():
    assert part_of(Both(lr=0.5, device="cpu"), Rate) == Rate(lr=0.5)


def test_what_may_differ_is_no_part_of_the_identity():
    one, other = Both(lr=0.5, device="cpu"), Both(lr=0.5, device="cuda")
    kept = {
        "lr": 0.5,
        "warmup": 0,
        "epochs": 10,
        "optimizer": "adam",
        "precision": "32",
        "names": None,
        "set": {},
    }
    assert identity(one) == identity(other) == kept
    assert identity(one) != identity(replace(one, epochs=11))
