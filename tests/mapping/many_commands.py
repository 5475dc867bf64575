"""Runs commands one after the other in children of a process that has imported everything already.

A line of JSON on standard input is a command: its ``argv``, the folder ``cwd``, ``log`` for what it says,
after how many seconds (``kill_after``) or calls of which function (``kill_after_call``, by which ``signal``)
it is killed, and how long its files may be (``longest_file``). The answer is its exit status, below 0 where
it was killed, and the seconds that it took.
"""

import itertools
import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pyogrio  # noqa: F401

import terramamba.cli.change_map
import terramamba.cli.classify_map
import terramamba.mapping.jobs
import terramamba.models.glmamba_variants
import terramamba.models.ssa_variants
import terramamba.raster.readers.formats
from terramamba.cli import main

PLACES = {
    "publish": terramamba.mapping.jobs,
    "rmtree": shutil,
    "replace": Path,
    "unlink": Path,
    "rmdir": Path,
}


def kill_after_call(name, number, by):
    place, calls = PLACES[name], itertools.count(1)
    function = getattr(place, name)

    def kill(*args, **options):
        result = function(*args, **options)
        if next(calls) == number:
            os.kill(os.getpid(), by)
        return result

    setattr(place, name, kill)


def run(command):
    begin = time.monotonic()
    child = os.fork()
    if not child:
        status = 99
        try:
            os.chdir(command["cwd"])
            log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            if command.get("longest_file"):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (command["longest_file"],) * 2)
            if command.get("kill_after_call"):
                kill_after_call(*command["kill_after_call"], command.get("signal", signal.SIGKILL))
            status = main(command["argv"])
            sys.stdout.flush()
        finally:
            os._exit(status)
    timer = threading.Timer(command.get("kill_after") or 1000, os.kill, (child, signal.SIGKILL))
    timer.start()
    _, ended = os.waitpid(child, 0)
    timer.cancel()
    return {"status": os.waitstatus_to_exitcode(ended), "seconds": time.monotonic() - begin}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
