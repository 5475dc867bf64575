"""``terramamba explain``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from terramamba.change.settings import ExplainPair
from terramamba.cli.shared.files import split_run
from terramamba.cli.shared.parse import Usage, parse
from terramamba.core.errors import InputError
from terramamba.core.options import options_of
from terramamba.data.settings import ImageArray, Masks
from terramamba.landcover.settings import ExplainScene
from terramamba.training.settings import OnDevice

if TYPE_CHECKING:
    from terramamba.training.task import Task

USAGE = Usage(
    "explain",
    "Show what a trained run looks at. Of a classifier: what its attention asks, by class and for named "
    "pixels, and which bands it needs. Of a GLMamba: where its parts respond in a window of a pair, and what "
    "speaks for change. Writes tables, pictures and GeoTIFFs to a folder.",
    ("RUN", "[SCENE | BEFORE]", "[AFTER]"),
    example="runs/cover scene.tif --out explained",
)

REPEATED = ("--pixel", "--at")
"""Flags that may be given several times."""


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(ExplainPair, ExplainScene, OnDevice, Masks, ImageArray):
    """Flags of the command: those of every job, whose files import nothing heavy, and these."""

    out: str
    """Folder to write; must be new or empty unless --overwrite is given."""
    pixel: str | None = None
    """ROW,COL from 0: for a classifier a pixel to explain (several: repeat the flag, or "1,2 3,4"), for a
    pair the middle of the window."""
    at: str | None = None
    """X,Y in the reference system of the scene, as --pixel."""
    overwrite: bool = False
    """Replace an earlier explanation in the folder."""


def run(argv: Sequence[str]) -> int:
    """Explain, and print in words what came of it."""
    options, paths = parse(USAGE, ExplainOptions, _joined(argv))
    folder, files = split_run(paths)
    from terramamba.cli.shared.show import show
    from terramamba.runs.folder import load_run
    from terramamba.tasks import task_named

    loaded = load_run(folder)
    task = task_named(loaded.task)
    found = task.explain(loaded, files, **_of_task(task, options, folder))
    show(task.shown_explanation(found), {"written": found["folder"]})
    return 0


def _of_task(task: "Task", options: ExplainOptions, folder: str) -> dict[str, Any]:
    """The options that ``task`` has; raises ``InputError`` where one that others alone have is given."""
    from terramamba.tasks import TASKS

    given = asdict(options)
    given["mask"] = options.mask or ()
    own = {option.name for option in options_of(task.explain_options)}
    for other in TASKS.values():
        for option in options_of(other.explain_options):
            if option.name not in own and given.pop(option.name, option.default) != option.default:
                raise InputError(f"{option.flag}: is for runs for {other.name}; {folder} is for {task.name}")
    return given


def _joined(argv: Sequence[str]) -> list[str]:
    """``argv`` with the values of a repeated flag in one."""
    words, values = [], dict[str, list[str]]()
    left = list(argv)
    while left:
        word = left.pop(0)
        flag, equals, value = word.partition("=")
        if flag not in REPEATED or not (equals or left):
            words.append(word)
        else:
            values.setdefault(flag, []).append(value if equals else left.pop(0))
    return [*words, *(f"{flag}={' '.join(said)}" for flag, said in values.items())]
