"""``terramamba bench``."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from terramamba.cli.shared.parse import Usage, parse
from terramamba.core.words import meant

WHAT = ("scan", "scene", "train")

USAGE = Usage(
    "bench",
    "Time the state-space operators (scan), mapping (scene) or training steps (train) on this machine's CPU: "
    "every backend beside a plain loop over time, taking turns in one process.",
    ("|".join(WHAT),),
    example="scan --seconds 3",
)


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Flags of the command."""

    seconds: float = 6.0
    """Time for each case; what takes a third of it or more is run once."""
    threads: int | None = None
    """Threads of PyTorch and of the native kernel; None: PyTorch's own choice, all cores."""
    only: list[str] | None = None
    """Cases and ways of running them, by the names in the tables (stage1,lti,loop,native)."""
    long: bool = False
    """Also run what takes minutes: the loop's backward pass at full length."""
    memory: bool = True
    """With train: also measure the peak memory of every way, each in a process of its own."""
    size: Literal["full", "small"] = "full"
    """small: tiny inputs, which show that everything runs and nothing about speed."""
    json: str | None = None
    """Also write everything to this file."""


def run(argv: Sequence[str]) -> int:
    """Measure, and print a table for each case."""
    options, (what,) = parse(USAGE, BenchOptions, argv)
    if what not in WHAT:
        print(
            f"error: terramamba bench takes one of {', '.join(WHAT)}; got {what}{meant(what, WHAT)}",
            file=sys.stderr,
        )
        return 2
    from terramamba.bench.record import record
    from terramamba.cli.shared.show import show_facts
    from terramamba.core.errors import InputError
    from terramamba.core.files import write_json

    if options.seconds <= 0:
        raise InputError(f"--seconds {options.seconds:g}: give a time above 0")
    if options.threads is not None and options.threads < 1:
        raise InputError(f"--threads {options.threads}: give at least 1")
    sections = record(
        what,
        seconds=options.seconds,
        threads=options.threads,
        only=frozenset(options.only or ()),
        long=options.long,
        memory=options.memory,
        size=options.size,
        say=lambda about: print(f"timing {about}", file=sys.stderr),
    )
    given = {name: value for name, value in asdict(options).items() if name != "json"}
    found: dict[str, Any] = {"what": what, "options": given, "cases": []}
    for section, content in sections:
        if section == "case":
            found["cases"].append(content)
            _show_case(content)
        else:
            found[section] = content
            show_facts(_flat(content))
        print(end="\n" if content else "", flush=True)
    if options.json is not None:
        write_json(Path(options.json), found)
        print(f"written: {options.json}")
    return 0


def _show_case(case: Mapping[str, Any]) -> None:
    from terramamba.bench.timing import figures
    from terramamba.cli.shared.show import show_table

    scale = 1e6 if case["unit"] == "updates" else 1.0
    columns = ["way", "ms", "quartiles", "runs", f"{'M ' * (scale > 1)}{case['unit']}/s"]
    columns += [f"x {case['compared_with']}"] if case["compared_with"] else []
    memory = any("peak_mib" in way for way in case["ways"].values())
    columns += ["peak MiB"] if memory else []
    rows = []
    for name, way in case["ways"].items():
        low, middle, high = map(figures, way["ms"])
        quartiles = f"{low} to {high}" if way["runs"] > 1 else ""
        row = [name, middle, quartiles, str(way["runs"]), figures(way["rate"] / scale)]
        if way["ratio"] is not None:
            row.append(f"{way['ratio']:.1f}")
        if memory:
            row.append(f"{way['peak_mib']:.0f}" if "peak_mib" in way else "")
        rows.append(row)
    show_table(f"{case['key']}: {case['title']}", columns, rows)
    for name, why in case["left_out"].items():
        print(f"  {name}: not run, {why}")


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts for people: inner tables in one line, speeds in their units."""
    from terramamba.bench.timing import figures

    rates = {"sgemm_gflops": ("sgemm", "GF/s"), "copy_gbytes": ("copying memory", "GB/s, read and written")}
    shown: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            shown[name] = ", ".join(f"{inner} {entry}" for inner, entry in value.items())
        elif name in rates:
            words, unit = rates[name]
            shown[words] = f"{figures(value)} {unit}"
        else:
            shown[name] = value
    return shown
