"""What `terramamba export` writes is run by onnxruntime, and gives what maps of ours are made of."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import rasterio

import terramamba as tm
from programs import python
from terramamba.api import map_change, map_classes
from terramamba.core.errors import InputError
from terramamba.mapping.probability import PROBABILITY_STEPS

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
if find_spec("onnxscript") is None:  # which only the program imports
    pytest.skip("onnxscript is not installed", allow_module_level=True)

KEPT = Path(__file__).parents[1] / "runs" / "first_format"
COVER, CHANGE = KEPT / "cover", KEPT / "change"
TILE = 20


def values(path: Path, side: int | None = None) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()[:, :side, :side]


def corner(path: Path, out: Path, side: int) -> Path:
    """The upper left corner of an image as an image of its own, all of which has data."""
    with rasterio.open(path) as file:
        values, has_data = file.read()[:, :side, :side], file.dataset_mask()[:side, :side] > 0
        profile = {"driver": "GTiff", "count": file.count, "dtype": file.dtypes[0], "crs": file.crs}
        values[:, ~has_data] = values[:, has_data].mean(1, keepdims=True).astype(values.dtype)
        with rasterio.open(out, "w", height=side, width=side, transform=file.transform, **profile) as cut:
            cut.write(values)
            for band in range(1, file.count + 1):
                cut.update_tags(band, **file.tags(band))
    return out


def run_file(path: Path, tiles: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert given.shape == ["batch", *tiles.shape[1:]]
    (found,) = session.run(None, {given.name: tiles.astype(np.float32)})
    return found


def is_stored(found: np.ndarray, stored: np.ndarray) -> bool:
    """Whether probabilities are those that a map stores as steps of 1/254, to 1e-4."""
    return bool(np.all(np.abs(found * PROBABILITY_STEPS - stored) <= 0.5 + 1e-4 * PROBABILITY_STEPS))


def metadata(path: Path) -> dict[str, object]:
    return {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with ``cover.onnx``, and ``change.onnx`` for Deepness."""
    # One program, as PyTorch's exporter takes long to import; where annotations are checked it cannot trace.
    folder = tmp_path_factory.mktemp("onnx") / "made" / "where needed"
    given = [
        ["export", COVER / "run", "--out", folder / "cover.onnx", "--tile", TILE, "--tilings", 2],
        ["export", CHANGE / "run", "--out", folder / "change.onnx", "--tile", 32, "--deepness"],
    ]
    given[1] += ["--pixel-size", 0.5]
    words = [[str(word) for word in line] for line in given]
    code = f"from terramamba.cli import main\nraise SystemExit(max(main(words) for words in {words!r}))"
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("differs from PyTorch by") == 2
    return folder


@pytest.fixture
def cover(files: Path) -> Path:
    return files / "cover.onnx"


@pytest.fixture
def change(files: Path) -> Path:
    return files / "change.onnx"


def test_a_tile_of_land_cover_is_what_fast_mapping_makes_of_it(cover, tmp_path):
    scene, likely = corner(COVER / "scene.tif", tmp_path / "scene.tif", TILE), tmp_path / "likely.tif"
    map_classes(
        COVER / "run", scene, tmp_path / "map.tif", probabilities=likely, mode="fast", tilings=2, device="cpu"
    )
    tile = values(scene)
    assert is_stored(run_file(cover, tile[None])[0], values(likely))


def test_tiles_may_be_any_number_and_do_not_touch_each_other(cover):
    tile = values(COVER / "scene.tif", TILE)
    alone = run_file(cover, tile[None])
    several = run_file(cover, np.stack([tile, tile[:, ::-1], tile]))
    assert np.abs(several[[0, 2]] - alone).max() < 1e-6
    assert np.abs(several[1] - alone[0]).max() > 1e-3


def test_a_file_says_what_it_is_and_not_where_it_was_made(cover):
    said = metadata(cover)["terramamba"]
    assert said["classes"] == ["water", "road", "roof"]
    assert said["codes"] == [1, 6, 7]
    assert said["source_bands"] == 6
    content = cover.read_bytes()
    assert str(Path(tm.__file__).parent).encode() not in content
    assert b"site-packages" not in content


def test_for_deepness_the_likelier_class_is_what_the_runs_threshold_marks(change, tmp_path):
    dates = [corner(CHANGE / f"{date}.tif", tmp_path / f"{date}.tif", 32) for date in ("before", "after")]
    mapped, likely = tmp_path / "map.tif", tmp_path / "likely.tif"
    map_change(CHANGE / "run", *dates, mapped, probabilities=likely, device="cpu")
    tile = np.concatenate([values(date) for date in dates]).astype(np.float32) / 255
    found = run_file(change, tile[None])[0]
    assert found.shape == (2, 32, 32)
    close = np.abs(values(likely)[0] / PROBABILITY_STEPS - tm.load_run(CHANGE / "run").threshold) < 1 / 254
    assert np.array_equal(found.argmax(0)[~close], values(mapped)[0][~close])
    # The logit is less by that of the threshold, at which both classes are alike.
    threshold = tm.load_run(CHANGE / "run").threshold
    odds = found[1] / found[0] * threshold / (1 - threshold)
    assert is_stored(odds / (1 + odds), values(likely)[0])


def test_deepness_finds_its_metadata(change):
    said = metadata(change)
    assert said.pop("terramamba")["threshold"] == 0.497
    assert said == {
        "model_type": "Segmentor",
        "class_names": {"0": "unchanged", "1": "changed"},
        "tile_size": 32,
        "tiles_overlap": 25,
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
        "resolution": 50.0,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": "model.pt"}, "give a name that ends in .onnx"),
        ({"out": "there.onnx"}, "exists already; name another file or give --overwrite"),
        ({"tilings": 3}, "choose one of 1, 2, 4, 9"),
        ({"tile": 8}, "at least 16 is needed"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_lost(tmp_path, options, message):
    (tmp_path / "there.onnx").write_text("earlier")
    out = tmp_path / options.pop("out", "new.onnx")
    with pytest.raises(InputError, match=message):
        tm.export_onnx(COVER / "run", out, **options, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]
    assert (tmp_path / "there.onnx").read_text() == "earlier"
