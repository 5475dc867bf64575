"""What was understood of a scene and its labels: the plan that is said before a classifier is trained."""

import numpy as np

from terramamba.core.display import Shown, Table
from terramamba.core.words import percent, ranges
from terramamba.data.splits.leakage import LEFT_OUT, SUBSET_NAMES, TEST, VALIDATION
from terramamba.data.splits.quotas import raised_classes
from terramamba.data.splits.subset_draws import smaller
from terramamba.landcover.samples import LEAST_SIDE, Samples
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.checks.summary_line import scene_in_words, wavelengths_in_words
from terramamba.training.plan import Plan


def plan_of(samples: Samples, settings: ClassifySettings) -> Plan:
    """Say what the files were taken for, and what trains, validates and tests."""
    files = {"scene": scene_in_words(samples.scene), "labels": _labels(samples, settings)}
    facts = {
        **files,
        "bands": _bands(samples),
        "no data": _missing(samples),
        "split": f"{settings.split}: {samples.split.leakage.in_words()}",
        "patches": _patches(samples, settings),
    }
    said = (*samples.scene.notes, *samples.notes, *samples.split.notes)
    notes = [note for note in said if note not in samples.warnings]
    if notes:
        facts["notes"] = "\n".join(dict.fromkeys(notes))
    return Plan(Shown((_classes(samples),), facts), tuple(_warnings(samples, settings)))


def _labels(samples: Samples, settings: ClassifySettings) -> str:
    given = (settings.labels, settings.train_labels, settings.val_labels, settings.test_labels)
    files = [path for path in given if path is not None] or [settings.data or ""]
    pixels, classes = len(samples.labels.pixels), len(samples.labels.classes)
    said = f"{', '.join(files)}: {pixels:,} labelled pixels of {classes} classes"
    return "\n".join([said, *(f"unlabelled: {one}" for one in samples.labels.unlabelled)])


def _classes(samples: Samples) -> Table:
    """Each class with its code, colour and pixels in each subset."""
    table = samples.labels.classes
    targets, subsets = samples.labels.targets, samples.split.subsets
    rows = []
    for target, (code, name, colour) in enumerate(zip(table.codes, table.names, table.colours, strict=True)):
        own = np.bincount(subsets[targets == target], minlength=len(SUBSET_NAMES))
        shown = "" if colour is None else "#" + "".join(f"{part:02x}" for part in colour)
        rows.append((name, str(code), shown, *(f"{own[subset]:,}" for subset in SUBSET_NAMES)))
    columns = ("class", "code", "colour", *(name.replace("_", " ") for name in SUBSET_NAMES.values()))
    return Table("labelled pixels", columns, tuple(rows))


def _bands(samples: Samples) -> str:
    scene, used = samples.scene, samples.scaling.bands
    return f"{len(used)} of {scene.bands} used: {ranges(used)}; {wavelengths_in_words(scene, used)}"


def _patches(samples: Samples, settings: ClassifySettings) -> str:
    side = samples.split.patch_size
    rule = "; larger ones would leave too many labelled pixels out (--patch-size)"
    return f"{side} x {side} pixels" + rule * ("patch_size" in settings.decided and side <= LEAST_SIDE)


def _missing(samples: Samples) -> str:
    scene = samples.scene
    fraction = samples.lost / (samples.lost + len(samples.labels.pixels))
    value = "no nodata value" if scene.nodata is None else f"nodata value {scene.nodata:g}"
    return f"{value}; {percent(fraction)} of the labelled pixels lack data in a used band"


def _warnings(samples: Samples, settings: ClassifySettings) -> list[str]:
    """What makes scores of a subset say little, or other than one would think."""
    names, targets, subsets = samples.labels.classes.names, samples.labels.targets, samples.split.subsets
    found = list(samples.warnings)
    for subset in (VALIDATION, TEST):
        present = np.unique(targets[subsets == subset])
        if len(present) == 1:
            found.append(
                f"all {SUBSET_NAMES[subset]} pixels are {names[present[0]]}: scores of one class say nothing"
            )
    if raised := raised_classes(samples.split.quotas):
        raised_names = ", ".join(names[target] for target in raised)
        found.append(
            f"--min-per-class {settings.min_per_class}: more than {percent(settings.train_fraction)} of the"
            f" pixels train in {len(raised)} of {len(names)} classes ({raised_names})"
        )
    lost = int(np.count_nonzero(subsets == LEFT_OUT))
    if lost > len(subsets) / 2:
        found.append(
            f"{percent(lost / len(subsets))} of the labelled pixels are left out, as what is seen around them"
            f" could not tell training from test; give a smaller {smaller(samples.split.reach)}, or labels"
            " that lie further apart"
        )
    return found
