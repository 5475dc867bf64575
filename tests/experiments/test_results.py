"""`terramamba results`: tables and a page from results.csv and units.csv alone, losses said."""

import csv
import statistics

import numpy as np
import pytest

from programs import terramamba
from terramamba.core.errors import InputError
from terramamba.experiments.render import fill_page
from terramamba.experiments.results import COSTS, FIRST, read_results
from terramamba.experiments.tables import make_tables
from terramamba.tasks import TASKS

UNITS, SEEDS = 14, 3
BEGIN, END = "<!-- begin of the tables of: A & B -->", "<!-- end of the tables of: A & B -->"


@pytest.fixture
def folder(tmp_path, seed):
    """Two sets of pairs: on the one ours finds most in every unit and seed, on the other least."""
    random = np.random.default_rng(seed)
    truth = random.integers(40, 80, (2, UNITS))
    rows, counts = [], []
    for place, data in enumerate(("won", "lost")):
        for model, share in (("ours", (0.9, 0.2)[place]), ("old", 0.6), ("older", 0.4)):
            for number in range(SEEDS):
                hits = (truth[place] * random.uniform(share - 0.05, share + 0.05, UNITS)).astype(int)
                found = hits + 3
                f1 = 2 * hits.sum() / (found.sum() + truth[place].sum())
                row = {"experiment": "A & B", "run": len(rows), "data": data, "task": "change"}
                row |= {"split": "given", "model": model, "baseline": "no" if model == "ours" else "yes"}
                row |= {"seed": number, "status": "done", "protocol": "pairs-1-1-14", "version": "0"}
                rows.append(row | {"test_f1": f1, "val_f1": f1, "minutes": 1.5})
                for unit in range(UNITS):
                    line = [f"{unit:02d}", 1, truth[place, unit], found[unit], hits[unit]]
                    counts.append([rows[-1]["run"], *line])
    published = {"data": "won", "task": "change", "model": "ours", "status": "published", "test_f1": 0.913}
    rows.append({"experiment": "A & B", "protocol": "levir-256", "source": "A paper"} | published)
    out = tmp_path / "out"
    out.mkdir()
    with (out / "results.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, [*FIRST, "test_f1", "val_f1", *COSTS])
        table.writeheader()
        table.writerows(rows)
    with (out / "units.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerows([["run", "unit", "class", "truth", "predicted", "hits"], *counts])
    return out


def results(*words):
    return terramamba("results", *words)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows_below(text, heading):
    lines = text.split(f"{heading}\n", 1)[1].split("\n#", 1)[0].splitlines()
    return [cells(line) for line in lines if line.startswith("|")][2:]


def test_the_page_says_who_is_ahead_and_who_is_not_and_keeps_what_stands_around(folder, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Mine\n\nbefore\n\n{BEGIN}\nold numbers\n{END}\n\nafter\n")
    done = results(folder, "--page", page)
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert text.startswith(f"# Mine\n\nbefore\n\n{BEGIN}\n")
    assert text.endswith(f"{END}\n\nafter\n")
    assert "old numbers" not in text
    won, lost = rows_below(text, "### Beside the best baseline")
    with (folder / "results.csv").open(newline="") as file:
        scores = {}
        for row in csv.DictReader(file):
            if row["status"] == "done":
                scores.setdefault((row["data"], row["model"]), []).append(100 * float(row["test_f1"]))
    said = {k: f"{statistics.mean(v):.2f} ± {statistics.stdev(v):.2f}" for k, v in scores.items()}
    for data, row, verdict in (("won", won, "ahead"), ("lost", lost, "behind")):
        assert row[:-1] == [*(data, "given", "F1", "ours", said[data, "ours"], "old", said[data, "old"])]
        gap = statistics.mean(scores[data, "ours"]) - statistics.mean(scores[data, "old"])
        assert row[-1].startswith(f"{gap:+.2f}, p")
        assert row[-1].endswith(f", {verdict}")
    counted = (
        "mean F1 above that of every baseline on 1 of 2 sets; shown ahead of the best one on 1, shown behind"
    )
    assert counted in text
    assert counted in done.stdout
    assert [row[0] for row in rows_below(text, "### lost, given")] == ["old", "older", "ours"]
    published, here = rows_below(text, "### won, given: published")
    assert published == ["ours", "published", "91.30", "levir-256", "A paper"]
    assert here[:4] == ["ours", "here", said["won", "ours"], "pairs-1-1-14"]

    assert results(folder, "--page", page).returncode == 0
    assert page.read_text() == text


def test_a_page_without_marks_gets_the_tables_at_its_end(folder, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Mine\n\nwords")
    fill_page(page, folder, TASKS)
    text = page.read_text()
    assert text.startswith(f"# Mine\n\nwords\n\n{BEGIN}\n")
    assert text.endswith(f"{END}\n")
    new = tmp_path / "new.md"
    fill_page(new, folder, TASKS)
    assert new.read_text() == text[text.index(BEGIN) :]


def test_what_cannot_be_done_is_said_and_the_page_stays(folder, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"words {BEGIN}")
    done = results(folder, "--page", page)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"{page}: give each of these lines once, or neither" in line
    assert page.read_text() == f"words {BEGIN}"
    for name in ("tables.md", "results.csv"):
        done = results(folder, "--page", folder / name)
        assert done.returncode == 1
        assert f"{name}: is written by the experiment itself; name another page" in done.stderr
    page.write_bytes(b"\xff\xfe")
    assert "is no text in UTF-8" in results(folder, "--page", page).stderr
    counts = (folder / "units.csv").read_text().splitlines(keepends=True)
    (folder / "units.csv").write_text("".join(line for line in counts if not line.startswith("4,")))
    with pytest.raises(InputError, match=r"no counts of run 4 in results\.csv"):
        read_results(folder)
    (folder / "units.csv").unlink()
    with pytest.raises(InputError, match=r"units\.csv: not there; `terramamba experiment FILE --out "):
        read_results(folder)
    (folder / "units.csv").touch()
    (folder / "results.csv").write_text("model,oa\nx,1\n")
    with pytest.raises(InputError, match=r"results\.csv: not as `terramamba experiment` writes it"):
        read_results(folder)


@pytest.mark.parametrize(
    ("name", "was", "becomes", "said"),
    [
        ("units.csv", "0,00,1,", "0,00,one,", r"units\.csv: run '0' has '00,one,.*no counts; let"),
        ("units.csv", "0,00,1,", "0,00,999999999,", "no counts"),
        ("units.csv", "0,00,1,", "0,00,1,7,", "no counts"),
        ("units.csv", "0,00,1,", "0,00,", "no counts"),
        ("results.csv", "A & B,0,won,", "A & B,0,", r"results\.csv: not as `terramamba experiment` writes"),
        (
            "results.csv",
            "A & B,0,won,change",
            "A & B,0,won,chance",
            "task of run 0 is 'chance', not classify or",
        ),
        ("results.csv", ",1.5,", ",inf,", r"results\.csv: minutes of run 0 is 'inf', no number; let"),
    ],
)
def test_damaged_results_are_refused_with_the_run(folder, name, was, becomes, said):
    text = (folder / name).read_text()
    assert was in text
    (folder / name).write_text(text.replace(was, becomes, 1))
    with pytest.raises(InputError, match=said):
        make_tables(read_results(folder), TASKS)
