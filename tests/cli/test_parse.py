"""Flags from settings: spelling, values, files between flags, configuration files, and errors in words."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from terramamba.change.settings import ChangeMapSettings, ChangeSettings
from terramamba.cli.shared.files import split_run
from terramamba.cli.shared.parse import Usage, parse
from terramamba.core.errors import InputError
from terramamba.core.options import RECORD, options_of
from terramamba.landcover.settings import ClassifySettings


@dataclass(frozen=True, kw_only=True)
class Base:
    """Inherited."""

    out: str
    """Where the
    result goes."""
    set: dict[str, Any] = field(default_factory=dict)
    """Options of the model, 100 % of them."""


@dataclass(frozen=True, kw_only=True)
class Settings(Base):
    """Of every kind."""

    batch_size: int | None = None
    """Samples a step."""
    rate: float = 0.5
    """Rate."""
    mode: Literal["exact", "fast"] = "exact"
    """How."""
    names: list[str] | None = None
    """Names."""
    resume: bool = False
    """Go on."""
    augment: bool = True
    """Augment."""


USAGE = Usage("try out", "Try it.", ("RUN", "[FILE]"))


def settings(*words: str) -> Settings:
    return parse(USAGE, Settings, [*words, "run"])[0]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        parse(USAGE, Settings, words)
    assert stop.value.code == 2
    usage, error = capsys.readouterr().err.splitlines()
    assert usage == "usage: terramamba try out RUN [FILE] --out OUT [options]"
    assert error.startswith("error: ")
    return error.removeprefix("error: ")


def test_defaults_are_those_of_the_fields() -> None:
    assert settings("--out", "o") == Settings(out="o")


@pytest.mark.parametrize("words", [("--batch-size", "3"), ("--batch_size=3",), ("--batch-size=3",)])
def test_dashes_and_underscores(words: tuple[str, ...]) -> None:
    assert settings("--out", "o", *words).batch_size == 3


def test_every_kind_of_value() -> None:
    words = "--out 5 --rate 1e-3 --mode fast --names corn,soy --resume --no-augment --batch-size null"
    assert settings(*words.split()) == Settings(
        out="5", rate=1e-3, mode="fast", names=["corn", "soy"], resume=True, augment=False
    )
    assert settings("--out", "o", "--names=[a, b]", "--rate", "-2").names == ["a", "b"]


def test_options_of_the_model_are_yaml_scalars_and_add_up() -> None:
    words = "--set depth=4 --set=d-state=1e-3 --set gate=false --set path=a=b --set depths=[1,2] --set x=null"
    assert settings("--out", "o", *words.split()).set == {
        "depth": 4,
        "d_state": 1e-3,
        "gate": False,
        "path": "a=b",
        "depths": [1, 2],
        "x": None,
    }


@pytest.mark.parametrize(
    "words", ["a b --out o", "--out o a b", "a --out o --resume b", "--resume a b --out=o"]
)
def test_files_stand_anywhere(words: str) -> None:
    assert parse(USAGE, Settings, words.split())[1] == ["a", "b"]


def test_what_follows_two_dashes_is_a_file() -> None:
    assert parse(USAGE, Settings, ["--out", "o", "--", "--odd-name", "-x"])[1] == ["--odd-name", "-x"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run", "--out must be given"),
        ("--out o", "terramamba try out takes RUN [FILE]; got none"),
        ("--out o a b c", "terramamba try out takes RUN [FILE]; got a b c"),
        ("--out o run --bach-size 3", "unknown flag --bach-size; did you mean --batch-size?"),
        ("--out o run --verbos", "unknown flag --verbos; did you mean --verbose?"),
        ("--out o run --zzz", "unknown flag --zzz; terramamba try out --help lists what there is"),
        ("--out o run --batch-size many", "--batch-size: 'many' is not a whole number"),
        ("--out o run --rate fast", "--rate: 'fast' is not a number"),
        ("--out o run --mode slow", "--mode: 'slow' is not one of exact, fast"),
        ("--out o run --resume=perhaps", "--resume: 'perhaps' is not yes or no"),
        ("run --out", "--out needs a value"),
        ("run --out --resume", "--out needs a value"),
        (
            "--out o run --names a,b --names c",
            "--names is given twice; give it once, as a list: --names a,b,c",
        ),
        ("--out o run --set depth", "--set takes key=value, such as --set depth=2; got 'depth'"),
    ],
)
def test_wrong_usage_is_said_in_words(capsys: pytest.CaptureFixture[str], words: str, message: str) -> None:
    assert refused(capsys, *words.split()) == message


def test_a_list_of_numbers_that_is_none_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Numbers(Base):
        """With a list of numbers."""

        nodata: list[float] | None = None
        """Values."""

    with pytest.raises(SystemExit):
        parse(USAGE, Numbers, ["--out", "o", "run", "--nodata", "nothing"])
    said = "error: --nodata: 'nothing' is not a list of numbers, such as 0,-9999"
    assert capsys.readouterr().err.splitlines()[-1] == said


def test_a_flag_that_is_given_twice_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        settings("--out", "o", "--batch-size", "4", "--batch_size=8", "--rate", "1", "--rate", "1").batch_size
        == 8
    )
    assert capsys.readouterr().err == "note: --batch-size is given twice, 4 and 8; 8 counts\n"


def test_a_file_of_settings_and_flags_that_override_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("out: o\nbatch_size: 8\nset:\n  depth: 2\nresume: true\nnames: [a]\n")
    given = settings("--config", str(file), "--batch-size", "4", "--set", "width=3", "--no-resume")
    assert given == Settings(out="o", batch_size=4, set={"depth": 2, "width": 3}, names=["a"])


def test_an_unknown_setting_in_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("out: o\nbatchsize: 8\n")
    message = refused(capsys, "--config", str(file), "run")
    assert message == "unknown setting in the configuration file: batchsize; did you mean batch_size?"


@pytest.mark.parametrize(
    ("text", "remark"),
    [("a: [b", "is not YAML"), ("just words", "holds no mapping"), (None, "No such file")],
)
def test_a_file_that_is_no_settings(tmp_path: Path, text: str | None, remark: str) -> None:
    file = tmp_path / "settings.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=f"settings.yaml: .*{remark}"):
        parse(USAGE, Settings, ["--config", str(file), "run"])


def test_printed_settings_can_be_given_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "--scene s --labels l --out o --set depth=2 --precision bf16 --class-names a,b --lr 1e-4"
    words, usage = line.split(), Usage("classify train", "Train.")
    with pytest.raises(SystemExit) as stop:
        parse(usage, ClassifySettings, [*words, "--print-config"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    file = tmp_path / "printed.yaml"
    file.write_text(printed)
    expected, _ = parse(usage, ClassifySettings, words)
    assert parse(usage, ClassifySettings, ["--config", str(file)])[0] == expected
    assert yaml.safe_load(printed) == asdict(expected)


@pytest.mark.parametrize("options", [ClassifySettings, ChangeSettings, Settings])
def test_help_has_every_field_with_its_docstring(
    options: type[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(Usage("x", "About."), options, ["--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for one in options_of(options):
        assert (f"{one.flag} " in text.replace(",", " ")) == (RECORD not in one.marks), one.name
    assert "None)" not in text
    if options is Settings:
        assert "--out OUT Where the result goes." in text
        assert "--batch-size N Samples a step." in text
        assert "--mode {exact,fast} How. (default: exact)" in text
        assert "--augment, --no-augment Augment. (default: yes)" in text
        assert "--set KEY=VALUE Options of the model, 100 % of them." in text


def test_the_run_is_the_folder_with_a_model(tmp_path: Path) -> None:
    run, scene = tmp_path / "run", tmp_path / "tiles"
    for folder in (run, scene):
        folder.mkdir()
    (run / "model.json").write_text("{}")
    for order in ([str(run), str(scene), "b.tif"], [str(scene), "b.tif", str(run)]):
        assert split_run(order) == (str(run), [str(scene), "b.tif"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ((), "no such run folder"),
        (("run",), "no model.json in it"),
        (("run", "run/model.json"), "name one run"),
        (
            ("run", "run/b", "run/b/model.json", "run/a", "run/a/model.json"),
            r"holds 2 runs; name .*run/a, .*/b",
        ),
    ],
)
def test_no_run_or_two(tmp_path: Path, make: tuple[str, ...], message: str) -> None:
    for name in make:
        path = tmp_path / name
        path.touch() if name.endswith(".json") else path.mkdir()
    run = str(tmp_path / "run")
    with pytest.raises(InputError, match=f"{run}.*{message}"):
        split_run([run, run] if "two" in message or "one run" in message else [run, "scene.tif"])


@pytest.mark.parametrize("flag", ["polygons", "mask"])
@pytest.mark.parametrize("written", ["a.gpkg,b.geojson", "[a.gpkg, b.geojson]", "a.gpkg , b.geojson"])
def test_a_list_is_written_alike_on_the_line_and_in_yaml(tmp_path: Path, flag: str, written: str) -> None:
    file, usage = tmp_path / "c.yaml", Usage("change map", "Map.", ("RUN",))
    file.write_text(f"{flag}: {written}\n")
    for words in (["--config", str(file)], [f"--{flag}", written.replace("[", "").replace("]", "")]):
        options, _ = parse(usage, ChangeMapSettings, [*words, "run"])
        assert getattr(options, flag) == ["a.gpkg", "b.geojson"]


@pytest.mark.parametrize(
    ("given", "names", "said"),
    [
        (["a.tif"], ["SCENE"], "RUN: no run folder among a.tif; name the folder"),
        (["a.tif", "b.tif"], ["BEFORE", "AFTER"], "RUN: no run folder among a.tif, b.tif; .*BEFORE, AFTER"),
        (["tiles", "a.tif"], ["BEFORE", "AFTER"], "RUN: no run folder among tiles, a.tif"),
        (["cube.npz:x"], ["SCENE"], "RUN: no run folder among cube.npz:x;"),
        (["https://example.org/a.tif"], ["SCENE"], "RUN: no run folder among https://example.org/a.tif;"),
        (["rnu", "a.tif"], ["SCENE"], "rnu: no such run folder"),
        (["rnu", "tiles", "tiles"], ["BEFORE", "AFTER"], "rnu: no such run folder"),
        (["a.tif", "b.tif", "rnu"], ["BEFORE", "AFTER"], "rnu: no such run folder"),
        (["rnu", "missing.tif"], ["SCENE"], "rnu: no such run folder"),
        (["missing.tif"], ["SCENE"], r"RUN: no run folder among missing.tif \(missing.tif: no such file\)"),
        (["rnu"], [], "rnu: no such run folder"),
        (["a.tif", "begun", "tiles"], ["BEFORE", "AFTER"], "begun: no model.json in it"),
        (["tiles", "missing.tif"], ["SCENE"], "tiles: no model.json in it"),
        (["a.tif"], None, "RUN: no run folder among a.tif; name the folder that training wrote with --out$"),
        (["a.tif", "b.tif"], ["BEFORE", "AFTER"], ".*, AFTER; --weights and --model map without a run$"),
        ([], ["SCENE"], "RUN: no run is named; .* and SCENE; --weights maps without a run$"),
        ([], (), "RUN: no run is named; name the folder that training wrote with --out$"),
    ],
)
def test_a_run_that_is_not_there_is_not_taken_for_a_scene(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    names: list[str] | None,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("tiles", "begun"):
        Path(folder).mkdir()
    for file in ("a.tif", "b.tif", "cube.npz", "begun/config.yaml"):
        Path(file).touch()
    with pytest.raises(InputError, match=f"^{said}"):
        split_run(given, names)


def test_a_shorter_flag_is_taken_where_the_longer_one_is() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Choice:
        """Of an array."""

        scene_variable: str | None = None
        """Name."""

    for words in (["--variable", "cube"], ["--variable=cube"], ["--scene-variable", "cube"]):
        assert parse(USAGE, Choice, [*words, "run"])[0] == Choice(scene_variable="cube")


def test_a_shorter_flag_is_unknown_where_the_longer_one_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--variable" in refused(capsys, "--variable", "cube", "--out", "x", "run")
