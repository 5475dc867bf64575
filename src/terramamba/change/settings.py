"""The settings of the commands for change, beside the common ones."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from terramamba.core.errors import InputError
from terramamba.core.options import (
    ABOVE_ZERO,
    BY_STEPS,
    PROBABILITY,
    UNDECIDED,
    ByRecipe,
    Options,
    Silent,
    at_least,
)
from terramamba.core.typed import Bound, Fraction
from terramamba.data.settings import BLOCK_SIZE, PIXEL_FRACTION, Alignment, Pairs, ScaleBy
from terramamba.mapping.settings import MapSettings
from terramamba.training.settings import ChangeLoss, TrainConfig, TrainSettings

Split = Literal["given", "image", "block"]
MOST_TIMES = 4
"""Images are shown enlarged so many times at most."""
TIMES = Bound(f"a whole number from 1 to {MOST_TIMES}", lambda value: 1 <= value <= MOST_TIMES)
SHARE = Bound("a share above 0 and below 1", lambda value: 0 < value < 1)
SHARE_OR_NONE = Bound("a share of at least 0 and below 1", lambda value: 0 <= value < 1)


@dataclass(frozen=True, kw_only=True)
class Threshold(Options):
    """From which probability on a pixel counts as changed."""

    heading: ClassVar[str] = "map"

    threshold: Annotated[float | None, PROBABILITY] = None
    """Least probability, 0.001 to 1, from which a pixel counts as changed: a lower one marks more. None: the
    one that validation chose, or of a detector without training Otsu's of the pair."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where the threshold lies between two thousandths."""
        if self.threshold is not None:
            from terramamba.scores.thresholds import checked_threshold

            checked_threshold(self.threshold)


@dataclass(frozen=True, kw_only=True)
class Meaning(Options):
    """What a detector is asked for that has learnt several meanings of "changed"."""

    heading: ClassVar[str] = "map"

    what: str | None = None
    """What counts as changed, for a model that knows several, such as buildings, cropland or anything; pairs
    whose table says it in a column what keep that."""


@dataclass(frozen=True, kw_only=True)
class Enlarging(Options):
    """How a trained detector is shown images whose pixels are larger than those it learnt from."""

    heading: ClassVar[str] = "map"

    enlarge: Annotated[int, TIMES] = 1
    """Show the detector images enlarged so many times, 1 to 4, where their pixels are so many times larger
    than those it learnt from; the map stays on their own pixels. Takes the square of it times the time."""


@dataclass(frozen=True, kw_only=True)
class ChangeConfig(TrainConfig):
    """Everything that training a change detector obeys."""

    heading: ClassVar[str] = "training"

    loss: Annotated[ByRecipe[ChangeLoss], Silent("bce"), BY_STEPS] = UNDECIDED
    """Training loss: binary cross-entropy, that with the Dice loss, or the focal loss."""
    pos_weight: Annotated[float | None, ABOVE_ZERO, BY_STEPS] = None
    """Weight of changed pixels in the cross-entropy; None: 1."""


@dataclass(frozen=True, kw_only=True)
class Crops(Options):
    """What is made of a pair for training."""

    heading: ClassVar[str] = "samples"

    crop_size: Annotated[ByRecipe[int], at_least(1), BY_STEPS] = UNDECIDED
    """Side of the random training crop in pixels; smaller images are taken whole."""
    crops_per_pair: Annotated[ByRecipe[int], at_least(1), BY_STEPS] = UNDECIDED
    """Training crops drawn from each pair in an epoch."""
    changed_crops: Annotated[Fraction, BY_STEPS] = 0.0
    """Share of the training crops that are placed to hold a changed pixel, where their pair has one: of use
    where change is rare."""
    zoom: Annotated[float, at_least(1), BY_STEPS] = 1.0
    """Largest factor by which training crops are enlarged or made smaller, so that maps of images with finer
    or coarser pixels can be trusted more (1: none; 2.5: from 0.5 m, 0.2 to 1.25 m)."""
    exchange_dates: Annotated[Fraction, BY_STEPS] = 0.0
    """Probability of exchanging the two dates of a training sample."""
    jitter: Annotated[float, at_least(0), BY_STEPS] = 0.0
    """Strength of the brightness, contrast and band jitter drawn for each date (0: none; 0.2: moderate)."""
    scale_by: ScaleBy = "training"
    """Scale all pairs by what training pairs hold, or each pair by what its own two dates hold, so that
    images of other sensors, seasons and stretches look alike."""


