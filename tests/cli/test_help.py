"""Help that a person can read: headings, an example that runs, any width of terminal."""

import shlex
from collections.abc import Callable
from importlib import import_module

import pytest

from terramamba.change.settings import ChangeMapSettings
from terramamba.cli import COMMANDS, main
from terramamba.cli.classify_map import MapOptions
from terramamba.cli.classify_train import USAGE as TRAINING
from terramamba.cli.shared.help import LAST, MAIN, headings
from terramamba.cli.shared.parse import described, parse
from terramamba.landcover.settings import ClassifySettings


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_command_is_taken_by_it(name: str) -> None:
    known = described(import_module(f"terramamba.cli.{name.replace(' ', '_')}").run)
    words = shlex.split(known.usage.example)
    least = sum(not file.startswith("[") for file in known.usage.files)
    assert len(parse(known.usage, known.options, words)[1]) >= least


def test_flags_stand_under_headings_with_the_commands_own_first() -> None:
    under = headings(ClassifySettings)
    assert [*dict.fromkeys(under.values())] == [
        MAIN,
        "images",
        "labels",
        "training, validation and test",
        "samples",
        "model",
        "training",
        LAST,
    ]
    wanted = {"scene": MAIN, "out": MAIN, "mask": "images", "epochs": "training", "device": LAST}
    assert wanted.items() <= under.items()
    assert headings(MapOptions)["probabilities"] == "map"
    assert headings(ChangeMapSettings)["workers"] == LAST


def help_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int, *words: str
) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*words, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("words", [(), ("change",), ("change", "map"), ("classify", "train")])
def test_help_is_as_wide_as_the_terminal_and_no_wider_than_is_read_with_ease(
    columns: int,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = help_of(monkeypatch, capsys, columns, *words).splitlines()
    whole = ("usage: ", "  terramamba ", "  --")  # to be copied, or one word
    assert [line for line in shown if len(line) > min(columns, 100) and not line.startswith(whole)] == []


def test_help_speaks_of_the_line_and_ends_with_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = help_of(monkeypatch, capsys, 80, "classify", "train")
    assert "None" not in shown
    assert "not given: the only one that fits" in " ".join(shown.split())
    assert f"example:\n  terramamba classify train {TRAINING.example}\n" in shown


@pytest.mark.parametrize(
    ("words", "as_good_as"),
    [
        (("help",), ("--help",)),
        (("help", "classify"), ("classify", "--help")),
        (("classify", "help"), ("classify", "--help")),
        (("help", "weights", "show"), ("weights", "show", "--help")),
        (("version",), ("--version",)),
        (("-V",), ("--version",)),
    ],
)
def test_help_and_version_are_said_however_they_are_asked_for(words, as_good_as, terramamba) -> None:
    done, usual = terramamba(*words), terramamba(*as_good_as)
    assert (done.status, done.out, done.err) == (0, usual.out, "")


def test_a_group_that_is_a_command_too_knows_what_was_meant(terramamba: Callable[..., object]) -> None:
    done = terramamba("weights", "shw", "spectral-library")
    assert done.status == 2
    assert done.err.splitlines()[-1] == (
        "error: no command `weights shw`; did you mean `terramamba weights show`?"
    )
    assert "weights verify" in done.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("models", "--task", "clasify"), "did you mean classify?"),
        (("bench", "scn"), "did you mean scan?"),
        (("demo", "--device", "cdua"), "did you mean cuda?"),
    ],
)
def test_a_value_that_a_person_would_have_meant_is_named(
    words: tuple[str, ...], hint: str, tmp_path, monkeypatch, terramamba: Callable[..., object]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = terramamba(*words)
    assert done.status != 0
    assert done.err.rstrip().endswith(hint)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--model", "ssamamba"), "ssa_mamba"),
        (("--model", "ssa_mamba", "--preset", "tinny"), "tiny"),
        (("--set", "d_modle=3"), "d_model"),
    ],
)
def test_models_presets_and_options_that_were_meant(words, hint, workshop, terramamba) -> None:
    files = ("--scene", workshop.scene.scene, "--labels", workshop.scene.labels)
    done = terramamba("classify", "train", *files, "--dry-run", *words)
    assert done.status == 1
    assert done.err.rstrip().endswith(f"; did you mean {hint}?")
    assert "glmamba" not in done.err  # a model of the other job


def test_a_dry_run_needs_no_folder(workshop, tmp_path, monkeypatch, terramamba) -> None:
    monkeypatch.chdir(tmp_path)
    files = ("--scene", workshop.scene.scene, "--labels", workshop.scene.labels)
    done = terramamba("classify", "train", *files, "--dry-run", "--model", "svm", "--split", "random")
    assert done.status == 0, done.err
    assert "labelled pixels" in done.out
    assert list(tmp_path.iterdir()) == []


def test_who_takes_a_dry_run_back_must_name_a_folder(workshop, tmp_path, monkeypatch, terramamba) -> None:
    monkeypatch.chdir(tmp_path)
    files = ("--scene", workshop.scene.scene, "--labels", workshop.scene.labels)
    done = terramamba("classify", "train", *files, "--dry-run", "--no-dry-run")
    assert (done.status, "--out must be given" in done.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_who_names_a_subset_without_pairs_is_told_which_have_some(workshop, terramamba) -> None:
    done = terramamba(
        "change", "evaluate", workshop.change_run, "--data", workshop.pairs.root, "--split", "tst"
    )
    assert done.status == 1
    assert "no labelled pairs in its tst subset; it has them in test (" in done.err
    assert done.err.rstrip().endswith("score on one of them with --split")
