"""What QGIS loads: it adds the provider, with or without windows, and an entry that installs the program."""

from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QAction

from .provider import TerramambaProvider

MENU = "terramamba"


class TerramambaPlugin:
    """Adds the provider to Processing, and takes it away; ``iface`` is None without windows."""

    def __init__(self, iface):
        self.iface, self.provider, self.install = iface, None, None

    def initProcessing(self):  # noqa: N802  (QGIS calls it so, qgis_process too)
        """Add the provider."""
        self.provider = TerramambaProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):  # noqa: N802  (QGIS calls it so)
        """Add the provider, and the entry of the menu Plugins."""
        self.initProcessing()
        self.install = QAction(self.provider.icon(), "Install terramamba in an environment of its own...")
        self.install.triggered.connect(_ask_for_environment)
        self.iface.addPluginToMenu(MENU, self.install)

    def unload(self):
        """Take provider and entry away."""
        if self.install is not None:
            self.iface.removePluginMenu(MENU, self.install)
        QgsApplication.processingRegistry().removeProvider(self.provider)


def _ask_for_environment():
    import processing

    processing.execAlgorithmDialog("terramamba:make_environment")
