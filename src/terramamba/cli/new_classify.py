"""``terramamba new classify``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.new_settings import target_for, write_settings
from terramamba.cli.shared.parse import Usage, parse
from terramamba.data.settings import Splitting
from terramamba.landcover.settings import LabelledScene

USAGE = Usage(
    "new classify",
    "Look at a scene and its labels, and write a file of settings to train on them: what was understood of "
    "the files, the values that training needs, and the usual others as comments, each explained. Then "
    "`terramamba classify train --config FILE` trains.",
    ("SCENE", "LABELS"),
    example="scene.tif fields.gpkg --class-attribute crop --out cover.yaml",
)
USUAL = (
    "class_attribute",
    "ignore_classes",
    "bands",
    "exclude_wavelengths",
    "nodata",
    "mask",
    "split",
    "block_size",
    "train_fraction",
    "val_fraction",
    "regularise",
    "patch_size",
    "model",
    "preset",
    "epochs",
    "seeds",
    "device",
)


@dataclass(frozen=True, kw_only=True)
class NewOptions(Splitting, LabelledScene):
    """Flags of the command."""

    out: str | None = None
    """File to write, a .yaml; None: called as the scene, in this folder."""
    overwrite: bool = False
    """Replace an earlier file."""


def run(argv: Sequence[str]) -> int:
    """Write the settings, and print what was understood of the files."""
    options, (scene, labels) = parse(USAGE, NewOptions, argv)
    from terramamba.tasks import LAND_COVER

    target = target_for(options.out, scene, overwrite=options.overwrite)
    write_settings(LAND_COVER, options, {"scene": scene, "labels": labels}, USUAL, target)
    return 0
