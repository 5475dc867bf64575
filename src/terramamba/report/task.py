"""What the page needs of a task: its words, its bars, and what there is to see of its map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from terramamba.raster.scene import Scene
from terramamba.runs.record import RunRecord
from terramamba.scores.score import Scores

if TYPE_CHECKING:
    from terramamba.report.map_layers import MapLayers
    from terramamba.report.maps import ReportMap

Colours = Mapping[int, tuple[int, ...]]
"""Red, green and blue of values of a map."""


@dataclass(frozen=True)
class ShownMap:
    """A map, the run that made it, and what lies beside it, opened."""

    run: RunRecord
    land: Scene
    names: Mapping[int, str]
    """What its values are called, but no data."""
    colours: Colours
    tags: Mapping[str, str]
    """What the map's file says of its making."""
    beside: Mapping[str, Scene]
    """By the names of ``maps.MapFiles``."""
    truth: str | None = None
    """File of what is true."""


@runtime_checkable
class ReportTask(Protocol):
    """A task as the page shows it; functions return text, or HTML where they say so."""

    @property
    def images(self) -> Sequence[str]:
        """Names of the images that it maps, as the command line has them in capitals."""

    @property
    def no_data(self) -> int:
        """Value of its map where nothing is known."""

    @property
    def came_true(self) -> str:
        """What a probability is the probability of."""

    def sentences(self, run: RunRecord) -> list[str]:
        """Write what the run's own test says."""

    def map_sentence(self, land: "ReportMap", mapped: int) -> str:
        """Write how much of the ``mapped`` pixels is what."""

    def legend(self, run: RunRecord) -> tuple[Mapping[int, str], Colours]:
        """Return name and colour of each value of its map but no data; raises ``InputError``."""

    def layers(self, shown: "ShownMap") -> "MapLayers":
        """Choose what is seen of a map; raises ``InputError`` where a file beside it does not fit."""

    def bars(self, run: RunRecord, scores: Scores) -> tuple[str, list[str]]:
        """Write a title, and a row of HTML (``sections.bar_row``) of these ``scores`` for each class."""

    def controls(self, land: "ReportMap") -> list[str]:
        """Write the controls of its map (``controls``), as HTML."""
