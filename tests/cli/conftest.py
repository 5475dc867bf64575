"""A small run of each job, made once, and a way to run commands."""

import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

import programs
from terramamba.cli import main
from terramamba.data.synthetic.files import SyntheticPairs, SyntheticScene, make_pairs, make_scene


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Workshop:
    """Images of both jobs and a run on each; the models are those that need no training by gradients."""

    scene: SyntheticScene
    pairs: SyntheticPairs
    cover_run: Path
    change_run: Path


def in_process(*words: object) -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
        status = main([str(word) for word in words])
    return Outcome(status, out.getvalue(), err.getvalue())


def as_a_program(*words: object, cwd: Path | None = None, fresh: bool = False) -> Outcome:
    done = programs.terramamba(*words, cwd=cwd, fresh=fresh)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def terramamba() -> Callable[..., Outcome]:
    """Runs a command in this process, where shapes are checked too."""
    return in_process


@pytest.fixture
def program() -> Callable[..., Outcome]:
    """Runs a command as a user does."""
    return as_a_program


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("workshop")
    scene = make_scene(folder / "scene", 0, height=60, width=60, bands=12)
    pairs = make_pairs(folder / "pairs", 0, train=2, val=2, test=2, size=64, scene=(96, 128))
    cover, change = folder / "cover", folder / "change"
    cover_words = ("--labels", scene.labels, "--model", "svm", "--split", "random", "--out", cover)
    for words in (
        ("classify", "train", "--scene", scene.scene, *cover_words),
        ("change", "train", "--data", pairs.root, "--model", "cva", "--out", change),
    ):
        done = in_process(*words)
        assert done.status == 0, done.err
    return Workshop(scene, pairs, cover, change)
