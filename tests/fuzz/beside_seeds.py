"""Files beside others that say what these mean; packed shapes; descriptions of products; results."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pyogrio.raw
import rasterio
from seed import Seed

from terramamba.core.run_files import SCORES, UNITS
from terramamba.experiments.results import COSTS, DONE, FIRST, LAST, write_results

LANDSAT = "LC08_L2SP_193023_20220724_20220802_02_T1"
CATEGORIES = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.34"><renderer-v2 type="categorizedSymbol" attr="cover"><categories>
<category value="class 1" label="water" symbol="0"/><category value="class 2" label="wood" symbol="1"/>
</categories><symbols>
<symbol name="0" type="fill"><layer class="SimpleFill"><Option type="Map">
<Option name="color" value="38,102,178,255" type="QString"/></Option></layer></symbol>
<symbol name="1" type="fill"><layer class="SimpleFill"><prop k="color" v="20,90,50,255"/></layer></symbol>
</symbols></renderer-v2></qgis>
"""
CHECK = ("check", "scene.tif", "--split", "random")
FEW = ("--ignore-classes", "class 5")
"""Which has too few shapes to be split."""
TABLE = (
    '<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable tableType="thematic">'
    '<FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>'
    '<FieldDefn index="1"><Name>Class</Name><Type>2</Type><Usage>2</Usage></FieldDefn>'
    '<Row index="0"><F>1</F><F>water</F></Row><Row index="1"><F>2</F><F>wood</F></Row>'
    "</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
)


def beside_seeds(home: Path) -> list[Seed]:
    """Write them below ``home``, where scene, labels and a scored run lie already."""
    for name, text in (("styled", CATEGORIES), ("coded", TABLE)):
        suffix = ".gpkg" if name == "styled" else ".tif"
        shutil.copy(home / f"labels{suffix}", home / f"{name}{suffix}")
        (home / (f"{name}.qml" if name == "styled" else f"{name}.tif.aux.xml")).write_text(text)
    shutil.copy(home / "labels.tif", home / "painted.tif")
    shutil.copy(home / "map.qml", home / "painted.qml")
    with zipfile.ZipFile(home / "packed.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for suffix in ("shp", "shx", "dbf", "prj"):
            packed.write(home / f"labels.{suffix}", f"labels.{suffix}")
    _, _, shapes, fields = pyogrio.raw.read(home / "labels.geojson")
    pyogrio.raw.write(
        *(home / "labels.kml", shapes, fields, ["cover"]),
        driver="KML",
        geometry_type="Polygon",
        crs="EPSG:4326",
    )
    labels = {
        "style of shapes": ("styled.qml", "styled.gpkg"),
        "style of codes": ("painted.qml", "painted.tif"),
        "attribute table": ("coded.tif.aux.xml", "coded.tif"),
        "packed shapes": ("packed.zip", "packed.zip"),
        "KML": ("labels.kml", "labels.kml"),
    }
    found = [
        Seed(
            kind,
            file,
            ((*CHECK, *(() if read.endswith("tif") else FEW), read),),
            ("scene.tif", read) if read != file else ("scene.tif",),
        )
        for kind, (file, read) in labels.items()
    ]
    return [*found, _landsat(home), *_results(home)]


def _landsat(home: Path) -> Seed:
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(30, 0, 500_000, 0, -30, 5_800_000)}
    folder = home / LANDSAT
    folder.mkdir()
    for band in (4, 5):
        values = np.full((1, 6, 5), 9000 + band, np.uint16)
        path = folder / f"{LANDSAT}_SR_B{band}.TIF"
        with rasterio.open(
            path, "w", driver="GTiff", width=5, height=6, count=1, dtype="uint16", **place
        ) as to:
            to.write(values)
    (folder / f"{LANDSAT}_MTL.txt").write_text(
        "GROUP = LANDSAT_METADATA_FILE\n  GROUP = IMAGE_ATTRIBUTES\n    DATE_ACQUIRED = 2022-07-24\n"
        "  END_GROUP = IMAGE_ATTRIBUTES\nEND_GROUP = LANDSAT_METADATA_FILE\nEND\n"
    )
    return Seed("Landsat", f"{LANDSAT}/{LANDSAT}_SR_B5.TIF", (("check", LANDSAT),), (LANDSAT,))


def _results(home: Path) -> list[Seed]:
    """Results of an experiment of one run, and scores that are to be replaced."""
    (home / "study" / "run").mkdir(parents=True)
    shutil.copy(home / "cover" / UNITS, home / "study" / "run")
    row = dict.fromkeys((*FIRST, "test_oa", *COSTS, *LAST)) | {"run": 0, "folder": "run", "status": DONE}
    row |= {
        "data": "made",
        "task": "classify",
        "split": "block",
        "model": "one_d_cnn",
        "seed": 0,
        "test_oa": 0.5,
    }
    write_results(home / "study", [row])
    shown = (("results", "study"),)
    again = (("classify", "evaluate", "cover", "--out", "scored", "--overwrite"),)
    (home / "scored").mkdir()
    (home / "scored" / SCORES).write_text('{"files": ["confusion.csv"]}')
    (home / "scored" / "confusion.csv").write_text("truth\n")
    return [
        *(Seed("results", f"study/{name}", shown, ("study",)) for name in ("results.csv", UNITS)),
        Seed("scores", f"scored/{SCORES}", again, ("scored", "cover", "scene.tif", "labels.tif")),
    ]
