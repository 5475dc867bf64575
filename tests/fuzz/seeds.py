"""Whole files of every kind that terramamba reads, and the commands that read them: mutants come of them."""

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pyogrio.raw
import rasterio
import scipy.io
import shapely
import yaml
from beside_seeds import beside_seeds
from product_seeds import product_seeds
from seed import FILE, Seed
from weights_seeds import weights_seeds

from terramamba.data.synthetic.files import make_pairs, make_scene

WAVELENGTHS = np.linspace(420, 2400, 6)
"""Of the bands of the scene that the model has learnt from, so that it takes the others."""


def make_seeds(home: Path, terramamba: Callable[..., None]) -> list[Seed]:
    """Make all files below ``home``; ``terramamba`` runs a command there."""
    scene = make_scene(home / "scene", 1, height=40, width=36, bands=6)
    pairs = make_pairs(home / "pairs", 1, train=2, val=1, test=1, size=32, scene=(48, 40))
    shutil.copy(scene.scene, home / "scene.tif")
    shutil.copy(scene.labels, home / "labels.tif")
    shutil.copy(pairs.before, home / "before.tif")
    shutil.copy(pairs.after, home / "after.tif")
    train = ("--scene", "scene.tif", "--labels", "labels.tif", "--split", "random", "--patch-size", "3")
    network = ("--model", "one_d_cnn", "--epochs", "2", "--batch-size", "64")
    terramamba("classify", "train", *train, *network, "--out", "cover")
    terramamba("classify", "train", *train, "--model", "svm", "--out", "machine")
    terramamba("change", "train", "--data", "pairs", "--model", "cva", "--out", "change")
    shutil.copytree(home / "cover", home / "begun")
    for name in ("model.json", "model.safetensors", "metrics.json"):
        (home / "begun" / name).unlink(missing_ok=True)
    terramamba("classify", "map", "cover", "scene.tif", "--out", "map.tif", "--probabilities", "p.tif")
    terramamba(
        "classify", "map", "cover", "scene.tif", "--out", "half.tif", "--strip-rows", "8", "--shard", "1/2"
    )
    resumed = ("classify", "train", *train, *network, "--out", "begun", "--resume")
    return [
        *_scenes(home),
        *_labels(home),
        *_tables(home),
        *_run_files(resumed),
        *_settings(home, train),
        *_reference_points(home, terramamba),
        *product_seeds(home),
        *weights_seeds(home, terramamba),
        *beside_seeds(home),
    ]


