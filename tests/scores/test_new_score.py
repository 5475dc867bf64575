"""A score is two files: added to a copy of the package there, it is in every place that shows scores."""

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.metrics import jaccard_score, matthews_corrcoef

import terramamba
from programs import python
from terramamba.data.synthetic.files import make_pairs, make_scene

FUNCTIONS = '''

def matthews(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Correlation of truth and prediction (Matthews; of several classes Gorodkin)."""
    truth, found, hits = (counts[..., which].astype(np.float64) for which in (TRUTH, FOUND, HITS))
    total = truth.sum(-1)
    above = total * hits.sum(-1) - (truth * found).sum(-1)
    below = np.sqrt((total**2 - (truth**2).sum(-1)) * (total**2 - (found**2).sum(-1)))
    return np.where(below > 0, above / np.maximum(below, 1), 0.0)


def class_iou(counts: Counts) -> Float[np.ndarray, "*batch k"]:
    """Pixels of the class that are given it, of all that are of it or given it."""
    truth, found, hits = (counts[..., which] for which in (TRUTH, FOUND, HITS))
    return _of_present(counts, _ratio(hits, truth + found - hits))
'''

RECORDS = """
_MATTHEWS = Score(
    "mcc",
    "Matthews correlation",
    metrics.matthews,
    "Correlation of truth and prediction.",
    short="MCC",
    unit="ratio",
    ranked=True,
    interval=True,
    followed=True,
)
_IOU = Score(
    "iou", "IoU", metrics.class_iou, "Overlap.", within="per_class", per_class=True, column=False
)
LAND_COVER_SCORES = (*LAND_COVER_SCORES, _MATTHEWS, _IOU)
CHANGE_SCORES = (*CHANGE_SCORES, _MATTHEWS)
"""

FILE = {
    "settings": {"epochs": 1, "patch_size": 3, "min_per_class": 4, "crop_size": 32, "crops_per_pair": 4},
    "splits": {"random": {"split": "random"}},
    "data": {
        "land": {
            "scene": "scene/scene.tif",
            "labels": "scene/labels.tif",
            "published": [{"model": "svm", "scores": {"mcc": 0.875}, "protocol": "p", "source": "s"}],
        },
        "pairs": {"data": "pairs"},
    },
    "models": {"one_d_cnn": {"baseline": False}, "svm": None, "fc_ef": {"baseline": False}, "cva": None},
}

COMMANDS = """
import sys
from terramamba.cli import main

land, pairs = "out/runs/land/random", "out/runs/pairs/given"
for words in (
    ["experiment", "tiny.yaml", "--out", "out", "--device", "cpu"],
    ["classify", "evaluate", f"{land}/svm/full/seed-0"],
    ["change", "evaluate", f"{pairs}/fc_ef/full/seed-0", "--data", "pairs"],
    ["report", f"{land}/svm/full/seed-0", f"{land}/one_d_cnn/full/seed-0", "--out", "land.html"],
    ["report", f"{pairs}/cva/full/seed-0", f"{pairs}/fc_ef/full/seed-0", "--out", "pairs.html"],
):
    print("$", *words)
    assert main(words) == 0, words
from terramamba.scores.score_table import page
print("$ page")
print(page())
"""


