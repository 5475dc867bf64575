"""STAC items: bands by wavelength, one grid, scale and offset, on disk and on a web server; refusals."""

import functools
import json
import pickle
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from programs import terramamba
from served import running
from terramamba.core.errors import InputError
from terramamba.raster.readers import stac, stac_answers
from terramamba.raster.readers.dates import acquisition_date
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.stac import open_stac
from terramamba.raster.views.nodata import without_values
from terramamba.raster.views.physical import physical
from terramamba.raster.windows import Window

pystac = pytest.importorskip("pystac", reason="the extra stac is not installed")

Make = Callable[..., Path]
NEAR_INFRARED, RED, SHORT_WAVE = 0.8328, 0.6646, 1.6137
EO = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
RASTER = "https://stac-extensions.github.io/raster/v1.1.0/schema.json"


def metres(size: float) -> Affine:
    return Affine(size, 0, 500_000, 0, -size, 5_800_000)


def catalogue(
    folder: Path, assets: dict[str, dict[str, Any]], name: str = "scene", **properties: object
) -> Path:
    """A catalogue of one item, saved with relative links; returns the item's path."""
    item = pystac.Item(
        id=name,
        geometry=None,
        bbox=None,
        datetime=datetime(2021, 6, 17, 10, 5, tzinfo=UTC),
        properties=dict(properties),
        stac_extensions=[EO, RASTER, *([PROJECTION] if "proj:shape" in str(assets) else [])],
    )
    for key, told in assets.items():
        media_type = told.pop("media_type", pystac.MediaType.COG)
        item.add_asset(
            key,
            pystac.Asset(
                told.pop("href"), media_type=media_type, roles=told.pop("roles", None), extra_fields=told
            ),
        )
    root = pystac.Catalog(id="catalogue", description="of a test")
    root.add_item(item)
    root.normalize_hrefs(str(folder))
    item.make_asset_hrefs_relative()
    root.save(catalog_type=pystac.CatalogType.SELF_CONTAINED)
    return Path(item.get_self_href())


def band(name: str, micrometres: float) -> list[dict[str, object]]:
    return [{"name": name, "center_wavelength": micrometres, "full_width_half_max": 0.03}]


@pytest.fixture
def sentinel(geotiff: Make, tmp_path: Path, seed: int) -> Callable[..., tuple[Path, np.ndarray, np.ndarray]]:
    """Writes an item like those of Sentinel-2: returns it, red and near infrared, and the coarser band."""
    rng = np.random.default_rng(seed)

    def make(physical: list[dict[str, float]], **properties: object) -> tuple[Path, np.ndarray, np.ndarray]:
        fine = rng.integers(1, 9999, (2, 24, 30)).astype(np.uint16)
        coarse = rng.integers(1, 9999, (1, 12, 15)).astype(np.uint16)
        fine[:, :3] = 0
        options = {"tiled": True, "blockxsize": 16, "blockysize": 16}
        red, nir, swir, scl, picture, small = (
            tmp_path / f"{stem}.tif" for stem in ("B04", "B08", "B11", "SCL", "TCI", "small")
        )
        geotiff(red, fine[:1], transform=metres(10), **options)
        geotiff(nir, fine[1:], transform=metres(10), **options)
        geotiff(swir, coarse, transform=metres(20))
        geotiff(scl, coarse, transform=metres(20))
        geotiff(picture, np.repeat(fine[:1], 3, axis=0), transform=metres(10))
        geotiff(small, fine[:1, ::4, ::4])
        data = {"roles": ["data", "reflectance"], "raster:bands": physical}
        item = catalogue(
            tmp_path / "catalogue",
            {
                "swir16": {"href": str(swir), "eo:bands": band("B11", SHORT_WAVE), **data},
                "nir": {"href": str(nir), "eo:bands": band("B08", NEAR_INFRARED), **data},
                "red": {"href": str(red), "eo:bands": band("B04", RED), **data},
                "picture": {
                    "href": str(picture),
                    "eo:bands": [*band("B04", RED), *band("B08", NEAR_INFRARED), *band("B04", RED)],
                    **data,
                },
                "scl": {"href": str(scl), **data},
                "preview": {"href": str(small), "roles": ["overview"], "eo:bands": band("B04", RED)},
                "metadata": {"href": "tile.xml", "roles": ["metadata"], "media_type": "application/xml"},
            },
            **properties,
        )
        return item, fine, coarse

    return make


def on_fine_grid(coarse: np.ndarray) -> np.ndarray:
    return coarse.repeat(2, axis=1).repeat(2, axis=2)


