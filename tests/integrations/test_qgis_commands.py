"""The plugin for QGIS without QGIS: command lines, help texts, running and ending a command, the zip."""

import configparser
import sys
import time
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
from qgis_plugin import PLUGIN, make_script, plugin_module

from terramamba import __version__
from terramamba.cli.shared.parse import described, parse

specs, lines, program = (plugin_module(name) for name in ("specs", "command_lines", "program"))
ALGORITHMS = {algorithm.name: algorithm for algorithm in specs.ALGORITHMS}


def test_help_texts_are_those_of_the_command_line():
    made = make_script().help_file()
    kept = (PLUGIN / "help.json").read_text(encoding="utf-8")
    assert kept == made, "run `python integrations/make_qgis.py help`"
    assert "None:" not in kept


def test_training_and_mapping_are_two_commands_and_the_second_uses_what_the_first_made():
    values = {
        "SCENE": "scene.tif",
        "LABELS": "fields.gpkg",
        "CLASS_ATTRIBUTE": "crop",
        "MODEL": "svm",
        "EPOCHS": None,
        "SEED": 3,
        "RUN": "run",
        "MODE": "exact",
        "OUTPUT": "map.tif",
        "PROBABILITIES": None,
    }
    train, mapped = lines.command_lines(ALGORITHMS["train_and_map_land_cover"], values)
    assert train == [
        *("classify", "train", "--progress=json", "--scene=scene.tif", "--labels=fields.gpkg"),
        *("--class-attribute=crop", "--model=svm", "--seed=3", "--out=run", "--"),
    ], "a run is replaced without a question"
    assert mapped == [
        *("classify", "map", "--progress=json", "--mode=exact", "--out=map.tif", "--overwrite", "--"),
        *("run", "scene.tif"),
    ]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_command_line_is_one_that_the_program_reads(name):
    algorithm = ALGORITHMS[name]
    samples = {specs.WHOLE: 2, specs.NUMBER: 0.5, specs.YES_NO: True}
    values = {
        parameter.name: specs.choices(algorithm, parameter)[0]
        if parameter.kind == specs.CHOICE
        else samples.get(parameter.kind, f"{parameter.name}.gpkg")
        for parameter in algorithm.asked()
    }
    values |= {"OUTPUT": "out.html" if name == "report" else "out.gpkg" if name == "sample" else "out.tif"}
    if "PROBABILITIES" in values:
        values["PROBABILITIES"] = "p.tif"
    for command, words in zip(algorithm.commands, lines.command_lines(algorithm, values), strict=True):
        known = described(import_module(f"terramamba.cli.{command.replace(' ', '_')}").run)
        rest = [word for word in words[len(command.split()) :] if word != "--progress=json"]
        options, files = parse(known.usage, known.options, rest)
        given = [p for p in algorithm.parameters if algorithm.commands[p.of] == command and not p.flag]
        assert len(files) == len(given)
        assert isinstance(options, known.options)


def test_a_command_tells_how_far_it_is_and_what_it_printed(tmp_path):
    script = tmp_path / "say.py"
    script.write_text(
        "import sys\n"
        'print(\'{"progress": {"what": "mapping", "done": 1, "total": 4, "unit": "px"}}\', file=sys.stderr)\n'
        "print('note: ä', file=sys.stderr)\nprint('mapped')\n",
        encoding="utf-8",
    )
    done, said = [], []
    printed = program.run(sys.executable, [str(script)], done.append, said.append, lambda: False)
    assert (printed.strip(), done, said) == ("mapped", [0.25], ["note: ä"])


def test_a_command_that_fails_says_its_own_last_line(tmp_path):
    script = tmp_path / "fail.py"
    script.write_text("import sys; print('error: scene.tif: no such file', file=sys.stderr); sys.exit(1)")
    with pytest.raises(program.CommandError, match=r"scene\.tif: no such file"):
        program.run(sys.executable, [str(script)], print, print, lambda: False)
    with pytest.raises(program.CommandError, match="give the path of terramamba in the settings"):
        program.run(str(tmp_path / "nothing"), [], print, print, lambda: False)


def test_a_command_ends_when_somebody_cancels(tmp_path):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    script = tmp_path / "long.py"
    script.write_text(
        f"import pathlib, time\ntry:\n    pathlib.Path({str(begun)!r}).touch()\n    time.sleep(100)\n"
        f"except KeyboardInterrupt:\n    pathlib.Path({str(ended)!r}).touch()\n    raise SystemExit(130)\n"
    )
    start = time.monotonic()
    program.run(sys.executable, [str(script)], print, print, begun.exists)
    assert ended.exists()
    assert time.monotonic() - start < 90


def test_the_zip_is_what_the_plugin_repository_takes(tmp_path):
    names = make_script().write_zip(tmp_path / "plugin.zip")
    with zipfile.ZipFile(tmp_path / "plugin.zip") as made:
        text = made.read("terramamba/metadata.txt").decode()
        assert {Path(name).parts[0] for name in names} == {"terramamba"}
        assert {"terramamba/LICENSE", "terramamba/icon.png", "terramamba/__init__.py"} <= set(names)
        assert not [name for name in names if name.endswith((".pyc", ".so"))]
    said = configparser.ConfigParser()
    said.read_string(text)
    general = said["general"]
    wanted = (
        "name",
        "qgisMinimumVersion",
        "description",
        "about",
        "version",
        "author",
        "email",
        "repository",
    )
    assert all(general[key] for key in wanted)
    assert general["version"] == __version__
    assert general["hasProcessingProvider"] == "yes"
