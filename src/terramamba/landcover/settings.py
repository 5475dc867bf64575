"""The settings of the commands for land cover, beside the common ones."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from terramamba.core.number_ranges import parse_intervals
from terramamba.core.options import BY_STEPS, UNDECIDED, ByRecipe, Options, at_least
from terramamba.core.typed import Bound
from terramamba.data.settings import PIXEL_FRACTION, ImageArray, LabelOptions, Masks, Splitting
from terramamba.mapping.settings import MapSettings
from terramamba.training.settings import TrainConfig, TrainSettings

Mode = Literal["exact", "fast", "auto"]
Regularise = int | Literal["auto", "off"]
SEARCH: Literal["search"] = "search"
SEARCHED_SIDES = (3, 5, 7, 9)
"""Sides of patches that validation chooses from."""

RADIUS_OR_WORD = Bound(
    "auto, off or a number of pixels from 1 to 50", lambda far: far in ("auto", "off") or 1 <= far <= 50
)
PATCH_SIDE = Bound(
    "an odd number of pixels, such as 7,", lambda side: side == SEARCH or (side > 0 and side % 2 == 1)
)


@dataclass(frozen=True, kw_only=True)
class LabelledScene(LabelOptions, Masks, ImageArray):
    """How a scene and its labels are read, to train or to score."""

    class_names: list[str] | None = None
    """Names of the classes in the order of their codes; None: those of the label file."""


@dataclass(frozen=True, kw_only=True)
class Patches(Options):
    """What a classifier sees of a pixel."""

    heading: ClassVar[str] = "samples"

    patch_size: Annotated[ByRecipe[int | Literal["search"]], PATCH_SIDE] = UNDECIDED
    """Side of the patch around a pixel, odd, in pixels; None: the model's, or less where the labels lie close
    together (docs/recipes.md); search: sides from 3 to 9 are trained, and the best on validation is taken."""
    border: Literal["reflect", "zeros"] = "reflect"
    """What stands beyond the scene's edge in a patch."""
    scaling: Literal["minmax", "standard"] = "minmax"
    """minmax: each band to [0, 1]; standard: mean 0, deviation 1; fitted on training pixels."""
    fit_on: Literal["train", "scene"] = "train"
    """Pixels that scaling is fitted on; scene: as the papers do, which leaks a little."""


@dataclass(frozen=True, kw_only=True)
class Regularised(Options):
    """Whether probabilities are smoothed before a class is named."""

    heading: ClassVar[str] = "map"

    regularise: Annotated[Regularise, RADIUS_OR_WORD] = "auto"
    """Smooth class probabilities among neighbours with like spectra: auto: as the run's validation chose (off
    where it was trained without); off; or so many pixels far, with the run's strength."""


@dataclass(frozen=True, kw_only=True)
class ClassConfig(TrainConfig):
    """Everything that training a classifier obeys."""

    heading: ClassVar[str] = "training"

    class_weights: Annotated[bool, BY_STEPS] = False
    """Weigh the loss by inverse class frequency."""
    token_loss: Annotated[float, at_least(0), BY_STEPS] = 0.0
    """Weight of the extra cross-entropy on the patch's own labelled training pixels (0: as published)."""


@dataclass(frozen=True, kw_only=True)
class ClassifySettings(ClassConfig, TrainSettings, Patches, Splitting, LabelledScene):
    """Settings of `terramamba classify train`."""

    scene: str | None = None
    """Hyperspectral scene: GeoTIFF, ENVI, .mat, .npy, a folder of tiles, or a CSV with an `image` column;
    must be given unless --data is."""
    data: str | None = None
    """Name of a scene of the catalogue (see `terramamba datasets`), in place of --scene and --labels; its
    files in --root are verified first."""
    root: str | None = None
    """Folder that holds the scene which --data names."""
    labels: str | None = None
    """Labels: polygons, points or lines (GeoPackage, Shapefile, GeoJSON, in any reference system), ENVI's
    regions of interest as text, or a map of codes: GeoTIFF, ENVI, PNG, .mat, .npy, a folder of tiles, or a
    CSV with a `mask` column."""
    regularise: Annotated[Regularise, RADIUS_OR_WORD] = "off"
    """Smooth class probabilities among neighbours with like spectra. auto: up to 6 pixels far, if validation
    says so; a number: so far. Validation chooses the strength; test pixels keep that much more distance from
    training pixels. Maps are smoothed alike."""
    exclude_wavelengths: str | None = None
    """Wavelengths in nm whose bands are left out; water vapour absorbs at 1340-1450,1790-1960."""
    min_abundance: Annotated[float, PIXEL_FRACTION] = 0.7
    """Where labels are abundances: the least fraction of a pixel that labels it as its largest class."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where wavelengths are no intervals."""
        self.excluded()

    def excluded(self) -> tuple[tuple[float, float], ...]:
        """Return the intervals of wavelengths that are left out, in nm."""
        text = self.exclude_wavelengths
        return () if text is None else parse_intervals(text, "--exclude-wavelengths")


@dataclass(frozen=True, kw_only=True)
class ClassMapSettings(Regularised, MapSettings):
    """Settings of `terramamba classify map`, but for the files."""

    mode: Mode = "exact"
    """exact: every pixel by its own patch; fast: by tiles that do not overlap, tens of times faster; auto: as
    fast as --tolerance allows."""
    tilings: int = 1
    """With --mode fast, shifted tilings that are averaged: 1, 2, 4 or 9; more are slower and closer to
    exact."""
    tolerance: Annotated[float, at_least(0)] = 0.3
    """With --mode auto, percentage points of overall accuracy on the run's validation pixels that may be
    lost."""
    fractions: str | None = None
    """Also write which fraction of each pixel is vegetation, soil and built, a band each, to this .tif: of
    models alone whose probabilities are fractions."""
    min_area: Annotated[float, at_least(0)] = 0.0
    """Patches of one class smaller than this many square metres (pixels, where there is no georeference) take
    the class of the largest patch that they touch; probabilities stay."""
    batch_size: Annotated[int, at_least(1)] = 128
    """Pixels classified at once; less needs less memory."""
    strip_rows: Annotated[int | None, at_least(1)] = None
    """Rows of a tile; None: as many as take seconds to a minute."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where the file of fractions is named otherwise than it is written."""
        from terramamba.raster.output.cog import check_raster_name

        if self.fractions is not None:
            check_raster_name(self.fractions)


@dataclass(frozen=True, kw_only=True)
class ExplainScene(Options):
    """What `terramamba explain` can be told of a classifier alone."""

    heading: ClassVar[str] = "of a classifier"

    labels: str | None = None
    """Classifier: labels of SCENE; None: the run's validation pixels, where SCENE is the run's own."""
    ignore_classes: list[int | str] | None = None
    """Classifier: codes or names of the labels that are left out as unlabelled; none: nothing is, not 0
    either."""
    samples: Annotated[int, at_least(2)] = 500
    """Classifier: most pixels, drawn at random, that means and band importance are made of."""
    bands_per_group: Annotated[int | None, at_least(1)] = None
    """Classifier: neighbouring bands that are shuffled together; None: so many that there are 24 groups at
    most."""
    repeats: Annotated[int, at_least(1)] = 5
    """Classifier: times that each group of bands is shuffled."""
    seed: Annotated[int, at_least(0)] = 0
    """Classifier: seed of drawing and shuffling."""
