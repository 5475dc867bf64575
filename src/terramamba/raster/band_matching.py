"""Which band of a scene is which band of a model: the one place where that is decided.

By wavelength where both have them, by name where both have names, else by place, and then both must have as
many. The result is a scene with the model's bands in the model's order.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from terramamba.core.errors import InputError
from terramamba.core.words import count, ranges
from terramamba.raster.band_identity import WantedBands, known_names, plain_names
from terramamba.raster.declared_scale import DECLARED
from terramamba.raster.readers.alpha import AlphaUse
from terramamba.raster.scene import Scene
from terramamba.raster.views.band_subset import band_subset

WIDEST_NM = 20.0
"""Bands this far apart are not taken for one where only their spacing is known: of few bands far apart it
says little about how wide they are."""
NOTED_NM = 5.0
"""Bands of one sensor drift by a nanometre or two; bands that are further apart are noted."""
NAMES_SHOWN = 12
PHOTOGRAPH_BANDS = 4
_PADDING = re.compile(r"(?<!\d)0+(?=\d)")
"""Zeros before the number of a band, with which some write B02 for B2."""
MATCHED = "bands matched"
"""How the note about matched bands begins."""
REMEDY = "or say with --bands which of its bands are meant, in that order"

Positions = tuple[int | None, ...]


def match_bands(scene: Scene, wanted: WantedBands, chosen: Sequence[int] | None = None) -> Scene:
    """Return ``scene`` with the bands that are ``wanted``, in their order; itself where it has just these.

    Bands that are not wanted are ignored. A band that is wanted but not used may be missing and has no data.

    Args:
        scene: The scene; no pixel of it is read.
        wanted: The bands of a model, or of another date.
        chosen: The bands of the scene (0-based) that somebody named in the model's order, all that it was
            trained on or those that it uses; None: found.

    Raises:
        InputError: a band is missing, or it cannot be told which is which.
    """
    farthest = 0.0
    if chosen is not None:
        positions = _as_chosen(scene, wanted, chosen)
        how = "as --bands says"
    elif wanted.wavelengths is not None and scene.wavelengths is not None:
        positions, farthest, tied = _by_wavelength(scene, wanted)
        how = f"by wavelength, at most {farthest:.3g} nm apart"
        if tied:
            how += f" (several at {', '.join(f'{nm:g}' for nm in tied)} nm, of which the first counts)"
    elif wanted.names is not None and known_names(scene) is not None:
        positions = _by_name(scene, wanted)
        how = "by name"
    elif scene.bands == wanted.count:
        return scene
    else:
        raise InputError(
            f"{scene.path}: has {count(scene.bands, 'band')}, but {wanted.whose} {_called(wanted)}; give a "
            f"scene with the same bands in the same order, {REMEDY}, such as {_example(wanted)}"
        )
    fits = scene.bands == wanted.count and all(positions[band] == band for band in wanted.used)
    if fits and chosen is None:
        if farthest > NOTED_NM:
            return replace(scene, notes=(*scene.notes, f"{MATCHED} {how}"))
        return scene
    names, wavelengths = wanted.names, wanted.wavelengths
    if chosen is not None:  # what somebody said counts for everybody who looks at the names again
        names = names or tuple(f"band {i + 1}" for i in range(wanted.count))
    elif None not in positions:
        names, wavelengths = None, None
    note = None if fits else f"{MATCHED} {how}: {_used(scene, positions, wanted)}"
    return band_subset(scene, positions, names=names, wavelengths=wavelengths, note=note)


def place_note(scene: Scene, wanted: WantedBands) -> str | None:
    """Say that bands are matched by place though it is known which are wanted; None where they are not.

    The few bands of a photograph come in one order by custom, and need no word.
    """
    unknown = scene.wavelengths is None and known_names(scene) is None
    if not unknown or wanted.count <= PHOTOGRAPH_BANDS:
        return None
    if wanted.wavelengths is not None:
        called = f"{min(wanted.wavelengths):.6g} to {max(wanted.wavelengths):.6g} nm"
    elif wanted.names is not None:
        called = f"{wanted.names[0]} to {wanted.names[-1]}"
    else:
        return None
    return f"{MATCHED} by place: the file does not say which its {scene.bands} are, {wanted.whose} {called}"


def alpha_that_fits(scene: Scene, wanted: WantedBands) -> AlphaUse | None:
    """Return what the alpha band of ``scene`` must be for it to have as many bands as are ``wanted``.

    None where it has as many as it is, or would have another number either way.
    """
    if scene.alpha is None:
        return None
    other: AlphaUse = "band" if scene.alpha.use == "mask" else "mask"
    return other if scene.bands + (1 if other == "band" else -1) == wanted.count else None


def band_notes(scene: Scene) -> tuple[str, ...]:
    """Return what is noted of a scene about which band is which, and about the units of its bands."""
    return tuple(note for note in scene.notes if note.startswith(("band ", "bands ", DECLARED)))


def _called(wanted: WantedBands) -> str:
    """How many bands are wanted, and what they are called where that is known."""
    if wanted.names is not None:
        called = list(wanted.names)
    elif wanted.wavelengths is not None:
        called = [f"{centre:.4g} nm" for centre in wanted.wavelengths]
    else:
        return str(wanted.count)
    return f"{wanted.count} ({_few(called)})"


def _few(names: Sequence[str]) -> str:
    """The first of ``names``, and whether there are more."""
    return ", ".join([*names[:NAMES_SHOWN], *["..."] * (len(names) > NAMES_SHOWN)])


def _example(wanted: WantedBands) -> str:
    """Numbers of bands as --bands takes them, in an order that says that it matters."""
    few = ",".join(str(number) for number in range(wanted.count, 0, -1))
    return few if wanted.count <= 4 else f"1-{wanted.count}"


def _used(scene: Scene, positions: Positions, wanted: WantedBands) -> str:
    bands = [band for band in (positions[own] for own in wanted.used) if band is not None]
    order = "" if bands == sorted(bands) else ", in this order"
    return f"{ranges(bands)} of {scene.bands} are used{order}"


def _as_chosen(scene: Scene, wanted: WantedBands, chosen: Sequence[int]) -> Positions:
    if len(chosen) == wanted.count:
        return tuple(chosen)
    if len(chosen) != len(wanted.used):
        takes = f"{len(wanted.used)}, of {wanted.count}" if len(wanted.used) < wanted.count else wanted.count
        raise InputError(
            f"{scene.path}: --bands names {count(len(chosen), 'band')}, but {wanted.whose} {takes}; "
            "name as many, in that order"
        )
    positions: list[int | None] = [None] * wanted.count
    for band, own in zip(wanted.used, chosen, strict=True):
        positions[band] = own
    return tuple(positions)


def _by_wavelength(scene: Scene, wanted: WantedBands) -> tuple[Positions, float, list[float]]:
    """Positions of the nearest bands, how far the farthest of those that are used is off in nm, and where
    more bands are equally near than are wanted."""
    assert wanted.wavelengths is not None
    assert scene.wavelengths is not None
    here = scene.wavelengths
    positions: list[int | None] = [None] * wanted.count
    taken: dict[int, float] = {}
    tied: list[float] = []
    farthest = 0.0
    for band in wanted.used:
        centre = wanted.wavelengths[band]
        apart = [abs(own - centre) for own in here]
        least = min(apart)
        equal = [i for i, distance in enumerate(apart) if distance == least]
        # where spectrometers overlap, two bands have one wavelength: the first is the first
        rank = sum(wanted.wavelengths[other] == centre for other in range(band))
        own = band if band in equal else equal[min(rank, len(equal) - 1)]
        tolerance = _tolerance(scene, wanted, band, own)
        if least > tolerance:
            raise InputError(
                f"{scene.path}: has no band within {tolerance:.3g} nm of {centre:g} nm, but {wanted.whose} "
                f"one (band {band + 1}); the nearest is its band {own + 1} at {here[own]:g} nm; give a scene "
                f"of the same sensor, {REMEDY}"
            )
        if own in taken:
            raise InputError(
                f"{scene.path}: its band {own + 1} at {here[own]:g} nm is the nearest to two, at "
                f"{taken[own]:g} and {centre:g} nm, and {wanted.whose} both; give a scene of the same "
                f"sensor, {REMEDY}"
            )
        taken[own], positions[band] = centre, own
        farthest = max(farthest, least)
        if len({here[i] for i in equal}) == 1 and len(equal) > wanted.wavelengths.count(centre):
            tied.append(here[own])
    return tuple(positions), farthest, tied


def _tolerance(scene: Scene, wanted: WantedBands, band: int, own: int) -> float:
    """Half the width of a band in nm: its width at half maximum, else the distance to its neighbour."""
    assert wanted.wavelengths is not None
    widths = [w for w in (wanted.fwhm and wanted.fwhm[band], scene.fwhm and scene.fwhm[own]) if w]
    if widths:
        return widths[0] / 2
    others = [abs(w - wanted.wavelengths[band]) for w in wanted.wavelengths if w != wanted.wavelengths[band]]
    return min([WIDEST_NM, *(distance / 2 for distance in others)])


def _by_name(scene: Scene, wanted: WantedBands) -> Positions:
    assert wanted.names is not None
    whole = _folded(scene.band_names), _folded(wanted.names)
    plain = plain_names(scene.band_names) or whole[0], plain_names(wanted.names) or whole[1]
    unpadded = _unpadded(plain[0]), _unpadded(plain[1])
    for own, theirs in (whole, plain, unpadded):
        at = {name: i for i, name in enumerate(own)}
        if all(theirs[band] in at for band in wanted.used):
            used = set(wanted.used)
            return tuple(at[name] if band in used else None for band, name in enumerate(theirs))
    there = {*whole[0], *plain[0], *unpadded[0]}
    lacking = [b for b in wanted.used if not {whole[1][b], plain[1][b], unpadded[1][b]} & there]
    name = wanted.names[(lacking or wanted.used)[0]]
    needed = [wanted.names[band] for band in wanted.used]
    raise InputError(
        f"{scene.path}: has no band named {name}, but {wanted.whose} one; it has {_few(scene.band_names)}; "
        f"name its bands alike, or say with --bands which of them stand for {_few(needed)}, in this order"
    )


def _unpadded(names: Sequence[str]) -> tuple[str, ...]:
    """Names without zeros before their numbers, unless two were one then."""
    short = tuple(_PADDING.sub("", name) for name in names)
    return short if len(set(short)) == len(names) else tuple(names)


def _folded(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip().casefold() for name in names)
