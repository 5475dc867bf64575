"""The log of a run: what is said while it is trained, with the time, as a file in its folder."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from terramamba._version import __version__
from terramamba.core.run_files import LOG
from terramamba.core.termination import RESUMABLE
from terramamba.core.visible import visible


class _LogFile(logging.FileHandler):
    """A log that ends no run: where the disk is full, the run's other files say so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say nothing."""

    def close(self) -> None:
        """Close the file, whole or not."""
        with suppress(OSError):
            super().close()


class _Lines(logging.Formatter):
    """Lines that show what they hold, on a terminal too."""

    def format(self, record: logging.LogRecord) -> str:
        """Write what is said behind its time."""
        return visible(super().format(record))


@contextmanager
def run_log(folder: Path) -> Iterator[logging.Logger]:
    """Copy what the package's logger says to ``log.txt``, with the time; when it began, and how it ended.

    Yields the logger ``terramamba``; handlers that show messages on the terminal are the caller's own.
    """
    logger = logging.getLogger("terramamba")
    file = _LogFile(folder / LOG, encoding="utf-8")
    file.setFormatter(_Lines("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    # Any handler at all stops Python from showing warnings by itself.
    added = [file] if logger.hasHandlers() or logging.lastResort is None else [file, logging.lastResort]
    level = logger.level
    for handler in added:
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    _say(file, logger, f"terramamba {__version__}, process {os.getpid()}")
    try:
        yield logger
    except KeyboardInterrupt as stop:
        _say(file, logger, f"{str(stop) or 'interrupted'}; {RESUMABLE}", logging.ERROR)
        raise
    except Exception as error:
        _say(file, logger, f"{type(error).__name__}: {error}", logging.ERROR)
        raise
    else:
        _say(file, logger, "done")
    finally:
        logger.setLevel(level)
        for handler in added:
            logger.removeHandler(handler)
        file.close()


def _say(handler: logging.Handler, logger: logging.Logger, text: str, level: int = logging.INFO) -> None:
    handler.handle(logger.makeRecord(logger.name, level, __file__, 0, text, (), None))
