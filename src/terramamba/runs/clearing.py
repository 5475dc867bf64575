"""Which folders hold runs, and what of them is a run's, to be removed with it: the rest is its user's."""

from pathlib import Path

from terramamba.core.durable import remove, remove_if_empty
from terramamba.core.files import YAML_MARK
from terramamba.core.folder_lock import held, require_no_link
from terramamba.core.run_files import CHECKPOINT, CONFIG, SEED_FOLDERS, WRITTEN

LOCK = ".at-work"
"""Hidden folder in that of a run, held by the job that writes it; of a launched job by the first process."""


def is_run_folder(folder: Path) -> bool:
    """Tell whether ``folder`` holds the settings of a run."""
    config = folder / CONFIG
    if not config.is_file():
        return False
    with config.open("rb") as file:
        return file.readline().decode("utf-8", "replace").strip() == YAML_MARK


def holds_run(folder: Path) -> bool:
    """Tell whether ``folder`` holds a run, of one seed or of several."""
    return is_run_folder(folder) or bool(_seeds(folder))


def clear(folder: Path, *, keep_settings: bool = False) -> None:
    """Remove all that a run writes, also in its seed-* folders; its settings last, so it can be repeated.

    Raises:
        InputError: another job holds a seed's folder, or one leads elsewhere.
    """
    for seeded in _seeds(folder):
        with held(seeded / LOCK, seeded):
            clear(seeded)
        remove_if_empty(seeded)
    checkpoints = (folder / CHECKPOINT).parent
    require_no_link(checkpoints)
    remove(folder / name for name in WRITTEN)
    remove_if_empty(checkpoints)
    if not keep_settings:
        remove([folder / CONFIG])


def _seeds(folder: Path) -> list[Path]:
    """Folders of single seeds that hold runs."""
    return [path for path in folder.glob(SEED_FOLDERS) if not path.is_symlink() and is_run_folder(path)]
