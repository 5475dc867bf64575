"""``terramamba classify map``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from terramamba.cli.shared.files import run_and_scenes, run_in, scenes_of
from terramamba.cli.shared.map_options import MapFiles, arguments, open_all, say_what_was_opened
from terramamba.cli.shared.parse import Usage, parse
from terramamba.core.errors import InputError
from terramamba.core.options import ABOVE_ZERO
from terramamba.landcover.settings import ClassMapSettings

USAGE = Usage(
    "classify map",
    "Map the land cover of a scene with a trained run, or with --weights without any training; the map is a "
    "GeoTIFF on the scene's grid with class names and colours. A command that was ended goes on when it is "
    "given again.",
    ("[RUN]", "[SCENE]"),
    example="runs/cover scene.tif --out cover.tif --areas areas.csv",
)


@dataclass(frozen=True, kw_only=True)
class MapOptions(ClassMapSettings, MapFiles):
    """Flags of the command."""

    weights: str | None = None
    """Weights that need no training, in place of RUN: spectral-library, a folder of weights (see `terramamba
    weights`), or weights or a run on the hub, such as hf:ORG/NAME."""
    reflectance_scale: Annotated[float | None, ABOVE_ZERO] = None
    """With --weights, the stored value of a reflectance of 1, such as 10000; None: found from the values."""


def run(argv: Sequence[str]) -> int:
    """Map, and print how much there is of each class."""
    options, paths = parse(USAGE, MapOptions, argv)
    from terramamba.api import map_classes
    from terramamba.cli.shared.scores import show_map

    given = arguments(options)
    weights, scale = given.pop("weights"), given.pop("reflectance_scale")
    folder = None if weights is None else run_in(weights)
    if weights is not None and folder is None:
        from terramamba.api.classifiers import open_for_weights, pretrained_classifier

        how = {name: given.pop(name) for name in ("scene_variable", "axes", "bands")}
        scene = open_for_weights(*scenes_of(paths, options.stac, ["SCENE"]), **how)
        say_what_was_opened([scene])
        place = {name: given[name] for name in ("mask", "nodata")}
        classifier = pretrained_classifier(scene, weights=weights, reflectance_scale=scale, **place)
        show_map(map_classes(classifier, scene, **given))
        return 0
    if scale is not None:
        raise InputError(f"--reflectance-scale {scale:g}: is for --weights; a trained run knows its scale")
    if folder is None:
        folder, places = run_and_scenes(paths, options.stac, ["SCENE"])
    else:
        places = scenes_of(paths, options.stac, ["SCENE"])
    trained, (opened,) = open_all("classify", folder, places, given)
    show_map(map_classes(trained, opened, **given))
    return 0
