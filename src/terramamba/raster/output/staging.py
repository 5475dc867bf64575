"""Output files that appear under their names together, when every one is complete, or not at all.

``staged`` forgets what was written when its process ends. Where work goes on after a kill, outputs are
drafted in places that the next process finds again: ``draft_of`` names them, ``publish`` moves them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from terramamba.core.durable import (
    Digest,
    digest,
    make_folder,
    remove_if_empty,
    replace,
    sync_file,
    sync_folder,
)
from terramamba.core.errors import InputError
from terramamba.core.files import atomic_path
from terramamba.core.folder_lock import work_folder
from terramamba.core.output_place import require_place, require_replaceable
from terramamba.core.unwritable import unwritable
from terramamba.raster.output.styles import move_style, style_of

SIDECAR = ".aux.xml"
"""Where GDAL keeps what a file's own format has no place for; added to the whole file name."""


def check_outputs(
    targets: Sequence[str | Path], *, overwrite: bool = False, inputs: Sequence[str | Path] = ()
) -> None:
    """Raise ``InputError`` where a target exists (unless ``overwrite``), is an input, or is named twice.

    So it is where it cannot lie there at all. Links are followed. Names that differ in case alone are one
    file on some systems, so they are one name.
    """
    used = {os.path.realpath(path) for path in inputs}
    seen: dict[str, Path] = {}
    for target in map(Path, targets):
        require_place(target)
        real = os.path.realpath(target)
        if real in used or _is_one_of(target, inputs):
            raise InputError(f"{target}: would replace its own input; give the output another name")
        other = seen.setdefault(real.casefold(), target)
        if other is not target:
            also = "" if str(other) == str(target) else f" (one file with {other} here or elsewhere)"
            raise InputError(f"{target}: named for two outputs{also}; give each its own name")
        if target.is_dir():
            raise InputError(f"{target}: is a folder; name a file in it")
        if target.is_symlink() and not target.exists() and not overwrite:  # as of a disk that is not there
            raise InputError(f"{target}: is a link to what is not there; remove it, or name another file")
        if target.exists() and not overwrite:
            raise InputError(f"{target}: exists already; name another file or give --overwrite")
        require_replaceable(target)


def _is_one_of(target: Path, inputs: Sequence[str | Path]) -> bool:
    """Tell whether ``target`` is there and is one of the files ``inputs``, whatever it is called."""
    # Unlike that of pathlib, this ``exists`` takes addresses that are too long for a path.
    return target.exists() and any(os.path.exists(one) and target.samefile(one) for one in inputs)  # noqa: PTH110


@contextmanager
def staged(*targets: str | Path, overwrite: bool = False) -> Iterator[tuple[Path, ...]]:
    """Yield one path to write for each target; on a clean exit move all, with sidecars, to the targets.

    The paths lie in hidden folders beside their targets, so that moving is renaming. After an exception,
    Ctrl-C included, nothing that was written is left, nor any folder that was made for a target.

    Raises:
        InputError: a target exists and ``overwrite`` is False, another process writes it, or its folder
            cannot be written.
    """
    check_outputs(targets, overwrite=overwrite)
    with ExitStack() as cleaning:
        yet_to_move = []
        for target in map(Path, targets):
            hidden = target.with_name(f".{target.name}.staged.part")
            try:
                for folder in make_folder(target.parent):
                    cleaning.callback(remove_if_empty, folder)
                cleaning.enter_context(work_folder(hidden, target))
            except OSError as error:
                raise unwritable(target, error) from error
            yet_to_move.append((hidden / target.name, target))
        check_outputs(targets, overwrite=overwrite)  # another may have been at work when it was looked first
        yield tuple(part for part, _ in yet_to_move)
        try:
            for part, _ in yet_to_move:
                sync_draft(part)
            for part, target in yet_to_move:
                publish(part, target, sidecar_of(part).exists())
        except OSError as error:  # some disks say only now that they are full
            raise unwritable(target, error) from error


def write_output(target: Path, content: bytes, *, overwrite: bool) -> None:
    """Write ``content`` to the file ``target``, in one step.

    Raises:
        InputError: another process has written it meanwhile, or is about to, and ``overwrite`` is False; or
            it cannot be written.
    """
    if overwrite:
        with atomic_path(target) as draft:
            draft.write_bytes(content)
    else:
        with staged(target) as (draft,):
            draft.write_bytes(content)


def draft_of(target: Path) -> Path:
    """Return where ``target`` is drafted: alone in a hidden folder beside it, so that moving is renaming."""
    return target.with_name(f".{target.name}.part") / target.name


@dataclass(frozen=True)
class Sealed:
    """What was drafted for one target: its file, and its sidecar where there is one."""

    file: Digest
    sidecar: Digest | None


def seal(draft: Path) -> Sealed:
    """Have a finished draft on the disk, with its sidecar and their names, and say what it holds."""
    sync_draft(draft)
    sidecar = sidecar_of(draft)
    return Sealed(digest(draft), digest(sidecar) if sidecar.exists() else None)


def sync_draft(draft: Path) -> None:
    """Have a finished draft, which GDAL may have written, on the disk, with its sidecar and their names."""
    for file in (draft, sidecar_of(draft), style_of(draft)):
        if file == draft or file.exists():
            sync_file(file)
    sync_folder(draft.parent)
    sync_folder(draft.parent.parent)


def is_whole(draft: Path, target: Path, expected: Sealed) -> bool:
    """Tell whether ``draft``, or ``target`` where it has been moved, is as it was sealed; so its sidecar."""
    pairs = [(draft, target, expected.file)]
    if expected.sidecar is not None:
        pairs.append((sidecar_of(draft), sidecar_of(target), expected.sidecar))
    return all(was.fits(one if one.exists() else other) for one, other, was in pairs)


def sidecar_of(path: Path) -> Path:
    """Return GDAL's sidecar of ``path``, whether there is one or not."""
    return path.with_name(path.name + SIDECAR)


def publish(draft: Path, target: Path, has_sidecar: bool) -> None:
    """Move ``draft``, its sidecar where it ``has_sidecar``, and its style to ``target``; again does no harm.

    Both are synced already. When this returns they have their names for good.
    """
    # The sidecar goes first: whoever sees the target sees it whole.
    if not has_sidecar:
        sidecar_of(target).unlink(missing_ok=True)
    elif sidecar_of(draft).exists():
        replace(sidecar_of(draft), sidecar_of(target))
    move_style(draft, target)
    if draft.exists():
        draft.replace(target)
    # Also where a run before this one moved them, and was ended before it could say so to the disk.
    sync_folder(target.parent)
    if draft.parent.exists():
        sync_folder(draft.parent)
