"""One run of an experiment: trained and scored as the train commands do it, then timed."""

from dataclasses import asdict, replace

import torch

from terramamba._version import __version__
from terramamba.core.devices import resolve_device
from terramamba.core.files import write_json
from terramamba.core.memory import most_resident
from terramamba.core.run_files import MEASURED, REPORT
from terramamba.experiments.plan import MeasuredCost, PlannedRun, Train, begun_in, is_trained, other_settings
from terramamba.models.cost import model_cost
from terramamba.models.registry import model_spec
from terramamba.runs.clearing import is_run_folder
from terramamba.runs.folder import load_run
from terramamba.runs.run_lock import refuse_at_work


def do_run(run: PlannedRun, train: Train) -> None:
    """Train what is not trained, go on with what was interrupted, and write what it costs.

    A run with other settings, where ``overwrite`` is among these, stays until the new one is complete.

    Raises:
        InputError: as the train commands do.
    """
    settings = run.settings
    refuse_at_work(run.folder)  # and what a kill left of an exchange of runs is finished
    trained_here = not is_trained(run) or not (run.folder / REPORT).is_file()  # which is written last
    if trained_here:
        anew = settings.overwrite and other_settings(run) is not None
        resume = not anew and is_run_folder(begun_in(run))
        train(run.task, replace(settings, overwrite=anew, resume=resume))
    device = resolve_device(settings.device)
    loaded = load_run(run.folder)
    pixels, seconds, shape = run.task.experiment.time(loaded, settings)
    spec = model_spec(settings.model)
    cost = model_cost(loaded.model, shape) if spec.by_steps else None
    measured = MeasuredCost(
        version=__version__,
        torch=str(torch.__version__),
        parameters=cost.parameters if cost else None,
        flops=cost.flops if cost else None,
        flops_input=" x ".join(map(str, shape[1:])) if cost else None,
        pixels_per_second=pixels / seconds,
        # A run that was trained before says nothing about the memory that training took.
        peak_mib=_peak_mib(device) if trained_here else None,
        device=str(device),
        threads=torch.get_num_threads(),
    )
    write_json(run.folder / MEASURED, asdict(measured))


def _peak_mib(device: torch.device) -> float:
    """Most memory held at once: of the GPU's allocator, else of the process with its libraries."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return most_resident()