def test_bands_stand_by_wavelength_on_the_finest_grid(sentinel: Any) -> None:
    item, fine, coarse = sentinel([{"nodata": 0}])
    scene = open_scene(item)
    assert scene.format == "STAC item"
    assert scene.band_names == ("B04", "B08", "B11")
    assert scene.wavelengths == pytest.approx((664.6, 832.8, 1613.7))
    assert scene.fwhm == pytest.approx((30, 30, 30))
    assert scene.transform == metres(10)
    assert (scene.crs.to_epsg(), scene.dtype, scene.nodata, scene.scale) == (32633, "uint16", 0, None)
    stored = np.concatenate([fine, on_fine_grid(coarse)])
    values, valid = scene.read()
    np.testing.assert_array_equal(values, stored)
    np.testing.assert_array_equal(valid, stored != 0)
    assert any("picture, scl, preview, metadata" in note for note in scene.notes)
    part, _ = pickle.loads(pickle.dumps(scene)).read(Window(5, 7, 11, 13), [2, 0])
    np.testing.assert_array_equal(part, stored[[2, 0], 5:16, 7:20])
    assert acquisition_date(item) == date(2021, 6, 17)


def test_scale_and_offset_of_the_item_are_applied(sentinel: Any) -> None:
    item, fine, coarse = sentinel([{"nodata": 0, "scale": 0.0001, "offset": -0.1}])
    scene = open_scene(item)
    values, valid = scene.read()
    stored = np.concatenate([fine, on_fine_grid(coarse)])
    np.testing.assert_array_equal(valid, stored != 0)
    np.testing.assert_allclose(values[valid], (stored * 0.0001 - 0.1)[valid], rtol=1e-5, atol=1e-7)
    assert np.isnan(values[~valid]).all()
    assert (scene.dtype, scene.scale) == ("float32", None)
    assert any("scale and offset of the item are applied" in note for note in scene.notes)
    left = without_values(scene, [float(stored.max())]).read()[1]  # as it is stored
    np.testing.assert_array_equal(left, valid & (stored != stored.max()))
    assert physical(scene) is scene
    assert scene.declared is not None
    before, _, _ = sentinel([{"scale": 0.0001, "offset": -0.1}], **{"earthsearch:boa_offset_applied": True})
    assert open_scene(before).read()[0].min() >= 0


def test_assets_are_chosen_by_key_or_by_name_of_band(sentinel: Any) -> None:
    item, fine, coarse = sentinel([{"nodata": 0}])
    scene = open_stac(str(item), assets=["B11", "red"])
    assert scene.band_names == ("B04", "B11")
    np.testing.assert_array_equal(scene.read()[0], np.concatenate([fine[:1], on_fine_grid(coarse)]))
    assert open_scene(item, variable="nir").band_names == ("B08",)
    assert open_stac(str(item), assets=["picture"]).bands == 3
    with pytest.raises(InputError, match=r"no asset or band 'blue' with pixels; it has .*red, picture, scl"):
        open_stac(str(item), assets=["blue"])


def test_one_asset_of_many_bands_as_newer_items_describe_it(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(3, 9, 7)).astype(np.float32)
    geotiff(tmp_path / "cube.tif", values)
    told = [
        {"name": f"band{i}", "eo:center_wavelength": micrometres, "nodata": "nan"}
        for i, micrometres in enumerate((2.2, 0.5, 1.6))
    ]
    item = catalogue(tmp_path / "c", {"cube": {"href": str(tmp_path / "cube.tif"), "bands": told}})
    scene = open_scene(item)
    assert scene.band_names == ("band1", "band2", "band0")
    np.testing.assert_array_equal(scene.read()[0], values[[1, 2, 0]])


