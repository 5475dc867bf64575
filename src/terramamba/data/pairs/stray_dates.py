"""Files copied or listed once too often: an image in pairs of two places, a pair that is there twice."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from terramamba.core.words import count
from terramamba.data.file_facts import Key
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.shared_images import has_detail
from terramamba.raster.checks.pair import STRANGERS, PairReport

MOST_SHARED = 0.1
"""Where more of the pairs than this share an image, and more than two, they are series of dates."""


def stray_dates(pairs: Sequence[PairFiles], report: Callable[[PairFiles], PairReport]) -> list[str]:
    """Say which pairs have an image of another pair at one date, and hardly any edge in common with it.

    Each of these is met in right sets, but hardly both. Raises ``InputError`` where a file is damaged.
    """
    whole = [pair for pair in pairs if pair.window is None]
    sizes = Counter(pair.facts.size(image) for pair in whole for image in (pair.before, pair.after))
    holding: dict[Key, list[tuple[PairFiles, Key]]] = {}
    for pair in whole:
        for image, other in ((pair.before, pair.after), (pair.after, pair.before)):
            if sizes[pair.facts.size(image)] > 1:
                holding.setdefault(pair.facts.content(image), []).append((pair, pair.facts.content(other)))
    shared = [group for group in holding.values() if len({other for _, other in group}) > 1]
    if not 0 < sum(map(len, shared)) <= max(2, MOST_SHARED * len(whole)):
        return []
    found: dict[tuple[str, str], tuple[PairFiles, PairFiles]] = {}
    for group in shared:
        strange = [any(one.kind == STRANGERS for one in report(pair).findings) for pair, _ in group]
        if False in strange:
            right = group[strange.index(False)][0]
            strays = [pair for (pair, _), is_strange in zip(group, strange, strict=True) if is_strange]
            found |= {(pair.before, pair.after): (pair, right) for pair in strays}
    if not found:
        return []
    stray, right = next(iter(found.values()))
    return [
        f"{count(len(found), 'pair')} with an image of another pair, and hardly an edge in common with it:"
        f" that of {stray.before} and {stray.after} has one of {right.before} and {right.after}; name the"
        " right file"
    ]


def copied_pairs(subsets: Mapping[str, Sequence[PairFiles]]) -> list[str]:
    """Say which subset has a pair twice, in files of two names, so that it counts twice.

    Rows that a table counts several times share their files. Raises ``InputError`` where a file is damaged.
    """
    found = []
    for pairs in subsets.values():
        whole = [pair for pair in pairs if pair.window is None]
        dates = {
            (pair.before, pair.after): (pair.facts.size(pair.before), pair.facts.size(pair.after))
            for pair in whole
        }
        shared = Counter(dates.values())
        seen: dict[tuple[Key, ...], PairFiles] = {}
        for pair in whole:
            if shared[dates[pair.before, pair.after]] > 1:
                key = (*(pair.facts.content(image) for image in (pair.before, pair.after)), (pair.what,))
                of = seen.setdefault(key, pair)
                if (of.before, of.after) != (pair.before, pair.after) and has_detail(pair, 0):
                    found.append((pair, of))
    if not found:
        return []
    pair, of = found[0]
    return [
        f"{count(len(found), 'pair')} twice in one subset, in files of two names, so that it counts twice;"
        f" the first: {pair.before} of {pair.split} holds what {of.before} does; keep one of them"
    ]
