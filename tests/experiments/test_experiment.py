"""The command: killed and given again, with a model that fails; its tables beside a second computation."""

import csv
import json
import shutil
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from programs import start, terramamba
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.experiments.render import write_tables
from terramamba.scores.metrics import average_accuracy, change_f1, class_counts, overall_accuracy
from terramamba.tasks import TASKS

FILE = {
    "seeds": 2,
    "variables": {"root": "nowhere"},
    "settings": {"epochs": 2, "patch_size": 3, "batch_size": 64, "min_per_class": 4},
    "splits": {"block": {"split": "block"}, "random": {"split": "random"}},
    "data": {
        "made_up": {
            "scene": "${root}/scene/scene.tif",
            "labels": "${root}/scene/labels.tif",
            "published": [
                {"model": "one_d_cnn", "scores": {"oa": 88.5}, "protocol": "random-6-6-p7", "source": "A & B"}
            ],
        },
        "pairs": {"data": "${root}/pairs"},
    },
    "models": {
        "one_d_cnn": {"baseline": False},
        "svm": None,
        "too few bands": {"model": "resnet"},
        "cva": None,
    },
}


@dataclass(frozen=True)
class Experiment:
    file: Path
    out: Path
    words: tuple[str, ...]
    kept: dict[Path, int]
    """Times at which the runs that were done before the kill were written."""
    status: int
    printed: str
    errors: str


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, seed_of):
    """Started, killed without warning after its first run, and given again."""
    home = tmp_path_factory.mktemp("experiment")
    make_scene(home / "data" / "scene", 0, height=60, width=60, bands=6)
    make_pairs(
        home / "data" / "pairs", seed_of("experiment"), train=2, val=2, test=12, size=32, scene=(64, 64)
    )
    file, out = home / "tiny.yaml", home / "out"
    file.write_text(yaml.safe_dump(FILE, sort_keys=False))
    words = (
        "experiment",
        str(file),
        "--out",
        str(out),
        "--set",
        "root=data",
        "--jobs",
        "2",
        "--device",
        "cpu",
    )
    with start("-m", "terramamba", *words, new_session=True) as started:
        until = time.monotonic() + 240
        while not list(out.rglob("measured.json")):
            assert started.poll() is None, started.communicate()[1]
            assert time.monotonic() < until
            time.sleep(0.05)
        started.kill()
        started.communicate()  # ends when the processes of the runs, which hold the pipes, have ended too
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("measured.json")}
    done = terramamba(*words)
    return Experiment(file, out, words, kept, done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def rows(experiment):
    return [row for row in read(experiment.out / "results.csv") if row["status"] != "published"]


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_was_done_before_the_kill_is_kept(experiment):
    assert experiment.kept
    for path, written in experiment.kept.items():
        assert path.stat().st_mtime_ns == written
    assert f"10 of 14 done, {len(experiment.kept)} of them before" in experiment.printed


def test_a_model_that_fails_is_recorded_and_the_others_go_on(experiment, rows):
    assert experiment.status == 1
    failed = [row for row in rows if row["status"] == "failed"]
    assert {row["model"] for row in failed} == {"too few bands"}
    assert len(failed) == 4
    assert all("at least 7 bands" in row["reason"] for row in failed)
    assert experiment.errors.count("failed: made_up, ") == 4
    assert "Traceback" not in experiment.errors
    assert {row["status"] for row in rows if row not in failed} == {"done"}
    tables = (experiment.out / "tables.md").read_text()
    assert tables.count("| too few bands | 0 of 2 |") == 2


def test_rows_have_what_the_runs_wrote(experiment, rows):
    keys = [(r["data"], r["split"], r["model"], r["seed"]) for r in rows]
    assert len(set(keys)) == len(rows) == 14
    counts = read(experiment.out / "units.csv")
    for row in (row for row in rows if row["status"] == "done"):
        folder = experiment.out / row["folder"]
        with (folder / "confusion.csv").open(newline="") as file:
            confusion = np.array([line[1:] for line in list(csv.reader(file))[1:]], int)
        units = read(folder / "units.csv")
        assert [unit for unit in counts if unit["run"] == row["run"]] == [
            {"run": row["run"]} | unit for unit in units
        ]
        assert sum(int(unit["hits"]) for unit in units) == np.trace(confusion)
        assert sum(int(unit["truth"]) for unit in units) == confusion.sum()
        if row["task"] == "classify":
            assert float(row["test_oa"]) == overall_accuracy(class_counts(confusion))
            assert float(row["test_aa"]) == average_accuracy(class_counts(confusion))
        else:
            assert float(row["test_f1"]) == change_f1(class_counts(confusion))
        assert row["version"]
        assert float(row["pixels_per_second"]) > 0
        metrics = json.loads((folder / "metrics.json").read_text())
        assert row["protocol"] == metrics["protocol"]
        assert row["commit"] == (metrics["code"]["commit"] or "")
        assert row["changed"] == ("yes" if metrics["code"]["changed"] else "")
        assert (row["parameters"] != "") == (row["model"] == "one_d_cnn")


def cells_of(text, title):
    lines = text.split(f"## {title}\n")[1].split("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]


@pytest.mark.parametrize("split", ["block", "random"])
def test_the_table_gives_mean_and_deviation_over_seeds(split, experiment, rows):
    header, _, *body = cells_of((experiment.out / "tables.md").read_text(), f"made_up, {split}")
    table = {line[0]: dict(zip(header, line, strict=True)) for line in body}
    for model in ("one_d_cnn", "svm"):
        for column, name in (("OA", "oa"), ("AA", "aa"), ("kappa", "kappa")):
            values = [
                100 * float(r[f"test_{name}"]) for r in rows if (r["split"], r["model"]) == (split, model)
            ]
            expected = f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"
            assert table[model][column] == expected
    assert table["svm"]["beside svm"] == "(this one)"
    assert "not shown" in table["one_d_cnn"]["beside svm"]  # two seeds show nothing
    text = (experiment.out / "tables.tex").read_text()
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 7
    assert r"A \& B" in text
    for table in text.split(r"\begin{tabular}")[1:]:
        lines = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len({line.count(" & ") for line in lines}) == 1


def test_tables_follow_from_the_two_files_alone(experiment, tmp_path):
    for name in ("results.csv", "units.csv"):
        shutil.copy(experiment.out / name, tmp_path)
    write_tables(tmp_path, TASKS)
    for name in ("tables.md", "tables.tex"):
        assert (tmp_path / name).read_text() == (experiment.out / name).read_text()


def test_other_settings_in_the_folder_are_refused(experiment):
    file = experiment.file.with_name("other.yaml")
    file.write_text(yaml.safe_dump(FILE | {"settings": FILE["settings"] | {"epochs": 3}}, sort_keys=False))
    words = [str(file) if word == str(experiment.file) else word for word in experiment.words]
    done = terramamba(*words)
    assert done.returncode == 1
    assert "the run has epochs 2, not 3" in done.stderr
    assert "4 of 14 runs" in done.stderr  # of the network: the others obey no epochs
    assert len(done.stderr.strip().splitlines()) == 1


def test_runs_behind_a_link_are_refused(experiment, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "runs").mkdir(parents=True)
    (tmp_path / "out" / "runs" / "made_up").symlink_to(tmp_path / "elsewhere")
    words = [str(tmp_path / "out") if word == str(experiment.out) else word for word in experiment.words]
    done = terramamba(*words)
    assert done.returncode == 1
    assert "out/runs/made_up: is a link" in done.stderr
    assert not any((tmp_path / "elsewhere").iterdir())
