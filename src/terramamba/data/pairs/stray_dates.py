"""An image that two pairs have, of which one shows another place: a file copied or listed once too often."""

from collections import Counter
from collections.abc import Callable, Sequence

from terramamba.core.words import count
from terramamba.data.file_facts import Key
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.raster.checks.pair import STRANGERS, PairReport

MOST_SHARED = 0.1
"""Where more of the pairs than this share an image, or more than two, they are series of dates."""


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
    found = []
    for group in shared:
        strange = [any(one.kind == STRANGERS for one in report(pair).findings) for pair, _ in group]
        if 0 < sum(strange) < len(group):
            found.append((group[strange.index(True)][0], group[strange.index(False)][0]))
    if not found:
        return []
    stray, right = found[0]
    return [
        f"{count(len(found), 'pair')} with an image of another pair, and hardly an edge in common with it:"
        f" that of {stray.before} and {stray.after} has one of {right.before} and {right.after}; name the"
        " right file"
    ]
