"""The plugin in QGIS itself, without windows: algorithms give the same bits as the command line."""

import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import rasterio.features
from qgis_plugin import PLUGIN

import terramamba
from program_door import terramamba_at
from programs import SERVER
from programs import terramamba as command
from terramamba.raster.readers.open import open_scene

# Debian's wrapper of that name passes an option on that the program refuses.
QGIS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
pytestmark = pytest.mark.skipif(QGIS is None, reason="QGIS is not installed; see docs/qgis.md")

KEPT = Path(__file__).parents[1] / "runs" / "first_format"
EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what QGIS knows of a user."""
    found = tmp_path_factory.mktemp("qgis")
    found.chmod(stat.S_IRWXU)
    return found


@pytest.fixture(scope="module")
def variables(home: Path) -> dict[str, str]:
    """The environment of QGIS, with a profile of its own."""
    there = {name: str(home) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")}
    there |= {"QT_QPA_PLATFORM": "offscreen", "QGIS_PLUGINPATH": str(PLUGIN.parent)}
    # QGIS looks for its Python on PATH, and crashes on that of an activated environment.
    there |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "PATH": os.defpath}
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")} | there


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Path]:
    """A program whose work a child of the server does."""
    with nullcontext(own_program(home)) if SERVER.fresh else terramamba_at(home / "served") as program:
        yield program


@pytest.fixture(scope="module")
def qgis(home: Path, variables: dict[str, str], served: Path) -> Run:
    """Runs an algorithm and returns its outputs; ``fresh`` starts the command as a user has it."""
    program = own_program(home)

    def call(*words: str, **more: str) -> str:
        given = variables | more
        done = subprocess.run([str(QGIS), *words], env=given, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(name: str, *, fresh: bool = False, **values: object) -> dict[str, Any]:
        words = ["--json", "run", f"terramamba:{name}", "--"]
        words += [f"{key}={value}" for key, value in values.items()]
        return json.loads(call(*words, TERRAMAMBA_PROGRAM=str(program if fresh else served)))["results"]

    call("plugins", "enable", "terramamba")
    return run


def own_program(folder: Path) -> Path:
    """The program of these sources, in an interpreter of its own."""
    program, source = folder / "terramamba", Path(terramamba.__file__).parents[1]
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{source}" exec "{sys.executable}" -m terramamba "$@"\n')
    program.chmod(stat.S_IRWXU)
    return program


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The kept runs and images, where QGIS may write what it knows of an image beside it."""
    return Path(shutil.copytree(KEPT, tmp_path / "kept"))


def pixels(path: Path) -> np.ndarray:
    return open_scene(path).read()[0]


def as_polygons(labels: Path, out: Path) -> Path:
    """Labels of pixels as polygons with an attribute ``crop``."""
    with rasterio.open(labels) as file:
        codes = file.read(1)
        found = rasterio.features.shapes(codes, mask=codes > 0, transform=file.transform)
        features = [
            {"type": "Feature", "geometry": shape, "properties": {"crop": f"class {code:.0f}"}}
            for shape, code in found
        ]
        name = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{file.crs.to_epsg()}"}}
    out.write_text(json.dumps({"type": "FeatureCollection", "crs": name, "features": features}))
    return out


def colours(dates: dict[str, Path], folder: Path) -> dict[str, Path]:
    """The first three bands of two dates, as 8-bit images."""
    found = {}
    for name, path in dates.items():
        with rasterio.open(path) as file:
            values, profile = file.read((1, 2, 3)), {"crs": file.crs, "transform": file.transform}
            profile |= {"driver": "GTiff", "height": file.height, "width": file.width}
        found[name] = folder / f"{name.lower()}_colours.tif"
        most = max(float(values.max()), 1.0)
        with rasterio.open(found[name], "w", count=3, dtype="uint8", photometric="RGB", **profile) as file:
            file.write((values / most * 255).astype(np.uint8))
    return found


def say_what_is_there(points: Path) -> None:
    """Give every point its reference: what the map says of it."""
    import pyogrio

    meta, _, geometry, fields = pyogrio.raw.read(points)
    names = list(meta["fields"])
    fields[names.index("reference")] = fields[names.index("stratum")].astype(str).astype(object)
    how = {"geometry_type": meta["geometry_type"], "crs": meta["crs"]}
    pyogrio.raw.write(points, geometry, fields, names, **how)


