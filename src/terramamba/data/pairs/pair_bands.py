"""Which band is which in a set of image pairs: decided once for all of its images.

Where a set is trained on, its first image says which bands all others must have; where it is scored with a
model, all must have the bands of that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.number_ranges import parse_bands
from terramamba.core.words import ranges
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.raster.band_identity import WantedBands, bands_of
from terramamba.raster.band_matching import alpha_that_fits, band_notes
from terramamba.raster.readers.alpha import AlphaUse, one_use
from terramamba.raster.scene import Scene
from terramamba.raster.views.chosen_bands import asks_for_alpha, by_number, find_bands

Subsets = Mapping[str, Sequence[PairFiles]]
Look = Callable[[PairFiles, int], None]
"""Something that reads what will be asked of a pair while its files are open; how many of them train."""


def settle_bands(
    pairs: Subsets,
    what: str,
    chosen: str | None = None,
    model: WantedBands | None = None,
    look: Look | None = None,
) -> dict[str, list[PairFiles]]:
    """Say of all pairs which bands their images must have and which are used.

    Args:
        pairs: The pairs by subset.
        what: Names the set in messages.
        chosen: Numbers or names of bands, as ``--bands`` has them; None: all, or the model's.
        model: The bands of the model that is scored on them; None: all must have those of the first
            training image.
        look: Given each pair as soon as its images are open, with the bands that it will have where no image
            has an alpha band.

    Raises:
        InputError: no such band, or a band is transparency in one image and measured in another.
    """
    asked = None if chosen is None else parse_bands(chosen)
    images = _images(pairs, None if look is None else _looking(look, pairs, chosen, model))
    fields = _fields(pairs, chosen, model, _alpha(images, what, asked, model))
    return {subset: [replace(pair, **fields) for pair in files] for subset, files in pairs.items()}


def notes_on_bands(pairs: Subsets, chosen: str | None = None) -> list[str]:
    """Return what is noted of the bands of all images, each note with how many images it is of."""
    images = {
        path: scene
        for files in pairs.values()
        for pair in files
        for path, scene in zip((pair.before, pair.after), replace(pair, exchanged=False).open(), strict=True)
    }
    found: dict[str, list[str]] = {}
    for path, scene in images.items():
        for note in band_notes(scene):
            found.setdefault(note, []).append(path)
    of_all = f"of {len(images)} images, the first"
    notes = [f"{note} ({len(paths)} {of_all} {paths[0]})" for note, paths in found.items()]
    wanted = next((pair.wanted for files in pairs.values() for pair in files), None)
    if chosen is not None and wanted is not None:
        notes.insert(0, f"bands used, as --bands {chosen} says: {ranges(wanted.used)} of {wanted.count}")
    return notes


def declares_scale(pairs: Subsets) -> bool:
    """Tell whether any of the images declares scale or offset of its bands."""
    return any(
        pair.image(path).declared is not None
        for files in pairs.values()
        for pair in files
        for path in (pair.before, pair.after)
    )


def _fields(
    pairs: Subsets, chosen: str | None, model: WantedBands | None, alpha: AlphaUse | None
) -> dict[str, Any]:
    """What pairs say of their bands."""
    if model is not None:
        return {"wanted": model, "alpha": alpha, "chosen": chosen}
    first = (pairs.get("train") or next(iter(pairs.values())))[0]
    image = replace(first, alpha=alpha).image(first.before)
    asked = None if chosen is None else parse_bands(chosen)
    used = None if asked is None else find_bands(image, asked)
    return {"wanted": bands_of(image, used), "alpha": alpha, "by_place": by_number(asked)}


def _looking(
    look: Look, pairs: Subsets, chosen: str | None, model: WantedBands | None
) -> Callable[[PairFiles], None] | None:
    """``look`` at pairs with the bands that they will have where no image has an alpha band."""
    try:
        fields = _fields(pairs, chosen, model, None)
    except InputError:  # said when it is decided
        return None
    training = len(pairs.get("train", ()))
    return lambda pair: look(replace(pair, **fields), training)


def _images(pairs: Subsets, look: Callable[[PairFiles], None] | None) -> dict[str, Scene]:
    """All images of ``pairs`` by path; each pair is looked at once its images are open."""
    images: dict[str, Scene] = {}
    for files in pairs.values():
        for pair in files:
            own = {path: pair.image(path) for path in (pair.before, pair.after)}
            images |= own
            if look is not None and all(image.alpha is None for image in own.values()):
                look(pair)
    return images


def _alpha(
    images: Mapping[str, Scene], what: str, asked: Sequence[int | str] | None, model: WantedBands | None
) -> AlphaUse | None:
    """What the alpha bands of all images are: as is asked for, as the model has it, else by their values."""
    alphas = {path: image.alpha for path, image in images.items()}
    first = next((image for image in images.values() if image.alpha is not None), None)
    if first is None or first.alpha is None:
        return None
    if asked is not None:
        measured = any(alpha is not None and alpha.seen == "band" for alpha in alphas.values())
        return "band" if measured or asks_for_alpha(first, asked) else "mask"
    if model is not None:
        other = alpha_that_fits(first, model)
        if other is not None or first.bands == model.count:
            return other or first.alpha.use
    return one_use(alphas, what)
