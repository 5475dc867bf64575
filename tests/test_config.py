"""config.yaml says what was decided, and repeats a run; what may differ when a run goes on."""

import json
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import get_args

import pytest
import yaml

import programs
from terramamba.core.options import options_of
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.tasks import TASKS
from terramamba.training.settings import ChangeLoss

SHORT = ("--epochs", "2", "--device", "cpu", "--seed", "3")


@dataclass(frozen=True)
class Trained:
    """A run by the practical recipe, of which only what keeps it short was given."""

    task: str
    words: tuple[str, ...]
    run: Path
    said: str

    def again(self, *words: str) -> CompletedProcess[str]:
        return programs.terramamba(self.task, "train", *words)


@pytest.fixture(scope="module", params=["classify", "change"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    home = tmp_path_factory.mktemp(request.param)
    if request.param == "classify":
        made = make_scene(home / "scene", 0, height=60, width=60, bands=8)
        words = (
            "--scene",
            str(made.scene),
            "--labels",
            str(made.labels),
            "--preset",
            "tiny",
            "--patch-size",
            "5",
        )
    else:
        pairs = make_pairs(home / "pairs", 0, train=3, val=2, test=2, size=32, scene=(64, 64))
        words = ("--data", str(pairs.root), "--model", "glmamba", "--preset", "nano", "--crops-per-pair", "2")
    run = home / "run"
    done = programs.terramamba(request.param, "train", *words, *SHORT, "--out", run)
    assert done.returncode == 0, done.stderr
    return Trained(request.param, (*words, *SHORT), run, done.stderr)


def config(folder: Path) -> dict:
    return yaml.safe_load((folder / "config.yaml").read_text())


def test_the_configuration_says_all_that_the_recipe_decided(trained: Trained) -> None:
    kept = config(trained.run)
    by_recipe = [o.name for o in options_of(TASKS[trained.task].settings) if o.by_recipe]
    assert [name for name in by_recipe if kept[name] is None] == []
    assert {"lr", "batch_size", "optimizer", "schedule"} <= set(kept["decided"])
    assert not {"epochs", "preset", "seed"} & set(kept["decided"])


def test_the_plan_says_what_begins(trained: Trained) -> None:
    kept = config(trained.run)
    facts = json.loads((trained.run / "plan.json").read_text())["shown"]["facts"]
    assert facts["model"].startswith(f"{kept['model']}, {kept['preset']}: ")
    assert facts["recipe"].startswith("practical: 2 epochs of ")
    assert f"batch size {kept['batch_size']}, " in facts["recipe"]
    assert facts["time"].startswith("about ")
    log = (trained.run / "log.txt").read_text()
    for name in ("model", "recipe", "time"):
        assert facts[name] in trained.said
        assert facts[name] in log


def test_a_run_is_repeated_to_the_bit_from_its_configuration_alone(trained: Trained, tmp_path: Path) -> None:
    done = trained.again("--config", str(trained.run / "config.yaml"), "--out", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    for name in ("model.safetensors", "confusion.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (trained.run / name).read_bytes()
    assert config(tmp_path / "again") == config(trained.run) | {"out": str(tmp_path / "again")}


def test_the_printed_configuration_is_the_one_that_is_kept(trained: Trained, tmp_path: Path) -> None:
    done = trained.again(*trained.words, "--out", str(trained.run), "--print-config")
    assert (done.returncode, done.stderr) == (0, "")
    assert yaml.safe_load(done.stdout) == config(trained.run)


@pytest.mark.parametrize("words", [("--recompute",), ("--loader-workers", "1"), ("--device", "auto")])
def test_a_run_goes_on_with_what_may_differ(trained: Trained, words: tuple[str, ...]) -> None:
    before = (trained.run / "model.safetensors").read_bytes()
    done = trained.again(*trained.words, *words, "--out", str(trained.run), "--resume")
    assert done.returncode == 0, done.stderr
    assert (trained.run / "model.safetensors").read_bytes() == before
    assert json.loads((trained.run / "metrics.json").read_text())["epochs_run"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--precision", "bf16"), "the run has precision '32', not 'bf16'"),
        (("--lr", "0.5"), "not 0.5; resume it with the same settings, or give another --out"),
        (("--recipe", "published"), "the run has recipe 'practical', not 'published'"),
        (("--overwrite",), "--resume and --overwrite exclude each other"),
    ],
)
def test_a_run_does_not_go_on_as_another(trained: Trained, words: tuple[str, ...], message: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.run.rglob("*")}
    done = trained.again(*trained.words, *words, "--out", str(trained.run), "--resume")
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in trained.run.rglob("*")} == before


IN_PYTHON = [
    ('tm.ClassifySettings(out="o", optimizer="sgd", lr="big")', "lr: 'big' is not a number"),
    ('tm.map_classes("run", "s.tif", "m.tif", precision="16")', "precision: '16' is not one of 32, bf16"),
    ('tm.ClassifySettings(out="o", optimizer="sgd")', "optimizer: 'sgd' is not one of adam, adamw"),
    ('tm.ClassifySettings(out="o", epochs=0)', "epochs 0: at least 1 is needed"),
    (
        'tm.ClassifySettings(out="o", patch_size="big")',
        "patch_size: 'big' is not a whole number",
    ),
    (
        'tm.ClassifySettings(out="o", patch_size=4)',
        "patch_size 4: an odd number of pixels, such as 7, is needed",
    ),
    (
        'tm.ChangeSettings(out="o", data="d", loss="dice")',
        f"loss: 'dice' is not one of {', '.join(get_args(ChangeLoss))}",
    ),
    (
        'tm.ChangeSettings(out="o", data="d", jitter=0.2, augment=False)',
        "jitter 0.2: augments samples; leave it or augment=False out",
    ),
    (
        'tm.ClassifySettings(out="o", all_touched=True, min_coverage=0.3)',
        "all_touched takes any share of a pixel; leave it or min_coverage out",
    ),
    (
        'tm.ClassifySettings(out="o", epochs=3, warmup_epochs=3)',
        "warmup_epochs 3: must be below the 3 epochs",
    ),
    (
        'tm.ChangeSettings(out="o", data="d", threshold=0.12345)',
        "threshold 0.12345: is no whole number of thousandths, by which scores are counted; give"
        " threshold 0.123",
    ),
    (
        'tm.map_classes("run", "s.tif", "m.tif", areas="a.txt")',
        "a.txt: areas are written as CSV; give the file a name that ends in .csv",
    ),
    (
        'tm.map_change("run", "b.tif", "a.tif", "m.tif", probabilities="p.png")',
        "p.png: maps are written as GeoTIFF; give the file a name that ends in .tif",
    ),
    (
        'tm.map_change("run", "b.tif", "a.tif", "m.tif", polygons=["c.gpkg", "c.shp"])',
        "c.shp: polygons are written as .gpkg or .geojson; give the file such a name",
    ),
]


def test_python_is_refused_in_its_own_words_when_the_settings_are_made() -> None:
    """In a program, because shape checks of the tests would speak first."""
    lines = ["import terramamba as tm"]
    for made, _ in IN_PYTHON:
        lines += ["try:", f"    {made}", "except tm.InputError as error:", "    print(error)"]
    done = programs.python("-c", "\n".join(lines))
    assert done.stdout.splitlines() == [message for _, message in IN_PYTHON], done.stderr
