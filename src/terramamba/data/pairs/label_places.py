"""Do the labels of a set lie on their own pairs, the right way round?

What labels call changed mostly looks different at the two dates. In one pair that tells little, over many it
is certain: how labels correlate with what differs in small pictures of both dates is compared with how they
do mirrored, or laid on the pair before or after their own; where they mark what did not change, it is
negative. Of 15 parts of CLCD, LEVIR-CD, DSIFN-CD and WHU-CD
none is accused as it is; of those of at least 40 pairs all are when labels are mirrored or shifted by a name.

n pairs   s side of a picture
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.ndimage import uniform_filter

from terramamba.core.words import count, percent
from terramamba.data.pairs.change_masks import CHANGED, read_mask
from terramamba.data.pairs.copies import COARSE, coarse_picture, members, show_other_places
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_pixels import label_pixels
from terramamba.data.pairs.mask_facts import VALUES_PER_READ
from terramamba.raster.windows import Window, strips

MOST_PAIRS, IN_A_ROW = 200, 50
"""Pairs of a subset that are looked at, in rows of so many that follow one another."""
MOST_PIXELS = 2**26
"""Of the labels of a subset."""
LEAST_PAIRS = 8
LEAST_FIT = 0.05
"""Mean correlation of labels and differences; of labels in their places it is 0.03 to 0.32."""
CERTAIN, BETTER = 4.0, 3.0
"""By how many standard errors labels fit in another way, and better so than as they lie. Right ones reach 3.4
in a wrong way."""
MANY, HARDLY = 50, 2.0
"""Labels of so many pairs that fit by no more standard errors than this may be anybody's; right ones of as
many reach 6."""
LEAST_REVERSED = 0.5
"""Part of the pixels with a reference that reversed labels mark at least: faint change beside seasons that
differ more fits as badly."""
MOSTLY, FEW, AGAINST = 0.75, 0.1, -0.1
"""A mask that marks more than the first part of its pixels, as hardly any other of its set does (the second
part of them, or one), and less of what differs than of the rest: the correlation is below the third."""
LEAST_SHAPE = 0.005
"""Part of the pixels that make a shape which no two places share; three of CLCD mark a corner pixel."""
Pictures = Float64[np.ndarray, "n s s"]

_TRANSPOSED, _REVERSED = "with rows and columns exchanged", "reversed"
WAYS: Mapping[str, Callable[[Pictures], Pictures]] = {
    "upside down": lambda labels: labels[:, ::-1],
    "mirrored from left to right": lambda labels: labels[:, :, ::-1],
    "turned by half a circle": lambda labels: labels[:, ::-1, ::-1],
    _TRANSPOSED: lambda labels: labels.swapaxes(1, 2),
}
NEIGHBOURS = {"before": 1, "after": -1}


def misplaced_labels(subsets: Mapping[str, Sequence[PairFiles]]) -> list[str]:
    """Say which subset has labels, whose meaning is settled, that fit other pairs, lie the other way round or
    mark what has not changed; where no subset tells it alone, all together may, or a mask among the others.

    Reads up to 200 labels of each. Raises ``InputError`` where a label is damaged.
    """
    seen = {subset: _Fitted.of(_chosen(pairs)) for subset, pairs in subsets.items()}
    found = [said for subset, of in seen.items() if (said := _in_words(f"the {subset} pairs", of))]
    if found:
        return found
    every = _Fitted.joined(list(seen.values()))
    said = _in_words("all pairs", every) or _reversed_alone(every)
    return [said] if said else []


def repeated_labels(subsets: Mapping[str, Sequence[PairFiles]]) -> list[str]:
    """Say which labels that are no single value are the same for pairs that show different places.

    Raises ``InputError`` where a label is damaged.
    """
    alike: dict[object, list[PairFiles]] = {}
    for pair in (pair for pairs in subsets.values() for pair in pairs if pair.window is None):
        if pair.label is not None and not pair.is_drawn and _has_a_shape(pair.label_facts().counts):
            alike.setdefault(frozenset(pair.label_facts().counts.items()), []).append(pair)
    by_content: dict[object, list[PairFiles]] = {}
    for group in alike.values():
        for pair in group if len(group) > 1 else ():
            by_content.setdefault(pair.facts.content(str(pair.label)), []).append(pair)
    found = [
        (group[0], other)
        for group in by_content.values()
        for other in group[1:]
        if show_other_places(group[0], other)
    ]
    if not found:
        return []
    first, other = found[0]
    return [
        f"{count(len(found), 'pair')} of other images than another one's, but with the same label: of"
        f" {first.before} and {other.before} it is {other.label}; give each pair its own"
    ]


def _has_a_shape(counts: Mapping[int, int]) -> bool:
    """Tell whether a label is more than one value with a few odd pixels, as many labels are."""
    known = sum(counts.values())  # none, where all is transparent
    return known > 0 and known - max(counts.values()) >= LEAST_SHAPE * known


@dataclass(frozen=True, eq=False)
class _Fitted:
    """Pairs that are looked at, what differs between their dates, and their labels."""

    pairs: Sequence[PairFiles]
    differences: Pictures
    labels: Pictures

    @classmethod
    def of(cls, pairs: Sequence[PairFiles]) -> "_Fitted":
        """Look at ``pairs``."""
        empty = np.zeros((0, COARSE, COARSE))
        found = [[look(pair) for pair in pairs] for look in (_difference, _label)]
        return cls(pairs, *(np.stack(own) if own else empty for own in found))

    @classmethod
    def joined(cls, several: "Sequence[_Fitted]") -> "_Fitted":
        """Return those of all together."""
        pictures = [np.concatenate([getattr(one, of) for one in several]) for of in ("differences", "labels")]
        return cls([pair for one in several for pair in one.pairs], *pictures)


def _in_words(whose: str, seen: _Fitted) -> str | None:
    """Say in which way the labels of ``whose`` pairs do not fit; None where they do, or it cannot be told."""
    pairs, differences, labels = seen.pairs, seen.differences, seen.labels
    if len(pairs) < LEAST_PAIRS:
        return None
    own = _correlations(differences, labels)
    square = all(pair.grid.height == pair.grid.width for pair in pairs)
    these = f"the labels of {whose} fit what differs between the dates"
    looked_at = f"(of {count(len(pairs), 'pair')} looked at; the first: {pairs[0].label})"
    others = {_REVERSED: -own} if _marked(pairs) > LEAST_REVERSED else {}
    others |= {
        way: _correlations(differences, turned(labels))
        for way, turned in WAYS.items()
        if square or way != _TRANSPOSED
    }
    others |= {
        side: _correlations(differences, np.roll(labels, step, axis=0)) for side, step in NEIGHBOURS.items()
    }
    better = [way for way, correlations in others.items() if _fit_better(correlations, own)]
    if better:
        way = max(better, key=lambda one: float(np.nanmean(others[one])))
        if way in NEIGHBOURS:
            return (
                f"{these} of their own pairs far worse than the label of the pair {way} each does"
                f" {looked_at}: probably their names are shifted by one; give each pair its own label"
            )
        why = (
            "what they mark as changed did not change; look at one, and say which value means changed with"
            " --changed-values"
            if way == _REVERSED
            else "labels and images are stored the other way round to each other; turn one of them"
        )
        return f"{these} far better {way} than as they lie {looked_at}: probably {why}"
    known = own[np.isfinite(own)]
    if len(known) >= MANY and abs(_standard_errors(known)) < HARDLY:
        return (
            f"{these} no better than those of other pairs would {looked_at}: check that names bring"
            " together what belongs together; where what counts as change hardly shows, all is well"
        )
    return None


def _reversed_alone(seen: _Fitted) -> str | None:
    """Say which masks mark nearly all of pairs in which little differs, where the others of the set mark
    little; None where none does.

    The dates of a pair that changed for the most part have less detail in common than those of most pairs, so
    that it is no such pair. Of eight real sets none is accused; of masks of CLCD, LEVIR-CD and DSIFN-CD that
    were reversed one by one 38, 68 and 56 in 100 are.
    """
    if len(seen.pairs) < LEAST_PAIRS:
        return None
    marked = np.array([_marked([pair]) for pair in seen.pairs])
    mostly, others = marked > MOSTLY, marked <= MOSTLY
    if not 0 < np.count_nonzero(mostly) <= max(1, FEW * len(marked)):
        return None
    own = _correlations(seen.differences, seen.labels)
    agreement = np.array([_agreement(pair) for pair in seen.pairs])
    alike = agreement > np.nanmedian(agreement[others])
    odd = np.flatnonzero(mostly & (own < AGAINST) & (alike | (marked[others].max() < 0.5)))
    if not len(odd):
        return None
    first = int(odd[0])
    return (
        f"{count(len(odd), 'mask')} of {len(marked)} with more than {percent(MOSTLY)} changed, though the"
        f" dates differ least there: probably reversed; the first is {seen.pairs[first].label}"
        f" ({percent(float(marked[first]))}): look at it, and turn it round, or state its values in the row"
        " of a table"
    )


def _agreement(pair: PairFiles) -> float:
    """How much detail the dates have in common; NaN where a date has none."""
    picture = coarse_picture(pair)
    return np.nan if picture is None else float(np.corrcoef(picture[0].ravel(), picture[1].ravel())[0, 1])


def _chosen(pairs: Sequence[PairFiles]) -> list[PairFiles]:
    """Pairs with labels that are images, some rows of neighbours of many."""
    labelled = [pair for pair in pairs if pair.label is not None and not pair.is_drawn and pair.coding]
    if len(labelled) > MOST_PAIRS:
        starts = np.linspace(0, len(labelled) - IN_A_ROW, MOST_PAIRS // IN_A_ROW).astype(int).tolist()
        labelled = [pair for start in starts for pair in labelled[start : start + IN_A_ROW]]
    pixels = np.cumsum([(pair.window or pair.grid.window).pixels for pair in labelled])
    return labelled[: int(np.count_nonzero(pixels <= MOST_PIXELS))]


def _difference(pair: PairFiles) -> Float64[np.ndarray, "s s"]:
    """How much detail differs between the dates; NaN where a date has none."""
    picture = coarse_picture(pair)
    if picture is None:
        return np.full((COARSE, COARSE), np.nan)
    return uniform_filter(np.abs(picture[1] - picture[0]).astype(np.float64), 3)


def _label(pair: PairFiles) -> Float64[np.ndarray, "s s"]:
    """How much of each cell has changed; what has no reference has not."""
    assert pair.coding is not None
    label, unchanged = pair.reference()
    area, total = pair.window or pair.grid.window, np.zeros((COARSE, COARSE))
    across = members(0, area.width, area.width, COARSE)
    for strip in strips(area.height, area.width, max(1, VALUES_PER_READ // (area.width * label.bands))):
        inside = Window(area.row + strip.row, area.col + strip.col, *strip.shape)
        changed = read_mask(label, pair.coding, inside, unchanged) == CHANGED
        total += members(strip.row, strip.height, area.height, COARSE) @ changed.astype(np.float32) @ across.T
    return total


def _marked(pairs: Sequence[PairFiles]) -> float:
    """Which part of what the labels of ``pairs`` know is changed."""
    pixels = label_pixels(pairs)
    return pixels.changed / max(1, pixels.changed + pixels.unchanged)


def _correlations(differences: Pictures, labels: Pictures) -> Float64[np.ndarray, " n"]:
    """Of each pair; NaN where it has no detail, or a label of one value."""
    centred = [one - one.mean(axis=(1, 2), keepdims=True) for one in (differences, labels)]
    a, b = (one.reshape(len(one), -1) for one in centred)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.where(lengths > 0, (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1), np.nan)


def _fit_better(other: Float64[np.ndarray, " n"], own: Float64[np.ndarray, " n"]) -> bool:
    """Tell whether labels fit in another way, and better than as they lie."""
    known = np.isfinite(other) & np.isfinite(own)
    if np.count_nonzero(known) < LEAST_PAIRS or other[known].mean() < LEAST_FIT:
        return False
    gained = other[known] - own[known]
    return _standard_errors(other[known]) >= CERTAIN and _standard_errors(gained) >= BETTER


def _standard_errors(values: Float64[np.ndarray, " n"]) -> float:
    """The mean of ``values`` in its standard errors."""
    return float(values.mean() * len(values) ** 0.5 / max(values.std(ddof=1), 1e-9))
