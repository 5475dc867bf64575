"""Days of acquisition: from every place where metadata tell them, and never from anything else."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio

from terramamba.raster.readers.dates import acquisition_date, day_in

Make = Callable[..., Path]
ONE = np.ones((1, 4, 5), np.uint8)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021-06-17", date(2021, 6, 17)),
        ("2021:06:17 10:05:31", date(2021, 6, 17)),
        ("2021-06-17T10:05:31.024Z", date(2021, 6, 17)),
        ("20210617T100531", date(2021, 6, 17)),
        ("2021/06/17", date(2021, 6, 17)),
        ("2021-13-17", None),
        ("17.06.2021", None),
        ("2021", None),
        ("202106171", None),
        ("", None),
    ],
)
def test_days_as_they_are_written(text: str, day: date | None) -> None:
    assert day_in(text) == day


def test_tags_tell_and_names_do_not(geotiff: Make, tmp_path: Path) -> None:
    assert acquisition_date(geotiff(tmp_path / "S2A_20200101_B04.tif", ONE)) is None
    tagged = geotiff(tmp_path / "tagged.tif", ONE)
    with rasterio.open(tagged, "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="2021:06:17 10:05:31")
    assert acquisition_date(tagged) == date(2021, 6, 17)
    with rasterio.open(tagged, "r+") as file:
        file.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2019-02-28 23:59:59")
    assert acquisition_date(str(tagged)) == date(2019, 2, 28), "the day of the image before that of the file"
    assert acquisition_date(tmp_path) == date(2019, 2, 28)
    assert acquisition_date(tmp_path / "missing.tif") is None


def test_envi_headers(tmp_path: Path) -> None:
    data = tmp_path / "scene.bsq"
    profile = {"driver": "ENVI", "count": 1, "height": 4, "width": 5, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(data, "w", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5e6), **profile) as file:
        file.write(ONE)
    header = tmp_path / "scene.hdr"
    header.write_text(header.read_text() + "acquisition time = 2018-07-09T11:22:33Z\n")
    assert acquisition_date(data) == acquisition_date(header) == date(2018, 7, 9)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "LC08_MTL.txt",
            "GROUP = A\n    DATE_ACQUIRED = 2020-03-04\n    DATE_PRODUCT_GENERATED = 2021-01-01",
        ),
        ("MTD_MSIL2A.xml", "<a><PRODUCT_START_TIME>2020-03-04T10:00:00.0Z</PRODUCT_START_TIME></a>"),
        ("ENMAP01-METADATA.XML", "<a><startTime>2020-03-04T10:00:00.0Z</startTime></a>"),
    ],
)
def test_metadata_beside_the_bands(geotiff: Make, tmp_path: Path, name: str, text: str) -> None:
    geotiff(tmp_path / "a.tif", ONE)
    (tmp_path / name).write_text(text)
    assert acquisition_date(tmp_path) == acquisition_date(tmp_path / name) == date(2020, 3, 4)
    (tmp_path / name).write_text("nothing of a day")
    assert acquisition_date(tmp_path) is None


@pytest.mark.parametrize("name", ["time_coverage_start", "Product_StartTime"])
def test_products_in_hdf5(tmp_path: Path, name: str) -> None:
    for value in ("2022-08-09T01:02:03+0000", np.bytes_("2022-08-09T01:02:03")):
        with h5py.File(tmp_path / "product.nc", "w") as file:
            file.attrs[name] = value
        assert acquisition_date(tmp_path / "product.nc") == date(2022, 8, 9)


def test_files_of_several_days_have_none_in_common(geotiff: Make, tmp_path: Path) -> None:
    files = [geotiff(tmp_path / f"{i}.tif", ONE) for i in range(3)]
    for path, day in zip(files[:2], ("2021:06:17 00:00:00", "2021:06:17 23:00:00"), strict=True):
        with rasterio.open(path, "r+") as file:
            file.update_tags(TIFFTAG_DATETIME=day)
    assert acquisition_date(files) == date(2021, 6, 17)
    with rasterio.open(files[2], "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="2021:06:18 00:00:00")
    assert acquisition_date(files) is None


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.mat", "a.csv", "a.txt", "a.json"])
def test_what_tells_no_day_is_no_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"2021-06-17")
    assert acquisition_date(tmp_path / name) is None
