"""Work on inputs that must stay as they are: no part file is kept that may come from others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from terramamba.core.errors import InputError
from terramamba.core.file_states import FileStates
from terramamba.mapping.executors import Work
from terramamba.mapping.part_files import Arrays

REMEDY = "put back what was there, or map it anew with --overwrite"

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class WatchedWork:
    """``work`` whose parts are worth nothing where a file is no longer what ``states`` say.

    Files are looked at behind each part, which takes microseconds; addresses only when all is done.
    """

    work: Work
    states: FileStates

    def start(self, device: torch.device) -> Callable[[int], Arrays]:
        """Start the work; raises ``ChangedFileError``, as the function that maps a part does."""
        map_part = self._unchanged(self.work.start, device)
        return lambda part: self._unchanged(map_part, part)

    def _unchanged(self, do: Callable[..., T], argument: object) -> T:
        try:
            done = do(argument)
        except InputError:
            # A file that was cut cannot be read: that it was cut is what there is to say.
            self.states.require_same(REMEDY, local=True)
            raise
        self.states.require_same(REMEDY, local=True)
        return done
