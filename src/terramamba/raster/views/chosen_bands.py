"""A scene and the bands of it that somebody chose, by their numbers in the file or by their names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.number_ranges import parse_bands
from terramamba.core.words import count, meant
from terramamba.raster.band_identity import bands_of, known_names, plain_names
from terramamba.raster.band_matching import match_bands
from terramamba.raster.readers.alpha import AlphaUse, one_use
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.band_subset import band_subset
from terramamba.raster.views.palette_colours import in_colours

NAMES_SHOWN = 12


@dataclass(frozen=True)
class OpenAsked:
    """What else ``open_scene`` is told: see there."""

    variable: str | None = None
    shape: tuple[int, int] | None = None
    axes: str | None = None
    bands: int | None = None
    like: Sequence[str] | None = None
    alpha: AlphaUse | None = None


PLAIN = OpenAsked()


def open_bands(
    path: StrPath | Scene, bands: str | None = None, asked: OpenAsked = PLAIN
) -> tuple[Scene, tuple[int, ...] | None]:
    """Open a scene as models see it, a palette in its colours, and find the ``bands`` that were chosen of it.

    Choosing the band that the file calls transparency makes it a band.

    Args:
        path: As ``open_scene`` takes it, or an open scene.
        bands: Numbers from 1 or names, such as "1-4" or "red,green,nir"; None: all.
        asked: What else ``open_scene`` is told.

    Returns:
        The scene, and which of its bands were chosen (0-based, in the order wanted); None: all.

    Raises:
        InputError: as ``open_scene``, or the scene has no such band.
    """
    scene = in_colours(_opened(path, asked))
    if bands is None:
        return scene, None
    wanted = parse_bands(bands)
    is_mask = scene.alpha is not None and scene.alpha.use == "mask"
    if is_mask and not isinstance(path, Scene) and asks_for_alpha(scene, wanted):
        scene = open_scene(path, **vars(replace(asked, alpha="band")))
    return scene, find_bands(scene, wanted)


def open_alike(paths: Sequence[StrPath | Scene], bands: str | None, asked: OpenAsked = PLAIN) -> list[Scene]:
    """Open images to be compared: the ``bands`` of each, and a band called transparency as one thing in all.

    Palettes stay numbers of colours where no bands are named.

    Raises:
        InputError: as ``open_bands``, or it is transparency in one image and measured in another.
    """
    if bands is None:
        scenes = [_opened(path, asked) for path in paths]
        use = one_use({scene.path: scene.alpha for scene in scenes}, "these images")
        return [
            open_scene(path, **vars(replace(asked, alpha=use)))
            if not isinstance(path, Scene) and scene.alpha is not None and scene.alpha.use != use
            else scene
            for path, scene in zip(paths, scenes, strict=True)
        ]
    found: list[Scene] = []
    for path in paths:
        scene, chosen = open_bands(path, bands, asked)
        assert chosen is not None
        alike = found and by_number(parse_bands(bands))
        found.append(match_bands(scene, bands_of(found[0]), chosen) if alike else band_subset(scene, chosen))
    return found


def _opened(given: StrPath | Scene, asked: OpenAsked) -> Scene:
    return given if isinstance(given, Scene) else open_scene(given, **vars(asked))


def find_bands(scene: Scene, wanted: Sequence[int | str]) -> tuple[int, ...]:
    """Return which bands of ``scene`` (0-based) are ``wanted`` by number in the file, from 1, or by name.

    Raises:
        InputError: the scene has no such band, several of that name, or the same is wanted twice.
    """
    spelled = {name.strip().casefold(): i for i, name in enumerate(scene.band_names)}
    shorter = {name: i for i, name in enumerate(plain_names(scene.band_names) or ())}
    names = shorter | spelled
    # a mask is none of the scene's bands, but has a number in the file
    numbers = list(range(1, scene.bands + 1))
    if scene.alpha is not None and scene.alpha.use == "mask":
        numbers = [n for n in range(1, scene.bands + 2) if n != scene.alpha.number]
    found = []
    for band in wanted:
        at = None
        if isinstance(band, str):
            word = band.strip().casefold()
            at = names.get(word)
            alike = [numbers[i] for i, name in enumerate(scene.band_names) if name.strip().casefold() == word]
            if len(alike) > 1:
                raise InputError(
                    f"--bands {band}: so bands {', '.join(map(str, alike))} of {scene.path} are called; name"
                    " the one that is meant by its number"
                )
        if isinstance(band, int) and band in numbers:
            at = numbers.index(band)
        if at is None:
            near = meant(band, names) if isinstance(band, str) else ""
            raise InputError(
                f"--bands {band}: {scene.path} has no such band; it has {_in_words(scene)}{near}"
            )
        if at in found:
            raise InputError(f"--bands {band}: is band {numbers[at]} of {scene.path}, which is named already")
        found.append(at)
    return tuple(found)


def by_number(wanted: Sequence[int | str] | None) -> bool:
    """Tell whether all bands are named by number: then these are meant, whatever they are called."""
    return wanted is not None and all(isinstance(band, int) for band in wanted)


def asks_for_alpha(scene: Scene, wanted: Sequence[int | str]) -> bool:
    """Tell whether the band that the file calls transparency is among those ``wanted``."""
    alpha = scene.alpha
    if alpha is None:
        return False
    return any(band == alpha.number or str(band).casefold() == alpha.name.casefold() for band in wanted)


def _in_words(scene: Scene) -> str:
    if known_names(scene) is None:
        return f"{count(scene.bands, 'band')} without names"
    more = ", ..." if scene.bands > NAMES_SHOWN else ""
    return f"{count(scene.bands, 'band')}: {', '.join(scene.band_names[:NAMES_SHOWN])}{more}"
