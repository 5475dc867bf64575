"""The files of a run folder: their names are written here and nowhere else.

::

    config.yaml                          every setting, as it was given or decided: --config repeats the run
                                         from it; written first, marks the folder as a run
    model.safetensors, model.json        weights and the card that says how to use them: all for mapping
    split.json, split.tif | split.npy    which pixels or pairs were for training, validation and test
                                         (names of the subsets for QGIS in split.tif.aux.xml)
    plan.json                            what was understood of the files before training, and what came of it
    metrics.json, confusion.csv          scores, with all that has to be known to believe them
    reliability.csv                      probabilities beside how often they come true
    classes.csv | thresholds.csv         scores of each class, or of change over thresholds
    units.csv                            test counts of each pair, or of each square of a scene
    measured.json                        what the run cost, where an experiment measured it
    history.csv, report.html, log.txt
    checkpoints/last.ckpt                for --resume alone
    seed-*/                              with --seeds: a run of each seed, beside metrics.json with the means
    .new-run/                            with --overwrite: the run that replaces this one when it is complete

They stand below all rooms because several write a file of a run: training its history, splits their pixels.
"""

from pathlib import Path

from terramamba.core.words import count

CONFIG = "config.yaml"
WEIGHTS = "model.safetensors"
CARD = "model.json"
SPLIT = "split.json"
SPLIT_IMAGE = "split.tif"
SPLIT_ARRAY = "split.npy"
PLAN = "plan.json"
METRICS = "metrics.json"
MEASURED = "measured.json"
CONFUSION = "confusion.csv"
CLASS_SCORES = "classes.csv"
RELIABILITY = "reliability.csv"
THRESHOLDS = "thresholds.csv"
UNITS = "units.csv"
HISTORY = "history.csv"
REPORT = "report.html"
LOG = "log.txt"
CHECKPOINT = "checkpoints/last.ckpt"

PRETRAINED_WEIGHTS, PRETRAINED_CARD, PRETRAINED_LICENCE = "weights.safetensors", "card.json", "LICENSE"
PRETRAINED = (PRETRAINED_WEIGHTS, PRETRAINED_CARD, PRETRAINED_LICENCE)
"""Of a folder of pretrained weights: the weights, what they are, and on what terms."""

SCORES = "scores.json"
EXPLANATION = "explain.json"
"""Records of two folders that are no runs: what `evaluate --out` and `explain` write."""

SEED_FOLDERS = "seed-*"

WRITTEN = (
    WEIGHTS,
    CARD,
    SPLIT,
    SPLIT_IMAGE,
    f"{SPLIT_IMAGE}.aux.xml",
    SPLIT_ARRAY,
    PLAN,
    METRICS,
    MEASURED,
    CONFUSION,
    CLASS_SCORES,
    RELIABILITY,
    THRESHOLDS,
    UNITS,
    HISTORY,
    REPORT,
    LOG,
    CHECKPOINT,
)
"""All files of a run but ``CONFIG``, by which a folder is known as one."""


def seed_folder(seed: int) -> str:
    """Return the name of one seed's folder in that of all."""
    return f"seed-{seed}"


def not_finished(folder: Path, missing: str) -> str:
    """Say that ``folder``, which has no file ``missing``, is no finished run, and which runs lie in it."""
    inside = sorted(file.parent for file in folder.glob(f"*/{CARD}"))
    if inside:
        names = ", ".join(map(str, inside[:3])) + (", ..." if len(inside) > 3 else "")
        return f"{folder}: is no run, and holds {count(len(inside), 'run')}; name {names}"
    return f"{folder}: no {missing} in it, so it is no finished run; train first, or name another"
