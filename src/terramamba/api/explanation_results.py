"""What explanations come to, typed, and as tables for notebooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from terramamba.api.raw_record import RawRecord
from terramamba.raster.notebook_pictures import picture_file_html, table_html
from terramamba.raster.windows import Window
from terramamba.tasks import task_named

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class BandLoss:
    """What shuffling a group of neighbouring bands among the pixels costs, as fractions: means over repeats.

    Standard deviations (n - 1) are nan of a single repeat.
    """

    name: str
    oa_drop: float
    oa_drop_std: float
    aa_drop: float
    aa_drop_std: float


@dataclass(frozen=True)
class BandImportance:
    """Overall and average accuracy with the bands as they are, and what each group of them is worth."""

    oa: float
    aa: float
    groups: tuple[BandLoss, ...]


@dataclass(frozen=True)
class AttentionMap:
    """Where one map of attention (a block and a direction) looks, as means over pixels and heads."""

    name: str
    tokens: int
    """Pixels of a patch."""
    tokens_asked_by_centre: float
    """Effective number of tokens that the middle one attends to: exp(entropy) of its weights."""
    tokens_asked_by_head: tuple[float, ...]
    centre_asks_itself: float
    """Weight of the middle token for itself."""
    all_ask_centre: float
    """Weight of the middle token for all tokens, on average."""


@dataclass(frozen=True)
class ExplainedPixel:
    """A pixel that was named: its place from 0, its class, and the probability of each class."""

    row: int
    col: int
    class_name: str
    probability: Mapping[str, float]


@dataclass(frozen=True)
class LayerEvidence:
    """How a layer tells the marked pixels of a window from the rest; nan where one of both has no pixel."""

    layer: str
    cell_pixels: int
    """Side in pixels of what one position of the layer covers."""
    activation_marked: float
    """Mean strength of the response where the map marks change."""
    activation_rest: float
    activation_auc: float
    """Chance that a marked pixel has the stronger response: 0.5 as chance."""
    cam_marked: float
    """The same of Grad-CAM."""
    cam_rest: float
    cam_auc: float


class Explained(RawRecord):
    """What an explanation came to; also the mapping that ``explain.json`` holds, ``raw``."""

    pictures: tuple[str, ...] = ()
    """Names of the files that a notebook shows, where there are such."""

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.raw["model"])

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the tables, pictures and GeoTIFFs in ``folder``."""
        return tuple(self.raw["files"])

    def _repr_html_(self) -> str:
        shown = task_named(self.task).shown_explanation(self.raw)
        html = [table_html([*shown.facts.items(), ("folder", self.folder)])]
        html += [f"<p>{table.title}</p>{table_html(table.rows, table.columns)}" for table in shown.tables]
        there = [self.folder / name for name in self.pictures if name in self.files]
        return "".join([*html, *(picture_file_html(path) for path in there if path.is_file())])


class ExplainedClasses(Explained):
    """What a classifier attends to, and which bands it needs."""

    pictures = ("band_importance.png", "attention.png")

    @property
    def pixels(self) -> int:
        """Pixels that means and importance are made of."""
        return int(self.raw["pixels"]["count"])

    @cached_property
    def importance(self) -> BandImportance | None:
        """What the groups of bands are worth; None where no pixel had a label."""
        found = self.raw["importance"]
        if found is None:
            return None
        return BandImportance(found["oa"], found["aa"], tuple(BandLoss(**one) for one in found["groups"]))

    @cached_property
    def attention(self) -> tuple[AttentionMap, ...]:
        """The maps of attention; empty for a model that has none."""
        return tuple(
            AttentionMap(
                one["map"],
                one["tokens"],
                one["tokens_asked_by_centre"],
                tuple(one["tokens_asked_by_head"]),
                one["centre_asks_itself"],
                one["all_ask_centre"],
            )
            for one in self.raw["attention"] or ()
        )

    @cached_property
    def named_pixels(self) -> tuple[ExplainedPixel, ...]:
        """The pixels that were named one by one."""
        found = self.raw["named_pixels"]
        return tuple(
            ExplainedPixel(one["pixel"][0], one["pixel"][1], one["class"], one["probability"])
            for one in found
        )

    def to_pandas(self) -> "pandas.DataFrame":
        """Make a data frame: a row for each group of bands, and what shuffling it costs, as fractions."""
        groups = () if self.importance is None else self.importance.groups
        return _frame(BandLoss, groups, "name")


class ExplainedChange(Explained):
    """Where the parts of a change detector respond in a window of a pair."""

    pictures = ("activations.png", "grad_cam.png")

    @property
    def window(self) -> Window:
        """The window, in pixels of the earlier image."""
        return Window(**self.raw["window"])

    @property
    def threshold(self) -> float:
        """Least probability that was marked as changed."""
        return float(self.raw["threshold"])

    @property
    def marked_pixels(self) -> int:
        """Pixels of the window that the map would mark as changed."""
        return int(self.raw["marked_pixels"])

    @property
    def usable_pixels(self) -> int:
        """Pixels of the window with data at both dates."""
        return int(self.raw["usable_pixels"])

    @cached_property
    def layers(self) -> tuple[LayerEvidence, ...]:
        """The layers, fine to coarse within a part of the model."""
        return tuple(LayerEvidence(**one) for one in self.raw["layers"])

    def to_pandas(self) -> "pandas.DataFrame":
        """Make a data frame: a row for each layer, and how well it tells marked pixels from the rest."""
        return _frame(LayerEvidence, self.layers, "layer")


def _frame(kind: type, rows: tuple[Any, ...], index: str) -> "pandas.DataFrame":
    import pandas

    columns = list(kind.__annotations__)
    return pandas.DataFrame([vars(row) for row in rows], columns=columns).set_index(index)
