"""Finishing a map whose part files were made elsewhere."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.mapping.jobs import MapOutput, finish, tidy
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.summary import MapSummary


def join_map(
    outputs: Mapping[str, Callable[[Mapping[str, Any]], MapOutput]],
    out: str | Path,
    *,
    overwrite: bool = False,
) -> MapSummary:
    """Put the map ``out`` together from the part files that shards of one run left beside it.

    Paths of further outputs are those that the shards were given: call it where they ran.

    Args:
        outputs: For each kind of map, what makes its output from what a record says.
        out: The map, as the shards were told.
        overwrite: Replace existing outputs.

    Returns:
        The summary of the map.

    Raises:
        InputError: there are no parts, some are missing, another run is at work on them, or outputs exist.
    """
    start = time.monotonic()
    files = PartFiles(Path(out))
    tidy(files)
    record = files.record()
    if record is None and files.out.exists():
        raise InputError(f"{out}: exists already, and no parts of it are left to join")
    if record is None or record.get("kind") not in outputs:
        raise InputError(f"{out}: no parts of it lie in {files.folder.name}; map with --shard i/n first")
    try:
        output = outputs[record["kind"]](record["output"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{out}: {files.folder.name} is from another version; map it anew") from error
    if output.targets[0].absolute() != files.out.absolute():
        raise InputError(
            f"{out}: its shards called it {output.targets[0]}; join it in the folder where they ran"
        )
    return output.summary(finish(output, files, overwrite=overwrite), time.monotonic() - start)
