"""The plugin's modules that need no QGIS, under another name than the package's."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

INTEGRATIONS = Path(__file__).parents[2] / "integrations"
PLUGIN = INTEGRATIONS / "qgis" / "terramamba"


def plugin_module(name: str) -> ModuleType:
    """A module of the plugin."""
    if "qgis_terramamba" not in sys.modules:
        _load("qgis_terramamba", PLUGIN / "__init__.py", [str(PLUGIN)])
    return importlib.import_module(f"qgis_terramamba.{name}")


def make_script() -> ModuleType:
    """The script that makes help texts and zip."""
    return _load("make_qgis", INTEGRATIONS / "make_qgis.py", None)


def _load(name: str, path: Path, places: list[str] | None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=places)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
