"""What QGIS loads: it adds the provider, with or without windows."""

from qgis.core import QgsApplication

from .provider import TerramambaProvider


class TerramambaPlugin:
    """Adds the provider to Processing, and takes it away."""

    def __init__(self):
        self.provider = None

    def initProcessing(self):  # noqa: N802  (QGIS calls it so, qgis_process too)
        """Add the provider."""
        self.provider = TerramambaProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):  # noqa: N802  (QGIS calls it so)
        """Add the provider; there is nothing else in menus."""
        self.initProcessing()

    def unload(self):
        """Take the provider away."""
        QgsApplication.processingRegistry().removeProvider(self.provider)
