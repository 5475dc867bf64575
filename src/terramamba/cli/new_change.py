"""``terramamba new change``."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from terramamba.change.settings import Dividing
from terramamba.cli.shared.new_settings import target_for, write_settings
from terramamba.cli.shared.parse import Usage, parse
from terramamba.core.errors import InputError
from terramamba.core.regular import require_regular
from terramamba.data.settings import Alignment, ImageArray, LabelValueOptions, NoData

USAGE = Usage(
    "new change",
    "Look at image pairs with change masks (a folder or a CSV), or at the two dates and the mask of one, and "
    "write a file of settings to train on them: what was understood of the files, the values that training "
    "needs, and the usual others as comments, each explained. Then `terramamba change train --config FILE` "
    "trains.",
    ("PAIRS | BEFORE", "[AFTER]", "[LABEL]"),
    example="2020.tif 2024.tif changed.gpkg --out change.yaml",
)
USUAL = (
    "split",
    "block_size",
    "val_share",
    "test_share",
    "align",
    "bands",
    "nodata",
    "changed_values",
    "ignore_values",
    "threshold",
    "crop_size",
    "model",
    "preset",
    "init",
    "epochs",
    "seeds",
    "device",
)
COLUMNS = ("before", "after", "label")


@dataclass(frozen=True, kw_only=True)
class NewOptions(Dividing, NoData, Alignment, ImageArray, LabelValueOptions):
    """Flags of the command."""

    out: str | None = None
    """File to write, a .yaml; None: called as the pairs or the first date, in this folder. Beside it, of one
    pair, a table of its files."""
    overwrite: bool = False
    """Replace earlier files."""


def run(argv: Sequence[str]) -> int:
    """Write the settings, and print what was understood of the files."""
    options, paths = parse(USAGE, NewOptions, argv)
    if len(paths) == 2:
        raise InputError(f"{' '.join(paths)}: name the change mask too, or one folder or CSV of pairs")
    from dataclasses import replace

    from terramamba.core.files import atomic_path
    from terramamba.tasks import CHANGE

    target = target_for(options.out, paths[0], overwrite=options.overwrite)
    if len(paths) == 1:
        write_settings(CHANGE, options, {"data": paths[0]}, USUAL, target)
        return 0
    if options.split == "given":  # one pair has no subsets of its own
        options = replace(options, split="block")
    table = target.with_suffix(".csv")
    if table.exists() and not options.overwrite:
        raise InputError(f"{table}: exists already; name another file with --out or give --overwrite")
    require_regular(table)
    before = table.read_bytes() if table.exists() else None
    _write_table(table, paths)
    try:
        write_settings(CHANGE, options, {"data": str(table)}, USUAL, target)
    except BaseException:
        if before is None:
            table.unlink()
        else:
            with atomic_path(table) as draft:
                draft.write_bytes(before)
        raise
    return 0


def _write_table(table: Path, paths: Sequence[str]) -> None:
    """Write the table of one pair, with paths from its folder."""
    from terramamba.core.files import write_table
    from terramamba.raster.readers.datasets import is_address

    home = table.parent
    found = [path if is_address(path) else os.path.relpath(path, home) for path in paths]
    write_table(table, COLUMNS, [found])
