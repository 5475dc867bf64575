"""Runs programs in children of one process that has imported everything already; ``programs`` asks it to.

A request comes in one message on a socket, whose file descriptor is the only argument: JSON with the
interpreter's arguments ``argv``, the folder ``cwd`` and the environment ``env``, and with it the file
descriptors of standard input, output and error and of a pipe for answers. Two integers go into that pipe: the
process id of the child, and when it has ended its exit status, below 0 where a signal ended it. When the
socket is closed, all children are killed and the server ends.

A child is what a fresh interpreter would be, but for these: modules are imported already, so that warnings
that imports give or switch on are not seen, and what an exit takes back of them is not; all children have one
hash seed; a traceback begins in this file.
"""

import atexit
import ctypes
import gc
import importlib
import json
import multiprocessing.process
import os
import random
import runpy
import select
import signal
import socket
import struct
import sys
import types
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy

LIBRARIES = (
    "torch._dynamo",
    "torch.utils.flop_counter",
    "matplotlib.figure",
    "pyogrio.raw",
    "sklearn.ensemble",
    "sklearn.svm",
    "accelerate",
    "odc.stac",
    "portalocker",
    "pystac_client.stac_api_io",
    "docstring_parser",
    "einops._torch_specific",
    "encodings.cp437",
    "encodings.utf_8_sig",
)
"""Imported by functions of ours, and so not by importing our modules."""

IMAGE = Path(__file__).parent / "runs" / "first_format" / "cover" / "scene.tif"
"""What GDAL opens once: it learns its drivers with the first image."""

INTEGER = struct.Struct("i")
MESSAGE_BYTES = 1 << 20
HANDLES = 4
HUGE, COLLAPSE = 1 << 21, 25
"""The size of large pages, and Linux's number (6.1) for what puts small ones together."""
TASKS = Path("/proc/self/task")


def import_everything() -> None:
    import terramamba

    home = Path(terramamba.__file__).parent
    ours = (path.relative_to(home.parent).with_suffix("") for path in home.rglob("*.py"))
    for name in (*LIBRARIES, *(".".join(path.parts) for path in ours if path.stem[0] != "_")):
        with suppress(Exception):  # what cannot be imported fails where a program needs it
            importlib.import_module(name)
    with suppress(Exception):
        importlib.import_module("terramamba").open_scene(IMAGE).read()


def forget_ends() -> None:
    """Leave it to the server what libraries do at an exit with what they have imported.

    PyTorch takes hundreds of operators back, one after the other, for which a child copies 30 MB.
    """
    for finalizer in weakref.finalize._registry:
        finalizer.atexit = False


def join_pages() -> None:
    """Lay memory on pages of 2 MB where Linux can: half a fork goes into the table of the small ones."""
    madvise = ctypes.CDLL(None).madvise
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, _, _, file, *_ = line.split()
        if rights == "rw-p" and file == "0":
            first, end = (int(address, 16) for address in addresses.split("-"))
            first, end = -(-first // HUGE) * HUGE, end // HUGE * HUGE
            if first < end:
                madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), COLLAPSE)


def serve(control: socket.socket) -> dict[str, Any]:
    """Answer requests until the socket is closed; the request comes back, in the child that is to do it."""
    children: dict[int, tuple[int, int]] = {}
    with control:
        while True:
            ready, _, _ = select.select([control, *children], [], [])
            for ended in set(ready) & children.keys():
                child, answers = children.pop(ended)
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                with suppress(BrokenPipeError):  # nobody asks for it any more
                    os.write(answers, INTEGER.pack(status))
                os.close(answers)
                os.close(ended)
            if control not in ready:
                continue
            message, handles, _, _ = socket.recv_fds(control, MESSAGE_BYTES, HANDLES)
            if not message:
                for child, _ in children.values():
                    os.kill(child, signal.SIGKILL)
                raise SystemExit
            *streams, answers = handles
            assert len(list(TASKS.iterdir())) == 1, "a process with threads cannot be forked safely"
            child = os.fork()
            if not child:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                for handle in (*handles, *children, *(pipe for _, pipe in children.values())):
                    os.close(handle)
                return json.loads(message)
            for stream in streams:
                os.close(stream)
            os.write(answers, INTEGER.pack(child))
            children[os.pidfd_open(child)] = child, answers


def become(request: dict[str, Any]) -> None:
    """Take on what a new process has of its own."""
    if request["new_session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    multiprocessing.process.ORIGINAL_DIR = request["cwd"]
    random.seed()
    numpy.random.seed()  # noqa: NPY002


def run(argv: list[str]) -> None:
    """Run what Python's arguments ``argv`` name: ``-m`` and a module, ``-c`` and code, or a file."""
    sys.orig_argv = [sys.executable, *argv]
    if argv[0] == "-m":
        sys.argv, sys.path[0] = argv[1:], str(Path.cwd())
        runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
        return
    sys.modules["__main__"] = script = types.ModuleType("__main__")
    if argv[0] == "-c":
        sys.argv, sys.path[0] = ["-c", *argv[2:]], ""
        code = compile(argv[1], "<string>", "exec")
    else:
        path = Path(argv[0]).absolute()
        sys.argv, sys.path[0] = argv, str(path.parent)
        script.__file__ = str(path)
        code = compile(path.read_bytes(), path, "exec")
    exec(code, vars(script))


class Leaving:
    """Ends a process that was successful, or said its exit status, without the time that clearing up takes.

    Called at the very end of what Python does at an exit, when threads have ended and other callbacks ran.
    Whatever else may happen, such as an exception or a standard output that nobody reads, is left to Python.
    """

    status: int | None = None

    def __call__(self) -> None:
        if self.status is None:
            return
        with suppress(Exception):  # what cannot be written is Python's to report
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.status)


if __name__ == "__main__":
    leaving = Leaving()
    atexit.register(leaving)  # before all others: they are called from the last to the first
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the tests decide
    gc.disable()
    import_everything()
    gc.collect()
    gc.freeze()
    gc.enable()
    forget_ends()
    join_pages()
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    become(request)
    try:
        run(request["argv"])
        leaving.status = 0
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            leaving.status = int(stop.code or 0) & 0xFF
        raise
