"""Which pairs train, validate and test, and whether a subset holds another's images."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terramamba.change.settings import Dividing, Split
from terramamba.change.splitting import SUBSETS, divided
from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.pairs.image_folders import LABELS, unknown_beside
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import ShapeValues, StatedValues
from terramamba.data.pairs.overlaps import shown_in_both
from terramamba.data.pairs.settle_labels import settle_labels
from terramamba.data.pairs.shape_dates import of_two_dates
from terramamba.data.pairs.shared_images import shared_images
from terramamba.raster.views.warped import Method


@dataclass(frozen=True)
class Subsets:
    """Labelled pairs by subset: train, val and, where there is one, test."""

    pairs: dict[str, list[PairFiles]]
    shared_with_test: Mapping[tuple[str, str], Sequence[str]]
    """By training, or validation, and test: the test pairs that are in both."""
    unused: Mapping[str, int]
    """Pairs of subsets by other names."""

    def notes(self) -> list[str]:
        """Name subsets that are not used, and pairs that lie in two and were let pass.

        They pass as published, or because somebody insists.
        """
        unused = [
            f"{count(number, 'pair')} in subset {name!r} not used: training takes train, val and test"
            for name, number in self.unused.items()
        ]
        of_training = shown_in_both(self.pairs["train"], self.pairs["val"])
        shared = {("train", "val"): of_training, **self.shared_with_test}
        twice = [
            f"{len(found)} of {len(self.pairs[second])} {second} pairs are {first} pairs too, the first "
            f"{found[0]}"
            for (first, second), found in shared.items()
            if found
        ]
        return [*unused, *twice, *self._of_one_place()]

    def _of_one_place(self) -> list[str]:
        """Name pairs of two subsets that share one image, as those of a series of dates do."""
        named = (("train", "val"), ("train", "test"), ("val", "test"))
        asked = [(first, second) for first, second in named if {first, second} <= {*self.pairs}]
        found = {both: shared_images(*(self.pairs[name] for name in both)) for both in asked}
        return [
            f"{len(images)} of {len(self.pairs[second])} {second} pairs have an image of a {first} pair, the "
            f"first {images[0]}: what is known of that place makes scores too high; split a series by places"
            for (first, second), images in found.items()
            if images
        ]


def three_subsets(
    pairs: Mapping[str, list[PairFiles]], data: str, published: str | None, *, chosen_on_test: bool
) -> Subsets:
    """Take the labelled pairs of ``data`` that train, validate and test; ``published`` names the whole set.

    Raises:
        InputError: a subset or a label is missing, or training or validation share images with test.
    """
    for subset in SUBSETS:
        if not pairs.get(subset) and subset != "test":
            others = [repr(name) for name in pairs if name not in SUBSETS]
            has = f" (there is {', '.join(others[:6])})" if others else ""
            raise InputError(
                f"{data}: no {subset} pairs{has}; training needs train and val (chooses epoch and threshold),"
                " and test to say what the model is worth"
            )
        unlabelled = [pair for pair in pairs.get(subset, ()) if pair.label is None]
        if unlabelled:
            first = unlabelled[0].before
            others = [] if Path(data).is_file() else unknown_beside(Path(first))
            classes = (
                "; where they hold what is there at either date, save as one mask what differs"
                if of_two_dates(others)
                else ""
            )
            unknown = (
                f"; {' and '.join(others)} beside it {'is' if len(others) == 1 else 'are'} not known: call"
                f" the one that marks change label{classes}"
            )
            raise InputError(
                f"{first}: no label for this {subset} pair; add it or remove the pair "
                f"(folders of labels are called {', '.join(LABELS[:3])}, ... {LABELS[-1]}; a table has a "
                f"column label){unknown if others else ''}"
            )
    # A few copies in a published set are noted: it has to be scored as it is.
    test = pairs.get("test", [])
    few = 0 if published is None else len(test) - 1
    of_training = shown_in_both(pairs["train"], test)
    if len(of_training) > few:
        raise InputError(
            f"{data}: training and test share {of_training[0]}; a score on what was trained on says nothing. "
            "Take it out of one of them"
        )
    of_validation = shown_in_both(pairs["val"], test)
    if len(of_validation) > few and not chosen_on_test:
        raise InputError(
            f"{data}: validation and test share {of_validation[0]}; a score chosen on its own test set says "
            "nothing. Separate them, or insist with --chosen-on-test"
        )
    found = {subset: pairs[subset] for subset in SUBSETS if pairs.get(subset)}
    shared = {("train", "test"): of_training, ("val", "test"): of_validation}
    unused = {name: len(files) for name, files in pairs.items() if files and name not in SUBSETS}
    return Subsets(found, shared, unused)


def labelled_pairs(
    data: str,
    root: str | None,
    *,
    chosen_on_test: bool,
    align: Method | None = None,
    variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    stated: StatedValues | None = None,
    shapes: ShapeValues | None = None,
    how: Dividing | None = None,
    seed: int = 0,
) -> Mapping[str, list[PairFiles]]:
    """Return the labelled pairs of ``data`` by subset, labels settled: train, val and, if there, test.

    ``stated`` and ``shapes`` are what is said of the values in labels, ``how`` and ``seed`` how
    pairs become subsets.

    Raises:
        InputError: a subset or a label is missing, or training or validation share images with test.
    """
    found, published, _ = load_pairs(data, root, align, variable, axes, bands)
    found, _ = divided(found, how or Dividing(), data, seed)
    subsets = three_subsets(found, data, published, chosen_on_test=chosen_on_test)
    return settle_labels(subsets.pairs, stated, shapes=shapes).pairs


def split_record(pairs: Mapping[str, Sequence[PairFiles]], kind: Split) -> dict[str, Any]:
    """Record which pairs are in which subset, with an id that two runs on the same subsets share."""
    names = {subset: [pair.name for pair in files] for subset, files in pairs.items()}
    digest = hashlib.sha256(json.dumps(names).encode()).hexdigest()
    return {"id": digest[:12], "kind": kind, "pairs": names}


def protocol_id(
    pairs: Mapping[str, Sequence[PairFiles]], kind: Split, chosen_on_test: bool, name: str | None = None
) -> str:
    """Name what was scored on what: a published set's ``name``, else as ``pairs-150-24-40``.

    Where the subsets were not given, the name ends as ``pairs-22-7-7-block``.
    """
    drawn = "" if kind == "given" else f"-{kind}"
    counts = "-".join(str(len(pairs.get(subset, ()))) for subset in SUBSETS)
    return (name or f"pairs-{counts}{drawn}") + (
        "-chosen-on-test" if chosen_on_test and "test" in pairs else ""
    )
