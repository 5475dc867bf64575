"""A command of terramamba that meets trouble on its way, told in JSON before the command's words.

``kill_after_call`` names a function and at which call of it the process gets a signal (``signal``), and
``longest_file`` says how long its files may be.
"""

import itertools
import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

import terramamba.mapping.jobs
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


if __name__ == "__main__":
    trouble = json.loads(sys.argv[1])
    if "longest_file" in trouble:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (trouble["longest_file"],) * 2)
    if "kill_after_call" in trouble:
        kill_after_call(*trouble["kill_after_call"], trouble.get("signal", signal.SIGKILL))
    sys.exit(main(sys.argv[2:]))
