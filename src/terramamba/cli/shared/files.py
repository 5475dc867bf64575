"""Which of the files on a command line is the run."""

from collections.abc import Sequence
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.hub import at_hand, is_on_hub
from terramamba.core.run_files import CARD, CONFIG, not_finished


def run_and_scenes(
    paths: Sequence[str], stac: Sequence[str] | None, names: Sequence[str]
) -> tuple[str, list[str]]:
    """Return the run folder among ``paths``, and as many scenes as ``names``: files, or the items ``stac``.

    Raises:
        InputError: as ``split_run`` and ``scenes_of``.
    """
    folder, scenes = split_run(paths, names if stac is None else ())
    return folder, scenes_of(scenes, stac, names)


def run_in(weights: str) -> str | None:
    """Return the folder of the run that ``weights`` name, on the hub or by its path; None: they are no run.

    Raises:
        InputError: the hub does not answer, or has no such thing.
    """
    folder = at_hand(weights)
    return folder if (Path(folder) / CARD).is_file() else None


def scenes_of(scenes: Sequence[str], stac: Sequence[str] | None, names: Sequence[str]) -> list[str]:
    """Return as many scenes as ``names``: the files ``scenes``, or the items ``stac``.

    Raises:
        InputError: too few or too many, files beside items, or what is no item.
    """
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
        scenes = stac
    if len(scenes) != len(names):
        from terramamba.raster.checks.pair_problems import CUT_IN_TWO

        given = ", ".join(scenes) or "none"
        wanted = "one image is" if len(names) == 1 else f"{len(names)} images are"
        cure = f"; {CUT_IN_TWO}" if len(scenes) == 1 and len(names) == 2 else ""
        raise InputError(f"{needed}: {wanted} needed, as files or with --stac; given: {given}{cure}")
    return list(scenes)


def split_run(paths: Sequence[str], names: Sequence[str] | None = None) -> tuple[str, list[str]]:
    """Return the run among ``paths`` and the others in order; the run may stand before or after them.

    It is a folder, or one on the hub.

    ``names`` are what the others are called, where it is known how many there must be.

    Raises:
        InputError: no folder with a ``model.json``, or more than one.
    """
    runs = [path for path in paths if is_on_hub(path) or (Path(path) / CARD).exists()]
    if len(runs) == 1:
        others = list(paths)
        others.remove(runs[0])
        return runs[0], others
    if runs:
        raise InputError(f"{runs[0]} and {runs[1]} are both run folders; name one run")
    raise InputError(_why_no_run(paths, names))


def _why_no_run(paths: Sequence[str], names: Sequence[str] | None) -> str:
    """Say which of ``paths`` was meant as the run and is none, or that none was."""
    begun = next((path for path in paths if (Path(path) / CONFIG).exists()), None)
    absent = [path for path in paths if not _is_there(path)]
    folders = [path for path in paths if Path(path).is_dir()]
    if begun is None and (not (absent or folders) or (names is not None and len(paths) <= len(names))):
        unknown = f" ({', '.join(absent)}: no such file)" if absent else ""
        without = "--weights maps" if names and len(names) == 1 else "--weights and --model map"
        beside = f", and {', '.join(names)}; {without} without a run" if names else ""
        among = f"no run folder among {', '.join(paths)}{unknown}" if paths else "no run is named"
        return f"RUN: {among}; name the folder that training wrote with --out{beside}"
    # the name of a scene has an ending, that of a run hardly ever
    others = None if folders or not absent else absent[0]
    likely = next((path for path in absent if not Path(path).suffix), others)
    if begun is None and likely is not None:
        return f"{likely}: no such run folder; name the folder that training wrote with --out"
    return not_finished(Path(begun or folders[0]), CARD)


def _is_there(path: str) -> bool:
    """Tell whether a file is there; what lies elsewhere than on the disk may be."""
    from terramamba.raster.readers.array_path import file_of
    from terramamba.raster.readers.datasets import is_address

    return Path(file_of(path)).exists() or is_address(path)
