"""What a set of pairs is like, in sentences: masks, missing data, unlike values, shifts between the dates."""

from collections.abc import Mapping, Sequence

import numpy as np

from terramamba.core.words import count, percent
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.stray_dates import copied_pairs, stray_dates
from terramamba.data.pairs.unlike_pairs import unlike_pixels, unlike_values
from terramamba.raster.checks.band_order import better_order, order_in_words
from terramamba.raster.checks.colour_model import OTHER_COLOURS
from terramamba.raster.checks.dates_values import ORDER
from terramamba.raster.checks.pair import NOTED_SHIFT, STRANGERS, PairReport, pair_report, warping_in_words
from terramamba.raster.checks.shift import compared_windows, pooled_shift
from terramamba.raster.views.masked import masked_fraction, much_left_out
from terramamba.raster.views.shifted import steps_in_words

MOST_PAIRS = 24
"""At most this many pairs are compared, evenly spaced over the set."""
MOST_STRANGERS = 1 / 3
"""Of real pairs 3 in 100 show hardly any edge in common, of pairs put together wrongly 83 in 100."""
LEAST_TOGETHER = 8
"""Pairs whose common shift is estimated; of up to 24 unrelated ones the peak reaches 7.0."""


def survey(subsets: Mapping[str, Sequence[PairFiles]], *, one_rule: bool = True) -> list[str]:
    """Note what the pairs of all ``subsets`` are like; up to 24 of them are read, as ``pair_report`` does.
    ``one_rule``: all of them are scaled alike, so that they must hold the same kind of values.

    Raises:
        InputError: a file is damaged.
    """
    pairs = [pair for files in subsets.values() for pair in files]
    chosen, whole = _chosen(subsets)
    reports = [_report(pair) for pair in chosen]
    notes = [
        *(unlike_values(_by_subset(subsets, chosen)) if one_rule else ()),
        *unlike_pixels(chosen),
        *_warped(pairs),
        *_placed_alone(reports),
        *_left_out(chosen, reports),
        *_unlike(chosen, reports),
        *_found(reports),
        *stray_dates(pairs, _report),
        *copied_pairs(subsets),
        *_shifts(chosen, reports),
    ]
    return [note + whole for note in notes]


def doubts(subsets: Mapping[str, Sequence[PairFiles]], *, one_rule: bool = True) -> list[str]:
    """Return those of the notes that make scores doubtful: why values can hardly be compared, of two dates or
    of pairs, and that masks leave out most of them."""
    chosen, whole = _chosen(subsets)
    reports = [_report(pair) for pair in chosen]
    unlike = unlike_values(_by_subset(subsets, chosen)) if one_rule else []
    return [note + whole for note in (*unlike, *much_left_out(*_masked(reports)), *_found(reports))]


def _by_subset(
    subsets: Mapping[str, Sequence[PairFiles]], chosen: Sequence[PairFiles]
) -> dict[str, list[PairFiles]]:
    taken = {id(pair) for pair in chosen}
    return {subset: [pair for pair in files if id(pair) in taken] for subset, files in subsets.items()}


def _chosen(subsets: Mapping[str, Sequence[PairFiles]]) -> tuple[list[PairFiles], str]:
    """The pairs that are looked at, and words that say so where they are not all."""
    pairs = [pair for files in subsets.values() for pair in files]
    index = np.linspace(0, len(pairs) - 1, min(MOST_PAIRS, len(pairs))).round().astype(int)
    chosen = [pairs[i] for i in index]
    return chosen, "" if len(chosen) == len(pairs) else f" (looked at {len(chosen)} of {len(pairs)} pairs)"


def _report(pair: PairFiles) -> PairReport:
    """How the dates compare; windows of one pair share the answer, which is about all of it."""
    asked = ("report", *pair.reading, pair.exchanged)
    return pair.facts.once(asked, lambda: pair_report(*pair.open()))


def _warped(pairs: Sequence[PairFiles]) -> list[str]:
    if all(pair.align is None for pair in pairs):
        return []
    done = [words for pair in pairs if (words := warping_in_words(*pair.open())) is not None]
    if not done:
        return ["--align: no date had to be warped, all pairs share their grid"]
    number = f"{len(done)} of {count(len(pairs), 'later date')}"
    return [f"{number} warped onto the grid of the earlier; the first: {done[0]}"]


def _placed_alone(reports: Sequence[PairReport]) -> list[str]:
    """Say of how many pairs one date alone has a place on the ground, and how the other was laid on it."""
    alone = [one for one in reports if (one.before.transform is None) != (one.after.transform is None)]
    if not alone:
        return []
    first = alone[0].before if alone[0].before.transform is None else alone[0].after
    return [
        f"one date alone is georeferenced in {count(len(alone), 'pair')}, and the other is taken to show the"
        f" same pixels; the first without is {first.path}"
    ]


