"""Processes of torchrun and srun train one model, led by the first; what fails is said once."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from terramamba.cli import main
from terramamba.core.run_files import CHECKPOINT

EPOCHS, BATCH = 30, 16
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


def start(words, **variables):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def torchrun(words, nodes, processes):
    """Agents of ``nodes`` machines that are all this one, each with so many processes."""
    port = free_port()
    run = ["-m", "torch.distributed.run", "--nnodes", nodes, "--nproc-per-node", processes]
    run += ["--master-addr", "127.0.0.1", "--master-port", port]
    return [start([*run, "--node-rank", node, "-m", "terramamba", *words]) for node in range(nodes)]


def finished(processes):
    """Exit status, standard output and standard error of each."""
    said = [process.communicate(timeout=200) for process in processes]
    return [process.returncode for process in processes], [out for out, _ in said], [err for _, err in said]


def process_of_rank(agents, rank):
    """The process with this rank among the children of ``agents``, once it is there."""
    end = time.monotonic() + 100
    while time.monotonic() < end:
        for agent in agents:
            for child in Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split():
                if f"RANK={rank}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
                    return int(child)
        time.sleep(0.05)
    raise AssertionError(f"there is no process of rank {rank}")


def epochs_of(run):
    history = run / "history.csv"
    return len(history.read_text().splitlines()) - 1 if history.is_file() else 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_two_machines_one_killed_process_and_a_new_start_give_what_one_process_gives(files, tmp_path):
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    words = [*TRAIN, *files, "--epochs", EPOCHS, "--batch-size", BATCH // 4, "--out", shared]
    agents = torchrun(words, 2, 2)
    last = process_of_rank(agents, 3)
    while epochs_of(shared) < 2:
        assert all(agent.poll() is None for agent in agents), "the run ended by itself"
        time.sleep(0.01)
    os.kill(last, signal.SIGKILL)
    status, _, _ = finished(agents)
    assert all(status)
    assert 2 <= epochs_of(shared) < EPOCHS

    agents = torchrun([*words, "--resume"], 2, 2)
    status, told, said = finished(agents)
    assert status == [0, 0], said
    assert "overall accuracy" in told[0]
    assert "resuming after epoch" in (shared / "log.txt").read_text()
    assert "epochs" in said[0]  # the first process reports; the second agent's are silent
    assert told[1] == said[1] == ""

    own = [*TRAIN, *files, "--epochs", EPOCHS, "--batch-size", BATCH, "--out", alone]
    assert main([str(word) for word in own]) == 0
    states = [torch.load(run / CHECKPOINT, weights_only=True) for run in (shared, alone)]
    assert len(states[0]["history"]) == EPOCHS
    for name, weights in states[1]["weights"].items():
        torch.testing.assert_close(states[0]["weights"][name], weights, rtol=1e-3, atol=1e-5)
    assert states[0]["same"]["devices"] == 4


def test_what_cannot_be_trained_is_refused_once(files, tmp_path):
    status, told, said = finished(torchrun([*TRAIN, *files, "--devices", 3, "--out", tmp_path / "run"], 1, 2))
    assert (status, told) == ([1], [""])
    errors = [line for line in said[0].splitlines() if line.startswith("error: ")]
    assert errors == ["error: --devices 3: torchrun has started 2 processes already; leave out --devices"]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("failing", "status", "first", "second"),
    [
        ([], [0, 0], "", ""),
        ([0, 1], [1, 1], "error: rank 0 has no such file\n", ""),
        ([1], [1, 1], "", f"error: process 1 of 2 on {socket.gethostname()}: rank 1 has no such file\n"),
    ],
)
def test_processes_of_srun_end_together_and_one_says_why(failing, status, first, second):
    job = {
        "SLURM_JOB_ID": "1",
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_TASKS_PER_NODE": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_NODEID": "0",
        "MASTER_PORT": free_port(),
    }
    program = [Path(__file__).parents[1] / "launched.py", *failing]
    tasks = [start(program, **job, SLURM_PROCID=str(rank), SLURM_LOCALID=str(rank)) for rank in (0, 1)]
    told = ["" if failing else "done\ndone\n"] * 2  # the result, in all processes, of both commands
    assert finished(tasks) == (status, told, [first, second])
