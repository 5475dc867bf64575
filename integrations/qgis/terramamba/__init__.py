"""The plugin for QGIS: algorithms of Processing that run the terramamba of another environment."""


def classFactory(iface):  # noqa: N802  (QGIS calls it so)
    """Return the plugin, for QGIS."""
    from .plugin import TerramambaPlugin

    return TerramambaPlugin(iface)
