"""What the map marks and what is scored are the same pixels, at the edge of a threshold too."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import torch

from terramamba.api import evaluate_change_detector, map_change, train_change_detector
from terramamba.change.settings import ChangeSettings
from terramamba.core.errors import InputError
from terramamba.data.synthetic.files import make_pairs
from terramamba.models.model import Model
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.runs.folder import Run, load_run
from terramamba.scores.thresholds import STEPS

HEIGHT, WIDTH = 90, 110


class Table(Model):
    """Gives each value of the later image's first band the logit that a table has for it."""

    def __init__(self, logits: np.ndarray, offset: float, factor: float) -> None:
        super().__init__()
        self.logits, self.offset, self.factor = torch.from_numpy(logits), offset, factor

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        value = torch.round(images[:, 1, :1] / self.factor + self.offset).long()
        return self.logits[value]


def logits_at(thresholds: np.ndarray) -> np.ndarray:
    """For each threshold the logits (3) of the probabilities just below it and just from it on."""
    exact = np.log(thresholds / (1 - thresholds)).astype(np.float32)
    step = np.spacing(exact)
    around = exact[:, None] + step[:, None] * np.arange(-200, 201, dtype=np.float32)
    likely = torch.sigmoid(torch.from_numpy(around)).numpy().astype(np.float64)
    first = (likely >= thresholds[:, None]).argmax(axis=1)
    return np.take_along_axis(around, first[:, None] + np.array([-1, 0, 1]), axis=1)


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, seed_of: Callable[[str], int]
) -> tuple[Run, Path, np.ndarray]:
    """A run whose probabilities lie at the edges of 80 thresholds; its test pair; the thresholds."""
    home = tmp_path_factory.mktemp("edges")
    random = np.random.default_rng(seed_of("edges of thresholds"))
    root = make_pairs(home / "pairs", 0, train=1, val=1, test=1, size=32, scene=(32, 32)).root
    train_change_detector(ChangeSettings(data=str(root), out=str(home / "run"), model="cva"))
    run = load_run(home / "run")
    # 0.7 as a float32 is a little less, and so was marked by maps that compared with float32.
    thresholds = np.unique([700, *random.choice(np.arange(20, 980), 79, replace=False)]) / STEPS
    logits = logits_at(thresholds).reshape(-1)
    table = Table(logits, run.scaling.offset[0], run.scaling.factor[0])
    images = random.integers(0, len(logits), (2, 3, HEIGHT, WIDTH), dtype=np.uint8)
    label = random.integers(0, 2, (1, HEIGHT, WIDTH), dtype=np.uint8)
    for name, values in (("A", images[0]), ("B", images[1]), ("label", 255 * label)):
        (home / "edges" / "test" / name).mkdir(parents=True)
        write_geotiff(home / "edges" / "test" / name / "one.tif", values, Grid(HEIGHT, WIDTH))
    return replace(run, model=table), home / "edges", thresholds


def mapped(made, out: Path, threshold: float, **options):
    run, data, _ = made
    before, after = (data / "test" / name / "one.tif" for name in ("A", "B"))
    summary = map_change(run, before, after, out, threshold=threshold, device="cpu", **options)
    values, _ = open_scene(out).read()
    assert sum(entry.pixels for entry in summary.classes) == HEIGHT * WIDTH
    return values[0]


@pytest.mark.parametrize("tiles", [{}, {"tile_size": 32, "overlap": 0}])
def test_a_map_marks_as_many_pixels_as_are_scored_at_every_edge(made, tmp_path, tiles) -> None:
    run, data, thresholds = made
    (label,), _ = open_scene(data / "test" / "label" / "one.tif").read()
    for threshold in [0.7, *thresholds[:: max(1, len(thresholds) // 6)].tolist()]:
        scored = evaluate_change_detector(run, data=str(data), threshold=threshold, device="cpu")["test"]
        marked = mapped(made, tmp_path / f"{threshold}.tif", threshold, **tiles)
        found = [
            [int(np.sum(((label > 0) == truth) & (marked == said))) for said in (0, 1)]
            for truth in (False, True)
        ]
        assert found == scored["confusion"], threshold


def test_the_polygons_hold_the_pixels_that_are_scored(made, tmp_path) -> None:
    run, data, _ = made
    scored = evaluate_change_detector(run, data=str(data), threshold=0.7, device="cpu")["test"]
    outlines = tmp_path / "c.gpkg"
    mapped(made, tmp_path / "c.tif", 0.7, polygons=outlines)
    pixels = pyogrio.raw.read(outlines, columns=["pixels"])[3][0]
    assert pixels.sum() == sum(row[1] for row in scored["confusion"])


def test_a_threshold_between_two_thousandths_is_refused_by_maps_and_scores(made, tmp_path) -> None:
    run, data, _ = made
    said = r"--threshold 0\.12345: is no whole number of thousandths, .*; give --threshold 0\.123"
    with pytest.raises(InputError, match=said):
        mapped(made, tmp_path / "c.tif", 0.12345)
    with pytest.raises(InputError, match=said):
        evaluate_change_detector(run, data=str(data), threshold=0.12345)
    assert list(tmp_path.iterdir()) == []
    odd = replace(run, card={**run.card, "threshold": 0.12345})
    with pytest.raises(InputError, match=r"model\.json: threshold 0\.12345: is no .* --threshold 0\.123"):
        evaluate_change_detector(odd, data=str(data))
