"""Files that name others: openly they may; under other names and in run folders only what lies beside."""

from pathlib import Path

import h5py
import numpy as np
import pyogrio.raw
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from terramamba.cli import main
from terramamba.core.errors import InputError
from terramamba.core.trust import is_trusted, trusting
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.references import MOST_LEVELS
from terramamba.raster.vector.features import read_features

GRID = Grid(8, 9, CRS.from_epsg(32633), Affine(10, 0, 500_000, 0, -10, 5_000_000))


def virtual(path: Path, *names: str, relative: int = 1, more: str = "") -> Path:
    sources = "".join(
        f'<SimpleSource><SourceFilename relativeToVRT="{relative}">{name}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource>"
        for name in names
    )
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        '<VRTDataset rasterXSize="9" rasterYSize="8">'
        f'<VRTRasterBand dataType="Byte" band="1">{sources}{more}</VRTRasterBand></VRTDataset>'
    )
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    write_geotiff(tmp_path / "own.tif", np.ones((1, 8, 9), np.uint8), GRID)
    (tmp_path / "sent").mkdir()
    write_geotiff(tmp_path / "sent" / "beside.tif", np.full((1, 8, 9), 7, np.uint8), GRID)
    return tmp_path / "own.tif"


def test_openly_a_virtual_raster_names_what_it_likes(image: Path, tmp_path: Path) -> None:
    path = virtual(tmp_path / "sent" / "a.vrt", "../own.tif")
    assert open_scene(path).read()[0].max() == 1
    path = virtual(tmp_path / "sent" / "b.vrt", str(image), relative=0)
    assert open_scene(path).read()[0].max() == 1


@pytest.mark.parametrize("name", ["a.tif", "a.img", "a", "a.png"])
def test_under_another_name_it_opens_what_lies_beside(image: Path, tmp_path: Path, name: str) -> None:
    assert open_scene(virtual(tmp_path / "sent" / name, "beside.tif")).read()[0].max() == 7


@pytest.mark.parametrize(
    ("part", "relative"),
    [
        ("../own.tif", 1),
        ("{}", 0),
        ("/vsicurl/http://127.0.0.1:9/a.tif", 0),
        ("http://127.0.0.1:9/a.tif", 1),
        ("link.tif", 1),
        ("inner.tif", 1),
        ("NETCDF:beside.nc:a", 1),
        ("own.tif", 0),
        ("beside.tif/../../own.tif", 1),
        ("../own.tif<!-- -->/../../sent/beside.tif", 1),
        ("&lt;VRTDataset&gt;&lt;SourceFilename&gt;own.tif&lt;/SourceFilename&gt;&lt;/VRTDataset&gt;", 1),
    ],
)
def test_under_another_name_it_opens_nothing_elsewhere(
    image: Path, tmp_path: Path, part: str, relative: int
) -> None:
    sent = tmp_path / "sent"
    (sent / "link.tif").symlink_to(image)
    virtual(sent / "inner.tif", "../own.tif")
    path = virtual(sent / "a.tif", part.format(image), relative=relative)
    with pytest.raises(InputError, match=r"a\.tif: is a virtual raster that names .* give --trust"):
        open_scene(path)


def test_a_file_that_is_called_as_an_address_begins_opens_nothing_elsewhere_either(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "sent")
    for part, refused in (("../own.tif", True), ("beside.tif", False)):
        virtual(Path("new:a.tif"), part)
        if refused:
            with pytest.raises(InputError, match=r"new:a\.tif: is a virtual raster that names .*--trust"):
                open_scene("new:a.tif")
        else:
            assert open_scene("new:a.tif").read()[0].max() == 7


@pytest.mark.parametrize(
    "source",
    [
        "<sourcefilename>{}</sourcefilename>",
        "<SOURCEFILENAME relativeToVRT='1'>../own.tif</SOURCEFILENAME>",
        "<SourceFilename xmlns='a'>{}</SourceFilename>",
        "<SourceFilename relativeToVRT='1'>beside.tif</SourceFilename><Mask FILENAME='{}'/>",
        "<Argument name='gain_dataset_filename_1'>{}</Argument>",
        "<MDI key='X_DATASET'>{}</MDI>",
    ],
)
def test_what_names_a_file_is_known_as_gdal_knows_it(image: Path, tmp_path: Path, source: str) -> None:
    """In any case, in a namespace, as an attribute, as an argument."""
    path = virtual(tmp_path / "sent" / "a.tif", more=f"<SimpleSource>{source.format(image)}</SimpleSource>")
    with pytest.raises(InputError, match=r"a\.tif: is a virtual raster that names .*own\.tif"):
        open_scene(path)


