"""All that a page shows of a map, chosen by its task and packed so that the page keeps its size."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from terramamba.raster.scene import Scene
from terramamba.report.composites import Composite, composites
from terramamba.report.layers import Packed, Room, packed_layer, packed_picture
from terramamba.report.overlays import Overlay
from terramamba.report.spectra import bands_record, packed_bands, value_range

PICTURE_WEIGHT, SPECTRA_WEIGHT = 1.5, 2.0
"""Their shares of the page beside other layers."""

FEW_BANDS = 3
"""An image of more bands has others to choose from."""


@dataclass(frozen=True, kw_only=True)
class MapLayers:
    """What is seen of a map, before it is packed."""

    overlays: Mapping[str, Overlay]
    """By name; that of the map itself is called ``map`` and comes first."""
    images: Mapping[str, Scene] = field(default_factory=dict)
    """Beneath, ``left`` and ``right`` of the line between; one of them or both or none."""
    over: bool
    """Whether layers are laid over both images, or stand at the right of the line."""
    likely: str
    """What a probability is called."""
    spectra: bool = False
    """Whether spectra are shown, however few bands there are."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else the page's script needs."""
    absent: Sequence[str] = ()
    """Sentences on layers that cannot be shown."""


def packed_layers(found: MapLayers) -> dict[str, Any]:
    """Pack all that is ``found`` as the page's script reads it."""
    ways = _ways(found.images)
    cubes = {side: image for side, image in found.images.items() if found.spectra or image.bands > FEW_BANDS}
    pictures = len(ways) * len(found.images)
    weights = sum(overlay.weight for overlay in found.overlays.values())
    room = Room(weights + PICTURE_WEIGHT * pictures + SPECTRA_WEIGHT * len(cubes))
    return {
        "over": found.over,
        "likely": found.likely,
        "layers": {name: _overlay(overlay, room) for name, overlay in found.overlays.items()},
        "pictures": [_pictures(found.images, way, room) for way in ways],
        "spectra": _spectra(cubes, room),
        **found.facts,
    }


def _overlay(overlay: Overlay, room: Room) -> dict[str, Any]:
    packed = room.take(overlay.weight, partial(packed_layer, overlay.scene, overlay.read))
    kinds = [{"name": kind.name, "colour": kind.colour, "clear": kind.clear} for kind in overlay.kinds]
    return {"title": overlay.title, "kinds": kinds, **asdict(packed)}


def _ways(images: Mapping[str, Scene]) -> list[Composite]:
    """Pictures that all images have."""
    if not images:
        return []
    first, *others = ({way.title: way for way in composites(image)} for image in images.values())
    shared = [way for title, way in first.items() if all(title in other for other in others)]
    return shared or list(first.values())[:1]


def _pictures(images: Mapping[str, Scene], way: Composite, room: Room) -> dict[str, Any]:
    """One way to see the images; the later date is stretched as the earlier one is."""
    before = images.get("left")
    made: dict[str, Packed] = {}
    for side, image in images.items():
        same = before is not None and before is not image and before.bands == image.bands
        bands = way.bands if max(way.bands) < image.bands else composites(image)[0].bands
        pack = partial(packed_picture, image, bands, like=before if same else None)
        made[side] = room.take(PICTURE_WEIGHT, pack)
    return {"title": way.title, **{side: asdict(packed) for side, packed in made.items()}}


def _spectra(cubes: Mapping[str, Scene], room: Room) -> dict[str, Any]:
    """All bands; both dates between the ends of the earlier one, so that they can be compared."""
    if not cubes:
        return {}
    ends = value_range(next(iter(cubes.values())))
    return {
        side: asdict(room.take(SPECTRA_WEIGHT, partial(packed_bands, image, ends)))
        | bands_record(image, ends)
        for side, image in cubes.items()
    }
