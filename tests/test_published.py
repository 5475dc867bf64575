"""What a command has written is on the disk when it has ended, whatever the system had yet to write."""

from pathlib import Path

import pytest

from power_cuts import cuts
from programs import python
from terramamba.data.synthetic.files import make_scene

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="steps are recorded by /proc")
PROGRAM = Path(__file__).with_name("power_cuts.py")
LOG = "run/log.txt"
"""Of a run; its last lines may be lost."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scene, and room for results in ``results``, which is watched."""
    folder = tmp_path_factory.mktemp("home")
    make_scene(folder / "scene", 0, height=60, width=56, bands=8)
    (folder / "results").mkdir()
    return folder


def written(home: Path, *words: str) -> set[str]:
    """Names of what a command wrote; all is on the disk, with the content that it has."""
    results = home / "results"
    record = home / f"record of {words[0]} {words[1]} {len(list(home.iterdir()))}"
    before = {path for path in results.rglob("*") if path.is_file()}
    done = python(PROGRAM, record, *words, cwd=results)
    assert done.returncode == 0, done.stderr
    there = {
        str(path.relative_to(results)): path.read_bytes() for path in results.rglob("*") if path.is_file()
    }
    there.pop(LOG, None)
    for cut in cuts(record, at_the_end=True):
        assert {name for name, content in there.items() if cut.disk.get(name) != content} == set(), cut.name
    return {str(path) for path in there} - {str(path.relative_to(results)) for path in before}


def test_a_run_and_all_that_is_made_of_it(home: Path) -> None:
    scene, labels = "../scene/scene.tif", "../scene/labels.tif"
    train = ("--scene", scene, "--labels", labels, "--split", "random", "--patch-size", "5")
    size = ("--train-fraction", "0.2", "--preset", "tiny", "--epochs", "1", "--batch-size", "64")
    run = written(home, "classify", "train", *train, *size, "--out", "run")
    assert {"run/model.json", "run/model.safetensors", "run/checkpoints/last.ckpt", "run/report.html"} <= run
    scores = written(home, "classify", "evaluate", "run", "--out", "deep/scores")
    assert "deep/scores/scores.json" in scores
    explained = written(home, "explain", "run", scene, "--pixel", "20,20", "--out", "why")
    assert any(name.endswith(".png") for name in explained)
    assert written(home, "report", "run", "--out", "page.html") == {"page.html"}
    image = written(home, "classify", "map", "run", scene, "--out", "map.tif", "--areas", "areas.csv")
    assert image == {"map.tif", "map.tif.aux.xml", "map.qml", "areas.csv"}
