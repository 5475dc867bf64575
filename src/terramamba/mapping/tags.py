"""Tags of a map: the texts in its file that say which run and program made it, of what, and when."""

from collections.abc import Mapping
from datetime import UTC, datetime

from terramamba._version import __version__
from terramamba.mapping.fingerprint import model_sha256
from terramamba.runs.folder import Run

MODEL_TAG = "MODEL_SHA256"
"""Which weights made a map: the checksum that the model card has."""


def run_tags(run: Run, **more: str) -> dict[str, str]:
    """Return the tags of all files of one map: program, model, and ``more``, whose names become capitals."""
    return {
        "TIFFTAG_SOFTWARE": f"terramamba {__version__}",
        "MODEL": run.card.model.name,
        "RUN": run.folder.absolute().name,
        MODEL_TAG: model_sha256(run),
        **{name.upper(): text for name, text in more.items()},
    }


def file_tags(tags: Mapping[str, str], what: str) -> dict[str, str]:
    """Return ``tags`` with ``what`` the file is and the time at which it is written."""
    now = datetime.now(UTC)
    return {
        **tags,
        "TIFFTAG_IMAGEDESCRIPTION": what,
        "TIFFTAG_DATETIME": now.strftime("%Y:%m:%d %H:%M:%S"),
        "WRITTEN": now.isoformat(timespec="seconds"),
    }
