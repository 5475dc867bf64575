"""Images of any size are answered by reading little of them, or refused in one line before anything is read.

The files are sparse: a few kB to some MB each, of millions of rows and columns.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from cards import change_card, save_run
from terramamba.mapping.windows import PIXELS_PER_WINDOW, class_windows
from terramamba.models import create_model
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.windows import Window

HUGE = 2_000_000
MOST_READ = 50_000_000
"""Values that all checks of a file, or of a pair, read together."""


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test where more is read than a sample; what is read is what takes time and memory."""
    read = GdalSource.read
    values = 0

    def counted(self: GdalSource, window: Window, bands: tuple[int, ...], shape: tuple[int, int]):
        nonlocal values
        values += shape[0] * shape[1] * len(bands)
        assert window.shape == shape, "thinned out by reading all of it"
        return read(self, window, bands, shape)

    monkeypatch.setattr(GdalSource, "read", counted)
    yield
    assert 0 < values <= MOST_READ


def sparse(
    path: Path, height: int, width: int, bands: int = 1, dtype: str = "uint8", **layout: object
) -> Path:
    """A GeoTIFF of zeros that holds no block of them."""
    place = {"crs": "EPSG:32632", "transform": Affine(1, 0, 500_000, 0, -1, 6_000_000)}
    how = {"SPARSE_OK": True, "BIGTIFF": "YES", "photometric": "MINISBLACK", **place, **layout}
    with rasterio.open(path, "w", "GTiff", width, height, bands, dtype=dtype, **how):
        return path


