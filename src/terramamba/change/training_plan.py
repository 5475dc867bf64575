"""What was understood of image pairs: the plan that is said before a change detector is trained."""

from collections.abc import Mapping, Sequence

from terramamba.core.display import Shown, Table
from terramamba.core.words import count, ranges
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_pixels import LabelPixels
from terramamba.data.pairs.settle_labels import Settled
from terramamba.data.scaling import Scaling
from terramamba.raster.band_matching import band_notes
from terramamba.raster.checks.summary_line import scene_in_words, wavelengths_in_words
from terramamba.raster.scene import Scene
from terramamba.training.plan import Plan

NAMES = {"train": "train", "val": "validation", "test": "test"}


def plan_of(
    data: str,
    pairs: Mapping[str, Sequence[PairFiles]],
    example: Scene,
    scaling: Scaling,
    settled: Settled,
    notes: Sequence[str],
    warnings: Sequence[str] = (),
) -> Plan:
    """Say what the files were taken for, and what trains, validates and tests.

    ``example`` is a date of the first training pair, whose bands all have.
    """
    rows = tuple(
        (NAMES[subset], f"{len(files):,}", *_fractions(settled.pixels.get(subset)))
        for subset, files in pairs.items()
    )
    total = sum(map(len, pairs.values()))
    facts = {
        "pairs": f"{data}: {count(total, 'pair')}; the first date is {scene_in_words(example)}",
        "bands": f"{len(scaling.bands)} of {example.bands} used: {ranges(scaling.bands)}; "
        + wavelengths_in_words(example, scaling.bands),
    }
    told = {*settled.warnings, *warnings}
    if settled.values is not None:
        facts["change masks"] = settled.values.in_words()
        told.add(settled.values.as_note())
    # what is noted of bands is among the notes of the set
    own = [note for note in example.notes if note not in band_notes(example)]
    said = dict.fromkeys(note for note in (*own, *notes) if note not in told)
    if said:
        facts["notes"] = "\n".join(said)
    columns = ("subset", "pairs", "changed, %", "unchanged, %", "no reference, %")
    return Plan(
        Shown((Table("image pairs, and pixels of their masks", columns, rows),), facts),
        (*warnings, *_warnings(settled)),
    )


def _fractions(pixels: LabelPixels | None) -> tuple[str, str, str]:
    """Changed, unchanged and ignored pixels in per cent."""
    counted = (0, 0, 0) if pixels is None else (pixels.changed, pixels.unchanged, pixels.ignored)
    total = sum(counted)
    changed, unchanged, ignored = (f"{100 * one / total:.2f}" if total else "" for one in counted)
    return changed, unchanged, ignored


def _warnings(settled: Settled) -> tuple[str, ...]:
    """What makes scores of a subset say nothing."""
    nothing_but_change = [
        f"every pixel with a reference has changed in the {NAMES[subset]} masks: scores of it say nothing"
        for subset, of in settled.pixels.items()
        if of.changed and not of.unchanged
    ]
    return (*settled.warnings, *nothing_but_change)
