"""The door of labels: what the values in all change masks of a data set mean is decided here, once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_notes import (
    hidden_in_words,
    nan_in_words,
    on_drawn,
    on_other_grids,
    reversed_in_words,
    several_in_words,
)
from terramamba.data.pairs.label_pixels import LabelPixels, label_pixels
from terramamba.data.pairs.label_values import (
    CHANGED,
    FLAGS,
    ONE_BIT,
    UNCHANGED,
    Coding,
    LabelValues,
    ShapeValues,
    StatedValues,
    values_in_words,
)
from terramamba.data.pairs.mask_facts import MaskFacts
from terramamba.data.pairs.settle_shapes import with_shapes
from terramamba.data.pairs.value_rule import Found, find_coding

Subsets = Mapping[str, Sequence[PairFiles]]
Kind = tuple[bool, StatedValues | None]
"""Whether a mask holds one bit, and what a table says of it."""


@dataclass(frozen=True)
class Settled:
    """Pairs whose labels have a meaning, what that is, and sentences about it."""

    pairs: Mapping[str, list[PairFiles]]
    values: LabelValues | None
    """None: no pair has a label."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    """Of ``notes``, those on what makes scores say nothing."""
    pixels: Mapping[str, LabelPixels] = field(default_factory=dict)
    """By subset."""


def settle_labels(
    pairs: Subsets,
    stated: StatedValues | None = None,
    kept: LabelValues | None = None,
    shapes: ShapeValues | None = None,
) -> Settled:
    """Choose what the values in the labels of all ``pairs`` mean, from everything that their files say.

    ``stated`` is what flags say, and wins over all else; what a table says of a row wins over what is found.
    ``kept`` is what a run has learnt by: where it has a meaning for all values that there are, that is it.
    ``shapes`` is what flags say of labels drawn as polygons. Reads every label once.

    Raises:
        InputError: two readings are possible, a label cannot be read or does not lie on its images, or a
            subset has no unchanged pixel.
    """
    settled = code_labels(pairs, stated, kept, shapes)
    if settled.values is None:
        return settled
    on_top = []
    totals = {subset: label_pixels(files) for subset, files in settled.pairs.items() if files}
    for subset, of in totals.items():
        if of.unchanged or (of.changed and settled.values.stated):
            continue
        said = f"in the {subset} masks, read as {settled.values.in_words()}"
        first = next(pair.label for pair in settled.pairs[subset] if pair.label is not None)
        if of.changed:
            remedy = (
                f"say what their values mean with {FLAGS}"
                if settled.values.shapes is None
                else "say which polygons are of change with --changed-attribute and --changed-values"
            )
            raise InputError(f"{first}: no pixel is unchanged {said}; {remedy}")
        area = None if settled.values.shapes is None else settled.values.shapes.area
        remedy = (
            f"give masks that say what changed, or say what their values mean with {FLAGS}"
            if area is None
            else f"check the place and the reference system of --area {area}"
        )
        raise InputError(f"{first}: no pixel has a reference {said}; {remedy}")
    still = [subset for subset, of in totals.items() if not of.changed]
    if len(still) == len(totals):
        on_top.append(
            "no mask marks any change: nothing changed anywhere, so nothing can be learnt or scored; check "
            f"the masks, which are read as {settled.values.in_words()}"
        )
    elif still:
        on_top.append(
            f"the {' and '.join(still)} masks mark no change, read as {settled.values.in_words()}; scores of "
            f"what changed say nothing there"
        )
    if not settled.values.stated:
        on_top += reversed_in_words(totals)
    notes = (*on_top, settled.values.as_note(), *settled.notes)
    return replace(settled, notes=notes, warnings=tuple(on_top), pixels=totals)


def settle_for_scoring(
    pairs: Subsets,
    subset: str,
    stated: StatedValues | None,
    kept: LabelValues | None,
    shapes: ShapeValues | None = None,
) -> Settled:
    """Choose what the labels of one ``subset`` mean when a run is scored that has learnt by ``kept``.

    Labels that hold values which ``kept`` has no meaning for are read by what all labels of ``pairs`` say,
    and a note says so.

    Raises:
        InputError: as ``settle_labels``.
    """
    own = {subset: [pair for pair in pairs[subset] if pair.label is not None]}
    if stated is not None:
        return settle_labels(own, stated, kept, shapes)
    if any(pair.is_drawn for pair in own[subset]):
        return settle_labels(own, None, kept, shapes)
    masks = _masks_of(own[subset])
    if kept is not None and all(_knows(kept, mask) for mask in masks):
        return settle_labels(own, None, kept, shapes)
    every = {part: [pair for pair in files if pair.label is not None] for part, files in pairs.items()}
    coded = code_labels(every, None)
    settled = settle_labels({subset: coded.pairs[subset]}, None, coded.values)
    notes = (*settled.notes, *coded.notes)
    if kept is not None and settled.values is not None:
        odd = {value for mask in masks for value in mask.counts if not _knows(kept, mask)}
        notes = (
            f"the masks hold {values_in_words(odd)}, while those that the run was trained with mean "
            f"{kept.in_words()}; here they are read as {settled.values.in_words()}. Where that is wrong, say "
            f"what they mean with {FLAGS}",
            *notes,
        )
    return replace(settled, notes=notes)


def code_labels(
    pairs: Subsets,
    stated: StatedValues | None = None,
    kept: LabelValues | None = None,
    shapes: ShapeValues | None = None,
) -> Settled:
    """Do as ``settle_labels``, without its look at what the subsets hold."""
    learnt = None if kept is None else kept.shapes
    pairs, polygons, drawn = with_shapes(pairs, shapes, learnt, only_stated=stated is not None)
    kinds: dict[Kind, list[MaskFacts]] = {}
    labelled = [pair for files in pairs.values() for pair in files if pair.label is not None]
    for pair in labelled:
        masks = kinds.setdefault(_kind(pair, stated), [])
        masks.append(pair.label_facts())
    if not labelled:
        return Settled({subset: list(files) for subset, files in pairs.items()}, None, ())
    kinds = {kind: _once(masks) for kind, masks in kinds.items()}
    found = {kind: _coding(kind, kinds, stated, kept) for kind in kinds}
    coded = {
        subset: [
            pair if pair.label is None else replace(pair, coding=found[_kind(pair, stated)].coding)
            for pair in files
        ]
        for subset, files in pairs.items()
    }
    of_kind = {kind: of.coding for kind, of in found.items()}
    values = LabelValues(
        files=sum(map(len, kinds.values())),
        numbers=of_kind.get((False, None)),
        one_bit=of_kind.get((True, None)) if _has_bits(labelled) else None,
        rows=tuple(dict.fromkeys(coding for (_, row), coding in of_kind.items() if row is not None)),
        shapes=polygons,
        stated=stated is not None or shapes is not None,
    )
    notes = dict.fromkeys(note for of in found.values() for note in of.notes)
    every = [mask for masks in kinds.values() for mask in masks]
    transparent = [
        mask for kind, of in found.items() if not of.coding.opaque for mask in kinds[kind] if mask.transparent
    ]
    said = (
        *on_other_grids(labelled),
        *on_drawn(labelled),
        *drawn,
        *notes,
        *several_in_words(every),
        *nan_in_words(every),
        *hidden_in_words(transparent),
    )
    return Settled(coded, values, said)


def _has_bits(pairs: Sequence[PairFiles]) -> bool:
    return any(pair.label_facts().one_bit for pair in pairs if not pair.is_drawn)


def _kind(pair: PairFiles, stated: StatedValues | None) -> Kind:
    return pair.label_facts().one_bit, None if stated is not None else pair.stated


def _coding(
    kind: Kind,
    kinds: Mapping[Kind, Sequence[MaskFacts]],
    flags: StatedValues | None,
    kept: LabelValues | None,
) -> Found:
    """What the values mean in the masks of one ``kind``; refused where their colours say the reverse."""
    one_bit, row = kind
    masks, stated = kinds[kind], flags or row
    alone = not any(not bit for bit, _ in kinds)
    if one_bit and stated is not None:
        speaks_of_bits = {0, 1} & set(stated.changed or ()) or (alone and {0, 1} & stated.listed)
        stated = stated if speaks_of_bits else None  # else it is of the other masks, whose values are numbers
    found = _found(masks, stated, one_bit, kept)
    if stated is None and not (kept is not None and kept.stated):
        _require_shown_so(masks, found.coding)
    return found


def _found(
    masks: Sequence[MaskFacts], stated: StatedValues | None, one_bit: bool, kept: LabelValues | None
) -> Found:
    if stated is None and kept is not None and all(_knows(kept, mask) for mask in masks):
        learnt = kept.one_bit if one_bit else kept.numbers
        return Found(learnt or ONE_BIT)
    if not one_bit:
        return find_coding(masks, stated)
    if stated is None and not any(
        mask.nodata is not None or mask.transparent or mask.names for mask in masks
    ):
        return Found(ONE_BIT)
    found = find_coding(masks, stated)
    if found.coding.meaning(1) is None:  # black ones
        return replace(found, coding=replace(found.coding, changed=(1,)))
    return found


def _require_shown_so(masks: Sequence[MaskFacts], coding: Coding) -> None:
    """Refuse masks without names of values that show what is changed black, and what is unchanged not.

    As masks are usually drawn white, or in a colour, on black, such a file may mean the reverse.
    """
    for mask in masks:
        bright = sorted(
            value
            for value in mask.white | (set(mask.counts) - mask.black)
            if coding.meaning(value) == UNCHANGED
        )
        black = sorted(value for value in mask.black if coding.meaning(value) == CHANGED)
        if bright and black and not mask.names:
            value = bright[0]
            raise InputError(
                f"{mask.path}: shows {value} {'white' if value in mask.white else 'in colour'} and "
                f"{black[-1]} black, so that either may mean changed; say --changed-values {black[-1]} where "
                f"{black[-1]} does, --changed-values {value} where {value} does"
            )


def _knows(kept: LabelValues, mask: MaskFacts) -> bool:
    """Tell whether ``kept`` has a meaning for every value in ``mask``."""
    coding = (kept.one_bit or ONE_BIT) if mask.one_bit else kept.numbers
    if coding is None or (not coding.changed and coding.cut is None):
        return False
    return all(coding.meaning(value) is not None for value in mask.counts) and not (
        mask.transparent and not coding.opaque and coding.meaning(0) == UNCHANGED and 0 not in mask.counts
    )


def _masks_of(files: Iterable[PairFiles]) -> list[MaskFacts]:
    return _once([pair.label_facts() for pair in files if pair.label is not None])


def _once(masks: Iterable[MaskFacts]) -> list[MaskFacts]:
    return list({id(mask): mask for mask in masks}.values())
