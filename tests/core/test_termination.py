"""SIGTERM and SIGHUP end a command as Ctrl-C does, at any moment from its first line on."""

import signal
import subprocess

import pytest

from programs import python, start

STOPPED = """
import os, signal, sys
import terramamba.cli
from terramamba.core.termination import RESUMABLE

def stopped(name):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt as stop:
        if sys.argv[1:]:
            stop.add_note(RESUMABLE)
        raise

terramamba.cli.import_module = stopped
status = terramamba.cli.main(["change", "train", "--out", "a run", "--overwrite"])
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("words", "how"),
    [
        ((), "give the same command again"),
        (("resumable",), "the run can be continued with `terramamba change train --out 'a run' --resume`"),
    ],
)
def test_it_ends_a_command_while_its_modules_are_imported(words, how):
    done = python("-c", STOPPED, *words)
    assert (done.returncode, done.stderr) == (143, f"ended by SIGTERM: {how}\n")


def test_who_decided_what_a_signal_does_is_left_alone():
    code = """
import signal
from terramamba.core.termination import signals_interrupt
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with signals_interrupt():
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""
    python("-c", code, check=True)


def test_training_that_it_ends_says_how_it_goes_on(tmp_path):
    scene = """
from terramamba.data.synthetic.files import make_scene
make_scene("scene", 0, height=40, width=40, bands=6)
"""
    python("-c", scene, cwd=tmp_path, check=True)
    words = (
        *("classify", "train", "--scene", "scene/scene.tif", "--labels", "scene/labels.tif"),
        *("--split", "random", "--preset", "tiny", "--patch-size", "3", "--epochs", "500", "--out", "run"),
    )
    with start("-m", "terramamba", *words, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        while not (tmp_path / "run" / "history.csv").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said.splitlines()[-1] == (
        f"ended by SIGTERM: the run can be continued with `terramamba {' '.join(words)} --resume`"
    )
    assert (tmp_path / "run" / "log.txt").read_text().endswith("ERROR ended by SIGTERM; --resume goes on\n")
    assert not (tmp_path / "run" / ".at-work").exists()
