"""Every command as a user calls it: status, what is printed, what is written."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import shapely
import torch
from pyogrio import read_info
from pyogrio.raw import write

from programs import python
from terramamba import __version__, cli
from terramamba.cli import COMMANDS, main
from terramamba.raster.readers.open import open_scene
from terramamba.tasks import TASKS

HELP_SECONDS = 0.5


def files_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_help_lists_every_command_at_once(program: Callable[..., object]) -> None:
    """In fresh interpreters, as their start counts too."""
    took = []
    for _ in range(3):
        start = time.perf_counter()
        done = program("--help", fresh=True)
        took.append(time.perf_counter() - start)
    assert done.status == 0
    assert done.err == ""
    assert all(f"  {name} " in done.out for name in COMMANDS)
    assert min(took) < HELP_SECONDS


def test_the_room_of_commands_holds_a_file_for_each_and_no_other() -> None:
    files = {path.stem.replace("_", " ") for path in Path(cli.__file__).parent.glob("*.py")}
    assert files - {"  init  "} == {*COMMANDS}


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, terramamba.cli as cli; cli.main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = python("-c", code, check=True, fresh=True)  # it is about what an interpreter imports
    assert not {"torch", "numpy", "rasterio", "jsonargparse", "rich", "yaml"} & set(done.stderr.split())


def test_help_of_a_command_with_flags_of_every_job_needs_no_model() -> None:
    code = (
        "import sys, terramamba.cli as cli; cli.main(['explain', '--help']);"
        " print(*sys.modules, file=sys.stderr)"
    )
    done = python("-c", code, check=True, fresh=True)
    assert all(flag in done.stdout for flag in ("--window", "--bands-per-group"))
    assert not {"torch", "numpy", "rasterio"} & set(done.stderr.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_refuses_unknown_flags(name, terramamba) -> None:
    shown = terramamba(*name.split(), "--help")
    assert shown.status == 0
    assert shown.out.startswith(f"usage: terramamba {name}")
    assert "--print-config" in shown.out
    wrong = terramamba(*name.split(), "--no-such-flag")
    assert wrong.status == 2
    assert wrong.err.splitlines()[0].startswith(f"usage: terramamba {name}")
    assert "unknown flag --no-such-flag" in wrong.err.splitlines()[1]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ((), None),
        (("classify",), "error: name a command"),
        (("classfy", "train"), "error: no command `classfy`; did you mean `terramamba classify train`?"),
        (("change", "mop"), "error: no command `change mop`; did you mean `terramamba change map`?"),
        (("zzz",), "error: no command `zzz`; `terramamba --help` lists them"),
    ],
)
def test_a_command_that_is_not_there(words, error, terramamba) -> None:
    done = terramamba(*words)
    assert done.status == 2
    assert done.out == ""
    assert error is None or done.err.splitlines()[-1] == error
    # All commands are listed where none was named; those of a group are few.
    assert ("usage: terramamba" in done.err) == (words == () or words[0] in ("classify", "change"))


def test_version_and_group_help(terramamba) -> None:
    assert terramamba("--version").out == f"terramamba {__version__}\n"
    group = terramamba("change", "--help")
    assert group.status == 0
    assert "change map" in group.out
    assert "classify map" not in group.out


def test_models_prints_exact_sizes_beside_claims(program) -> None:
    done = program("models")
    assert done.status == 0, done.err
    assert "7.32 M" in done.out
    assert "39,191" in done.out
    assert "1,008,153" in done.out
    assert "published LEVIR-CD" in done.out


def test_models_of_one_task(terramamba) -> None:
    done = terramamba("models", "--task", "classify")
    assert "ssa_mamba" in done.out
    assert "glmamba" not in done.out
    done = terramamba("models", "--task", "cluster")
    assert (done.status, done.out) == (1, "")
    assert f"task 'cluster' is unknown; choose one of: {', '.join(TASKS)}" in done.err


def test_models_are_listed_as_json(terramamba) -> None:
    listed = json.loads(terramamba("models", "--task", "change", "--json").out)
    assert {model["task"] for model in listed} == {"change"}
    assert "glmamba" in [model["name"] for model in listed]


def test_flags_are_not_abbreviated(terramamba) -> None:
    done = terramamba("classify", "train", "--scen", "s.tif", "--labels", "l.tif", "--out", "run")
    assert done.status == 2
    assert "unknown flag --scen; did you mean --scene?" in done.err


def test_check_one_scene_and_a_pair(workshop, program) -> None:
    one = program("check", workshop.scene.scene)
    assert one.status == 0, one.err
    for words in ("60 rows x 60 columns, 12 bands", "EPSG:32632", "420 to 2400 nm", "empty bands"):
        assert words in one.out
    two = program("check", workshop.pairs.before, workshop.pairs.after)
    assert two.status == 0
    assert "a pair of 96 x 128 pixels, 3 bands" in two.out


def test_check_vector_labels(tmp_path, workshop, terramamba) -> None:
    path = tmp_path / "labels.gpkg"
    boxes = [shapely.box(west, 5, west + 1, 6) for west in range(30)]
    cover, numbers = np.array(["wood", "corn", "wood"] * 10, object), np.arange(30)
    columns, names = [cover, numbers, numbers / 8], ["cover", "id", "share"]
    write(path, shapely.to_wkb(boxes), columns, names, geometry_type="Polygon", crs="EPSG:4326")
    done = terramamba("check", path, workshop.scene.scene)
    assert done.status == 0, done.err
    for words in (
        "layer labels  30 features: 30 Polygon",
        "EPSG:4326 (WGS 84)",
        "x 0 to 30, y 5 to 6",
        "attribute 'cover': wood (20), corn (10)",
        "attribute 'id': 0 to 29, 30 different",
        "attribute 'share': 0 to 3.625, 30 different",
        "60 rows x 60 columns, 12 bands",
    ):
        assert words in done.out
    path.write_text("these are notes")
    spoilt = terramamba("check", path)
    assert spoilt.status == 1
    assert "labels.gpkg: cannot be read as a vector file" in spoilt.err


def test_check_two_that_make_no_pair(workshop, terramamba) -> None:
    done = terramamba("check", workshop.pairs.before, workshop.scene.scene)
    assert done.status == 1
    assert "not a pair: 3 problems" in done.out
    (line,) = done.err.splitlines()
    assert line.startswith("error: not a pair: ")
    assert str(workshop.scene.scene) in line


def test_classify_evaluate_prints_what_training_printed(workshop, program) -> None:
    done = program("classify", "evaluate", workshop.cover_run)
    assert done.status == 0, done.err
    test = json.loads((workshop.cover_run / "metrics.json").read_text())["test"]
    assert f"overall accuracy  {100 * test['oa']:.2f} %" in done.out
    assert "random-n" in done.out
    assert all(entry["name"] in done.out for entry in test["per_class"])


def test_classify_evaluate_on_another_scene(workshop, terramamba) -> None:
    words = ("--scene", workshop.scene.scene, "--labels", workshop.scene.labels)
    done = terramamba("classify", "evaluate", *words, workshop.cover_run)
    assert done.status == 0, done.err
    assert "external-p" in done.out


@pytest.mark.parametrize("run_first", [True, False])
def test_classify_map_takes_the_run_before_or_after_the_scene(
    run_first, workshop, tmp_path, terramamba
) -> None:
    files = [workshop.cover_run, workshop.scene.scene]
    out, likely = tmp_path / "map.tif", tmp_path / "likely.tif"
    words = ("--out", out, "--probabilities", likely)
    done = terramamba("classify", "map", *(files if run_first else files[::-1]), *words)
    assert done.status == 0, done.err
    assert done.out.split()[-2:] == [str(out), str(likely)]
    assert "hectares" in done.out
    assert "bare soil" in done.out
    assert open_scene(out).grid == open_scene(workshop.scene.scene).grid
    assert open_scene(likely).bands == 7


def test_change_evaluate(workshop, program) -> None:
    done = program("change", "evaluate", workshop.change_run, "--data", workshop.pairs.root, "--split", "val")
    assert done.status == 0, done.err
    assert "changed pixels of 2 pairs" in done.out
    assert "val-2" in done.out
    assert "F1 with the dates swapped" in done.out


def test_change_map_with_polygons(workshop, tmp_path, program) -> None:
    out, likely, outlines = (tmp_path / name for name in ("c.tif", "p.tif", "c.gpkg"))
    words = ("--out", out, "--probabilities", likely, "--polygons", outlines, "--min-area", 5)
    done = program("change", "map", workshop.pairs.before, workshop.pairs.after, workshop.change_run, *words)
    assert done.status == 0, done.err
    assert done.out.split()[-3:] == [str(out), str(likely), str(outlines)]
    assert open_scene(out).grid == open_scene(workshop.pairs.before).grid
    assert "area_m2" in read_info(outlines)["fields"]


def test_settings_of_a_run_make_the_same_run_again(workshop, tmp_path, terramamba) -> None:
    config = workshop.cover_run / "config.yaml"
    done = terramamba("classify", "train", "--config", config, "--out", tmp_path / "again")
    assert done.status == 0, done.err
    first, again = (
        json.loads((folder / "metrics.json").read_text())["test"]
        for folder in (workshop.cover_run, tmp_path / "again")
    )
    assert first == again


def test_several_seeds_print_mean_and_deviation(workshop, tmp_path, terramamba) -> None:
    words = ("--config", workshop.cover_run / "config.yaml", "--seeds", 2, "--out", tmp_path / "runs")
    done = terramamba("classify", "train", *words)
    assert done.status == 0, done.err
    assert " ± " in next(line for line in done.out.splitlines() if line.startswith("overall accuracy"))
    assert "seeds" in done.out
    page = tmp_path / "runs" / "report.html"
    assert str(page) in done.out
    assert "Runs beside each other" in page.read_text()
    seeds = sorted(page.parent.glob("seed-*/report.html"))
    assert len(seeds) == 2
    assert all("Scores on test" in own.read_text() for own in seeds)


def test_own_warnings_are_notes_and_others_are_silent(capsys, monkeypatch) -> None:
    import warnings

    from terramamba.cli import check

    def run(argv: list[str]) -> int:
        warnings.warn_explicit(
            "the mask is grey", UserWarning, "masks.py", 1, module="terramamba.data.pairs.change_masks"
        )
        warnings.warn_explicit("torch will change", FutureWarning, "torch.py", 1, module="torch.nn")
        warnings.warn_explicit(
            "unclosed file", ResourceWarning, "files.py", 1, module="terramamba.core.files"
        )
        return 0

    monkeypatch.setattr(check, "run", run)
    assert main(["check"]) == 0
    assert capsys.readouterr().err == "note: the mask is grey\n"


def test_debug_shows_where_it_happened(workshop, tmp_path, program) -> None:
    words = ("classify", "map", workshop.cover_run, tmp_path / "missing.tif", "--out", tmp_path / "o.tif")
    short, long = program(*words), program("--debug", *words)
    assert short.status == long.status == 1
    assert short.err.count("\n") == 1
    assert "missing.tif" in short.err
    assert "Traceback" in long.err
    assert files_under(tmp_path) == set()


def test_an_unforeseen_error_is_one_line_too(capsys, monkeypatch) -> None:
    from terramamba.cli import check

    def run(argv: list[str]) -> int:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(check, "run", run)
    assert main(["check"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ZeroDivisionError: division by zero (")


def test_a_reader_that_stops_early_is_no_error(workshop) -> None:
    """A program of its own, in a pipe of a shell."""
    command = (
        f"{sys.executable} -m terramamba check {workshop.scene.scene} | head -c 1; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", command], env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout == "f0\n"


def test_a_run_of_the_other_job_is_refused(workshop, tmp_path, terramamba) -> None:
    done = terramamba(
        "classify", "map", workshop.change_run, workshop.scene.scene, "--out", tmp_path / "o.tif"
    )
    assert done.status == 1
    assert str(workshop.change_run) in done.err
    assert files_under(tmp_path) == set()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--model", "alexnet"), ("alexnet", "ssa_mamba")),
        (("--preset", "huge"), ("huge", "tiny")),
        (("--set", "d_modle=3"), ("d_modle", "d_model")),
        (("--set", "depth=deep"), ("depth", "deep")),
        (("--device", "cuda:9"), ("cuda:9",)),
        (("--epochs", 0), ("epochs", "0")),
        (("--patch-size", 4), ("--patch-size 4", "odd")),
        (("--resume",), ("resume",)),
    ],
)
def test_settings_that_cannot_be(words, parts, workshop, tmp_path, terramamba) -> None:
    files = ("--scene", workshop.scene.scene, "--labels", workshop.scene.labels, "--split", "random")
    done = terramamba("classify", "train", *files, "--out", tmp_path / "run", *words)
    assert done.status == 1
    assert done.err.count("\n") == 1, done.err
    assert all(part in done.err for part in parts), done.err
    assert files_under(tmp_path) == set()


def test_a_copied_model_is_enough_to_map(workshop, tmp_path, terramamba) -> None:
    copytree(workshop.cover_run, tmp_path / "run")
    for path in (tmp_path / "run").iterdir():
        if not path.name.startswith("model."):
            path.unlink()
    done = terramamba("classify", "map", tmp_path / "run", workshop.scene.scene, "--out", tmp_path / "m.tif")
    assert done.status == 0, done.err


def test_evaluate_writes_scores_and_maps_of_errors(workshop, terramamba, tmp_path) -> None:
    out = tmp_path / "scores"
    words = ("change", "evaluate", workshop.change_run, "--data", workshop.pairs.root, "--out", out)
    done = terramamba(*words)
    assert done.status == 0, done.err
    record = json.loads((out / "scores.json").read_text())
    (unchanged, false_alarms), (missed, hits) = record["test"]["confusion"]
    kinds = np.zeros(4, int)
    maps = sorted(out.glob("errors_*.tif"))
    assert len(maps) == record["test"]["pairs"]
    for path in maps:
        values, valid = open_scene(path).read()
        kinds += np.bincount(values[valid], minlength=4)
    assert kinds.tolist() == [unchanged, hits, missed, false_alarms]
    assert (out / "confusion.csv").read_text().splitlines()[0] == "truth,unchanged,changed"
    again = terramamba(*words)
    assert again.status == 1
    assert "is not empty; give --overwrite" in again.err
    assert json.loads(terramamba(*words, "--overwrite", "--json").out)["test"] == record["test"]


def test_classify_evaluate_writes_scores(workshop, terramamba, tmp_path) -> None:
    done = terramamba("classify", "evaluate", workshop.cover_run, "--out", tmp_path / "scores", "--json")
    assert done.status == 0, done.err
    record = json.loads((tmp_path / "scores" / "scores.json").read_text())
    assert record.pop("files") == ["confusion.csv"]
    assert json.loads(done.out) == record
    rows = (tmp_path / "scores" / "confusion.csv").read_text().splitlines()
    assert [row.split(",")[1:] for row in rows[1:]] == [list(map(str, row)) for row in record["confusion"]]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 2.64 GiB for an array"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB. GPU 0 has a total capacity of"),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"
        ),
    ],
)
def test_memory_that_runs_out_is_said_with_what_takes_less(monkeypatch, capsys, error) -> None:
    def ends(words) -> int:
        raise error

    monkeypatch.setattr("terramamba.cli.models.run", ends)
    assert main(["models"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        f"error: not enough memory ({str(error).partition('. ')[0]}); ask for less at once ("
    )
    assert said.endswith("--workers), or close other programs\n")
