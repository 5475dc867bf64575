"""Take the pictures of docs/qgis.md: a dialogue of the plugin, and a map that it made, in QGIS.

xvfb-run -s "-screen 0 1400x900x24" python integrations/qgis_pictures.py    (Debian: qgis, python3-qgis, xvfb)

QGIS runs this file too, inside, with ``--code``; what it needs comes in variables of the environment.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parents[1] if "__file__" in globals() else Path(os.environ["PICTURES_HOME"])
IMAGES = HOME / "docs" / "images"
DATES = [HOME / "examples" / "data" / f"ucayali_{year}.tif" for year in (1985, 2020)]
SECONDS = 180


def main() -> None:
    """Map the example in QGIS by the plugin, and have QGIS take the pictures."""
    qgis = shutil.which("qgis.bin") or shutil.which("qgis")
    if qgis is None:
        sys.exit("QGIS is not installed")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sys.executable).with_name("terramamba")
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        variables |= dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"), folder)
        variables |= {"TERRAMAMBA_PROGRAM": str(program), "PICTURES_HOME": str(HOME), "PICTURES_IN": folder}
        variables |= {"QGIS_PLUGINPATH": str(HOME / "integrations" / "qgis"), "PATH": os.defpath}
        words = [qgis, "--nologo", "--noversioncheck", "--code", str(Path(__file__).resolve())]
        subprocess.run(words, env=variables, timeout=SECONDS, check=False)


def take() -> None:
    """Run the algorithm, show its layers, and keep dialogue and window as pictures."""
    import processing
    from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsVectorLayer
    from qgis.PyQt.QtCore import QTimer
    from qgis.utils import iface, loadPlugin, startPlugin

    for name in ("processing", "terramamba"):
        loadPlugin(name) and startPlugin(name)
    out = Path(os.environ["PICTURES_IN"]) / "river.tif"
    given = {"BEFORE": str(DATES[0]), "AFTER": str(DATES[1]), "MODEL": "ir_mad", "MIN_AREA": 20_000}
    areas = out.with_name("areas.gpkg")
    outputs = {"OUTPUT": str(out), "POLYGONS": str(areas)}
    processing.run("terramamba:map_change_untrained", {**given, **outputs})
    layers = [
        QgsVectorLayer(str(areas), "changed areas"),
        QgsRasterLayer(str(out), "change"),
        QgsRasterLayer(str(DATES[1]), "2020"),
        QgsRasterLayer(str(DATES[0]), "1985"),
    ]
    QgsProject.instance().addMapLayers(layers)
    # The classes stay in the legend; what lies beneath is to be seen.
    QgsProject.instance().layerTreeRoot().findLayer(layers[1].id()).setItemVisibilityChecked(False)
    iface.mainWindow().resize(1200, 800)
    iface.mapCanvas().setExtent(layers[2].extent())
    asked = {"BEFORE": layers[3].id(), "AFTER": layers[2].id(), "MIN_AREA": 20_000}
    dialogue = processing.createAlgorithmDialog("terramamba:map_change_untrained", asked)
    dialogue.resize(900, 620)
    dialogue.show()

    def keep() -> None:
        dialogue.grab().save(str(IMAGES / "qgis_dialogue.png"))
        dialogue.close()
        iface.mainWindow().grab().save(str(IMAGES / "qgis_map.png"))
        QgsProject.instance().setDirty(False)
        QgsApplication.exit()
        os._exit(0)  # QGIS would ask about its windows

    QTimer.singleShot(8000, keep)


if "PICTURES_IN" in os.environ:
    take()
elif __name__ == "__main__":
    main()
