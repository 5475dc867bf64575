"""The records of formats, the page that they make, and files at addresses."""

import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from served import serving
from terramamba.core.errors import InputError
from terramamba.raster.readers import formats as readers
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.orientation import orientation_of
from terramamba.raster.windows import Window

Make = Callable[..., Path]
PAGE = Path(__file__).parents[3] / "docs" / "formats.md"


def test_the_page_is_that_of_the_records() -> None:
    assert PAGE.read_text(encoding="utf-8") == readers.page(), (
        "python -m terramamba.raster.readers.formats > docs/formats.md"
    )


def test_records_are_whole() -> None:
    names = [known.name for known in readers.FORMATS]
    assert len(set(names)) == len(names)
    for known in readers.FORMATS:
        for words in (known.known_by, known.reads, known.notes):
            assert words
            assert "|" not in words
            assert "\n" not in words


def test_the_first_record_that_matches_names_the_format(geotiff: Make, tmp_path: Path) -> None:
    values = np.ones((2, 3, 4), np.uint8)
    path = geotiff(tmp_path / "a.anything", values)
    assert open_scene(path).format == "GeoTIFF"
    Image.fromarray(values[0]).save(tmp_path / "a.png")
    assert open_scene(tmp_path / "a.png").format == "picture (PNG, JPEG, BMP)"
    geotiff(tmp_path / "a.rst", values[:1], driver="RST")
    assert open_scene(tmp_path / "a.rst").format == "RST"
    np.save(tmp_path / "a.npy", values)
    assert open_scene(tmp_path / "a.npy", axes="bands,rows,cols").format == "NumPy .npy"


@pytest.mark.parametrize("mark", [".zgroup", "zarr.json", "reflectance/.zarray"])
def test_zarr_stores_are_told_to_be_saved_otherwise(tmp_path: Path, mark: str) -> None:
    (tmp_path / mark).parent.mkdir(exist_ok=True)
    (tmp_path / mark).write_text('{"zarr_format": 2}')
    with pytest.raises(InputError, match=r"is a Zarr store, which is not read; save its image as NetCDF"):
        open_scene((tmp_path / mark).parent)


@pytest.mark.parametrize("files", [("model.json",), ("config.yaml", "plan.json")])
def test_a_run_is_not_taken_for_the_image_of_its_split(
    geotiff: Make, tmp_path: Path, files: tuple[str, ...]
) -> None:
    split = geotiff(tmp_path / "split.tif", np.ones((1, 6, 7), np.uint8))
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="is a run, not an image; `terramamba report` shows"):
        open_scene(tmp_path)
    assert open_scene(split).bands == 1


@pytest.mark.parametrize("header", ["spectra.hdr", "spectra.sli.hdr"])
def test_a_spectral_library_is_called_one_and_not_damaged(tmp_path: Path, header: str) -> None:
    (tmp_path / "spectra.sli").write_bytes(bytes(32))
    entries = ("ENVI", "samples = 4", "lines = 2", "bands = 1", "file type = ENVI Spectral Library", "")
    (tmp_path / header).write_text("\n".join(entries))
    with pytest.raises(InputError, match="is a spectral library, spectra without places, which is not read"):
        open_scene(tmp_path / "spectra.sli")


def test_images_in_an_archive(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = np.random.default_rng(seed).integers(1, 200, (2, 6, 7)).astype(np.int16)
    path = geotiff(tmp_path / "a.tif", values)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "inside/a.tif")
    scene = open_scene(f"/vsizip/{tmp_path}/a.zip/inside/a.tif")
    assert scene.format == "GeoTIFF"
    assert np.array_equal(scene.read()[0], values)
    with pytest.raises(InputError, match=r"/vsizip/.*b\.tif: cannot be opened \(.*\); check the address"):
        open_scene(f"/vsizip/{tmp_path}/a.zip/inside/b.tif")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path) as address:
        yield address


