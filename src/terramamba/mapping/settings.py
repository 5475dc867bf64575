"""What both commands that map can be told, but for the files they read."""

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar

from terramamba.core.errors import InputError
from terramamba.core.options import MAY_DIFFER, RATE, Options, at_least
from terramamba.data.settings import Masks
from terramamba.training.settings import Arithmetic


@dataclass(frozen=True, kw_only=True)
class Parallelism(Options):
    """Who does the work."""

    heading: ClassVar[str] = "computing"

    workers: Annotated[int, at_least(1), MAY_DIFFER] = 1
    """Processes that share the work, and the cores; each takes a GPU of its own where there are several."""
    dask: Annotated[str | None, MAY_DIFFER] = None
    """Scheduler of a Dask cluster that does the work, such as tcp://10.0.0.1:8786; its workers must see the
    same files under the same paths."""
    shard: Annotated[str | None, MAY_DIFFER] = None
    """i/n: do every n-th part of the work from the i-th on, and stop; when all n are done, `terramamba join
    MAP.tif` writes the map. All must see the same files under the same paths."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where two are to do the work, or a shard is none."""
        if self.dask is not None and self.workers != 1:
            raise InputError("--workers and --dask exclude each other; give one of them")
        self.own_parts(0)

    def own_parts(self, parts: int) -> range:
        """Return which of so many parts this run maps; shard "2/5" is every fifth from the second on.

        Raises:
            InputError: the shard is not i/n.
        """
        if self.shard is None:
            return range(parts)
        given = re.fullmatch(r"(\d+)/(\d+)", self.shard)
        if not given or not 1 <= int(given[1]) <= int(given[2]):
            raise InputError(f"--shard {self.shard}: give i/n with i from 1 to n, such as 2/5")
        return range(int(given[1]) - 1, parts, int(given[2]))


@dataclass(frozen=True, kw_only=True)
class MapSettings(Parallelism, Arithmetic, Masks):
    """What is written, without what, and who does the work."""

    heading: ClassVar[str] = "map"

    probabilities: str | None = None
    """Also write probabilities (of every class, a band each; of change) to this .tif."""
    areas: str | None = None
    """Also write how much there is of each class to this .csv."""
    calibrated: bool = False
    """Divide logits by the temperature that was fitted on the run's validation samples, so that probabilities
    come nearer to how often they come true; classes, and what the run's own threshold marks, stay."""
    certainty: str | None = None
    """Also write how sure the model is of what the map calls each pixel, as a calibrated probability, to this
    .tif."""
    reject: Annotated[float | None, RATE] = None
    """Leave pixels unnamed (a value of their own, "none of these" or "not sure") whose certainty is below
    that which this fraction of the validation samples did not reach, such as 0.05."""
    polygons: list[str] | None = None
    """Also write the outlines (of each class; of what changed) with areas to this .gpkg or .geojson, or to
    several."""
    simplify: Annotated[float, at_least(0)] = 0.0
    """How much of the steps of polygons is smoothed away, in pixels (1 is a good start); neighbours still fit
    together, and areas stay those of the pixels."""
    item: str | None = None
    """Also write a STAC item of the map, with the files that are written beside it, to this .json."""
    overwrite: Annotated[bool, MAY_DIFFER] = False
    """Replace an existing map, and what a run with other arguments left unfinished."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where a file's name ends otherwise than it is written, or there is none."""
        from terramamba.mapping.area_table import check_table_name
        from terramamba.mapping.stac_item import check_item_name
        from terramamba.raster.output.cog import check_raster_name
        from terramamba.raster.vector.polygon_files import check_polygon_name

        if self.simplify and not self.polygons:
            raise InputError(
                f"--simplify {self.simplify:g}: is for polygons; name their file with --polygons"
            )
        for name in self.polygons or ():
            check_polygon_name(name)

        for path in (self.probabilities, self.certainty):
            if path is not None:
                check_raster_name(path)
        check_table_name(self.areas)
        check_item_name(self.item)
