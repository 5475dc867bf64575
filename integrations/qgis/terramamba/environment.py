"""An algorithm that makes an environment with terramamba in it, and has the others use that."""

import os
import shutil
import sys
from pathlib import Path

from processing.core.ProcessingConfig import ProcessingConfig
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
)

from .program import CommandError, run

FOLDER, PACKAGE, PROGRAM = "FOLDER", "PACKAGE", "PROGRAM"


class MakeEnvironment(QgsProcessingAlgorithm):
    """Makes a virtual environment with terramamba; ``setting`` then has the path of its program."""

    def __init__(self, setting):
        super().__init__()
        self.setting = setting

    def createInstance(self):  # noqa: N802  (QGIS calls it so, as what follows)
        """Return another one, as QGIS does for each run."""
        return MakeEnvironment(self.setting)

    def name(self):
        """Return the name that scripts use."""
        return "make_environment"

    def displayName(self):  # noqa: N802
        """Return the name that people see."""
        return "Install terramamba in an environment of its own"

    def group(self):
        """Return the name of the group that people see."""
        return "Before"

    def groupId(self):  # noqa: N802
        """Return the name of the group that scripts use."""
        return "before"

    def shortHelpString(self):  # noqa: N802
        """Say what is made, and what it takes."""
        return (
            "<p>Makes a Python environment in a new folder, installs terramamba and PyTorch there (some"
            " hundred megabytes are fetched), and has all algorithms of this provider use it. The Python of"
            " QGIS stays as it is.</p><p>For a GPU, make an environment yourself, install the PyTorch its"
            " own page names there before terramamba, and give the path of the program in the settings of"
            " Processing.</p>"
        )

    def initAlgorithm(self, config=None):  # noqa: N802
        """Add the parameters and outputs."""
        # In the profile: a temporary folder would go with QGIS, and the program of the setting with it.
        lasting = str(Path(QgsApplication.qgisSettingsDirPath()) / "terramamba")
        self.addParameter(
            QgsProcessingParameterFolderDestination(FOLDER, "Folder of the environment", lasting)
        )
        package = QgsProcessingParameterString(
            PACKAGE, "What pip installs: a name, or a file that was downloaded", "terramamba"
        )
        package.setFlags(package.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
        self.addParameter(package)
        self.addOutput(QgsProcessingOutputString(PROGRAM, "Path of the program"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Make the environment; nothing is used of one that could not be finished."""
        folder = Path(self.parameterAsString(parameters, FOLDER, context))
        if folder.is_dir() and any(folder.iterdir()):
            raise QgsProcessingException(f"{folder} is not empty; give a new folder")
        scripts, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
        package = self.parameterAsString(parameters, PACKAGE, context)
        steps = (
            (_python(), ["-m", "venv", str(folder)]),
            (str(folder / scripts / f"python{suffix}"), ["-m", "pip", "install", package]),
        )
        for done, (program, words) in enumerate(steps):
            feedback.pushCommandInfo(" ".join([program, *words]))
            try:
                run(program, words, feedback.setProgress, feedback.pushInfo, feedback.isCanceled)
            except CommandError as error:
                raise QgsProcessingException(str(error)) from error
            if feedback.isCanceled():
                return {}
            feedback.setProgress(100 * (done + 1) / len(steps))
        found = folder / scripts / f"terramamba{suffix}"
        if not found.is_file():
            raise QgsProcessingException(f"{package} brought no program {found}; give another package")
        ProcessingConfig.setSettingValue(self.setting, str(found))
        return {FOLDER: str(folder), PROGRAM: str(found)}


def _python():
    """The Python that QGIS runs on; its own program is another one on most systems."""
    if os.name == "nt":
        return str(Path(sys.exec_prefix) / "python.exe")
    beside = Path(sys.exec_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = str(beside) if beside.is_file() else shutil.which("python3")
    if not found:
        raise QgsProcessingException("there is no python3; install Python, or give the path of terramamba")
    return found
