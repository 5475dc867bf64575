"""Two scenes as a pair: do their pixels lie on the same places, and do they hold the same kind of values?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from terramamba.core.display import Shown, as_html
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.words import count, percent
from terramamba.raster.band_identity import bands_of
from terramamba.raster.band_matching import match_bands
from terramamba.raster.checks import byte_order
from terramamba.raster.checks.dates_values import FLAT, LONE, ZEROS, compare_dates
from terramamba.raster.checks.describe import range_in_words
from terramamba.raster.checks.finding import Finding
from terramamba.raster.checks.pair_facts import grids_in_words, units_in_words, values_in_words
from terramamba.raster.checks.pair_problems import problems_and_notes, refuse_apart
from terramamba.raster.checks.shared_edges import LEAST, shared_edges, turned_date
from terramamba.raster.checks.shift import Shift, estimate_shift
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.orientation import SHOWN_OTHERWISE
from terramamba.raster.sample_statistics import Statistics, sample_statistics
from terramamba.raster.scene import Scene
from terramamba.raster.views.grid_mapping import same_pixels
from terramamba.raster.views.masked import MaskedSource, masked, masked_fraction
from terramamba.raster.views.physical import physical
from terramamba.raster.views.shifted import steps_in_words
from terramamba.raster.views.warped import WARPED, Method, warped

RANGE_RATIO = 3.0
"""Two dates whose value ranges differ by more than this factor are probably in different units."""
MOSTLY_MISSING = 0.75
"""Share of the first date's pixels without data of the second, from which a warped pair is odd."""
STRANGERS, FILL = "hardly an edge in common", "probable fill"
NOTED_SHIFT = 0.5
"""Dates further apart than this, in pixels, show change along every edge."""

SceneOrPath = Scene | StrPath