def _left_out(pairs: Sequence[PairFiles], reports: Sequence[PairReport]) -> list[str]:
    notes = []
    if any(pair.masks for pair in pairs):
        share, of_what = _masked(reports)
        notes += much_left_out(share, of_what) or [f"masks leave out {percent(share)} {of_what}"]
    missing = [report.missing for report in reports]
    if np.any(missing):
        before, after = (percent(float(share)) for share in np.mean(missing, axis=0))
        notes.append(
            f"without data, masks included: {before} of the pixels of the earlier dates, {after} of the later"
        )
    return notes


def _masked(reports: Sequence[PairReport]) -> tuple[float, str]:
    """Share that masks leave out, and of what."""
    return float(np.mean([masked_fraction(report.before) for report in reports])), "of the pixels"


def _unlike(pairs: Sequence[PairFiles], reports: Sequence[PairReport]) -> list[str]:
    found: dict[str, list[str]] = {}
    for pair, report in zip(pairs, reports, strict=True):
        for name, words in (("types of values", "types"), ("value ranges", "values")):
            if any(note.startswith(f"{name} differ") for note in report.notes):
                found.setdefault(name, []).append(f"{pair.before}: {report.facts[words]}")
    return [
        f"{name} of the dates differ in {count(len(those), 'pair')}; both are scaled by one rule, so "
        f"units must be the same; the first: {those[0]}"
        for name, those in found.items()
    ]


def _found(reports: Sequence[PairReport]) -> list[str]:
    """What makes the values of dates incomparable, each kind once, with the first pair that has it."""
    by_kind: dict[str, list[str]] = {}
    for report in reports:
        for kind in dict.fromkeys(finding.kind for finding in report.findings):
            by_kind.setdefault(kind, []).extend([one.text for one in report.findings if one.kind == kind][:1])
    strangers = by_kind.pop(STRANGERS, [])  # a few are found in every set
    if len(strangers) > max(1, MOST_STRANGERS * len(reports)):
        first = next(one for one in reports if any(finding.kind == STRANGERS for finding in one.findings))
        words = (
            f"{first.before.path} and {first.after.path} show hardly any edge in common, as images of two"
            " places do: check that names bring together what belongs together"
        )
        by_kind[STRANGERS] = [words] * len(strangers)
    by_kind.pop(ORDER, None)  # judged on all pairs together, which tells far more than one
    order = better_order([report.colours for report in reports if report.colours is not None])
    unlike = sum(len(texts) for kind, texts in by_kind.items() if kind in OTHER_COLOURS)
    if order is not None and 2 * unlike < len(reports):  # else the others are of such colours, too
        first = reports[0]
        by_kind[ORDER] = [order_in_words(order, first.before.path, first.after.path)] * len(reports)
    return [
        f"{kind} in {len(texts)} of {count(len(reports), 'pair')}; the first: {texts[0]}"
        for kind, texts in by_kind.items()
    ]


def _shifts(pairs: Sequence[PairFiles], reports: Sequence[PairReport]) -> list[str]:
    known = [
        (report.shift.pixels, pair.before)
        for pair, report in zip(pairs, reports, strict=True)
        if report.shift is not None and report.shift.known
    ]
    together = _together(pairs) if 2 * len(known) < len(pairs) else ""
    if not known:
        return [f"shift between the dates: {together or 'could not be estimated'}"]
    lengths = np.array([length for length, _ in known])
    text = (
        f"shift between the dates: {np.median(lengths):.2f} pixels at the median of "
        f"{count(len(known), 'pair')} where it could be estimated"
    )
    if lengths.max() > NOTED_SHIFT:
        most, where = max(known)
        text += (
            f"; above half a pixel in {int((lengths > NOTED_SHIFT).sum())}, most ({most:.1f}) in {where}; "
            "edges show as change there; it is not corrected"
        )
    return [f"{text}; {together}" if together else text]


def _together(pairs: Sequence[PairFiles]) -> str:
    """Say what shift many pairs have in common, most of which are too small to tell their own."""
    seen = [window for pair in pairs if (window := next(compared_windows(*pair.open()), None)) is not None]
    alike = [window for window in seen if window[0].shape == seen[0][0].shape]
    found = pooled_shift(alike) if len(alike) >= LEAST_TOGETHER else None
    if found is None:
        return ""
    number = count(len(alike), "pair")
    said = f"of {number} together, the later dates show everything {steps_in_words(*found)}"
    apart = np.hypot(*found) > NOTED_SHIFT
    return said + (", which shows as change along edges and is not corrected" if apart else "")