@pytest.mark.parametrize("grid", [False, True])
def test_of_a_band_in_several_pixel_sizes_the_finest_counts(
    geotiff: Make, tmp_path: Path, grid: bool
) -> None:
    assets = {}
    for size in (60, 10, 20):
        values = np.full((1, 120 // size, 240 // size), size, np.uint16)
        path = geotiff(tmp_path / f"B02_{size}m.tif", values, transform=metres(size))
        place = {"proj:shape": values.shape[1:], "proj:transform": list(metres(size))[:6]}
        told = place | {"proj:code": "EPSG:32633"} if grid else {"gsd": size}
        assets[f"B02_{size}m"] = {"href": str(path), "bands": [{"name": "B02"}], "roles": ["data"]} | told
    scene = open_scene(catalogue(tmp_path / "c", assets))
    assert (scene.bands, scene.height, scene.width) == (1, 12, 24)
    assert (scene.read()[0] == 10).all()


class _Ranges(SimpleHTTPRequestHandler):
    """Serves parts of files, as every server of imagery does."""

    def send_head(self) -> Any:
        asked = self.headers.get("Range")
        path = Path(self.translate_path(self.path))
        if asked is None or not path.is_file():
            return super().send_head()
        first, last = asked.removeprefix("bytes=").split("-")
        size = path.stat().st_size
        end = min(int(last or size - 1), size - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{end}/{size}")
        self.send_header("Content-Length", str(end - int(first) + 1))
        self.end_headers()
        with path.open("rb") as file:
            file.seek(int(first))
            if self.command == "GET":
                self.wfile.write(file.read(end - int(first) + 1))
        return None

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with running(functools.partial(_Ranges, directory=str(tmp_path))) as address:
        yield address


@pytest.mark.parametrize(
    ("bound", "least", "said"),
    [
        ("LARGEST_ITEM", 1000, "it has more than 0.001 MB"),
        ("WHOLE_SECONDS", 0.0, "not whole after 0 seconds"),
    ],
)
def test_an_answer_without_end_is_not_taken_for_an_item(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, least: float, said: str
) -> None:
    (tmp_path / "item.json").write_text(f'{{"stac_version": "{"1" * 5000}"}}')
    monkeypatch.setattr(stac if bound == "LARGEST_ITEM" else stac_answers, bound, least)
    with pytest.raises(InputError, match=rf"item\.json: cannot be read as a STAC item \(.*{said}\)"):
        open_scene(f"{server}/item.json")


def test_an_item_on_a_web_server(sentinel: Any, server: str, tmp_path: Path) -> None:
    item, fine, coarse = sentinel([{"nodata": 0}])
    address = f"{server}/{item.relative_to(tmp_path).as_posix()}"
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        scene = open_scene(address)
        np.testing.assert_array_equal(scene.read()[0], np.concatenate([fine, on_fine_grid(coarse)]))
        assert acquisition_date(address) == date(2021, 6, 17)
        with pytest.raises(InputError, match=r"none\.json: cannot be read as a STAC item .*check path or"):
            open_scene(f"{server}/none.json")


def test_what_is_no_item_with_images_is_refused(sentinel: Any, tmp_path: Path) -> None:
    item, _, _ = sentinel([{"nodata": 0}])
    with pytest.raises(InputError, match=r"catalog\.json: a STAC catalog; give one of its items"):
        open_scene(tmp_path / "catalogue" / "catalog.json")
    (tmp_path / "B08.tif").unlink()
    with pytest.raises(InputError, match=r"scene\.json: asset nir: .*B08\.tif"):
        open_scene(item)
    (tmp_path / "B08.tif").write_bytes(b"")
    item.write_text('{"stac_version": "1.0.0", ')
    with pytest.raises(InputError, match=r"scene\.json: cannot be read as a STAC item"):
        open_scene(item)
    empty = catalogue(
        tmp_path / "empty",
        {"metadata": {"href": "a.xml", "roles": ["metadata"], "media_type": "application/xml"}},
    )
    with pytest.raises(InputError, match=r"holds no raster bands \(metadata\); give an item with images"):
        open_scene(empty)


def test_assets_of_other_places_are_refused(geotiff: Make, tmp_path: Path) -> None:
    values = np.ones((1, 8, 9), np.uint8)
    geotiff(tmp_path / "a.tif", values)
    geotiff(tmp_path / "b.tif", values, transform=Affine(30, 0, 900_000, 0, -30, 5_800_000))
    item = catalogue(
        tmp_path / "c", {key: {"href": str(tmp_path / f"{key}.tif"), "roles": ["data"]} for key in "ab"}
    )
    with pytest.raises(
        InputError, match=r"do not show the same ground \([ab] 8 x 9, [ab] 8 x 9\); name those"
    ):
        open_scene(item)


def test_without_the_extra_it_is_said_how_to_install_it(
    sentinel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, _, _ = sentinel([{"nodata": 0}])
    monkeypatch.setitem(sys.modules, "odc.stac", None)
    with pytest.raises(InputError, match=r"install them with: pip install 'terramamba\[stac\]'"):
        open_scene(item)


def test_check_says_what_an_item_is(sentinel: Any) -> None:
    item, _, _ = sentinel([{"nodata": 0}])
    done = terramamba("check", item)
    assert done.returncode == 0, done.stderr
    for words in ("STAC item", "24 rows x 30 columns, 3 bands", "664.6 to 1613.7 nm"):
        assert words in done.stdout
    after = item.with_name("after.json")
    after.write_text(json.dumps(json.loads(item.read_text()) | {"id": "after"}))
    done = terramamba("check", item, after)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("STAC item") == 2


def test_bands_that_an_item_does_not_describe_are_not_dropped(geotiff: Make, tmp_path: Path) -> None:
    geotiff(tmp_path / "many.tif", np.ones((3, 6, 7), np.uint16))
    item = catalogue(tmp_path / "items", {"data": {"href": str(tmp_path / "many.tif")}})
    with pytest.raises(InputError, match="asset data has 3 bands, of which the item describes one or none"):
        open_scene(item)
    named = [{"name": str(number)} for number in range(3)]
    item = catalogue(tmp_path / "told", {"data": {"href": str(tmp_path / "many.tif"), "eo:bands": named}})
    assert open_scene(item).bands == 3
