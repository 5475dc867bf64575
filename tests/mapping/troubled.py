"""A command of terramamba that meets trouble on its way, told in JSON before the command's words.

``kill_after_call`` names a function and at which call of it the process gets a signal (``signal``),
``change_after_call`` also what becomes of which file then (``CHANGES``). ``longest_file`` says how long the
process's files may be, ``full_at_sync`` at which call of ``os.fsync`` the disk is found to be full.
"""

import errno
import itertools
import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

import terramamba.mapping.drafts
from terramamba.cli import main

PLACES = {
    "publish": terramamba.mapping.drafts,
    "rmtree": shutil,
    "replace": Path,
    "unlink": Path,
    "rmdir": Path,
}


def swap(path):
    """Have another file of this size under its name."""
    other = path.with_name("another")
    other.write_bytes(path.read_bytes()[::-1])
    other.rename(path)


CHANGES = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 3),
    "swap": swap,
    "remove": os.unlink,
    "touch": Path.touch,
}


def after_call(name, number, do):
    place, calls = PLACES[name], itertools.count(1)
    function = getattr(place, name)

    def told(*args, **options):
        result = function(*args, **options)
        if next(calls) == number:
            do()
        return result

    setattr(place, name, told)


def full_at_sync(number):
    calls, fsync = itertools.count(1), os.fsync

    def full(handle):
        if next(calls) >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    os.fsync = full


if __name__ == "__main__":
    trouble = json.loads(sys.argv[1])
    if "longest_file" in trouble:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (trouble["longest_file"],) * 2)
    if "full_at_sync" in trouble:
        full_at_sync(trouble["full_at_sync"])
    if "kill_after_call" in trouble:
        by = trouble.get("signal", signal.SIGKILL)
        after_call(*trouble["kill_after_call"], lambda: os.kill(os.getpid(), by))
    if "change_after_call" in trouble:
        *when, change, changed = trouble["change_after_call"]
        after_call(*when, lambda: CHANGES[change](Path(changed)))
    sys.exit(main(sys.argv[2:]))
