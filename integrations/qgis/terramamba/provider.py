"""The provider: its algorithms, and the one setting, where the program is."""

import os
import shutil
from pathlib import Path

from processing.core.ProcessingConfig import ProcessingConfig, Setting
from qgis.core import QgsProcessingException, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithm import TerramambaAlgorithm
from .environment import MakeEnvironment
from .specs import ALGORITHMS

PROGRAM = "TERRAMAMBA_PROGRAM"


def program():
    """Return the path of the program: the setting, the variable TERRAMAMBA_PROGRAM, or what PATH has."""
    found = ProcessingConfig.getSetting(PROGRAM) or os.environ.get(PROGRAM) or shutil.which("terramamba")
    if not found:
        raise QgsProcessingException(
            "terramamba is not found: give its path in Settings > Options > Processing > Providers,"
            " such as /home/me/env/bin/terramamba, or let Plugins > terramamba > Install make an environment"
        )
    return found


class TerramambaProvider(QgsProcessingProvider):
    """All algorithms of terramamba."""

    def load(self):
        """Add the setting and the algorithms."""
        ProcessingConfig.settingIcons[self.name()] = self.icon()
        ProcessingConfig.addSetting(
            Setting(self.name(), PROGRAM, "Program (terramamba, of an environment that has it)", "")
        )
        ProcessingConfig.readSettings()
        self.refreshAlgorithms()
        return True

    def unload(self):
        """Take the setting away."""
        ProcessingConfig.removeSetting(PROGRAM)

    def loadAlgorithms(self):  # noqa: N802  (QGIS calls it so)
        """Add an algorithm for each record, and the one that installs the program."""
        self.addAlgorithm(MakeEnvironment(PROGRAM))
        for spec in ALGORITHMS:
            self.addAlgorithm(TerramambaAlgorithm(spec, program))

    def id(self):
        """Return the name that scripts use."""
        return "terramamba"

    def name(self):
        """Return the name that people see."""
        return "terramamba"

    def longName(self):  # noqa: N802  (QGIS calls it so)
        """Return the name with what it is for."""
        return "terramamba: land cover and change by state-space models"

    def icon(self):
        """Return the picture beside the name."""
        return QIcon(str(Path(__file__).with_name("icon.png")))