def test_images_at_a_url(
    geotiff: Make, tmp_path: Path, seed: int, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    values = np.random.default_rng(seed).integers(1, 200, (2, 70, 90)).astype(np.int16)
    geotiff(tmp_path / "a.tif", values, tiled=True, blockxsize=32, blockysize=32)
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        scene = open_scene(f"{server}/a.tif")
        part, _ = scene.read(Window(20, 30, 40, 50), [1])
        assert np.array_equal(part, values[1:, 20:60, 30:80])
        assert scene.path == f"{server}/a.tif"
        with pytest.raises(InputError, match=r"http://.*b\.tif: cannot be opened \(.*\); check the address"):
            open_scene(f"{server}/b.tif")
    with pytest.raises(InputError, match=r"a\.mat: array files are read from disk only; download it first"):
        open_scene(f"{server}/a.mat")


def test_the_file_of_a_product_of_snap_opens_its_folder_of_bands(geotiff: Make, tmp_path: Path) -> None:
    bands = tmp_path / "S2.data"
    bands.mkdir()
    for number, name in enumerate(("B2", "B3")):
        geotiff(bands / f"{name}.img", np.full((1, 3, 4), number, np.float32), driver="ENVI")
    (tmp_path / "S2.dim").write_text("<Dimap_Document/>", encoding="utf-8")
    scene = open_scene(tmp_path / "S2.dim")
    assert scene.bands == 2
    assert scene.path.endswith("S2.data")
    for name in ("B2", "B3"):
        with (bands / f"{name}.hdr").open("a", encoding="utf-8") as header:
            header.write("\nwavelength = {490.0}\n" if name == "B2" else "\nwavelength = {560.0}\n")
    geotiff(bands / "B2_flags.img", np.zeros((1, 3, 4), np.int32), driver="ENVI")
    scene = open_scene(tmp_path / "S2.dim")
    assert (scene.wavelengths, scene.notes[-1]) == ((490.0, 560.0), "no bands, left out: B2_flags.img")
    (tmp_path / "other.dim").write_text("<Dimap_Document/>", encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.dim: its bands lie in other\.data, which is not beside it"):
        open_scene(tmp_path / "other.dim")


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize(("orientation", "placed"), [(3, False), (6, False), (1, False), (3, True)])
def test_pictures_that_viewers_turn_are_said_to_be_read_as_stored(
    tmp_path: Path, orientation: int, placed: bool, ending: str
) -> None:
    picture = Image.new("RGB", (6, 4))
    exif = picture.getexif()
    exif[0x112] = orientation
    picture.save(tmp_path / f"a.{ending}", **{"tiffinfo" if ending == "tif" else "exif": exif})
    placed = placed and ending != "webp"  # which has no file of its place beside it
    if placed:
        world = {"jpg": "jgw", "png": "pgw", "tif": "tfw"}[ending]
        (tmp_path / f"a.{world}").write_text("10\n0\n0\n-10\n400005\n5799995\n", encoding="utf-8")
    notes = open_scene(tmp_path / f"a.{ending}").notes
    said = [note for note in notes if "mogrify -auto-orient" in note]
    assert len(said) == (orientation != 1 and not placed)
    tagged = [note for note in notes if "its orientation of 3 (a tag of TIFF) is not applied" in note]
    assert len(tagged) == (placed and ending == "tif")


@pytest.mark.parametrize("options", [{"BIGTIFF": "YES"}, {"ENDIANNESS": "BIG"}, {"COMPRESS": "DEFLATE"}])
def test_the_orientation_of_every_kind_of_tiff_is_found_and_damage_tells_none(
    geotiff: Make, tmp_path: Path, options: dict[str, str]
) -> None:
    path = geotiff(tmp_path / "a.tif", np.zeros((3, 4, 6), np.uint8), INTERLEAVE="BAND", **options)
    raw = path.read_bytes()
    order = "<" if raw[:2] == b"II" else ">"
    planar, orientation = (struct.pack(order + "HH", tag, 3) for tag in (284, 274))
    with rasterio.open(path) as image:
        assert orientation_of(str(path), image) == 1
        path.write_bytes(raw.replace(planar, orientation, 1))  # each is one short number, here 2
        assert orientation_of(str(path), image) == 2
        path.write_bytes(raw[:20])
        assert orientation_of(str(path), image) == 1