def virtual(
    path: Path, of: Path, height: int, width: int, part: tuple[int, int], drawn: tuple[int, int]
) -> Path:
    """A virtual raster with ``part`` (rows, columns) of an image, ``drawn`` so large in its first corner."""
    source, target = (f'xOff="0" yOff="0" xSize="{size[1]}" ySize="{size[0]}"' for size in (part, drawn))
    path.write_text(
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:32632</SRS>'
        '<GeoTransform>500000,1,0,6000000,0,-1</GeoTransform><VRTRasterBand dataType="Byte" band="1">'
        f'<SimpleSource><SourceFilename relativeToVRT="1">{of.name}</SourceFilename>'
        f"<SourceBand>1</SourceBand><SrcRect {source}/><DstRect {target}/></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    return path


TILED = {"tiled": True, "blockxsize": 2048, "blockysize": 2048}
STRIPS = {"blockysize": 64}
SHAPES = {
    "tiled": (HUGE, HUGE),
    "strips of 64 rows": (HUGE, HUGE),
    "virtual": (2**31 - 1, 2**31 - 1),
    "virtual, of strips": (HUGE, HUGE),
    "flat": (1, 1_000_000),
    "narrow": (1_000_000, 1),
    "many bands": (16, 16),
}


def make(folder: Path, kind: str) -> Path:
    """An image of a ``kind`` of ``SHAPES``."""
    path, (height, width) = folder / "image.tif", SHAPES[kind]
    if kind == "virtual":
        return virtual(folder / "image.vrt", sparse(path, 9, 9), height, width, (9, 9), (9, 9))
    if kind == "virtual, of strips":
        return virtual(
            folder / "image.vrt", sparse(path, height, width, **STRIPS), height, width, (9, 9), (9, 9)
        )
    if kind == "many bands":
        return sparse(path, height, width, 65_535, interleave="band")
    layout = {"tiled": TILED, "strips of 64 rows": STRIPS}.get(kind, {})
    return sparse(path, height, width, 1 if height == width else 4, **layout)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.usefixtures("bounded")
def test_check_reads_little_of_an_image_of_any_size(terramamba, tmp_path: Path, kind: str) -> None:
    done = terramamba("check", make(tmp_path, kind))
    assert done.status == 0, done.err
    height, width = SHAPES[kind]
    assert f"{height} rows x {width} columns" in done.out
    assert ("looked at" in done.out) == (kind not in ("flat", "narrow"))
    assert ("in 512 of the bands" in done.out) == (kind == "many bands")


@pytest.mark.parametrize("kind", ["tiled", "virtual, of strips"])
@pytest.mark.usefixtures("bounded")
def test_two_huge_images_are_compared_as_a_pair(terramamba, tmp_path: Path, kind: str) -> None:
    path = make(tmp_path, kind)
    done = terramamba("check", path, path)
    assert done.status == 0, done.err
    assert f"a pair of {HUGE} x {HUGE} pixels" in done.out


@pytest.mark.usefixtures("bounded")
def test_classes_of_a_huge_raster_are_counted_in_a_sample_that_is_named(terramamba, tmp_path: Path) -> None:
    one = sparse(tmp_path / "one.tif", 1, 1)
    with rasterio.open(one, "r+") as image:
        image.write(np.full((1, 1, 1), 7, np.uint8))
    path = virtual(tmp_path / "classes.vrt", one, HUGE, HUGE, (1, 1), (HUGE, HUGE))
    done = terramamba("check", path)
    assert done.status == 0, done.err
    assert "class 7" in done.out
    assert "pixels that are spread over the image, not in all of them" in done.out


def test_labels_of_years_of_reading_are_refused_before_they_are_read(terramamba, tmp_path: Path) -> None:
    scene = sparse(tmp_path / "scene.tif", HUGE, HUGE, 2, **TILED)
    labels = sparse(tmp_path / "labels.tif", HUGE, HUGE, **TILED)
    done = terramamba("classify", "train", "--scene", scene, "--labels", labels, "--out", tmp_path / "run")
    assert done.status == 1
    assert "labels.tif: 2,000,000 x 2,000,000 pixels of labels, 20,000,000,000 at most; cut out" in done.err
    assert not (tmp_path / "run").exists()


def test_maps_of_years_of_work_are_refused_before_anything_is_written(
    terramamba, workshop, tmp_path: Path
) -> None:
    detector = save_run(create_model("fc_siam_diff", in_channels=2), tmp_path / "run", change_card())
    scene = sparse(tmp_path / "scene.tif", HUGE, HUGE, 12, "uint16", **TILED)
    dates = sparse(tmp_path / "dates.tif", HUGE, HUGE, 2, **TILED)
    out = tmp_path / "maps" / "map.tif"
    jobs = (
        ("classify", "map", workshop.cover_run, scene),
        ("change", "map", detector, dates, dates),
    )
    for words in jobs:
        done = terramamba(*words, "--out", out)
        assert done.status == 1
        assert "2,000,000 x 2,000,000 pixels" in done.err, done.err
        assert "(gdal_translate -srcwin) and map each" in done.err
        # what was decided of the bands is said before
        errors = [line for line in done.err.splitlines() if not line.startswith("note: ")]
        assert len(errors) == 1
        assert not out.parent.exists()


@pytest.mark.parametrize(("height", "width"), [(1, 20_000), (20_000, 1)])
def test_a_line_of_pixels_is_mapped_in_windows_not_much_larger_than_it(height: int, width: int) -> None:
    for exact in (True, False):
        margin, total = 20, 0
        for window in class_windows(height, width, 200, exact=exact, margin=margin):
            padded = window.expand(margin)
            assert padded.pixels <= 2 * PIXELS_PER_WINDOW["exact" if exact else "fast"]
            total += padded.pixels
        assert total <= 2 * (2 * margin + 1) * height * width


def test_a_map_with_many_bands_is_refused_by_the_report_unread(terramamba, workshop, tmp_path: Path) -> None:
    many = sparse(tmp_path / "map.tif", 16, 16, 65_535, interleave="band")
    done = terramamba("report", workshop.cover_run, "--map", many, "--out", tmp_path / "page.html")
    assert done.status == 1
    assert "map.tif: 65535 x uint8 is no map of classes; give the file that" in done.err
    assert not (tmp_path / "page.html").exists()
