"""Folders of trained runs, which hold an image of their split: known, and refused with what to do."""

from pathlib import Path
from typing import NoReturn

from terramamba.core.errors import InputError
from terramamba.core.run_files import CARD, CONFIG, PLAN
from terramamba.raster.readers.format_record import Format, on_disk

NAME = "run of terramamba"


def is_run(path: str) -> bool:
    """Tell whether a folder is that of a run, finished or not."""
    folder = Path(path)
    return (folder / CARD).is_file() or all((folder / name).is_file() for name in (CONFIG, PLAN))


def refuse_run(path: str) -> NoReturn:
    """Refuse a run where an image is wanted; raises ``InputError``."""
    raise InputError(
        f"{path}: is a run, not an image; `terramamba report` shows what it is worth, `classify map` and"
        " `change map` use it"
    )


FORMAT = Format(
    name=NAME,
    known_by="a folder with `model.json`, or `config.yaml` and `plan.json`",
    reads="nothing: refused",
    notes="It is what maps, not what is mapped. The image of its split in it opens by its own name.",
    matches=on_disk(is_run),
    reader=lambda path, options: refuse_run(path),
)
