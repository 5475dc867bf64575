"""What was understood of image pairs: the plan that is said before a change detector is trained."""

from collections.abc import Mapping, Sequence

from terramamba.core.shown import Shown, Table
from terramamba.core.words import count, ranges
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import LabelValues
from terramamba.data.scaling import Scaling
from terramamba.raster.checks.in_words import scene_in_words, wavelengths_in_words
from terramamba.raster.scene import Scene
from terramamba.training.plan import Plan

NAMES = {"train": "train", "val": "validation", "test": "test"}


def plan_of(
    data: str,
    pairs: Mapping[str, Sequence[PairFiles]],
    example: Scene,
    scaling: Scaling,
    label_values: LabelValues | None,
    notes: Sequence[str],
) -> Plan:
    """Say what the files were taken for, and what trains, validates and tests.

    ``example`` is a date of the first training pair, whose bands all have.
    """
    rows = tuple((NAMES[subset], f"{len(files):,}") for subset, files in pairs.items())
    total = sum(map(len, pairs.values()))
    facts = {
        "pairs": f"{data}: {count(total, 'pair')}; the first date is {scene_in_words(example)}",
        "bands": f"{len(scaling.bands)} of {example.bands} used: {ranges(scaling.bands)}; "
        + wavelengths_in_words(example, scaling.bands),
    }
    if label_values is not None:
        facts["change masks"] = label_values.in_words()
    told = None if label_values is None else label_values.as_note()
    said = dict.fromkeys(note for note in (*example.notes, *notes) if note != told)
    if said:
        facts["notes"] = "\n".join(said)
    return Plan(Shown((Table("image pairs", ("subset", "pairs"), rows),), facts))
