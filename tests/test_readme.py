"""The README's commands are run as they stand there, on the demo's files, for one epoch each."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from programs import python, terramamba
from terramamba.data.synthetic.files import make_pairs, make_scene

README = Path(__file__).parents[1] / "README.md"


def commands() -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("terramamba ") and " demo --out" not in line]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    make_scene(folder / "demo" / "scene", 0, height=60, width=60, bands=12)
    shutil.copytree(README.parent / "examples" / "data", folder / "examples" / "data")
    make_pairs(folder / "demo" / "pairs", 0, train=4, val=2, test=2, size=64, scene=(96, 128))
    return folder


def test_every_command_of_the_readme_runs(home: Path) -> None:
    found = commands()
    assert len(found) == 10
    for command in found:
        words = shlex.split(command)[1:]
        short = ["--epochs", "1"] if "train" in words else []
        done = terramamba(*words, *short, cwd=home)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    for name in (
        "cover_at_once.tif",
        "river.gpkg",
        "cover.tif",
        "cover_probabilities.tif",
        "change.tif",
        "change.gpkg",
        "runs/cover/model.json",
    ):
        assert (home / name).is_file(), name


def test_the_python_of_the_readme_runs(home: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    code = re.sub(r"epochs=\d+", "epochs=1", block)
    assert code != block
    done = python("-c", code, cwd=home)
    assert done.returncode == 0, done.stderr
    assert (home / "python.tif").is_file()
