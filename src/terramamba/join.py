"""Finishing a map whose parts were made elsewhere."""

import time
from pathlib import Path

from terramamba.change.map_output import KIND as CHANGE
from terramamba.change.map_output import ChangeRecipe, ChangeSummary
from terramamba.core.errors import InputError
from terramamba.landcover.map_output import KIND as CLASSIFY
from terramamba.landcover.map_output import ClassRecipe, ClassSummary
from terramamba.mapping.jobs import finish
from terramamba.mapping.part_files import Parts


def join_map(out: str | Path, *, overwrite: bool = False) -> ClassSummary | ChangeSummary:
    """Put the map ``out`` together from the parts that shards of one run left beside it.

    Paths of further outputs are those that the shards were given: call it where they ran.

    Args:
        out: The map, as the shards were told.
        overwrite: Replace existing outputs.

    Raises:
        InputError: there are no parts, some are missing, another run is at work on them, or outputs exist.
    """
    start = time.monotonic()
    parts = Parts(Path(out))
    record = parts.record()
    kinds: dict[str, type[ClassRecipe] | type[ChangeRecipe]] = {CLASSIFY: ClassRecipe, CHANGE: ChangeRecipe}
    if record is None or record.get("kind") not in kinds:
        raise InputError(f"{out}: no parts of it lie in {parts.folder.name}; map with --shard i/n first")
    try:
        recipe = kinds[record["kind"]].of(record["recipe"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{out}: {parts.folder.name} is from another version; map it anew") from error
    if recipe.targets[0].absolute() != parts.out.absolute():
        raise InputError(
            f"{out}: its shards called it {recipe.targets[0]}; join it in the folder where they ran"
        )
    return recipe.summary(finish(recipe, parts, overwrite=overwrite), time.monotonic() - start)
