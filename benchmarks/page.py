"""Fill the marked parts of docs/performance.md with the numbers of benchmarks/results/*.json.

    python benchmarks/page.py [--results benchmarks/results] [--page docs/performance.md]

A part stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; all else on the page is left alone.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from terramamba.bench.timing import figures
from terramamba.core.progress import clock

Record = dict[str, Any]
Records = Mapping[str, Record]

FLOPS = 9
"""Floating-point operations of one update of a state, as ``models.cost`` counts them."""
ONCE = "¹"
"""Marks a time of a single run."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def size_of(case: Record) -> str:
    return case["title"].partition(";")[0]


def milliseconds(way: Record) -> str:
    return figures(way["ms"][1]) + ONCE * (way["runs"] == 1)


def machine(records: Records) -> str:
    rows = []
    measured = {name: record for name, record in records.items() if "machine" in record}
    for name, record in measured.items():
        about = record["machine"]
        levels = [about[f"instruction set of {part}"] for part in ("PyTorch", "the native kernel")]
        loads = f"{about['load at the start']}, {record['load']['load at the end']:.2f}"
        rows.append([f"`{name}`", f"{about['threads']} of {about['cores']}", *levels, loads])
    about = records["scan"]["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    spreads = {
        (way["ms"][2] - way["ms"][0]) / way["ms"][1]: f"{name} of {case['title']}"
        for record in measured.values()
        for case in record.get("cases", ())
        for name, way in case["ways"].items()
        if way["runs"] > 1
    }
    middle = sorted(spreads)[len(spreads) // 2]
    columns = ["run", "threads of cores", "PyTorch uses", "native kernel uses", "load before, after"]
    return "\n\n".join(
        [
            f"{about['processor']}, {about['system']}; {versions}.",
            table(columns, rows),
            f"Quartiles lie {100 * middle:.0f} % of the median apart in the middle of all measurements, at "
            f"most {100 * max(spreads):.0f} % ({spreads[max(spreads)]}).",
        ]
    )


def cell(case: Record, name: str) -> str:
    way, base = case["ways"].get(name), case["compared_with"]
    if way is None:
        return "not run" if name in case["left_out"] else ""
    if name == base:
        return milliseconds(way)
    return f"{milliseconds(way)} ({way['ratio']:.1f} x{'' if base == 'loop' else f' {base}'})"


def side_by_side(cases: Sequence[Record]) -> str:
    ways = list(dict.fromkeys(way for case in cases for way in (*case["ways"], *case["left_out"])))
    rows = [[size_of(case), *(cell(case, way) for way in ways)] for case in cases]
    return table(["ms (times as fast as the loop)", *ways], rows)


def scans(mode: str, records: Records) -> str:
    return side_by_side([case for case in records["scan"]["cases"] if case["facts"]["mode"] == mode])


def roofline(records: Records) -> str:
    limits = records["scan"]["roofline"]
    rows = []
    for case in records["scan"]["cases"]:
        way = case["ways"].get("native")
        facts = case["facts"]
        if way is None or facts["mode"] != "forward" or facts["op"] == "lti_scan":  # that is a convolution
            continue
        flops = FLOPS * way["rate"] / 1e9
        bandwidth = facts["bytes"] / way["ms"][1] / 1e6
        numbers = [figures(way["rate"] / 1e9), figures(flops), figures(bandwidth)]
        shares = [flops / limits["sgemm_gflops"], bandwidth / limits["copy_gbytes"]]
        rows.append([size_of(case), *numbers, *(f"{100 * share:.0f} %" for share in shares)])
    columns = ["native, forward", "10⁹ updates/s", "GF/s", "GB/s", "of sgemm", "of copying"]
    speeds = f"sgemm {figures(limits['sgemm_gflops'])} GF/s, copying {figures(limits['copy_gbytes'])} GB/s."
    return f"{speeds}\n\n{table(columns, rows)}"


def models(what: str, records: Records) -> str:
    parts = []
    for case in records[what]["cases"]:
        rate = what == "scene"
        columns = ["way", "ms", "times as fast as the " + case["compared_with"], *["pixels/s"] * rate]
        rows = [
            [name, milliseconds(way), f"{way['ratio']:.1f}", *[figures(way["rate"])] * rate]
            for name, way in case["ways"].items()
        ]
        left_out = "".join(f"\n\n{name}: not run, {why}." for name, why in case["left_out"].items())
        parts.append(f"{case['title']}:\n\n{table(columns, rows)}{left_out}")
    return "\n\n".join(parts)


def memory(records: Records) -> str:
    cases = records["train"]["cases"]
    peaks = {
        size_of(case): {name: way["peak_mib"] for name, way in case["ways"].items() if "peak_mib" in way}
        for case in cases
    }
    ways = list(dict.fromkeys(way for peak in peaks.values() for way in peak))
    rows = [
        [size, *(figures(peak[way]) if way in peak else "" for way in ways)] for size, peak in peaks.items()
    ]
    before = [way["before_mib"] for case in cases for way in case["ways"].values() if "before_mib" in way]
    held = f"Before the first step a process holds {figures(min(before))} MiB or a little more."
    return f"{table(['peak resident MiB', *ways], rows)}\n\n{held}"


def growth(records: Records) -> str:
    record = records["growth"]
    rows = [
        [curve["panel"], curve["label"], f"{sizes[0]} to {sizes[-1]}"]
        + [f"{curve[name]:.2f}" for name in ("slope", "last_slope")]
        for curve in record["curves"]
        for sizes in [curve["sizes"]]
    ]
    base = ", ".join(f"{name} {size}" for name, size in record["base"].items())
    return f"Scans start from {base}.\n\n{table(['what', 'grows', 'sizes', 'slope', 'last doubling'], rows)}"


def maps(records: Records) -> str:
    record = records["maps"]
    loop = record["loop_pixels_a_second"]
    rows = []
    for entry in record["maps"]:
        classifies = entry["model"].startswith("SSA")
        ratio = f"{entry['pixels_a_second'] / loop:.1f}" if classifies else ""
        what = f"{entry['model']}, {entry['key'].split()[0]}"
        what += ", bf16" * entry["key"].endswith("bf16") + ", a tenth of" * entry["key"].endswith("long")
        numbers = [figures(entry["pixels"] / 1e6), clock(entry["seconds"]), figures(entry["pixels_a_second"])]
        size = f"{entry['rows']} x {entry['columns']}"
        rows.append([what, size, *numbers, ratio, figures(entry["peak_mib"])])
    whole = [entry for entry in record["maps"] if entry["key"].startswith("fast")][-1]
    said = (
        f"The plain loop over time gives {figures(loop)} pixels a second of such patches, here too: it would"
        f" take {whole['pixels'] / loop / 3600:.1f} hours for the {whole['rows']} x {whole['columns']} scene,"
        f" {whole['pixels_a_second'] / loop:.0f} times as long as fast mapping from file to file."
    )
    columns = ["map", "rows x columns", "Mpx", "h:mm:ss", "pixels/s", "times the loop", "peak resident MiB"]
    return f"{table(columns, rows)}\n\n{said}"


def spills(records: Records) -> str:
    record = records["spills"]
    parts = [f"By ptxas of Triton {record['triton']}."]
    for gpu, found in record["bytes"].items():
        scans = {name: by_n for name, by_n in found.items() if name}
        sizes = list(scans["euler"])
        rows = [
            [f"{kernel}, {name}", *(f"{by_n[n][kernel]:,}" for n in sizes)]
            for name, by_n in scans.items()
            for kernel in by_n[sizes[0]]
        ]
        rows += [[kernel, *[f"{spilled:,}"] * len(sizes)] for kernel, spilled in found[""][""].items()]
        parts.append(table([f"bytes spilled, {gpu}", *(f"n {n}" for n in sizes)], rows))
    return "\n\n".join(parts)


PARTS: dict[str, Callable[[Records], str]] = {
    "machine": machine,
    "scan-forward": lambda records: scans("forward", records),
    "scan-training": lambda records: scans("training", records),
    "roofline": roofline,
    "scene": lambda records: models("scene", records),
    "train": lambda records: models("train", records),
    "memory": memory,
    "growth": growth,
    "maps": maps,
    "spills": spills,
}


def filled(page: str, records: Records) -> str:
    """The page with its parts replaced; every part must be there once."""
    for name, part in PARTS.items():
        marks = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        page, found = marks.subn(lambda match, part=part: f"{match[1]}{part(records)}\n{match[2]}", page)
        if found != 1:
            raise SystemExit(f"the page needs one part {name}, it has {found}")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    home = Path(__file__).parents[1]
    parser.add_argument("--results", type=Path, default=home / "benchmarks" / "results", help="folder")
    parser.add_argument("--page", type=Path, default=home / "docs" / "performance.md", help="page to fill")
    arguments = parser.parse_args()
    names = ("scan", "scene", "train", "growth", "maps", "spills")
    records = {
        name: json.loads((arguments.results / f"{name}.json").read_text(encoding="utf-8")) for name in names
    }
    page = arguments.page.read_text(encoding="utf-8")
    arguments.page.write_text(filled(page, records), encoding="utf-8", newline="\n")
    print(f"filled: {arguments.page}")


if __name__ == "__main__":
    main()
