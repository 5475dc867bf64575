"""Python programs that tests run: quickly, in children of a process that has imported everything already.

One such process serves a session of tests, or a worker of one; see ``program_server``. What is tested
decides where a program runs: ``fresh=True`` starts an interpreter, for what is about imports, variables that
Python reads when it starts, or the memory of a process. With ``--fresh-programs``, and where processes cannot
be forked so, all programs run in fresh interpreters.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, CompletedProcess, TimeoutExpired
from typing import IO, Self

from program_server import INTEGER

ALONE = {"OMP_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
"""One thread, and no pool of processes to compile in: other tests run beside."""
READ_AT_START = (
    *("PYTHON", "OMP_", "TORCH_", "TORCHDYNAMO", "TORCHINDUCTOR", "TRITON_"),
    *("GDAL_SKIP", "GDAL_DRIVER", "PROJ_"),
)
"""How variables begin that are read when Python starts or a library is imported."""


class Server:
    """The process whose children run programs; it starts with the first of them."""

    def __init__(self) -> None:
        self.fresh = not hasattr(os, "pidfd_open")
        """Whether it is not used at all."""
        self._control: socket.socket | None = None

    def ask(self, request: dict[str, object], handles: list[int]) -> None:
        if self._control is None:
            self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with other:
                number = other.fileno()
                self._process = subprocess.Popen(
                    [sys.executable, Path(__file__).with_name("program_server.py"), str(number)],
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                    env=os.environ | ALONE,
                    pass_fds=[number],
                )
        socket.send_fds(self._control, [json.dumps(request).encode()], handles)

    def stop(self) -> None:
        """End it, and what it still runs."""
        if self._control is not None:
            # Not closed alone: processes that were forked meanwhile may hold it open too.
            self._control.shutdown(socket.SHUT_RDWR)
            self._control.close()
            self._control = None
            self._process.wait()


SERVER = Server()


class Forked:
    """A program that a child of the server runs: of ``subprocess.Popen`` what tests need."""

    def __init__(
        self, args: list[str], cwd: object, env: dict[str, str], stdout: int, stderr: int, new_session: bool
    ) -> None:
        self.args, self.returncode = args, None
        self.stdout: IO[bytes] | None = None
        self.stderr: IO[bytes] | None = None
        folder = str(Path.cwd() if cwd is None else cwd)
        request = {"argv": args[1:], "cwd": folder, "env": env, "new_session": new_session}
        with ExitStack() as theirs:

            def pipe() -> tuple[IO[bytes], int]:
                ours, other = os.pipe()
                theirs.callback(os.close, other)
                return os.fdopen(ours, "rb", buffering=0), other

            nothing = os.open(os.devnull, os.O_RDWR)
            theirs.callback(os.close, nothing)
            self._answers, answers = pipe()
            out = nothing if stdout == DEVNULL else stdout
            if stdout == PIPE:
                self.stdout, out = pipe()
            err = out if stderr == STDOUT else nothing
            if stderr == PIPE:
                self.stderr, err = pipe()
            SERVER.ask(request, [nothing, out, err, answers])
        self._said = {stream: bytearray() for stream in (self.stdout, self.stderr) if stream is not None}
        self.pid = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()
        self._answers.close()

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        status = self._ended(timeout)
        if status is None:
            raise TimeoutExpired(self.args, timeout)
        return status

    def communicate(self, timeout: float | None = None) -> tuple[str | None, str | None]:
        """What it writes until it has ended and nobody else holds its pipes."""
        end = None if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as waiting:
            for stream in self._said:
                waiting.register(stream, selectors.EVENT_READ)
            while waiting.get_map():
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutExpired(self.args, timeout)
                for key, _ in waiting.select(left):
                    self._said[key.fileobj] += (chunk := os.read(key.fd, 1 << 16))
                    if not chunk:
                        waiting.unregister(key.fileobj)
        self.wait(None if end is None else max(0, end - time.monotonic()))
        return self._text(self.stdout), self._text(self.stderr)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _text(self, stream: IO[bytes] | None) -> str | None:
        if stream is None:
            return None
        return self._said[stream].decode().replace("\r\n", "\n").replace("\r", "\n")

    def _answer(self) -> int:
        answer = self._answers.read(INTEGER.size)
        assert answer, "the process that runs the tests' programs has ended"
        return INTEGER.unpack(answer)[0]

    def _ended(self, patience: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as waiting:
                waiting.register(self._answers, selectors.EVENT_READ)
                if waiting.select(patience):
                    self.returncode = self._answer()
        return self.returncode


Process = Forked | subprocess.Popen[str]


def start(
    *words: object,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stdout: int = PIPE,
    stderr: int = PIPE,
    new_session: bool = False,
    fresh: bool = False,
) -> Process:
    """Start Python with the arguments ``words``; ``env`` are variables beside those of the tests.

    It reads from an empty standard input; ``stdout`` may be a file descriptor.
    """
    args = [sys.executable, *map(str, words)]
    variables = os.environ | ALONE | (env or {})
    if fresh or SERVER.fresh:
        return subprocess.Popen(
            args,
            cwd=cwd,
            env=variables,
            stdin=DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=new_session,
        )
    late = [name for name in env or {} if name.startswith(READ_AT_START)]
    assert not late, f"{late} are read when Python starts or imports: give fresh=True"
    assert args[1] in ("-m", "-c") or not args[1].startswith("-"), f"{args[1]}: give fresh=True"
    return Forked(args, cwd, variables, stdout, stderr, new_session)


def python(
    *words: object,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stderr: int = PIPE,
    timeout: float | None = None,
    check: bool = False,
    fresh: bool = False,
) -> CompletedProcess[str]:
    """Run Python with the arguments ``words`` to its end.

    Raises:
        CalledProcessError: with ``check``, where its exit status is not 0.
        TimeoutExpired: after ``timeout`` seconds, when it has been killed.
    """
    with start(*words, cwd=cwd, env=env, stderr=stderr, fresh=fresh) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def terramamba(
    *words: object, cwd: Path | None = None, env: dict[str, str] | None = None, fresh: bool = False
) -> CompletedProcess[str]:
    """Run a command of terramamba as ``python -m terramamba`` does."""
    return python("-m", "terramamba", *words, cwd=cwd, env=env, fresh=fresh)
