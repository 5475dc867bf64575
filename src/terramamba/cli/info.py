"""``terramamba info``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.parse import Usage, parse

USAGE = Usage(
    "info",
    "Say what this installation runs on: versions, devices, and which backends of the operators run here.",
)


@dataclass(frozen=True, kw_only=True)
class InfoOptions:
    """The command has no flags of its own."""


def run(argv: Sequence[str]) -> int:
    """Print versions, devices and backends; one that cannot run is no error."""
    parse(USAGE, InfoOptions, argv)
    from terramamba.cli.shared.show import show_facts, show_table

    show_facts(_versions() | _devices() | _kernel())
    for operators, rows in _backends().items():
        print()
        show_table(
            f"backends of {', '.join(operators)}",
            ["backend", "widest type", "first choice on", "here"],
            rows,
        )
    return 0


def _versions() -> dict[str, str]:
    import platform

    import torch

    from terramamba._version import __version__

    return {
        "terramamba": __version__,
        "PyTorch": torch.__version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }


def _devices() -> dict[str, str]:
    import torch

    if not torch.cuda.is_available():
        return {"CUDA device": "none that PyTorch can use"}
    found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    named = (f"cuda:{i}: {gpu.name}, {gpu.total_memory / 2**30:.0f} GiB" for i, gpu in enumerate(found))
    return {"CUDA device": "\n".join(named)}


def _kernel() -> dict[str, str]:
    """What the CPU kernel was built for and how it runs."""
    import torch

    from terramamba.ops import native_library

    threads = torch.get_num_threads()
    if native_library.REASON:
        return {"CPU kernel": f"not there: {native_library.REASON}", "threads": str(threads)}
    others = [level for level in native_library.levels() if level != native_library.level()]
    also = f" (also there: {', '.join(others)})" if others else ""
    return {
        "CPU kernel": native_library.level() + also,
        "threads": str(threads)
        if native_library.threaded()
        else f"{threads}; 1 in the CPU kernel, built without OpenMP",
    }


def _backends() -> dict[tuple[str, ...], list[list[str]]]:
    """Rows of a table for all operators that it holds for."""
    from terramamba.ops.backends import BACKENDS, available_backends

    tables: dict[str, tuple[list[str], list[list[str]]]] = {}
    for op, backends in BACKENDS.items():
        reasons = available_backends(op)
        rows = [
            [
                name,
                str(backend.widest).removeprefix("torch."),
                ", ".join(backend.first_choice_on),
                f"cannot run: {reasons[name]}" if reasons[name] else "runs",
            ]
            for name, backend in backends.items()
        ]
        tables.setdefault(str(rows), ([], rows))[0].append(op)
    return {tuple(operators): rows for operators, rows in tables.values()}
