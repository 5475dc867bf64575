"""A process knows its place in a job from torchrun's and srun's variables, and from nothing else."""

import multiprocessing

import pytest

from terramamba.core.errors import InputError
from terramamba.core.launcher import LaunchedProcess, first_host, launched_process, tasks_of_nodes

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "node1",
    "MASTER_PORT": "29500",
}
SRUN = {
    "SLURM_JOB_ID": "123456",
    "SLURM_STEP_ID": "2",
    "SLURM_STEP_NUM_TASKS": "7",
    "SLURM_STEP_TASKS_PER_NODE": "4,3",
    "SLURM_STEP_NODELIST": "gpu[03-04]",
    "SLURM_PROCID": "6",
    "SLURM_LOCALID": "2",
    "SLURM_NODEID": "1",
}


def test_torchrun_and_srun_say_where_a_process_is():
    assert launched_process(TORCHRUN) == LaunchedProcess("torchrun", 5, 8, 1, 4, "node1", 29500)
    assert launched_process(SRUN) == LaunchedProcess("srun", 6, 7, 2, 3, "gpu03", 15_000 + 123_458 % 15_000)


def test_an_address_that_a_batch_script_sets_is_taken():
    told = launched_process({**SRUN, "MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "4000"})
    assert told is not None
    assert (told.address, told.port) == ("10.0.0.7", 4000)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"RANK": "0", "WORLD_SIZE": "4", "LOCAL_RANK": "0"},  # of some other launcher
        {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # a batch script without srun
        {**TORCHRUN, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"},
        {**SRUN, "SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_TASKS_PER_NODE": "1", "SLURM_NODEID": "0"},
    ],
)
def test_without_a_launcher_of_several_processes_there_is_no_place(environment):
    assert launched_process(environment) is None


@pytest.mark.parametrize("lacking", ["RANK", "MASTER_PORT"])
def test_half_of_a_launchers_variables_are_refused(lacking):
    environment = {name: value for name, value in TORCHRUN.items() if name != lacking}
    with pytest.raises(InputError, match=f"are not all there \\('{lacking}'\\); start with torchrun or srun"):
        launched_process(environment)


def tell_place(answers):
    answers.put(launched_process(TORCHRUN))


def test_a_process_of_a_launched_one_is_none_of_the_jobs():
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=tell_place, args=(answers,))
    child.start()
    child.join()
    assert answers.get() is None


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("node07", "node07"), ("a[01,03-09],b2", "a01"), ("r[1-2]n[10-20]", "r1n10"), ("x,y[1-2]", "x")],
)
def test_the_first_machine_of_a_list(nodes, first):
    assert first_host(nodes) == first


def test_tasks_of_each_machine():
    assert tasks_of_nodes("2(x3),1") == [2, 2, 2, 1]
    assert tasks_of_nodes("8") == [8]
