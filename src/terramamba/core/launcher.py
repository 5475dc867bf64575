"""Which process of a job this one is, where torchrun or Slurm's srun started several of them.

Both say it by environment variables. Those of other launchers, or of a batch script that started a single
process, are left alone: a process that waits for others which do not exist would wait for ever.
"""

import multiprocessing
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from terramamba.core.errors import InputError

FIRST_PORT, PORTS = 15_000, 15_000
"""Ports at which the first process of a Slurm job waits for the others: one follows from job and step."""


@dataclass(frozen=True)
class LaunchedProcess:
    """A process of a job that a launcher started; ``rank`` and ``local_rank`` count from 0."""

    launcher: str
    """torchrun or srun."""
    rank: int
    world: int
    """Processes of the job, on all machines."""
    local_rank: int
    """Among those on this machine."""
    local_world: int
    address: str
    """The machine of the first process."""
    port: int

    def variables(self) -> dict[str, str]:
        """Return its variables as torchrun sets them, which is what PyTorch and accelerate read."""
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.world),
            "LOCAL_RANK": str(self.local_rank),
            "LOCAL_WORLD_SIZE": str(self.local_world),
            "MASTER_ADDR": self.address,
            "MASTER_PORT": str(self.port),
        }


def launched_process(environment: Mapping[str, str] = os.environ) -> LaunchedProcess | None:
    """Return what a launcher says of this process; None where no launcher started several.

    Processes that a launched one started are none of its job's, though they inherit its variables. Raises
    ``InputError`` where a launcher's variables contradict themselves.
    """
    if multiprocessing.parent_process() is not None:
        return None
    try:
        if "TORCHELASTIC_RUN_ID" in environment:
            found = _of_torchrun(environment)
        elif int(environment.get("SLURM_STEP_NUM_TASKS", "1")) > 1:  # SLURM_NTASKS is a batch script's too
            found = _of_srun(environment)
        else:
            return None
    except (KeyError, ValueError) as error:
        raise InputError(
            f"the launcher's environment variables are not all there ({error}); start with torchrun or srun"
        ) from error
    return found if found.world > 1 else None


def _of_torchrun(environment: Mapping[str, str]) -> LaunchedProcess:
    numbers = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    rank, world, local_rank, local_world = (int(environment[name]) for name in numbers)
    address, port = environment["MASTER_ADDR"], int(environment["MASTER_PORT"])
    return LaunchedProcess("torchrun", rank, world, local_rank, local_world, address, port)


def _of_srun(environment: Mapping[str, str]) -> LaunchedProcess:
    """MASTER_ADDR and MASTER_PORT, where a batch script sets them, go before what follows from the job."""
    node = int(environment.get("SLURM_NODEID", "0"))
    step = int(environment["SLURM_JOB_ID"]) + int(environment["SLURM_STEP_ID"])
    return LaunchedProcess(
        launcher="srun",
        rank=int(environment["SLURM_PROCID"]),
        world=int(environment["SLURM_STEP_NUM_TASKS"]),
        local_rank=int(environment["SLURM_LOCALID"]),
        local_world=tasks_of_nodes(environment["SLURM_STEP_TASKS_PER_NODE"])[node],
        address=environment.get("MASTER_ADDR") or first_host(environment["SLURM_STEP_NODELIST"]),
        port=int(environment.get("MASTER_PORT") or FIRST_PORT + step % PORTS),
    )


def first_host(nodes: str) -> str:
    """Return the first of Slurm's list of machines.

    >>> first_host("gpu[003-005,9],login"), first_host("alpha,beta")
    ('gpu003', 'alpha')
    """
    return re.sub(r"\[(\d+)[^]]*]", r"\1", nodes).split(",")[0]


def tasks_of_nodes(counts: str) -> list[int]:
    """Return the number of processes on each machine, from Slurm's short form.

    >>> tasks_of_nodes("4(x2),3")
    [4, 4, 3]
    """
    found = []
    for group in counts.split(","):
        tasks, _, times = group.removesuffix(")").partition("(x")
        found += [int(tasks)] * int(times or 1)
    return found
