"""``--compile`` as a program: the compiler and the checks that tests switch on do not go together."""

import csv
import shutil
from pathlib import Path

import pytest

from programs import terramamba
from terramamba.data.synthetic.files import make_scene

TRAIN = (
    "classify train --preset tiny --set dropout=0 --epochs 3 --batch-size 1000 --patch-size 5 --no-augment"
)
"""All pixels in a batch: the compiler compiles anew for a smaller last one."""


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_blocks_learn_the_same(tmp_path: Path) -> None:
    made = make_scene(tmp_path / "scene", 0, height=60, width=60, bands=12)
    losses = []
    for option in ([], ["--compile"]):
        out = tmp_path / f"run{len(option)}"
        files = ["--scene", made.scene, "--labels", made.labels, "--out", out]
        done = terramamba(*TRAIN.split(), *files, *option)
        assert done.returncode == 0, done.stderr
        with (out / "history.csv").open() as file:
            losses.append([float(row["train_loss"]) for row in csv.DictReader(file)])
    assert len(losses[0]) == 3
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
