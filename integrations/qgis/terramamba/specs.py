"""The algorithms as records: which commands they are, and which flags are asked for. Nothing here needs QGIS.

A parameter without ``flag`` is a file that stands without one. Texts are in ``help.json``, which is made of
the command line's own (``python integrations/make_qgis.py help``).
"""

import json
from dataclasses import dataclass
from pathlib import Path

RASTER, VECTOR, LAYER, FOLDER = "raster", "vector", "raster or vector", "folder"
TEXT, WHOLE, NUMBER, CHOICE, YES_NO = "text", "whole number", "number", "choice", "yes or no"
NEW_RASTER, NEW_VECTOR, NEW_TABLE, NEW_PAGE, NEW_FOLDER = (
    "new raster",
    "new vector",
    "new table",
    "new page",
    "new folder",
)
OUTPUTS = (NEW_RASTER, NEW_VECTOR, NEW_TABLE, NEW_PAGE, NEW_FOLDER)


@dataclass(frozen=True)
class Parameter:
    """What is asked for: a flag of the commands, or with ``flag`` "" a file in its place."""

    name: str
    label: str
    kind: str
    flag: str = ""
    optional: bool = False
    default: object = None
    choices: tuple = ()
    advanced: bool = False
    of: int = 0
    """Which of the algorithm's commands takes it."""
    same_as: str = ""
    """Another parameter whose value a command takes here too."""


@dataclass(frozen=True)
class Algorithm:
    """Commands that are run one after the other, and what is asked for."""

    name: str
    title: str
    group: str
    commands: tuple
    parameters: tuple
    more: tuple = ()
    """Words that a command is given beside, for each command."""

    def asked(self):
        """Return the parameters that a person is asked for: those that repeat another are not."""
        return [parameter for parameter in self.parameters if not parameter.same_as]


def _help():
    return json.loads(Path(__file__).with_name("help.json").read_text(encoding="utf-8"))


HELP = _help()
"""By command: what it is about, and each flag's text and choices."""


def flag(name, kind, option, label, command=0, **more):
    """Return the parameter of a flag."""
    return Parameter(name, label, kind, option, of=command, **more)


RUN = Parameter("RUN", "Run folder of a trained model", FOLDER)
SCENE = Parameter("SCENE", "Scene", RASTER)
BEFORE, AFTER = Parameter("BEFORE", "Image before", RASTER), Parameter("AFTER", "Image after", RASTER)
PROBABILITIES = flag(
    "PROBABILITIES", NEW_RASTER, "--probabilities", "Probabilities", optional=True, advanced=True
)
MODE = flag("MODE", CHOICE, "--mode", "Exact or fast", default="auto", choices=("exact", "fast", "auto"))
POLYGONS = flag("POLYGONS", NEW_VECTOR, "--polygons", "Change polygons", optional=True)
CLASS_POLYGONS = flag("POLYGONS", NEW_VECTOR, "--polygons", "Polygons of the classes", optional=True)
LEAST_AREA = flag("MIN_AREA", NUMBER, "--min-area", "Least area of a polygon (m2)", optional=True)
THRESHOLD = flag("THRESHOLD", NUMBER, "--threshold", "Threshold", optional=True, advanced=True)
ENLARGE = flag(
    "ENLARGE", WHOLE, "--enlarge", "Show images enlarged so many times", optional=True, advanced=True
)
ALIGN = flag(
    "ALIGN", CHOICE, "--align", "Bring the image after onto the grid of the one before", optional=True
)
MAP = flag("OUTPUT", NEW_RASTER, "--out", "Map")
EPOCHS = flag("EPOCHS", WHOLE, "--epochs", "Epochs", optional=True)
SEED = flag("SEED", WHOLE, "--seed", "Seed", optional=True, advanced=True)
POINTS = Parameter("POINTS", "Reference points", VECTOR)
REFERENCE = flag("REFERENCE", TEXT, "--reference", "Attribute that says what is there", default="reference")
NEW_RUN = flag("RUN", NEW_FOLDER, "--out", "Run folder to write")


def _second(parameter, name):
    """Return a parameter for the second command of an algorithm."""
    return Parameter(**{**vars(parameter), "name": name, "of": 1})


