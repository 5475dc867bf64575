"""What maps of every job have: pairs are checked before them, and maps of shards put together after them."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from terramamba.api.in_memory import SceneLike, path_or_scene
from terramamba.api.paths import texts_of
from terramamba.change.map_output import ChangeSummary
from terramamba.core.arguments import checked
from terramamba.core.files import StrPath
from terramamba.core.progress import OnProgress, told
from terramamba.data.settings import Align
from terramamba.landcover.map_summary import ClassSummary
from terramamba.mapping import join
from terramamba.raster.checks import pair
from terramamba.raster.views.chosen_bands import open_alike
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.raster.views.palette_colours import in_colours
from terramamba.tasks import TASKS


@checked
def check_pair(
    before: SceneLike,
    after: SceneLike,
    *,
    align: Align | None = None,
    mask: Sequence[StrPath] = (),
    nodata: Sequence[float] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
) -> pair.PairReport:
    """Compare two scenes: reference system, grid, overlap, bands, types, value ranges, missing data, shift.

    With ``align``, the second is first warped onto the first's grid; what the files ``mask`` mark counts as
    missing at both dates, as do values ``nodata``. ``scene_variable`` names the array or image in files that
    hold several, ``axes`` what the axes of bare arrays hold, ``bands`` the bands to compare, by numbers
    from 1 or names, such as "1-4" or "red,green".

    Raises:
        InputError: a file cannot be opened or read, lacks a band or value, or the second cannot be warped.
    """
    given = [path_or_scene(one, scene_variable, axes) for one in (before, after)]
    scenes = open_alike(given, bands)
    require_held(scenes, nodata or ())
    first, second = (in_colours(without_values(scene, nodata or ())) for scene in scenes)
    return pair.check_pair(first, second, align=align, masks=mask)


@checked
def join_map(
    out: StrPath,
    *,
    probabilities: StrPath | None = None,
    certainty: StrPath | None = None,
    fractions: StrPath | None = None,
    polygons: StrPath | Sequence[StrPath] | None = None,
    areas: StrPath | None = None,
    item: StrPath | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> ClassSummary | ChangeSummary:
    """Put the map ``out`` together from the part files of its shards.

    ``probabilities``, ``certainty``, ``fractions``, ``polygons``, ``areas`` and ``item`` are as the shards
    were given them; they need no naming where they lie below the folder of ``out``.

    Raises:
        InputError: parts are missing, outputs exist and ``overwrite`` is not set, or an output lies elsewhere
            and is not named.
    """
    outputs = {name: task.map_output for name, task in TASKS.items()}
    named = {
        "--probabilities": texts_of(probabilities or ()),
        "--certainty": texts_of(certainty or ()),
        "--fractions": texts_of(fractions or ()),
        "--polygons": texts_of(polygons or ()),
        "--areas": texts_of(areas or ()),
        "--item": texts_of(item or ()),
    }
    further = {flag: paths for flag, paths in named.items() if paths}
    with told(on_progress, shown=progress):
        joined = join.join_map(outputs, Path(out), further=further, overwrite=overwrite)
        return cast("ClassSummary | ChangeSummary", joined)