@dataclass(frozen=True)
class PairReport:
    """What was found: ``problems`` prevent the use as a pair, ``notes`` are worth knowing.

    ``facts`` compare the two in words, property by property; ``missing`` are the fractions of
    pixels without data of either. ``shift`` is None where the two are no pair. ``findings`` are those of the
    notes that are about what the values stand for, ``colours`` the correlations of the bands' colours.
    """

    before: Scene
    after: Scene
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    facts: dict[str, str]
    missing: tuple[float, float]
    shift: Shift | None
    findings: tuple[Finding, ...] = ()
    colours: Float64[np.ndarray, "c c"] | None = None

    @property
    def ok(self) -> bool:
        """True where the two make a pair."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """The result in words, one finding a line."""
        if self.problems:
            heading = f"not a pair: {count(len(self.problems), 'problem')}"
        else:
            size = f"{self.before.height} x {self.before.width} pixels"
            heading = f"a pair of {size}, {count(self.before.bands, 'band')}"
        return "\n".join(
            [heading, *(f"problem: {p}" for p in self.problems), *(f"note: {n}" for n in self.notes)]
        )

    def _repr_html_(self) -> str:
        return as_html(Shown((), {**self.facts, "verdict": self.verdict}))


def check_pair(
    before: SceneOrPath,
    after: SceneOrPath,
    *,
    align: Method | None = None,
    masks: Sequence[StrPath] = (),
) -> PairReport:
    """Compare two scenes: reference system, grid, overlap, bands, types, value ranges, missing data, shift.

    Scales and offsets that the files declare are applied. With ``align``, the second is first warped onto the
    first's grid; what ``masks`` mark counts as missing at both dates. Reads overviews, or some windows of
    large files that have none, and for the shift up to 16 windows of 256 x 256 pixels. Raises ``InputError``
    where a file cannot be opened or read, or the second cannot be warped.
    """
    first, given = physical(_opened(before)), physical(_opened(after))
    second = given if align is None else _onto(first, given, align)
    if masks and same_pixels(first.grid, second.grid):
        first, second = masked(first, masks), masked(second, masks)
    return pair_report(first, second, given)


def pair_report(first: Scene, second: Scene, given: Scene | None = None) -> PairReport:
    """Compare open scenes as ``check_pair`` does; ``given`` is the second before it was warped or masked."""
    second, unmatched = _bands_like(first, second)
    problems, notes = problems_and_notes(first, second, unmatched)
    facts = grids_in_words(first, second if given is None else given)
    seen = sample_statistics(first), sample_statistics(second)
    missing = seen[0].all_missing, seen[1].all_missing
    facts |= values_in_words(first, second, *seen) | units_in_words(first, second)
    if isinstance(first.source, MaskedSource):
        facts["masked"] = f"{percent(masked_fraction(first))} of the pixels, which then have no data"
    notes += _unlike_values(first, second, *seen)
    findings = [
        Finding(FILL, f"{scene.path}: {fill.in_words()}")
        for scene, statistics in zip((first, second), seen, strict=True)
        for fill in statistics.fill
    ]
    findings += [
        Finding("lost signs", f"{scene.path}: {statistics.wrapped.in_words()}")
        for scene, statistics in zip((first, second), seen, strict=True)
        if statistics.wrapped is not None
    ]
    findings += [
        Finding("byte order", f"{scene.path}: {byte_order.IN_WORDS}")
        for scene, statistics in zip((first, second), seen, strict=True)
        if statistics.swapped
    ]
    findings += [
        Finding("layout", f"{scene.path}: {statistics.misread}")
        for scene, statistics in zip((first, second), seen, strict=True)
        if statistics.misread is not None
    ]
    findings += [Finding("tiles in other units", said) for statistics in seen for said in statistics.unlike]
    findings += _declared_alone(first, second) + _without_data(first, second, *seen)
    findings += [
        Finding("shown turned", f"{scene.path}: {note}")
        for scene in (first, second)
        for note in scene.notes
        if note.startswith(SHOWN_OTHERWISE)
    ]
    if problems:
        notes += [finding.text for finding in findings]
        return PairReport(first, second, tuple(problems), tuple(notes), facts, missing, None, tuple(findings))
    values = compare_dates(first, second)
    facts |= values.facts
    zeros = {finding.text.split(":")[0] for finding in values.findings if finding.kind == ZEROS}
    filled = {finding.text.split(":")[0] for finding in findings if finding.kind == FILL}
    findings = [
        *(one for one in findings if one.text.split(":")[0] not in zeros),
        *(one for one in values.findings if one.kind != LONE or one.text.split(":")[0] not in filled),
    ]
    notes += [finding.text for finding in findings]
    shift = estimate_shift(first, second)
    facts["shift"] = shift_in_words(shift)
    flat = any(finding.kind == FLAT for finding in findings)  # which has no edges
    strange = [] if shift.known or flat else _strangers(first, second)
    findings += strange
    notes += [finding.text for finding in strange]
    warping = warping_in_words(first, second)
    if warping is not None:
        notes.append(warping)
        if missing[1] > MOSTLY_MISSING:
            notes.append(
                f"of the pixels of {first.path}, {percent(1 - missing[1])} have data of {second.path}: they"
                " hardly lie on each other; give images of one area"
            )
    if shift.known and shift.pixels > NOTED_SHIFT:
        off = f"{shift.pixels:.2g}"
        notes.append(
            f"the second lies {off} pixel{'' if off == '1' else 's'} off the first: edges will show as "
            "change; `change map --correct-shift` moves it"
        )
    return PairReport(first, second, (), tuple(notes), facts, missing, shift, tuple(findings), values.colours)


def _strangers(first: Scene, second: Scene) -> list[Finding]:
    """Say that the second of two images is turned, or that they share too little to show one place."""
    way = turned_date(first, second)
    if way is not None:
        words = (
            f"{second.path} shows what {first.path} shows {way}: probably one of the two is stored so; turn"
            " it back, as all of it would count as change"
        )
        return [Finding("turned dates", words)]
    shared = shared_edges(first, second)
    if shared is None or shared >= LEAST:
        return []
    words = (
        "the two show hardly any edge in common, as images of two different places do: check that they are "
        "the right files (of real pairs about 3 in 100 look so, where nearly everything changed)"
    )
    return [Finding(STRANGERS, words)]


def require_pair(
    before: SceneOrPath, after: SceneOrPath, *, align: Method | None = None
) -> tuple[Scene, Scene]:
    """Open the two scenes; raise ``InputError`` with the first problem where they do not make a pair.

    With ``align``, the second is warped onto the first's grid as it is read. Looks at no pixels, so it is
    quick for a folder of pairs.
    """
    first, second = _opened(before), _opened(after)
    if align is not None:
        second = _onto(first, second, align)
    second, unmatched = _bands_like(first, second)
    problems, _ = problems_and_notes(first, second, unmatched)
    if problems:
        raise InputError(problems[0])
    return first, second


def warping_in_words(before: Scene, after: Scene) -> str | None:
    """Say what was done to bring ``after`` onto ``before``'s grid; None where nothing was."""
    done = next((note for note in after.notes if note.startswith(WARPED)), None)
    return None if done is None else f"{after.path} was {done.replace(WARPED, f'warped onto {before.path}')}"


