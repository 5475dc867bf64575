"""Processes of torchrun and srun train one model, led by the first; what fails is said once."""

import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from programs import start
from terramamba.cli import main
from terramamba.core.run_files import CHECKPOINT

EPOCHS, BATCH = 12, 16
TRAIN = ["classify", "train", "--model", "spectralformer", "--set", "dropout=0", "--set", "depth=2"]
TRAIN += ["--set", "d_model=16", "--patch-size", "3", "--split", "random", "--train-fraction", "16"]
TRAIN += ["--val-fraction", "16", "--min-per-class", "1", "--lr", "3e-3", "--device", "cpu", "--seed", "4"]
"""A model without what depends on the batch or is random, and as many pixels in each process's batches."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A scene of three classes and its labels, as words of the command line."""
    folder, random = tmp_path_factory.mktemp("scene"), np.random.default_rng(0)
    labels = np.repeat(np.arange(1, 4, dtype=np.uint8), 8)[:, None] * np.ones((1, 24), np.uint8)
    cube = random.normal(size=(5, 24, 24)).astype(np.float32)
    cube[:3] += labels == np.arange(1, 4)[:, None, None]
    np.save(folder / "scene.npy", cube)
    np.save(folder / "labels.npy", labels)
    return ["--scene", str(folder / "scene.npy"), "--labels", str(folder / "labels.npy")]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def as_torchrun(words, machines, processes):
    """Processes with the variables that its agents on so many machines set; no agent looks after them."""
    job = {"TORCHELASTIC_RUN_ID": "none", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    job |= {"WORLD_SIZE": str(machines * processes), "LOCAL_WORLD_SIZE": str(processes)}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank % processes)} for rank in range(machines * processes)]
    return [start("-m", "terramamba", *words, env=job | rank) for rank in ranks]


def torchrun(words, processes):
    """Its agent, which starts so many interpreters."""
    run = ["-m", "torch.distributed.run", "--nproc-per-node", processes, "--master-port", free_port()]
    return start(*run, "-m", "terramamba", *words)


def finished(processes):
    """Exit status, standard output and standard error of each."""
    said = []
    for process in processes:
        with process:
            said.append(process.communicate(timeout=200))
    return [process.returncode for process in processes], [out for out, _ in said], [err for _, err in said]


def epochs_of(run):
    history = run / "history.csv"
    return len(history.read_text().splitlines()) - 1 if history.is_file() else 0


def test_two_machines_one_killed_process_and_a_new_start_give_what_one_process_gives(files, tmp_path):
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    words = [*TRAIN, *files, "--epochs", EPOCHS, "--batch-size", BATCH // 4, "--out", shared]
    ranks = as_torchrun(words, 2, 2)
    while epochs_of(shared) < 2:
        assert all(rank.poll() is None for rank in ranks), "the run ended by itself"
        time.sleep(0.01)
    ranks[3].kill()
    status, _, _ = finished(ranks)
    assert status == [1, 1, 1, -signal.SIGKILL]
    assert 2 <= epochs_of(shared) < EPOCHS

    status, told, said = finished(as_torchrun([*words, "--resume"], 2, 2))
    assert status == [0, 0, 0, 0], said
    assert "overall accuracy" in told[0]
    assert "resuming after epoch" in (shared / "log.txt").read_text()
    assert "epochs" in said[0]  # the first process reports, the others are silent
    assert told[1:] == said[1:] == [""] * 3

    own = [*TRAIN, *files, "--epochs", EPOCHS, "--batch-size", BATCH, "--out", alone]
    assert main([str(word) for word in own]) == 0
    states = [torch.load(run / CHECKPOINT, weights_only=True) for run in (shared, alone)]
    assert len(states[0]["history"]) == EPOCHS
    for name, weights in states[1]["weights"].items():
        torch.testing.assert_close(states[0]["weights"][name], weights, rtol=1e-3, atol=1e-5)
    assert states[0]["same"]["devices"] == 4


def test_what_cannot_be_trained_is_refused_once(files, tmp_path):
    words = [*TRAIN, *files, "--devices", 3, "--out", tmp_path / "run"]
    status, told, said = finished([torchrun(words, 2)])
    assert (status, told) == ([1], [""])
    errors = [line for line in said[0].splitlines() if line.startswith("error: ")]
    assert errors == ["error: --devices 3: torchrun has started 2 processes already; leave out --devices"]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("failing", "status", "first", "second", "fresh"),
    [
        ([], [0, 0], "", "", False),
        ([0, 1], [1, 1], "error: rank 0 has no such file\n", "", False),
        # Two interpreters: where PyTorch's own words on it are held back.
        (
            [1],
            [1, 1],
            "",
            f"error: process 1 of 2 on {socket.gethostname()}: rank 1 has no such file\n",
            True,
        ),
    ],
)
def test_processes_of_srun_end_together_and_one_says_why(failing, status, first, second, fresh):
    job = {
        "SLURM_JOB_ID": "1",
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_TASKS_PER_NODE": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_NODEID": "0",
        "MASTER_PORT": free_port(),
    }
    program = Path(__file__).parents[1] / "launched.py"
    places = [{"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)} for rank in (0, 1)]
    tasks = [start(program, *failing, env=job | place, fresh=fresh) for place in places]
    told = ["" if failing else "done\ndone\n"] * 2  # the result, in all processes, of both commands
    assert finished(tasks) == (status, told, [first, second])
