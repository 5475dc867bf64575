"""What `terramamba export` can be told beside the file."""

from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

from terramamba.core.errors import InputError
from terramamba.core.options import ABOVE_ZERO, at_least
from terramamba.data.settings import Alignment, ImageArray, NoData


@dataclass(frozen=True, kw_only=True)
class ExamplePair(Alignment, NoData, ImageArray):
    """The pair that the file of a change detector is for, where each pair is scaled by its own values."""

    heading: ClassVar[str] = "of a pair"

    before: str | None = None
    """Change, for weights or a run that scale each pair by its own values: the earlier image of the pair that
    the file is for; its scaling goes in."""
    after: str | None = None
    """The later image of that pair."""
    what: str | None = None
    """Change, for a model that knows several meanings of changed: the one that the file is for."""

    def pair_flags(self) -> dict[str, Any]:
        """Return what was said of a pair, by flag."""
        return {
            f"--{field.name.replace('_', '-')}": value
            if not isinstance(value, list)
            else ",".join(f"{one:g}" for one in value)
            for field in fields(ExamplePair)
            if field.name != "what" and (value := getattr(self, field.name)) is not None
        }

    def refuse_contradictions(self) -> None:
        """Raise ``InputError`` where something is said of a pair of which a date is not named."""
        said = self.pair_flags()
        if said and (self.before is None or self.after is None):
            flag, value = next(iter(said.items()))
            raise InputError(
                f"{flag} {value}: is about the pair that the file is for, where a model scales each pair by"
                " itself; name both --before and --after, or leave it out"
            )


@dataclass(frozen=True, kw_only=True)
class ExportSettings(ExamplePair):
    """How the model's tiles look, and for whom the file is."""

    heading: ClassVar[str] = "files and results"

    tile: Annotated[int | None, at_least(16)] = None
    """Side of a tile in pixels; None: 256 for change, 64 for land cover. The number of tiles is free."""
    tilings: int = 4
    """Land cover: shifted tilings that are averaged, as of `classify map --mode fast`: 1, 2, 4 or 9."""
    calibrated: bool = False
    """Divide logits by the temperature that was fitted on the run's validation samples."""
    deepness: bool = False
    """For Deepness (QGIS) and geodeep: metadata as they read it, values divided by 255 as they hand them
    over, and the run's threshold at 0.5 between two classes."""
    pixel_size: Annotated[float | None, ABOVE_ZERO] = None
    """With --deepness, side of a pixel in metres that images are brought to; None: they stay as they are."""
    overwrite: bool = False
    """Replace an earlier file."""
