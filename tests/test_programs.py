"""What tests run in children of a server ends, and is heard, as in a fresh interpreter."""

import os
import signal
import subprocess
from pathlib import Path
from subprocess import STDOUT, CompletedProcess, TimeoutExpired

import pytest

from program_door import terramamba_at
from programs import SERVER, python, start, terramamba

pytestmark = pytest.mark.skipif(SERVER.fresh, reason="all programs run in fresh interpreters")

ENDINGS = {
    "words": "import sys; print('out'); print('err', file=sys.stderr)",
    "a status": "import sys; sys.exit(3)",
    "a status of more than a byte": "import sys; sys.exit(259)",
    "a status below nothing": "import sys; sys.exit(-1)",
    "a reason": "import sys; print('out'); sys.exit('why')",
    "an error": "print('out'); raise KeyError('what')",
    "an error in a thread": "import threading; threading.Thread(target=lambda: 1 / 0).start()",
    "a hook for errors": "import sys; sys.excepthook = lambda *error: print('hooked', error[1]); 1 / 0",
    "an interruption": "import os, signal; print('out', flush=True); os.kill(os.getpid(), signal.SIGINT)",
    "a signal": "import os; os.kill(os.getpid(), 15)",
    "no end": "import os; print('lost'); os._exit(4)",
    "a warning": "import warnings; warnings.warn('look'); warnings.warn('old', DeprecationWarning)",
    "a callback": "import atexit; atexit.register(print, 'last'); print('first')",
    "an error in a callback": "import atexit; atexit.register(int, 'x')",
    "a thread that goes on": (
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()"
    ),
    "an exit in a thread that goes on": (
        "import sys, threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()\n"
        "sys.exit(5)"
    ),
    "a closed output": "import sys; print('out'); sys.stdout.close()",
    "words and variables": "import os, sys; print(sys.argv, sys.path[0], os.environ['WORD'], os.getcwd())",
    "no input": "import sys; print(repr(sys.stdin.read()))",
    "no terminal": "import sys; print(*(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)))",
}


def essence(done: CompletedProcess[str]) -> tuple[int, str, list[str]]:
    """Status, output and errors, in which a traceback begins at the program's own code."""
    lines, own = [], True
    for line in done.stderr.splitlines():
        own = "program_server.py" not in line and "<frozen runpy>" not in line if "File" in line else own
        if own:
            lines.append(line)
    return done.returncode, done.stdout, lines


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_ends_as_in_a_fresh_interpreter(tmp_path: Path, ending: str) -> None:
    words = ("-c", ENDINGS[ending], "a word", "--flag")
    forked, fresh = (
        python(*words, cwd=tmp_path, env={"WORD": "value"}, fresh=fresh) for fresh in (False, True)
    )
    assert essence(forked) == essence(fresh)


def test_an_output_that_nobody_reads_is_an_error_as_in_a_fresh_interpreter() -> None:
    ended = []
    for fresh in (False, True):
        reading, writing = os.pipe()
        os.close(reading)
        with start("-c", "print('out')", stdout=writing, fresh=fresh) as process:
            os.close(writing)
            _, said = process.communicate()
        ended.append(essence(CompletedProcess((), process.returncode, "", said)))
    assert ended[0] == ended[1]
    status, _, lines = ended[0]
    assert status
    assert "BrokenPipeError: [Errno 32] Broken pipe" in lines


def test_a_module_and_a_file_are_run_as_in_a_fresh_interpreter(tmp_path: Path) -> None:
    """Also as others see them: a process that they start imports a file, and finds what it defines."""
    code = (
        "import multiprocessing, sys\n"
        "def double(x): return 2 * x, __name__\n"
        "if __name__ == '__main__':\n"
        "    print(__name__, __file__, __package__, sys.argv, sys.path[0])\n"
        "    print(sys.modules['__main__'].double(1))\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.apply(double, (4,)))\n"
    )
    (tmp_path / "program.py").write_text(code)
    for words in (("program.py", "a", "b"), (tmp_path / "program.py",), ("-m", "program", "c")):
        forked, fresh = (python(*words, cwd=tmp_path, fresh=fresh) for fresh in (False, True))
        assert essence(forked) == essence(fresh)
        assert fresh.stdout.splitlines()[1:] == ["(2, '__main__')", "(8, '__mp_main__')"]


def test_a_command_and_its_refusal_read_as_in_a_fresh_interpreter(tmp_path: Path) -> None:
    for words in (("check", tmp_path / "missing.tif"), ("chekc",), ("classify", "map", "--help")):
        forked, fresh = (terramamba(*words, cwd=tmp_path, fresh=fresh) for fresh in (False, True))
        assert essence(forked) == essence(fresh)


def test_programs_at_the_same_time_are_told_apart(tmp_path: Path) -> None:
    """Each has pipes of its own: one is at its end when the program is, not when another is."""
    waiting = "import time; print('waiting', flush=True); time.sleep(600)"
    with start("-c", waiting) as first, start("-c", waiting, stderr=STDOUT) as second:
        assert first.pid != second.pid
        assert python("-c", "print('quick')").stdout == "quick\n"
        assert first.poll() is second.poll() is None
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=60) == -signal.SIGTERM
        assert second.communicate() == ("waiting\n", None)
        assert first.poll() is None
        with pytest.raises(TimeoutExpired):
            first.wait(timeout=0.01)
        with pytest.raises(TimeoutExpired):
            first.communicate(timeout=0.01)
        first.kill()
        assert first.communicate() == ("waiting\n", "")
    assert first.returncode == -signal.SIGKILL


def test_a_program_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    code = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(600)"
    with pytest.raises(TimeoutExpired):
        python("-c", code, cwd=tmp_path, timeout=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_nothing_of_one_program_is_left_to_the_next() -> None:
    look = (
        "import os, torch, warnings\n"
        "print(os.environ.get('LEFT'), torch.initial_seed(), warnings.filters[0])\n"
    )
    spoil = (
        "import os, torch, warnings\n"
        "os.environ['LEFT'] = '1'\n"
        "torch.manual_seed(1)\n"
        "warnings.simplefilter('error')\n"
    )
    before = python("-c", look).stdout
    python("-c", spoil, check=True)
    assert python("-c", look).stdout == before


def test_random_numbers_differ_from_program_to_program() -> None:
    code = (
        "import numpy, random\n"
        "print(random.random(), numpy.random.rand(), numpy.random.default_rng().random())\n"
    )
    numbers = [number for _ in range(2) for number in python("-c", code).stdout.split()]
    assert len(set(numbers)) == 6


def test_a_program_has_no_file_of_the_server_open() -> None:
    """Else a pipe would not be at its end where its program has ended."""
    code = (
        "import os\n"
        "for file in os.scandir('/proc/self/fd'):\n"
        "    print(os.readlink(file.path).split(':')[0] if os.path.lexists(file.path) else 'gone')\n"
    )
    with start("-c", "import time; time.sleep(600)") as other:
        kinds = python("-c", code).stdout.split()
        other.kill()
    assert kinds.count("pipe") == 2
    assert not {"socket", "anon_inode"} & set(kinds)


def test_a_program_that_others_start_says_and_ends_as_the_command_does(tmp_path: Path) -> None:
    with terramamba_at(tmp_path / "served") as program:
        for words, status in ((["models"], 0), (["check", "missing.tif"], 1)):
            done = subprocess.run(
                [program, *words], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            ours = terramamba(*words, cwd=tmp_path)
            assert (done.returncode, done.stdout, done.stderr) == (status, ours.stdout, ours.stderr)