def _scenes(home: Path) -> list[Seed]:
    with rasterio.open(home / "scene.tif") as file:
        values, crs, transform = file.read(), file.crs, file.transform
    size = {"height": values.shape[1], "width": values.shape[2], "count": len(values), "dtype": values.dtype}
    place = {"crs": crs, "transform": transform}
    cube = values.transpose(1, 2, 0)
    for name, options in {
        "tiled.tif": {
            "driver": "GTiff",
            "tiled": True,
            "blockxsize": 16,
            "blockysize": 16,
            "compress": "lzw",
        },
        "envi.img": {"driver": "ENVI"},
        "scene.jp2": {"driver": "JP2OpenJPEG"},
    }.items():
        with rasterio.open(home / name, "w", **options, **size, **place) as file:
            file.write(values)
    with (home / "envi.hdr").open("a") as header:
        header.write(
            f"wavelength units = Nanometers\nwavelength = {{{', '.join(map(str, WAVELENGTHS))}}}\n"
            "bbl = {1, 1, 1, 1, 1, 0}\n"
        )
    eight = (values // max(1, int(values.max()) // 250 + 1)).astype(np.uint8)
    picture = {**size, "count": 3, "dtype": "uint8"}
    for name, driver in {"scene.png": "PNG", "scene.jpg": "JPEG", "scene.bmp": "BMP"}.items():
        with rasterio.open(home / name, "w", driver=driver, **picture) as file:
            file.write(eight[:3])
    np.save(home / "scene.npy", cube)
    np.savez_compressed(home / "scene.npz", cube=cube, wavelength=WAVELENGTHS)
    arrays = {
        "cube": cube,
        "gt": np.ones(cube.shape[:2], np.uint8),
        "info": {"name": "a", "bands": [1.0, 2.0]},
    }
    scipy.io.savemat(home / "five.mat", arrays)
    scipy.io.savemat(home / "packed.mat", arrays, do_compression=True)
    with h5py.File(home / "seven.mat", "w", userblock_size=512) as file:
        file["cube"] = cube.T
        file["cube"].attrs["MATLAB_class"] = np.bytes_("uint16")
    _netcdf(home / "scene.nc", values)
    _neon(home / "neon.h5", cube)
    (home / "scene.vrt").write_text(
        f'<VRTDataset rasterXSize="{size["width"]}" rasterYSize="{size["height"]}">'
        '<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename relativeToVRT="1">tiled.tif'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    mapped = ("classify", "map", "cover", FILE, "--out", "out.tif")
    both = (("check", FILE), mapped)
    beside = ("cover",)
    return [
        Seed("GeoTIFF", "tiled.tif", both, beside),
        Seed("ENVI", "envi.img", both, ("envi.hdr", *beside)),
        Seed("ENVI header", "envi.hdr", (("check", "envi.img"),), ("envi.img",)),
        Seed("NumPy", "scene.npy", (("check", FILE), (*mapped, "--axes", "rows,cols,bands")), beside),
        Seed("NumPy archive", "scene.npz", both, beside),
        Seed("MATLAB v5", "five.mat", both, beside),
        Seed("MATLAB v5, compressed", "packed.mat", both, beside),
        Seed("MATLAB v7.3", "seven.mat", both, beside),
        Seed("NetCDF", "scene.nc", both, beside),
        Seed("NEON", "neon.h5", both, beside),
        Seed("JPEG 2000", "scene.jp2", both, beside),
        Seed("VRT", "scene.vrt", (("check", FILE),), ("tiled.tif",)),
        *(
            Seed("picture", name, (("check", FILE), ("check", FILE, "scene.png")), ("scene.png",))
            for name in ("scene.jpg", "scene.bmp")
        ),
        Seed("picture", "scene.png", (("check", FILE),)),
        Seed(
            "date",
            "after.tif",
            (
                ("check", "before.tif", FILE),
                ("change", "map", "change", "before.tif", FILE, "--out", "out.tif"),
            ),
            ("before.tif", "change"),
        ),
    ]


def _netcdf(path: Path, values: np.ndarray) -> None:
    _, rows, cols = values.shape
    with h5py.File(path, "w") as file:
        cube = file.create_dataset("reflectance", data=values.astype(np.float32) / 10_000)
        axes = {
            "wavelength": WAVELENGTHS,
            "lat": np.linspace(52, 51.9, rows),
            "lon": np.linspace(13, 13.1, cols),
        }
        for place, (name, axis) in enumerate(axes.items()):
            file[name] = axis
            file[name].make_scale(name)
            cube.dims[place].attach_scale(file[name])
        file["wavelength"].attrs["units"] = "nm"
        cube.attrs["_FillValue"] = np.float32(-9999)


def _neon(path: Path, cube: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("HARV/Reflectance")
        data = group.create_dataset("Reflectance_Data", data=cube.astype(np.int16))
        data.attrs["Data_Ignore_Value"] = -9999.0
        data.attrs["Scale_Factor"] = 10_000.0
        spectra = group.create_group("Metadata/Spectral_Data")
        spectra["Wavelength"] = WAVELENGTHS
        spectra["FWHM"] = np.full(cube.shape[2], 5.0)
        place = group.create_group("Metadata/Coordinate_System")
        place["Map_Info"] = np.bytes_("UTM,1.0,1.0,732000.0,4713000.0,1.0,1.0,18,North,WGS-84,units=Meters")
        place["EPSG Code"] = np.bytes_("32618")


def _labels(home: Path) -> list[Seed]:
    with rasterio.open(home / "labels.tif") as file:
        codes, crs, transform = file.read(1), file.crs, file.transform
    np.save(home / "labels.npy", codes)
    scipy.io.savemat(home / "labels.mat", {"gt": codes})
    boxes, names = [], []
    for row, col in zip(*(places[::5] for places in np.nonzero(codes)), strict=True):
        boxes.append(shapely.box(*(transform @ (col, row)), *(transform @ (col + 1, row + 1))))
        names.append(f"class {codes[row, col]}")
    shapes = shapely.to_wkb(np.array(boxes, object))
    for name in ("labels.gpkg", "labels.shp", "labels.geojson", "labels.fgb"):
        degrees = name.endswith("geojson")
        pyogrio.raw.write(
            home / name,
            shapes,
            [np.array(names, object)],
            ["cover"],
            geometry_type="Polygon",
            crs=crs.to_wkt(),
            layer_options={"RFC7946": "YES"} if degrees else {},
        )
    for layer in ("fields", "roads"):
        pyogrio.raw.write(
            home / "layers.gpkg",
            shapes,
            [np.array(names, object)],
            ["cover"],
            geometry_type="Polygon",
            crs=crs.to_wkt(),
            layer=layer,
            append=layer == "roads",
        )
    with (home / "points.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("x", "y", "class"))
        table.writerows(
            (*shapely.get_coordinates(box.centroid)[0], name) for box, name in zip(boxes, names, strict=True)
        )
    (home / "regions.txt").write_text(
        "; ENVI Output of ROIs (5.3)\n; Number of ROIs: 2\n; File Dimension: 36 x 40\n;\n"
        "; ROI name: a\n; ROI rgb value: {255, 0, 0}\n; ROI npts: 2\n"
        "; ROI name: b\n; ROI rgb value: {0, 255, 0}\n; ROI npts: 2\n"
        "; ID X Y\n1 3 4\n2 4 4\n\n1 8 9\n2 9 9\n"
    )
    parts = {
        "labels.shp": ("labels.shx", "labels.dbf", "labels.prj"),
        "labels.dbf": ("labels.shp", "labels.shx"),
    }
    kinds = {
        "labels.tif": "label raster",
        "labels.npy": "label array",
        "labels.mat": "label MATLAB",
        "labels.gpkg": "GeoPackage",
        "labels.shp": "Shapefile",
        "labels.dbf": "Shapefile table",
        "labels.geojson": "GeoJSON",
        "labels.fgb": "FlatGeobuf",
        "points.csv": "points",
        "regions.txt": "ENVI regions",
    }
    mask = ("labels.gpkg", "labels.geojson", "labels.tif")
    layer = ("--scene", "scene.tif", "--labels", "layers.gpkg:fields", "--class-attribute", "cover")
    layers = (
        ("check", "scene.tif", "--mask", "layers.gpkg:roads"),
        ("classify", "train", *layer, "--split", "random", "--out", "new", "--dry-run"),
    )
    return [
        Seed("GeoPackage of layers", "layers.gpkg", layers, ("scene.tif",)),
        *(
            Seed(
                kind,
                name,
                (
                    ("check", "scene.tif", "labels.shp" if name.endswith("dbf") else FILE),
                    ("check", "scene.tif", "--mask", FILE) if name in mask else ("check", FILE),
                ),
                ("scene.tif", *parts.get(name, ())),
            )
            for name, kind in kinds.items()
        ),
    ]


def _tables(home: Path) -> list[Seed]:
    for name, what in (("pairs.csv", ()), ("meanings.csv", ("anything", "buildings"))):
        with (home / name).open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(("split", "before", "after", "label", *["what"] * bool(what)))
            for split in ("train", "val", "test"):
                folders = sorted(path.name for path in (home / "pairs" / split).iterdir())
                before, after, label = (
                    next(n for n in folders if n.lower().startswith(s)) for s in ("a", "b", "l")
                )
                for image in sorted(path.name for path in (home / "pairs" / split / before).iterdir()):
                    row = [f"pairs/{split}/{folder}/{image}" for folder in (before, after, label)]
                    table.writerows((split, *row, meaning) for meaning in what)
                    table.writerows([(split, *row)] * (not what))
    (home / "tiles.csv").write_text("image,mask\ntiled.tif,labels.tif\n")
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "made-up",
        "properties": {"datetime": "2021-06-17T00:00:00Z"},
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]},
        "bbox": [0, 0, 1, 1],
        "links": [],
        "assets": {
            "cube": {
                "href": "./tiled.tif",
                "type": "image/tiff; application=geotiff",
                "roles": ["data"],
                "eo:bands": [{"name": f"B{n}", "center_wavelength": 0.4 + n / 10} for n in range(1, 7)],
            }
        },
        "stac_extensions": ["https://stac-extensions.github.io/eo/v1.1.0/schema.json"],
    }
    (home / "item.json").write_text(json.dumps(item))
    return [
        Seed(
            "pairs",
            "pairs.csv",
            (
                ("check", "--data", FILE),
                ("change", "evaluate", "change", "--data", FILE),
            ),
            ("pairs", "change"),
        ),
        Seed(
            "pairs",
            "meanings.csv",
            (
                ("check", "--data", FILE),
                ("change", "train", "--data", FILE, "--epochs", "1", "--out", "new", "--dry-run"),
            ),
            ("pairs",),
        ),
        Seed("tiles", "tiles.csv", (("check", FILE),), ("tiled.tif", "labels.tif")),
        Seed("STAC item", "item.json", (("check", FILE),), ("tiled.tif",)),
    ]


def _run_files(resumed: Sequence[str]) -> list[Seed]:
    mapped = ("classify", "map", "cover", "scene.tif", "--out", "out.tif")
    read = (mapped, ("report", "cover", "--out", "r.html"), ("classify", "evaluate", "cover"))
    found = [
        Seed("run", f"cover/{name}", read, ("cover", "scene.tif", "labels.tif"))
        for name in (
            "model.json",
            "model.safetensors",
            "config.yaml",
            "metrics.json",
            "plan.json",
            "split.json",
            "split.tif",
            "history.csv",
            "units.csv",
            "confusion.csv",
            "reliability.csv",
        )
    ]
    changed = (
        ("change", "map", "change", "before.tif", "after.tif", "--out", "out.tif"),
        ("report", "change", "--out", "r.html"),
    )
    found += [
        Seed("run", f"change/{name}", changed, ("change", "before.tif", "after.tif"))
        for name in ("model.json", "metrics.json", "thresholds.csv")
    ]
    found.append(
        Seed(
            "run",
            "machine/model.json",
            (("classify", "map", "machine", "scene.tif", "--out", "out.tif"),),
            ("machine", "scene.tif"),
        )
    )
    shown = (
        "report",
        "cover",
        "--map",
        "map.tif",
        "--probabilities",
        "p.tif",
        "--scene",
        "scene.tif",
        "--out",
        "r.html",
    )
    found += [
        Seed("map", name, (shown,), ("cover", "scene.tif", "map.tif", "p.tif"))
        for name in ("map.tif", "p.tif")
    ]
    half = ("classify", "map", "cover", "scene.tif", "--out", "half.tif", "--strip-rows", "8")
    other = (*half, "--shard", "2/2")
    found += [
        Seed(
            "job",
            f".half.tif.parts/{name}",
            ((*half,), other, ("join", "half.tif")),
            (".half.tif.parts", "cover", "scene.tif"),
        )
        for name in ("job.json", "000000.npz")
    ]
    begun = ("begun", "scene.tif", "labels.tif")
    found += [
        Seed("checkpoint", f"begun/{name}", (tuple(resumed),), begun)
        for name in ("checkpoints/last.ckpt", "config.yaml", "history.csv")
    ]
    return found


def _reference_points(home: Path, terramamba: Callable[..., None]) -> list[Seed]:
    found = []
    for name in ("reference.gpkg", "reference.geojson"):
        terramamba("sample", "map.tif", "--out", name, "--per-class", "3")
        assessed = ("classify", "assess", "map.tif", FILE, "--reference", "stratum")
        found.append(Seed("reference points", name, (assessed,), ("map.tif",)))
    drawn = ("sample", FILE, "--out", "new.gpkg", "--per-class", "3")
    assessed = ("classify", "assess", FILE, "reference.gpkg", "--reference", "stratum")
    found.append(Seed("map", "map.tif", (drawn, assessed), ("reference.gpkg",)))
    return found


def _settings(home: Path, train: Sequence[str]) -> list[Seed]:
    settings = {
        "scene": "scene.tif",
        "labels": "labels.tif",
        "split": "random",
        "patch_size": 3,
        "model": "one_d_cnn",
        "epochs": 2,
        "lr": 1e-3,
        "class_names": ["a", "b", "c", "d", "e", "f", "g"],
    }
    (home / "train.yaml").write_text(yaml.safe_dump(settings))
    experiment = {
        "data": {"made": {"task": "classify", "scene": "scene.tif", "labels": "labels.tif"}},
        "models": {"cnn": {"model": "one_d_cnn", "epochs": 1}, "svm": {"model": "svm"}},
        "splits": {"r": {"split": "random", "patch_size": 3}},
        "seeds": [1, 2],
    }
    (home / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    beside = ("scene.tif", "labels.tif")
    return [
        Seed(
            "settings",
            "train.yaml",
            (("classify", "train", "--config", FILE, "--out", "new", "--dry-run"),),
            beside,
        ),
        Seed(
            "experiment", "experiment.yaml", (("experiment", FILE, "--out", "new", "--set", "a=b"),), beside
        ),
    ]
