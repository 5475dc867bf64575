"""``terramamba change map``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from terramamba.change.settings import ChangeMapSettings
from terramamba.cli.shared.files import run_and_scenes, scenes_of
from terramamba.cli.shared.map_options import MapFiles, arguments, open_all, say_what_was_opened
from terramamba.cli.shared.parse import Usage, parse
from terramamba.core.errors import InputError

if TYPE_CHECKING:
    from terramamba.runs.folder import Run

USAGE = Usage(
    "change map",
    "Map what changed between two images, with a trained run, with --weights that come with terramamba, or "
    "with --model by a detector that needs no training; the map is a GeoTIFF on the images' grid (1 changed, "
    "0 not, 255 no data). A command that was ended goes on when it is given again.",
    ("[RUN]", "[BEFORE]", "[AFTER]"),
    example="runs/change 2020.tif 2024.tif --out change.tif --polygons change.gpkg",
)
DATES = ("BEFORE", "AFTER")
SAME_FOR_BOTH = ("mask", "nodata", "align", "correct_shift", "match_radiometry")
"""What a detector without training is made ready with, and maps with."""


@dataclass(frozen=True, kw_only=True)
class MapOptions(ChangeMapSettings, MapFiles):
    """Flags of the command."""

    weights: str | None = None
    """Pretrained weights, in place of RUN: a name (`terramamba weights` lists them), the
    folder of others, or weights or a run on the hub, such as hf:ORG/NAME."""
    model: str | None = None
    """Detector that needs no training, in place of RUN: cva, pca_kmeans or ir_mad."""
    set: dict[str, Any] = field(default_factory=dict)
    """Any option of that detector, as key=value; may be repeated."""


def run(argv: Sequence[str]) -> int:
    """Map, and print how much changed."""
    options, paths = parse(USAGE, MapOptions, argv)
    from terramamba.api import map_change
    from terramamba.cli.shared.scores import show_map

    given = arguments(options)
    model, choices, weights = given.pop("model"), given.pop("set"), given.pop("weights")
    if weights is not None and model is not None:
        raise InputError(f"--weights {weights} and --model {model}: each says who maps; give one of them")
    if model is not None:
        from terramamba.api.detectors import open_dates, untrained_detector

        how = {name: given.pop(name) for name in ("scene_variable", "axes", "bands")}
        dates = open_dates(*scenes_of(paths, options.stac, DATES), **how)
        say_what_was_opened(dates)
        place = {name: given[name] for name in SAME_FOR_BOTH}
        detector = untrained_detector(*dates, model=model, options=choices, **place)
        show_map(map_change(detector, *dates, **given))
        return 0
    if choices:
        raise InputError("--set: is for --model; a trained run has its options")
    run: str | Run
    if weights is not None:
        from terramamba.api.detectors import pretrained_detector

        run, places = pretrained_detector(weights), scenes_of(paths, options.stac, DATES)
    else:
        run, places = run_and_scenes(paths, options.stac, DATES)
    run, (before, after) = open_all("change", run, places, given)
    show_map(map_change(run, before, after, **given))
    return 0