@dataclass(frozen=True, kw_only=True)
class Dividing(Options):
    """Which pairs train, validate and test."""

    heading: ClassVar[str] = "training, validation and test"

    split: Split = "given"
    """given: as folders, lists or a column split say; image: images are drawn; block: parts of large images
    are, so that one pair is enough. What is drawn follows from --seed."""
    block_size: Annotated[str | None, BLOCK_SIZE] = None
    """With --split block: side of the square parts, such as 500m or 128px; None: a sixth of an image."""
    val_share: Annotated[float, SHARE] = 0.2
    """With --split image or block: share of the images or parts that validate."""
    test_share: Annotated[float, SHARE_OR_NONE] = 0.2
    """With --split image or block: share of the images or parts that test; 0: nothing is tested."""
    max_pairs: Annotated[int | None, at_least(1)] = None
    """Train on so many of the training pairs at most, drawn with --seed: how much do few labels give?"""
    labelled_fraction: Annotated[float, PIXEL_FRACTION] = 1.0
    """Train on this share of the training pairs, drawn with --seed."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where parts have a side or subsets a share, but nothing is drawn."""
        if self.block_size is not None and self.split != "block":
            raise InputError(
                f"--block-size {self.block_size}: goes with --split block; leave one of them out"
            )
        for name in ("val_share", "test_share"):
            if self.split == "given" and getattr(self, name) != getattr(Dividing, name):
                raise InputError(
                    f"--{name.replace('_', '-')} {getattr(self, name):g}: the subsets are given; have them"
                    " drawn with --split image or block, or leave it out"
                )


@dataclass(frozen=True, kw_only=True)
class ChangeSettings(ChangeConfig, TrainSettings, Threshold, Crops, Dividing, Pairs):
    """Settings of `terramamba change train`."""

    chosen_on_test: bool = False
    """Accept that validation and test are the same files; the result says so."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where what augments is asked for and augmentation is off."""
        for flag, value, none in (
            ("--exchange-dates", self.exchange_dates, 0),
            ("--jitter", self.jitter, 0),
            ("--zoom", self.zoom, 1),
        ):
            if value != none and not self.augment:
                raise InputError(f"{flag} {value:g}: augments samples; leave it or --no-augment out")


@dataclass(frozen=True, kw_only=True)
class ChangeMapSettings(Threshold, Meaning, Enlarging, Alignment, MapSettings):
    """Settings of `terramamba change map`, but for the files."""

    correct_shift: bool = False
    """Move the later date by the shift that is measured between the two, to a part of a pixel."""
    match_radiometry: bool = False
    """Bring the later date to the brightness of the earlier, by a gain and an offset for each band that are
    fitted on what stayed the same (by IR-MAD)."""
    min_area: Annotated[float, at_least(0)] = 0.0
    """Leave out polygons smaller than this many square metres (pixels, where there is no georeference)."""
    tile_size: Annotated[int, at_least(1)] = 512
    """Side of the tiles that are mapped one by one, in pixels as the detector sees them; less needs less
    memory."""
    overlap: Annotated[int, at_least(0)] = 64
    """Pixels that neighbouring tiles share, as the detector sees them; there their results are blended."""
    batch_size: Annotated[int, at_least(1)] = 1
    """Tiles mapped at once."""

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where tiles only overlap, or areas are to be left out of no polygons."""
        if self.overlap >= self.tile_size:
            raise InputError(
                f"--overlap {self.overlap}: must be 0 or more and less than --tile-size {self.tile_size}"
            )
        if self.min_area and not self.polygons:
            raise InputError(
                f"--min-area {self.min_area:g}: is for polygons; name their file with --polygons"
            )


@dataclass(frozen=True, kw_only=True)
class ExplainPair(Meaning, Alignment):
    """What `terramamba explain` can be told of a pair alone."""

    heading: ClassVar[str] = "of a pair"

    window: str | None = None
    """Pair: window to explain, ROW,COL,HEIGHT,WIDTH from 0; None: where most is marked."""
    size: Annotated[int, at_least(1)] = 256
    """Pair: side in pixels of a window that is not given with --window."""