def test_a_part_that_a_header_of_another_format_names(image: Path, tmp_path: Path) -> None:
    """Lines of a PDS label; GDAL has a dozen formats of that kind."""
    label = (
        'PDS_VERSION_ID = PDS3\nRECORD_TYPE = FIXED_LENGTH\nRECORD_BYTES = 9\n^IMAGE = "{}"\n'
        "OBJECT = IMAGE\n LINES = 8\n LINE_SAMPLES = 9\n SAMPLE_TYPE = UNSIGNED_INTEGER\n SAMPLE_BITS = 8\n"
        "END_OBJECT = IMAGE\nEND\n"
    )
    path = tmp_path / "sent" / "a.img"
    for folder, name in ((tmp_path, "../secret.bin"), (tmp_path / "sent", "pixels.bin")):
        (folder / Path(name).name).write_bytes(bytes(range(72)))
        path.write_text(label.format(name))
        if folder == tmp_path:
            with pytest.raises(InputError, match=r"consists of .*secret\.bin too, .* --trust"):
                open_scene(path)
            with trusting():
                assert open_scene(path).read()[0].max() == 71
        else:
            assert open_scene(path).read()[0].max() == 71


@pytest.mark.parametrize("inside", [False, True])
def test_a_cache_that_an_image_wants_kept_is_not_written(
    image: Path, tmp_path: Path, *, inside: bool
) -> None:
    cache = tmp_path / "written.ppg"
    text = (
        f"<MRF_META><CachedSource><Source>{image}</Source></CachedSource><Raster><Size x='9' y='8' c='1'/>"
        f"<PageSize x='512' y='512' c='1'/><DataFile>{cache}</DataFile></Raster></MRF_META>"
    )
    path = tmp_path / "sent" / "a.tif"
    path.write_text(text)
    if inside:  # openly virtual rasters: they may name what they like
        virtual(tmp_path / "sent" / "inner.vrt", "a.tif")
        assert open_scene(virtual(tmp_path / "sent" / "a.vrt", "inner.vrt")).read()[0].max() == 1
    else:
        with pytest.raises(InputError, match="describes a service or a list"):
            open_scene(path)
        with pytest.raises(InputError, match="cannot be opened"):
            open_scene(f"/vsisubfile/0_{len(text)},{path}")
    assert not cache.exists()


def elsewhere(file: h5py.File, secret: Path, how: str) -> None:
    """Write a member ``cube`` that lies in another file."""
    if how == "link":
        file["cube"] = h5py.ExternalLink(str(secret), "/cube")
    elif how == "storage":
        file.create_dataset("cube", (4, 2, 9), "u1", external=[(str(secret), 0, 72)])
    else:
        layout = h5py.VirtualLayout((4, 8, 9), "u1")
        layout[...] = h5py.VirtualSource(str(secret), "cube", (4, 8, 9))
        file.create_virtual_dataset("deep/cube", layout)


@pytest.mark.parametrize("how", ["link", "storage", "virtual"])
@pytest.mark.parametrize("name", ["a.mat", "a.h5", "a.kea"])
def test_hdf5_whose_members_lie_elsewhere(tmp_path: Path, name: str, how: str) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["cube"] = np.full((4, 8, 9), 99, np.uint8)
    with h5py.File(tmp_path / name, "w") as file:
        file["own"] = np.zeros((4, 8, 9), np.uint8)
        elsewhere(file, tmp_path / "secret.h5", how)
    with pytest.raises(InputError, match=rf"{name}: its member '.*cube' lies in another file; give --trust"):
        open_scene(tmp_path / name, axes=None if name == "a.kea" else "bands,rows,cols")
    if name == "a.mat" and how == "virtual":
        with trusting():
            assert open_scene(tmp_path / "a.mat:deep.cube", axes="rows,cols,bands").read()[0].max() == 99


