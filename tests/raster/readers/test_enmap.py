"""EnMAP products: a spectral image with its metadata, given as folder, metadata or image."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from products import ENMAP_STEM, ENMAP_WAVES, enmap_metadata
from terramamba.core.errors import InputError
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window

Make = Callable[..., Path]


@pytest.fixture
def product(geotiff: Make, tmp_path: Path, seed: int) -> tuple[Path, np.ndarray]:
    values = np.random.default_rng(seed).integers(-50, 9000, (4, 6, 5)).astype(np.int16)
    values[2] = -32768
    values[:, 1, 1] = -32768
    folder = tmp_path / ENMAP_STEM
    folder.mkdir()
    geotiff(folder / f"{ENMAP_STEM}-SPECTRAL_IMAGE.TIF", values, interleave="pixel")
    geotiff(folder / f"{ENMAP_STEM}-QL_QUALITY_CLOUD.TIF", values[:1])
    (folder / f"{ENMAP_STEM}-METADATA.XML").write_text(enmap_metadata())
    return folder, values


@pytest.mark.parametrize("given", ["", f"{ENMAP_STEM}-METADATA.XML", f"{ENMAP_STEM}-SPECTRAL_IMAGE.TIF"])
def test_enmap_by_any_of_its_parts(product: tuple[Path, np.ndarray], given: str) -> None:
    folder, values = product
    scene = open_scene(folder / given)
    assert (scene.format, scene.bands, scene.dtype, scene.nodata) == ("EnMAP", 4, "int16", -32768)
    assert scene.path == str(folder / given)
    assert scene.wavelengths == ENMAP_WAVES
    assert scene.fwhm == (7, 8, 9, 10)
    assert scene.bad_bands == (False, False, True, False)
    assert scene.scale == 0.0001
    assert scene.band_names[0] == "418.24 nm"
    assert scene.crs is not None
    read, valid = scene.read()
    assert np.array_equal(read, values)
    assert np.array_equal(valid, values != -32768)


def test_gains_that_differ_are_applied(product: tuple[Path, np.ndarray]) -> None:
    folder, values = product
    gains, offsets = (0.01, 0.02, 0.03, 0.04), (0.0, -1.0, 0.0, 2.0)
    (folder / f"{ENMAP_STEM}-METADATA.XML").write_text(enmap_metadata(gains, offsets))
    scene = open_scene(folder)
    assert (scene.dtype, scene.scale) == ("float32", None)
    assert np.isnan(scene.nodata or 0)
    read, valid = scene.read(Window(1, 1, 4, 3), [3, 1])
    stored = values[[3, 1], 1:5, 1:4]
    assert np.array_equal(valid, stored != -32768)
    expected = stored * np.array([[[0.04]], [[0.02]]]) + np.array([[[2.0]], [[-1.0]]])
    assert np.allclose(read[valid], expected[valid])
    assert np.isnan(read[~valid]).all()
    assert scene.notes[-1].startswith("gain and offset of each band applied")


def test_enmap_that_is_not_whole(product: tuple[Path, np.ndarray], geotiff: Make) -> None:
    folder, values = product
    xml, image = (folder / f"{ENMAP_STEM}-{part}" for part in ("METADATA.XML", "SPECTRAL_IMAGE.TIF"))
    geotiff(image, values[:3])
    with pytest.raises(
        InputError, match=r"METADATA\.XML: describes 4 bands, .*_IMAGE\.TIF has 3; give the meta"
    ):
        open_scene(folder)
    xml.write_text(enmap_metadata()[:-40])
    with pytest.raises(InputError, match=r"METADATA\.XML: cannot be read as EnMAP metadata \(.*\); fetch it"):
        open_scene(folder)
    xml.write_text(enmap_metadata().replace("<FWHMOfBand>7</FWHMOfBand>", ""))
    with pytest.raises(InputError, match=r"EnMAP metadata \(a band without FWHMOfBand\); fetch it again"):
        open_scene(folder)
    image.rename(folder / f"{ENMAP_STEM}-SPECTRAL_IMAGE_VNIR.TIF")
    geotiff(folder / f"{ENMAP_STEM}-SPECTRAL_IMAGE_SWIR.TIF", values)
    with pytest.raises(
        InputError, match=r"_IMAGE_SWIR\.TIF, .*_VNIR\.TIF; give a product of level L1C or L2A"
    ):
        open_scene(folder)


def test_desis_by_any_of_its_parts(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = np.random.default_rng(seed).integers(1, 9000, (3, 6, 5)).astype(np.int16)
    stem = "DESIS-HSI-L2A-DT0000001867_20220724T104526-001-V0210"
    image = geotiff(tmp_path / f"{stem}-SPECTRAL_IMAGE.tif", values)
    band = (
        "<band><bandNumber>{n}</bandNumber><wavelengthCenterOfBand>{w}</wavelengthCenterOfBand>"
        "<wavelengthWidthOfBand>3.5</wavelengthWidthOfBand><gainOfBand>0.0001</gainOfBand>"
        "<offsetOfBand>0</offsetOfBand></band>"
    )
    bands = "".join(band.format(n=n, w=400 + 2.5 * n) for n in (3, 1, 2))
    described = (
        f"<hsi_doc><specific><bandCharacterisation>{bands}</bandCharacterisation></specific></hsi_doc>"
    )
    (tmp_path / f"{stem}-METADATA.xml").write_text(described)
    for given in (image, tmp_path / f"{stem}-METADATA.xml"):
        scene = open_scene(given)
        assert (scene.format, scene.wavelengths, scene.fwhm) == ("DESIS", (402.5, 405, 407.5), (3.5,) * 3)
        assert scene.scale == 0.0001
        assert scene.transform is not None
        assert np.array_equal(scene.read()[0], values)
