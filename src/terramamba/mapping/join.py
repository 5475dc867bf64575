"""Finishing a map whose part files were made elsewhere."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.mapping.claims import tidy
from terramamba.mapping.jobs import finish
from terramamba.mapping.map_output import MapOutput
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.summary import MapSummary

Further = Mapping[str, Sequence[str]]
"""Paths of outputs beside the map, by the flag that names them."""


def join_map(
    outputs: Mapping[str, Callable[[Mapping[str, Any]], MapOutput]],
    out: str | Path,
    *,
    further: Further | None = None,
    overwrite: bool = False,
) -> MapSummary:
    """Put the map ``out`` together from the part files that shards of one run left beside it.

    Paths of further outputs are those that the shards were given: call it where they ran. What the shards
    wrote down may have come from anywhere, so outputs that do not lie below the folder of ``out`` are written
    only where ``further`` names them too.

    Args:
        outputs: For each kind of map, what makes its output from what a record says.
        out: The map, as the shards were told.
        further: Further outputs, as the shards were told; those below the folder of ``out`` need no naming.
        overwrite: Replace existing outputs.

    Returns:
        The summary of the map.

    Raises:
        InputError: there are no parts, some are missing, another run is at work on them, outputs exist, or
            lie elsewhere and are not named.
    """
    start = time.monotonic()
    files = PartFiles(Path(out))
    tidy(files)
    record = files.record()
    if record is None and files.out.exists():
        raise InputError(f"{out}: exists already, and no parts of it are left to join")
    kind = None if record is None else record.get("kind")
    if record is None or not isinstance(kind, str) or kind not in outputs:
        raise InputError(f"{out}: no parts of it lie in {files.folder.name}; map with --shard i/n first")
    try:
        output = outputs[kind](record["output"])
        targets = [path for _, path in zip(output.flags, output.targets, strict=True)]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{out}: {files.folder.name} is from another version; map it anew") from error
    if targets[0].absolute() != files.out.absolute():
        raise InputError(f"{out}: its shards called it {targets[0]}; join it in the folder where they ran")
    _require_named(output, further or {})
    return output.summary(finish(output, files, overwrite=overwrite), time.monotonic() - start)


def join_command(output: MapOutput) -> str:
    """Return the command that joins the shards of ``output``, given where they ran."""
    words = ["terramamba", "join", str(output.targets[0])]
    for flag, paths in _further(output).items():
        if any(_elsewhere(path, output) for path in paths):
            words += [flag, ",".join(map(str, paths))]
    return shlex.join(words)


def _require_named(output: MapOutput, named: Further) -> None:
    """Raise ``InputError`` where an output lies elsewhere and is not ``named``, or is named otherwise."""
    out, further = output.targets[0], _further(output)
    for flag, given in named.items():
        recorded = further.get(flag, [])
        if [Path(path).absolute() for path in given] != [path.absolute() for path in recorded]:
            told = ",".join(map(str, recorded)) or "not given"
            raise InputError(
                f"{flag} {','.join(given)}: to the shards of {out} it was {told}; give what they were given"
            )
    for flag, paths in further.items():
        for path in paths:
            if flag not in named and _elsewhere(path, output):
                raise InputError(
                    f"{path}: does not lie below the folder of {out}, whose shards were to write it too; if"
                    f" it is to be written, give {flag} {','.join(map(str, paths))}"
                )


def _further(output: MapOutput) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for flag, path in list(zip(output.flags, output.targets, strict=True))[1:]:
        found.setdefault(flag, []).append(path)
    return found


def _elsewhere(path: Path, output: MapOutput) -> bool:
    """Tell whether ``path``, links followed, does not lie below the folder of the map."""
    return not path.parent.resolve().is_relative_to(output.targets[0].parent.resolve())