def test_hdf5_whose_groups_lie_in_each_other_without_an_end_in_sight(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "deep.nc", "w") as file:
        group = file
        for _ in range(MOST_LEVELS + 2):
            group = group.create_group("g")
        group["cube"] = np.zeros((4, 8, 9), np.uint8)
    with pytest.raises(InputError, match=rf"deep\.nc: has groups in groups, more than {MOST_LEVELS} deep"):
        open_scene(tmp_path / "deep.nc")


def test_in_the_folder_of_a_run_even_openly(image: Path, tmp_path: Path) -> None:
    (tmp_path / "sent" / "model.json").write_text("{}")
    (tmp_path / "sent" / "deeper").mkdir()
    with pytest.raises(InputError, match=r"names '\.\./own\.tif', which does not lie beside it"):
        open_scene(virtual(tmp_path / "sent" / "a.vrt", "../own.tif"))
    with pytest.raises(InputError, match="does not lie beside it"):
        open_scene(virtual(tmp_path / "sent" / "deeper" / "a.vrt", "../../own.tif"))
    assert open_scene(virtual(tmp_path / "sent" / "b.vrt", "beside.tif")).read()[0].max() == 7


def test_what_is_trusted_is_opened(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = virtual(tmp_path / "sent" / "a.tif", "../own.tif")
    with trusting():
        assert open_scene(path).read()[0].max() == 1
    assert not is_trusted()
    again = virtual(tmp_path / "sent" / "b.tif", "../own.tif")
    assert main(["check", str(again)]) == 1
    assert "b.tif: is a virtual raster that names '../own.tif'" in capsys.readouterr().err
    assert main(["check", str(again), "--trust"]) == 0
    assert not is_trusted()


@pytest.mark.parametrize(
    "text",
    [
        "<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1:9/</ServerUrl></Service></GDAL_WMS>",
        "<WCS_GDAL><ServiceURL>http://127.0.0.1:9/</ServiceURL></WCS_GDAL>",
        "<GDALTileIndexDataset><IndexDataset>../tiles.gpkg</IndexDataset></GDALTileIndexDataset>",
        '{"type": "gdal_streamed_alg", "command_line": "gdal raster read ../own.tif"}',
        "<MRF_META><CachedSource><Source>../own.tif</Source></CachedSource></MRF_META>",
        "<OGRWFSDataSource><URL>http://127.0.0.1:9/</URL></OGRWFSDataSource>",
        f"<!--{'x' * 5000}--><OGRWFSDataSource><URL>http://127.0.0.1:9/</URL></OGRWFSDataSource>",
    ],
)
@pytest.mark.parametrize("name", ["a.xml", "a.tif", "a.gdalg.json"])
def test_services_and_lists_are_not_opened(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"describes a service or a list of other files.* --trust"):
        open_scene(tmp_path / name)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("<PixelFunctionLanguage>Python</PixelFunctionLanguage>", "holds a program"),
        ("<unclosed>", "is no XML"),
    ],
)
def test_programs_and_damage(image: Path, tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(InputError, match=rf"a\.tif: is a virtual raster that {said}"):
        open_scene(virtual(tmp_path / "sent" / "a.tif", "beside.tif", more=more))


def test_virtual_rasters_in_themselves_end(image: Path, tmp_path: Path) -> None:
    virtual(tmp_path / "sent" / "a.tif", "b.tif")
    virtual(tmp_path / "sent" / "b.tif", "a.tif")
    with pytest.raises(InputError, match="virtual rasters in virtual rasters"):
        open_scene(tmp_path / "sent" / "a.tif")


def test_virtual_shapes_too(tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    pyogrio.raw.write(
        tmp_path / "own.gpkg",
        shapely.to_wkb(np.array([shapely.Point(1, 2)], object)),
        [np.array([1])],
        ["kind"],
        geometry_type="Point",
        crs="EPSG:32633",
    )
    source = "<SrcDataSource relativeToVRT='1'>../own.gpkg</SrcDataSource>"
    text = f"<OGRVRTDataSource><OGRVRTLayer name='own'>{source}</OGRVRTLayer></OGRVRTDataSource>"
    (tmp_path / "sent" / "a.geojson").write_text(text)
    with pytest.raises(InputError, match=r"names '\.\./own\.gpkg', which does not lie beside it"):
        read_features(str(tmp_path / "sent" / "a.geojson"))
