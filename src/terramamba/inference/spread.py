"""How the work of a map is spread over workers."""

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass

from terramamba.core.errors import InputError
from terramamba.inference.executors import Crew, Work, dask_workers, here, processes
from terramamba.inference.parts import Parts


@dataclass(frozen=True)
class Spread:
    """Who does the work: this process, ``workers`` processes, a ``dask`` cluster; and which ``shard``."""

    workers: int = 1
    dask: str | None = None
    shard: str | None = None

    def crew(self, work: Work, parts: Parts, device: str) -> AbstractContextManager[Crew]:
        """The workers."""
        if self.dask is not None:
            return dask_workers(work, parts, device, self.dask)
        return (
            here(work, parts, device) if self.workers == 1 else processes(work, parts, device, self.workers)
        )

    def check(self) -> None:
        """Raise ``InputError`` where the options exclude each other or have values that they cannot have."""
        if self.workers < 1:
            raise InputError(f"--workers {self.workers}: at least 1 is needed")
        if self.dask is not None and self.workers != 1:
            raise InputError("--workers and --dask exclude each other; give one of them")
        self.share(0)

    def share(self, units: int) -> range:
        """Which of so many units this run does; "2/5" is every fifth from the second on."""
        if self.shard is None:
            return range(units)
        found = re.fullmatch(r"(\d+)/(\d+)", self.shard)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise InputError(f"--shard {self.shard}: give i/n with i from 1 to n, such as 2/5")
        return range(int(found[1]) - 1, units, int(found[2]))