@dataclass(frozen=True)
class Done:
    home: Path
    said: dict[str, str]
    """What each command printed, by its words."""

    def run(self, data: str, model: str) -> Path:
        (folder,) = (self.home / "out" / "runs" / data).glob(f"*/{model}/full/seed-0")
        return folder

    def printed(self, words: str) -> str:
        (text,) = (said for command, said in self.said.items() if command.startswith(words))
        return text


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    home = tmp_path_factory.mktemp("new_score")
    package = home / "src" / "terramamba"
    leave = shutil.ignore_patterns("*.opt-*")  # bytecode with checks; the other spares compiling anew
    shutil.copytree(Path(terramamba.__file__).parent, package, ignore=leave)
    for name, added in (("metrics.py", FUNCTIONS), ("score_table.py", RECORDS)):
        file = package / "scores" / name
        text, main, last = file.read_text().partition('\n\nif __name__ == "__main__":')
        file.write_text(text + added + main + last)
    make_scene(home / "scene", 0, height=50, width=50, bands=6)
    make_pairs(home / "pairs", 0, train=2, val=1, test=12, size=32, scene=(32, 32))
    (home / "tiny.yaml").write_text(yaml.safe_dump(FILE, sort_keys=False))
    finished = python("-c", COMMANDS, cwd=home, env={"PYTHONPATH": str(home / "src")}, fresh=True)
    assert finished.returncode == 0, finished.stderr
    parts = [part.partition("\n") for part in finished.stdout.split("$ ")[1:]]
    return Done(home, {command: said for command, _, said in parts})


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_is_in_the_files_of_a_run_as_another_library_has_it(done: Done) -> None:
    for data, model in (("land", "svm"), ("land", "one_d_cnn"), ("pairs", "fc_ef")):
        folder = done.run(data, model)
        with (folder / "confusion.csv").open(newline="") as file:
            cells = np.array([row[1:] for row in list(csv.reader(file))[1:]], int)
        pairs = np.argwhere(np.ones_like(cells))
        truth, found = np.repeat(pairs, cells.ravel(), axis=0).T
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["test"]["mcc"] == pytest.approx(matthews_corrcoef(truth, found))
        assert "mcc" in metrics["validation"]
        if model != "svm":
            assert "mcc" in table(folder / "history.csv")[0]
        if data == "pairs":
            assert len(metrics["test"]["mcc_interval"]) == 2
        else:
            of_test = [row for row in table(folder / "classes.csv") if row["part"] == "test"]
            overlap = jaccard_score(truth, found, average=None, labels=range(len(cells)), zero_division=0)
            for row, entry, theirs in zip(of_test, metrics["test"]["per_class"], overlap, strict=True):
                assert row["iou"] == str(entry["iou"]) == "" or float(row["iou"]) == entry["iou"]
                assert entry["iou"] is None or entry["iou"] == pytest.approx(theirs)


def test_it_is_in_results_tables_and_paired_tests(done: Done) -> None:
    rows = table(done.home / "out" / "results.csv")
    for row in (row for row in rows if row["status"] == "done"):
        metrics = json.loads((done.home / "out" / row["folder"] / "metrics.json").read_text())
        assert float(row["test_mcc"]) == metrics["test"]["mcc"]
        assert float(row["val_mcc"]) == metrics["validation"]["mcc"]
    assert [row["test_mcc"] for row in rows if row["status"] == "published"] == ["0.875"]
    text = (done.home / "out" / "tables.md").read_text()
    compared = [line for line in text.splitlines() if "| MCC (ratio) |" in line and ", p" in line]
    assert [line.split(" | ")[0] for line in compared] == ["| land", "| pairs"]
    (ours,) = (row for row in rows if (row["data"], row["model"]) == ("pairs", "fc_ef"))
    (theirs,) = (row for row in rows if (row["data"], row["model"]) == ("pairs", "cva"))
    gap = float(ours["test_mcc"]) - float(theirs["test_mcc"])
    assert f"| {float(ours['test_mcc']):.4f} | cva | {float(theirs['test_mcc']):.4f} | {gap:+.4f}, p" in text
    for heading in ("land, random", "land, random: published", "pairs, given"):
        assert "MCC (ratio)" in text.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()[1]
    assert "MCC (ratio)" in (done.home / "out" / "tables.tex").read_text()


def test_it_is_on_the_terminal(done: Done) -> None:
    metrics = {
        name: json.loads((done.run(*name) / "metrics.json").read_text())["test"]
        for name in (("land", "svm"), ("pairs", "fc_ef"))
    }
    said = done.printed("classify evaluate")
    lines = [line.split() for line in said.splitlines()]
    assert ["Matthews", "correlation", f"{metrics['land', 'svm']['mcc']:.4f}"] in lines
    assert ["class", "precision", "recall", "F1", "IoU", "pixels"] in lines
    (line,) = (line for line in done.printed("change evaluate").splitlines() if "Matthews" in line)
    low, high = metrics["pairs", "fc_ef"]["mcc_interval"]
    assert line.split()[-3:] == [f"{low:.4f}", "to", f"{high:.4f}"]
    assert "Matthews correlation (ratio)" in line


def test_it_is_on_the_page_of_a_run_on_that_of_several_and_on_that_of_all_scores(done: Done) -> None:
    for data, model in (("land", "one_d_cnn"), ("pairs", "fc_ef")):
        own = (done.run(data, model) / "report.html").read_text()
        assert "MCC (ratio)</span>" in own.split("Scores on validation")[-1].split("</figure>")[0]
    bars = (done.run("land", "svm") / "report.html").read_text().split("Fractions of the test pixels")[2]
    assert '<th scope="col">IoU</th>' in bars.split("</thead>")[0]
    for name in ("land", "pairs"):
        together = (done.home / f"{name}.html").read_text().split('id="comparison"')[1]
        assert "Matthews correlation" in together.split("</table>")[0]
    assert done.printed("page").count("| `mcc` | Matthews correlation (MCC) | ratio | higher |") == 2
