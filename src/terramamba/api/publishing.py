"""A trained run, given to others through the Hugging Face hub."""

from dataclasses import dataclass
from pathlib import Path

from terramamba.core.arguments import checked
from terramamba.core.errors import InputError, reason_of
from terramamba.core.files import StrPath
from terramamba.core.hub import LOG_IN, MARK, hub, hub_errors
from terramamba.core.run_files import CARD, WEIGHTS
from terramamba.report.hub_card import hub_card
from terramamba.runs.folder import load_run
from terramamba.runs.record import read_runs
from terramamba.tasks import task_named

README = "README.md"


@dataclass(frozen=True)
class PushedRun:
    """Where a run is on the hub."""

    weights: str
    """What --weights takes: hf:ORG/NAME."""
    address: str
    """Of the commit."""
    files: tuple[str, ...]


@checked
def push_run(
    run: StrPath, to: str, *, licence: str | None = None, public: bool = False, overwrite: bool = False
) -> PushedRun:
    """Put a run's weights, its card and a page about it on the hub, in one commit.

    Who asks is who logged in (`hf auth login`), or whose token is in HF_TOKEN.

    Args:
        run: Folder of a run of one seed.
        to: Name of the repository, ORG/NAME; without ORG among one's own.
        licence: Of the weights, as the hub names it, such as apache-2.0; None: its page says that it is open.
        public: Let everybody see it; a repository that is there already stays as visible as it is.
        overwrite: Put a new version into a repository that is there already.

    Raises:
        InputError: the run is damaged, the repository is there already, or the hub refuses or says nothing.
    """
    records = read_runs([Path(run)])
    if len(records) > 1:
        raise InputError(f"{run}: holds runs of {len(records)} seeds; name one of them, {records[0].folder}")
    (record,) = records
    load_run(record.folder)  # a damaged run stays here
    api, errors = hub(), hub_errors()
    mark = MARK + to
    try:
        name = to if "/" in to else f"{api.whoami()['name']}/{to}"
        mark = MARK + name
        api.create_repo(name, private=not public, exist_ok=overwrite)
        page = hub_card(task_named(record.task), record, name, licence)
        address = _commit(name, {README: page.encode(), **_files(record.folder)})
    except errors as error:
        raise InputError(f"{mark}: {_why(error)}") from error
    return PushedRun(mark, address, (README, WEIGHTS, CARD))


def _files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (WEIGHTS, CARD)}


def _commit(name: str, files: dict[str, bytes]) -> str:
    from huggingface_hub import CommitOperationAdd

    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    return str(hub().create_commit(name, operations, commit_message="A run of terramamba").commit_url)


def _why(error: Exception) -> str:
    """Say what the hub's ``error`` means, and what to do."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"the hub does not let you; {LOG_IN}, or name a repository of yours"
    if status == 409:
        return "is there already; give --overwrite to put a new version there, or another name"
    if status is not None:
        return f"the hub says {status} ({reason_of(error)}); check the name, or try again later"
    return f"the hub gave no answer ({type(error).__name__}); check the network, or try again later"
