"""An algorithm of Processing, made of a record: its dialogue, its help, and running its commands."""

import html
from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
    QgsProcessingUtils,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QIcon

from . import specs
from .command_lines import command_lines, written
from .program import CommandError, run
from .specs import HELP, about, choices

PRINTED = "PRINTED"
"""The output that is what the commands printed."""


class TerramambaAlgorithm(QgsProcessingAlgorithm):
    """One record as QGIS wants it; ``program`` says where terramamba is."""

    def __init__(self, spec, program):
        super().__init__()
        self.spec, self.program = spec, program

    def createInstance(self):  # noqa: N802  (QGIS calls it so, as what follows)
        """Return another one, as QGIS does for each run."""
        return TerramambaAlgorithm(self.spec, self.program)

    def name(self):
        """Return the name that scripts use."""
        return self.spec.name

    def displayName(self):  # noqa: N802
        """Return the name that people see."""
        return self.spec.title

    def group(self):
        """Return the name of the group that people see."""
        return self.spec.group

    def groupId(self):  # noqa: N802
        """Return the name of the group that scripts use."""
        return self.spec.group.lower().replace(" ", "_")

    def icon(self):
        """Return the picture beside the name."""
        return QIcon(str(Path(__file__).with_name("icon.png")))

    def shortHelpString(self):  # noqa: N802
        """Return what the commands do and each parameter means, in the command line's words."""
        paragraphs = [html.escape(HELP[command]["about"]) for command in self.spec.commands]
        entries = [
            f"<b>{html.escape(parameter.label)}</b>: {html.escape(about(self.spec, parameter))}"
            for parameter in self.spec.asked()
            if about(self.spec, parameter)
        ]
        return "".join(f"<p>{text}</p>" for text in paragraphs + entries)

    def initAlgorithm(self, config=None):  # noqa: N802
        """Add the parameters and outputs."""
        for parameter in self.spec.asked():
            made = self._definition(parameter)
            made.setHelp(about(self.spec, parameter))
            if parameter.advanced:
                made.setFlags(made.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
            self.addParameter(made)
        self.addOutput(QgsProcessingOutputString(PRINTED, "What terramamba printed"))

    def _definition(self, parameter):
        name, label, optional = parameter.name, parameter.label, parameter.optional
        if parameter.kind == specs.RASTER:
            return QgsProcessingParameterRasterLayer(name, label, optional=optional)
        if parameter.kind == specs.VECTOR:
            any_geometry = [QgsProcessing.TypeVectorAnyGeometry]
            # A source and no layer: its dialogue asks whether selected features alone are meant.
            return QgsProcessingParameterFeatureSource(name, label, any_geometry, optional=optional)
        if parameter.kind == specs.LAYER:
            return QgsProcessingParameterMapLayer(name, label, optional=optional)
        if parameter.kind == specs.FOLDER:
            return QgsProcessingParameterFile(
                name, label, behavior=QgsProcessingParameterFile.Folder, optional=optional
            )
        if parameter.kind == specs.CHOICE:
            there = choices(self.spec, parameter)
            return QgsProcessingParameterEnum(
                name, label, there, defaultValue=parameter.default, optional=optional, usesStaticStrings=True
            )
        if parameter.kind == specs.YES_NO:
            return QgsProcessingParameterBoolean(name, label, parameter.default, optional)
        if parameter.kind in (specs.WHOLE, specs.NUMBER):
            whole = parameter.kind == specs.WHOLE
            kind = QgsProcessingParameterNumber.Integer if whole else QgsProcessingParameterNumber.Double
            return QgsProcessingParameterNumber(name, label, kind, parameter.default, optional, 0)
        if parameter.kind == specs.NEW_RASTER:
            return QgsProcessingParameterRasterDestination(
                name, label, optional=optional, createByDefault=not optional
            )
        if parameter.kind == specs.NEW_VECTOR:
            return QgsProcessingParameterVectorDestination(
                name, label, optional=optional, createByDefault=not optional
            )
        if parameter.kind == specs.NEW_FOLDER:
            return QgsProcessingParameterFolderDestination(name, label)
        if parameter.kind == specs.NEW_PAGE:
            return QgsProcessingParameterFileDestination(name, label, "HTML (*.html)")
        return QgsProcessingParameterString(name, label, parameter.default, optional=optional)

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run the commands; beside maps and polygons they leave the style that QGIS takes."""
        values = {
            parameter.name: self._value(parameter, parameters, context, feedback)
            for parameter in self.spec.asked()
        }
        lines = command_lines(self.spec, values)
        self._warn_of_what_goes_with_qgis(values, feedback)
        printed = ""
        for index, words in enumerate(lines):
            feedback.pushCommandInfo("terramamba " + " ".join(words))
            try:
                printed = run(
                    self.program(),
                    words,
                    lambda done, begun=index: feedback.setProgress(100 * (begun + done) / len(lines)),
                    feedback.pushInfo,
                    feedback.isCanceled,
                )
            except CommandError as error:
                raise QgsProcessingException(str(error)) from error
            feedback.pushInfo(printed)
            if feedback.isCanceled():
                return {}
        return {**written(self.spec, values), PRINTED: printed}

    def _warn_of_what_goes_with_qgis(self, values, feedback):
        passing = Path(QgsProcessingUtils.tempFolder())
        for parameter in self.spec.asked():
            if parameter.kind == specs.NEW_FOLDER and passing in Path(values[parameter.name]).parents:
                feedback.pushWarning(
                    f"{parameter.label}: a temporary folder, which goes when QGIS ends; name one to keep it"
                )

    def _value(self, parameter, parameters, context, feedback):
        name = parameter.name
        if parameter.optional and parameters.get(name) in (None, ""):
            return None
        as_raster = parameter.kind == specs.LAYER and not isinstance(
            self.parameterAsLayer(parameters, name, context), QgsVectorLayer
        )
        if parameter.kind == specs.RASTER or as_raster:
            layer = self.parameterAsRasterLayer(parameters, name, context)
            return None if layer is None else layer.source()
        if parameter.kind in (specs.VECTOR, specs.LAYER):
            # Layers in memory, and selected features where those alone are asked for, become a file.
            return self.parameterAsCompatibleSourceLayerPath(
                parameters, name, context, ["gpkg", "geojson", "shp"], "gpkg", feedback
            )
        if parameter.kind == specs.FOLDER:
            return self.parameterAsFile(parameters, name, context)
        if parameter.kind == specs.CHOICE:
            return self.parameterAsEnumString(parameters, name, context)
        if parameter.kind == specs.YES_NO:
            return self.parameterAsBoolean(parameters, name, context)
        if parameter.kind == specs.WHOLE:
            return self.parameterAsInt(parameters, name, context)
        if parameter.kind == specs.NUMBER:
            return self.parameterAsDouble(parameters, name, context)
        if parameter.kind in (specs.NEW_RASTER, specs.NEW_VECTOR):
            return self.parameterAsOutputLayer(parameters, name, context)
        return self.parameterAsString(parameters, name, context)
