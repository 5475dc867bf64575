"""A program for processes that a launcher started: two commands, in which the ranks that it is given fail."""

import sys
from functools import partial

import torch
from torch import distributed

from terramamba.core.errors import InputError
from terramamba.core.rank_zero import leading_group, run_on_rank_zero


def meet_or_fail(failing, rank, world, report):
    if rank in failing:
        raise InputError(f"rank {rank} has no such file")
    distributed.all_reduce(torch.ones(1))


def command(failing):
    leading_group().distribute(partial(meet_or_fail, failing), lambda amount, remark="": None)
    return "done"


if __name__ == "__main__":
    import launched

    failing = [int(rank) for rank in sys.argv[1:]]
    try:
        for _ in range(2):
            print(run_on_rank_zero(partial(launched.command, failing)))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