def a_package(folder: Path) -> Path:
    """A wheel that is called terramamba and brings a program of that name."""
    info, wheel = "terramamba-9.dist-info", folder / "terramamba-9-py3-none-any.whl"
    files = {
        "made_up.py": "def main():\n    print('made up')\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: terramamba\nVersion: 9\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nterramamba = made_up:main\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return wheel


def test_a_trained_model_maps_as_the_command_does_and_brings_its_colours(
    qgis: Run, kept: Path, tmp_path: Path
) -> None:
    out, scene = tmp_path / "cover.tif", kept / "cover" / "scene.tif"
    asked = {"RUN": kept / "cover" / "run", "SCENE": scene, "MODE": "exact", "OUTPUT": out}
    qgis("map_land_cover", fresh=True, **asked)
    assert np.array_equal(pixels(out), pixels(kept / "cover" / "map.tif"))
    entries = ElementTree.parse(out.with_suffix(".qml")).iter("paletteEntry")
    assert [(entry.get("value"), entry.get("label"), entry.get("color")) for entry in entries] == [
        ("1", "water", "#2666b2"),
        ("6", "road", "#5a5a64"),
        ("7", "roof", "#c83c32"),
    ]


def test_change_without_training_maps_as_the_command_does(qgis: Run, kept: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "change.tif", tmp_path / "again.tif"
    dates = [kept / "change" / f"{date}.tif" for date in ("before", "after")]
    polygons = tmp_path / "polygons.gpkg"
    found = qgis(
        "map_change_untrained",
        BEFORE=dates[0],
        AFTER=dates[1],
        MODEL="cva",
        OUTPUT=out,
        POLYGONS=polygons,
        MIN_AREA=2,
    )
    assert "changed areas  2" in found["PRINTED"]
    assert "outline" in polygons.with_suffix(".qml").read_text(encoding="utf-8")
    done = command("change", "map", *dates, "--model", "cva", "--out", again)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(pixels(out), pixels(again))
    points = tmp_path / "points.gpkg"
    qgis("sample", MAP=out, PER_CLASS=5, OUTPUT=points)
    assert points.is_file()


def test_labelled_polygons_become_a_map(qgis: Run, tmp_path: Path) -> None:
    from terramamba.data.synthetic.files import make_scene

    made = make_scene(tmp_path / "scene", 0, height=60, width=60, bands=12)
    labels = as_polygons(made.labels, tmp_path / "fields.geojson")
    out, run = tmp_path / "map.tif", tmp_path / "run"
    qgis(
        "train_and_map_land_cover",
        SCENE=made.scene,
        LABELS=labels,
        CLASS_ATTRIBUTE="crop",
        MODEL="svm",
        RUN=run,
        OUTPUT=out,
    )
    assert (run / "model.json").is_file()
    assert len(np.unique(pixels(out))) > 1


WITH_SELECTED = """
import os, sys
from qgis.core import *
app = QgsApplication([], False)
app.initQgis()
sys.path += [QgsApplication.pkgDataPath() + "/python/plugins", os.environ["QGIS_PLUGINPATH"]]
import processing
from processing.core.Processing import Processing
from terramamba.provider import TerramambaProvider
Processing.initialize()
provider = TerramambaProvider()
QgsApplication.processingRegistry().addProvider(provider)
scene, labels, out = sys.argv[1:]
drawn = QgsVectorLayer(labels, "drawn")
layer = drawn.materialize(QgsFeatureRequest())
QgsProject.instance().addMapLayer(layer)
layer.selectByExpression("crop in ('class 1', 'class 2')")
print("selected", layer.selectedFeatureCount(), "of", layer.featureCount())
given = {"SCENE": scene, "CLASS_ATTRIBUTE": "crop", "MODEL": "svm", "MODE": "exact", "OUTPUT": out}
selected = QgsProcessingFeatureSourceDefinition(layer.id(), True)
how = QgsProcessingFeedback()
made = processing.run(
    "terramamba:train_and_map_land_cover",
    {**given, "LABELS": selected, "RUN": "TEMPORARY_OUTPUT"},
    feedback=how,
)
print(open(made["RUN"] + "/classes.csv").read(), how.textLog())
sys.stdout.flush()
os._exit(0)
"""


def test_of_a_layer_in_memory_selected_features_alone_are_the_labels(
    variables: dict[str, str], served: Path, tmp_path: Path
) -> None:
    from terramamba.data.synthetic.files import make_scene

    made = make_scene(tmp_path / "scene", 0, height=60, width=60, bands=12)
    labels = as_polygons(made.labels, tmp_path / "fields.geojson")
    words = ["/usr/bin/python3", "-c", WITH_SELECTED, made.scene, labels, tmp_path / "map.tif"]
    given = variables | {"TERRAMAMBA_PROGRAM": str(served)}
    done = subprocess.run(list(map(str, words)), env=given, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all((f"class {code}," in done.stdout) == (code in (1, 2)) for code in range(1, 8))
    assert "a temporary folder, which goes when QGIS ends" in done.stdout


def test_a_scene_is_checked_with_labels_that_are_polygons(qgis: Run, tmp_path: Path) -> None:
    from terramamba.data.synthetic.files import make_scene

    made = make_scene(tmp_path / "scene", 0, height=60, width=60, bands=12)
    labels = as_polygons(made.labels, tmp_path / "fields.geojson")
    for second in (labels, made.labels):
        assert "labelled pixels" in qgis("check", SCENE=made.scene, SECOND=second)["PRINTED"]


def test_a_scene_is_checked_and_mapped_without_training(qgis: Run, tmp_path: Path) -> None:
    scene, out, again = tmp_path / "scene.tif", tmp_path / "cover.tif", tmp_path / "again.tif"
    shutil.copy(EXAMPLES / "jasper_ridge.tif", scene)
    assert "394.59 to 2448.48 nm" in qgis("check", SCENE=scene)["PRINTED"]
    polygons = tmp_path / "classes.gpkg"
    qgis("map_land_cover_at_once", SCENE=scene, WEIGHTS="spectral-library", OUTPUT=out, POLYGONS=polygons)
    done = command("classify", "map", scene, "--weights", "spectral-library", "--out", again)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(pixels(out), pixels(again))
    assert polygons.is_file()


def test_a_pair_is_mapped_by_a_run_and_by_weights_and_the_run_has_a_page(
    qgis: Run, kept: Path, tmp_path: Path
) -> None:
    dates = {name: kept / "change" / f"{name.lower()}.tif" for name in ("BEFORE", "AFTER")}
    out, page = tmp_path / "change.tif", tmp_path / "page.html"
    run = kept / "change" / "run"
    qgis("map_change", RUN=run, **dates, OUTPUT=out)
    by_command = tmp_path / "by_command.tif"
    assert command("change", "map", run, *dates.values(), "--out", by_command).returncode == 0
    assert np.array_equal(pixels(out), pixels(by_command))
    qgis("report", RUN=kept / "change" / "run", MAP=out, **dates, OUTPUT=page)
    assert 'id="data"' in page.read_text(encoding="utf-8")
    pair = colours(dates, tmp_path)
    at_once, again = tmp_path / "buildings.tif", tmp_path / "again.tif"
    qgis("map_change_at_once", **pair, WEIGHTS="terramamba-change", WHAT="buildings", OUTPUT=at_once)
    weights = ("--weights", "terramamba-change", "--what", "buildings")
    done = command("change", "map", *pair.values(), *weights, "--out", again)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(pixels(at_once), pixels(again))


def test_pairs_are_trained_on_and_the_map_is_assessed(qgis: Run, tmp_path: Path) -> None:
    from terramamba.data.synthetic.files import make_pairs

    made = make_pairs(tmp_path / "pairs", 0, train=2, val=1, test=1, size=32, scene=(64, 64))
    out, points = tmp_path / "change.tif", tmp_path / "points.gpkg"
    asked = {"DATA": made.root, "MODEL": "fc_ef", "EPOCHS": 1, "RUN": tmp_path / "run"}
    qgis("train_and_map_change", **asked, BEFORE=made.before, AFTER=made.after, OUTPUT=out)
    again = tmp_path / "again.tif"
    done = command("change", "map", tmp_path / "run", made.before, made.after, "--out", again)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(pixels(out), pixels(again))
    qgis("sample", MAP=again, PER_CLASS=5, OUTPUT=points)
    say_what_is_there(points)
    for name in ("assess", "assess_change"):
        assert "overall accuracy" in qgis(name, MAP=again, POINTS=points)["PRINTED"].lower()


def test_what_the_command_refuses_ends_the_algorithm_with_its_line(
    qgis: Run, kept: Path, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=r"no model\.json in it, so it is no finished run"):
        qgis("map_land_cover", RUN=tmp_path, SCENE=kept / "cover" / "scene.tif", OUTPUT=tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


def test_an_environment_is_made_and_not_where_something_lies(qgis: Run, tmp_path: Path) -> None:
    # the last one: the others use the program that it sets
    package, folder = a_package(tmp_path), tmp_path / "environment"
    found = qgis("make_environment", FOLDER=folder, PACKAGE=package)
    done = subprocess.run([found["PROGRAM"]], capture_output=True, text=True, check=True)
    assert done.stdout == "made up\n"
    with pytest.raises(AssertionError, match="is not empty; give a new folder"):
        qgis("make_environment", FOLDER=folder, PACKAGE=package)
