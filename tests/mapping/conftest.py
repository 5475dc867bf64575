"""A small job of each kind with dozens of parts."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from affine import Affine
from job_cases import Job, Jobs
from rasterio.crs import CRS

from cards import change_card, cover_card, save_run
from terramamba.data.scaling import Scaling
from terramamba.models.registry import create_model
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff

NODATA = -1.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=5, help="how often each job is killed at random moments")
    parser.addoption("--power-cuts", choices=("some", "all"), default="some", help="of each job's steps")


def _grid(height: int, width: int) -> Grid:
    return Grid(height, width, CRS.from_epsg(32632), Affine(20, 0, 500_000, 0, -20, 5_000_000))


def even_out(head: torch.nn.Linear | torch.nn.Conv2d, logits: torch.Tensor) -> None:
    """Have the outputs of a network vary around 0, so that maps hold all classes, areas of all sizes."""
    over = [axis for axis in range(logits.ndim) if axis != 1]
    with torch.no_grad():
        head.bias -= logits.mean(over)
        for parameter in head.parameters():
            parameter /= logits.std(over).mean()


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory, seed_of: Callable[[str], int]) -> Jobs:
    home = tmp_path_factory.mktemp("jobs")
    rng = np.random.default_rng(seed_of("scene and pair of jobs"))
    torch.manual_seed(seed_of("models of jobs"))
    scene = rng.random((4, 61, 47), dtype=np.float32)
    before, after = rng.random((2, 2, 120, 100), dtype=np.float32)
    scene[:, 20:30, 30:] = before[:, 50:60, :40] = after[1, 5, 6] = NODATA
    after[0, 8, 9] = np.nan
    for name, values in (("scene.tif", scene), ("before.tif", before), ("after.tif", after)):
        write_geotiff(home / name, values, _grid(*values.shape[1:]), nodata=NODATA)
    cover = cover_card(scaling=Scaling("minmax", (0, 1, 2, 3), (0.0,) * 4, (2.0,) * 4, (1.0,) * 4))
    change = change_card(scaling=Scaling("standard", (0, 1), (0.0,) * 2, (2.0,) * 2, (1.0,) * 2))
    # Networks of few operations: a job has dozens of parts, and is done a hundred times.
    network = create_model("ssa_mamba", preset="tiny", in_channels=4, num_classes=3, d_model=8).eval()
    side = cover.data.patches.size
    even_out(network.head, network(2 * torch.rand(256, 4, side, side)))
    save_run(network, home / "cover", cover)
    detector = create_model("unet_diff", in_channels=2, width=8).eval()
    even_out(detector.head, detector(torch.rand(1, 2, 2, 64, 64) / 2))
    save_run(detector, home / "change", change)
    dates = (str(home / "before.tif"), str(home / "after.tif"))
    return Jobs(
        Job(
            ("classify", "map", str(home / "cover"), str(home / "scene.tif"), "--strip-rows", "2"),
            {"--out": "map.tif", "--probabilities": "far/p.tif"},
            31,
        ),
        Job(
            (
                *("change", "map", str(home / "change"), *dates, "--tile-size", "32", "--overlap", "12"),
                *("--threshold", "0.45"),
            ),
            {"--out": "map.tif", "--probabilities": "far/p.tif", "--polygons": "near/c.gpkg"},
            30,
        ),
        home,
    )
