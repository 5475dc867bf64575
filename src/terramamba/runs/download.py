"""What a run needs to map, brought into a folder of one's own: whole and as its card says, or not at all."""

import shutil
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.run_files import CARD, WEIGHTS
from terramamba.core.whole_folder import make_whole
from terramamba.runs.folder import Run, load_run


def fetch_run(source: Path, out: Path) -> Run:
    """Copy card and weights of the run in ``source`` to the new folder ``out``.

    Raises:
        InputError: the run is damaged, or ``out`` is there or cannot be written.
    """

    def fill(draft: Path) -> None:
        for name in (WEIGHTS, CARD):
            shutil.copyfile(source / name, draft / name)
        try:
            load_run(draft)
        except InputError as error:
            raise InputError(
                f"{source}: is not whole ({error.what}); fetch it later, or tell who gave it"
            ) from error

    make_whole(out, fill)
    return load_run(out)