ALGORITHMS = (
    Algorithm(
        "check",
        "Check a scene, or two images that are to be compared",
        "Before",
        ("check",),
        (SCENE, Parameter("SECOND", "Image after, or labels", LAYER, optional=True)),
    ),
    Algorithm(
        "map_land_cover",
        "Map land cover with a trained model",
        "Land cover",
        ("classify map",),
        (RUN, SCENE, MODE, MAP, PROBABILITIES),
    ),
    Algorithm(
        "map_land_cover_at_once",
        "Map land cover without training",
        "Land cover",
        ("classify map",),
        (
            SCENE,
            flag(
                "WEIGHTS",
                CHOICE,
                "--weights",
                "What it knows",
                default="spectral-library",
                choices=("spectral-library",),
            ),
            MAP,
            PROBABILITIES,
            CLASS_POLYGONS,
        ),
    ),
    Algorithm(
        "train_and_map_land_cover",
        "Train and map land cover",
        "Land cover",
        ("classify train", "classify map"),
        (
            flag("SCENE", RASTER, "--scene", "Scene"),
            flag("LABELS", VECTOR, "--labels", "Polygons or points with a class"),
            flag("CLASS_ATTRIBUTE", TEXT, "--class-attribute", "Attribute that is the class", optional=True),
            flag("MODEL", CHOICE, "--model", "Model", default="ssa_mamba"),
            EPOCHS,
            SEED,
            NEW_RUN,
            Parameter("RUN_AGAIN", "", FOLDER, of=1, same_as="RUN"),
            Parameter("SCENE_AGAIN", "", RASTER, of=1, same_as="SCENE"),
            _second(MODE, "MODE"),
            _second(MAP, "OUTPUT"),
            _second(PROBABILITIES, "PROBABILITIES"),
        ),
    ),
    Algorithm(
        "map_change",
        "Map change with a trained model",
        "Change",
        ("change map",),
        (RUN, BEFORE, AFTER, ALIGN, THRESHOLD, ENLARGE, MAP, PROBABILITIES, POLYGONS, LEAST_AREA),
    ),
    Algorithm(
        "map_change_at_once",
        "Map changed buildings or cropland without training",
        "Change",
        ("change map",),
        (
            BEFORE,
            AFTER,
            flag(
                "WEIGHTS",
                CHOICE,
                "--weights",
                "What it knows",
                default="terramamba-change",
                choices=("terramamba-change",),
            ),
            flag(
                "WHAT",
                CHOICE,
                "--what",
                "What counts as changed",
                default="buildings",
                choices=("buildings", "cropland", "anything"),
            ),
            ALIGN,
            THRESHOLD,
            ENLARGE,
            MAP,
            PROBABILITIES,
            POLYGONS,
            LEAST_AREA,
        ),
    ),
    Algorithm(
        "map_change_untrained",
        "Map whatever differs between two images",
        "Change",
        ("change map",),
        (
            BEFORE,
            AFTER,
            flag(
                "MODEL",
                CHOICE,
                "--model",
                "Detector",
                default="ir_mad",
                choices=("ir_mad", "cva", "pca_kmeans"),
            ),
            ALIGN,
            THRESHOLD,
            MAP,
            PROBABILITIES,
            POLYGONS,
            LEAST_AREA,
        ),
    ),
    Algorithm(
        "train_and_map_change",
        "Train and map change",
        "Change",
        ("change train", "change map"),
        (
            flag("DATA", FOLDER, "--data", "Folder of image pairs with masks"),
            flag("MODEL", CHOICE, "--model", "Model", default="difference_mamba"),
            EPOCHS,
            SEED,
            NEW_RUN,
            Parameter("RUN_AGAIN", "", FOLDER, of=1, same_as="RUN"),
            _second(BEFORE, "BEFORE"),
            _second(AFTER, "AFTER"),
            _second(MAP, "OUTPUT"),
            _second(PROBABILITIES, "PROBABILITIES"),
            _second(POLYGONS, "POLYGONS"),
        ),
    ),
    Algorithm(
        "sample",
        "Draw reference points from a map",
        "After",
        ("sample",),
        (
            Parameter("MAP", "Map of classes", RASTER),
            flag("PER_CLASS", WHOLE, "--per-class", "Points of each class", default=50),
            SEED,
            flag("OUTPUT", NEW_VECTOR, "--out", "Points"),
        ),
    ),
    Algorithm(
        "assess",
        "Assess a map by reference points",
        "After",
        ("classify assess",),
        (
            Parameter("MAP", "Map of classes", RASTER),
            POINTS,
            REFERENCE,
        ),
    ),
    Algorithm(
        "assess_change",
        "Assess a change map by reference points",
        "After",
        ("change assess",),
        (
            Parameter("MAP", "Change map", RASTER),
            POINTS,
            REFERENCE,
        ),
    ),
    Algorithm(
        "report",
        "Report about a run",
        "After",
        ("report",),
        (
            RUN,
            flag("MAP", RASTER, "--map", "Map that the run made", optional=True),
            flag("SCENE", RASTER, "--scene", "Scene of a land-cover map", optional=True),
            flag("BEFORE", RASTER, "--before", "Image before, of a change map", optional=True),
            flag("AFTER", RASTER, "--after", "Image after, of a change map", optional=True),
            flag("OUTPUT", NEW_PAGE, "--out", "Page"),
        ),
    ),
)
"""In the order in which they are used."""


def choices(algorithm, parameter):
    """Return what can be chosen: the record's own, or what the command's flag takes."""
    known = HELP[algorithm.commands[parameter.of]]["flags"][parameter.flag]
    return list(parameter.choices or known.get("choices", ()))


def about(algorithm, parameter):
    """Return the command line's text of a flag; of a file that stands without one the label says all."""
    if not parameter.flag:
        return ""
    return HELP[algorithm.commands[parameter.of]]["flags"][parameter.flag]["about"]