def shift_in_words(shift: Shift) -> str:
    """Say how far the second date lies off the first, and how sure that is."""
    if not shift.windows:
        return "could not be estimated: the images are too small, or have too little data in common"
    windows = count(shift.windows, "window")
    if not shift.known:
        return f"could not be estimated: too little that both dates show alike in {windows}"
    sure = f"{shift.agreeing} of {windows}"
    if shift.agreeing > 1:
        sure += f", which differ by {shift.deviation:.2f}"
    return f"the second shows everything {steps_in_words(shift.down, shift.right)} ({sure})"


def _opened(given: SceneOrPath) -> Scene:
    return given if isinstance(given, Scene) else open_scene(given)


def _onto(first: Scene, second: Scene, align: Method) -> Scene:
    """Return the second on the first's grid; raise ``InputError`` where they show different places."""
    refuse_apart(first, second)
    return warped(second, first.grid, align)


def _bands_like(first: Scene, second: Scene) -> tuple[Scene, str | None]:
    """Return the second with the bands of the first in their order, or why that cannot be."""
    try:
        return match_bands(second, bands_of(first)), None
    except InputError as error:
        return second, str(error)


def _declared_alone(first: Scene, second: Scene) -> list[Finding]:
    """Say that one date alone declares what its values stand for, where the other has whole numbers."""
    for scene, other in ((first, second), (second, first)):
        declared, whole = scene.declared, np.dtype(other.dtype).kind in "iu"
        if declared is not None and declared.applied and other.declared is None and whole:
            words = (
                f"{scene.path} declares a scale ({declared.in_words()}), {other.path} none: where its "
                "numbers are packed too, give it the same (gdal_edit.py -scale -offset), else bring both "
                "into one unit"
            )
            return [Finding("scale declared at one date", words)]
    return []


def _without_data(first: Scene, second: Scene, a: Statistics, b: Statistics) -> list[Finding]:
    empty = [scene.path for scene, of in ((first, a), (second, b)) if of.minimum is None]
    if not empty:
        return []
    words = f"no pixel of {' and of '.join(empty)} has data, so there is nothing to compare"
    return [Finding("no data at all", words)]


def _unlike_values(first: Scene, second: Scene, a: Statistics, b: Statistics) -> list[str]:
    if a.minimum is None or a.maximum is None or b.minimum is None or b.maximum is None:
        return []
    small, large = sorted((max(abs(a.minimum), abs(a.maximum)), max(abs(b.minimum), abs(b.maximum))))
    if large <= RANGE_RATIO * small:
        return []
    ranges = f"{range_in_words(a)} and {range_in_words(b)}"
    return [f"value ranges differ: {ranges}; both dates are scaled by one rule, so units must be the same"]
