"""Which of the files on a command line is the run."""

from collections.abc import Sequence
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.run_files import CARD


def run_and_scenes(
    paths: Sequence[str], stac: Sequence[str] | None, names: Sequence[str]
) -> tuple[str, list[str]]:
    """Return the run folder among ``paths``, and as many scenes as ``names``: files, or the items ``stac``.

    Raises:
        InputError: as ``split_run``, too few or too many scenes, files beside items, or what is no item.
    """
    folder, scenes = split_run(paths)
    needed = " ".join(names)
    if stac is not None:
        from terramamba.raster.readers.stac import is_stac

        if scenes:
            raise InputError(f"--stac and {scenes[0]}: give either items or files")
        for item in stac:
            if not is_stac(item):
                raise InputError(
                    f"--stac {item}: is no STAC item; give the .json of one, a file or an address"
                )
        scenes = list(stac)
    if len(scenes) != len(names):
        given = ", ".join(scenes) or "none"
        raise InputError(f"{len(names)} needed ({needed}), as files or with --stac; got {given}")
    return folder, scenes


def split_run(paths: Sequence[str]) -> tuple[str, list[str]]:
    """Return the run folder among ``paths`` and the others in order; the run may stand before or after them.

    Raises:
        InputError: no folder with a ``model.json``, or more than one.
    """
    runs = [path for path in paths if (Path(path) / CARD).exists()]
    if len(runs) == 1:
        others = list(paths)
        others.remove(runs[0])
        return runs[0], others
    if runs:
        raise InputError(f"{runs[0]} and {runs[1]} are both run folders; name one run")
    # A run that was never finished is a folder too; a scene may be one, so the first alone is blamed.
    likely = next((path for path in paths if Path(path).is_dir()), paths[0])
    if not Path(likely).exists():
        raise InputError(f"{likely}: no such run folder; name the folder that training wrote with --out")
    raise InputError(f"{likely}: no {CARD} in it, so it is no finished run; train first, or name another")
