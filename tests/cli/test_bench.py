"""``terramamba bench`` on tiny inputs: what is printed and written. No time is asserted."""

import json
from pathlib import Path
from typing import Any

import pytest

from terramamba.bench import scan
from terramamba.bench.loops import loop_backends
from terramamba.ops import native_library

SMALL = ("--size", "small", "--seconds", "0.05", "--threads", "1")


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_scan_as_a_program(program, tmp_path) -> None:
    written = tmp_path / "scan.json"
    done = program("bench", "scan", *SMALL, "--only", "sequence,lti,loop,pytorch", "--json", written)
    assert done.status == 0, done.err
    for words in ("processor", "threads", "sgemm", "copying memory", "M updates/s", "x loop"):
        assert words in done.out
    record = read(written)
    assert record["what"] == "scan"
    assert record["machine"]["threads"] == 1
    assert set(record["roofline"]) == {"sgemm_gflops", "copy_gbytes"}
    modes = ("forward", "training")
    assert [case["key"] for case in record["cases"]] == [
        f"{c} {m}" for c in ("sequence", "lti") for m in modes
    ]
    for case in record["cases"]:
        assert f"\n{case['key']}: {case['title']}\n" in done.out
        assert list(case["ways"]) == ["loop", "pytorch"]
        assert case["compared_with"] == "loop"
        assert case["ways"]["loop"]["ratio"] == 1
        for way in case["ways"].values():
            low, middle, high = way["ms"]
            assert 0 < low <= middle <= high
            assert way["rate"] == pytest.approx(case["facts"]["updates"] / middle * 1000)


def test_every_way_of_scanning_is_timed(terramamba, tmp_path) -> None:
    written = tmp_path / "scan.json"
    done = terramamba("bench", "scan", *SMALL, "--only", "sequence", "--json", written)
    assert done.status == 0, done.err
    record = read(written)
    levels = [f"native-{level}" for level in native_library.levels()[1:]]
    backends = ["loop", "reference", "pytorch", *(["native"] if native_library.levels() else []), *levels]
    for case in record["cases"]:
        others = set(case["ways"]) - set(backends)
        assert list(case["ways"])[: len(backends)] == backends
        assert others | (set(record["absent"]) - {"native"}) == {"mambapy", "transformers"}
    for name, reason in record["absent"].items():
        assert f"{name}  " in done.out
        assert reason in done.out
        assert name == "native" or "pip install 'terramamba[bench]'" in reason


def test_scene_and_train(terramamba, tmp_path) -> None:
    for what, unit in (("scene", "pixels"), ("train", "steps")):
        written = tmp_path / f"{what}.json"
        only = "ssa_mamba,pytorch,loop" + (",pytorch-bf16" if what == "scene" else "")
        done = terramamba("bench", what, *SMALL, "--no-memory", "--only", only, "--json", written)
        assert done.status == 0, done.err
        (case,) = read(written)["cases"]
        assert case["unit"] == unit
        assert list(case["ways"])[:2] == ["loop", "pytorch"]
        assert f"{unit}/s" in done.out


def test_what_is_not_run_is_said() -> None:
    with loop_backends():
        quick, long = ({case.key: case for case in scan.cases("full", long)} for long in (False, True))
    assert "quadratic" in quick["sequence training"].left_out["loop"]
    assert not quick["sequence forward"].left_out
    assert not quick["short training"].left_out
    assert "loop" not in long["sequence training"].left_out


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (("scans",), 2, "takes one of scan, scene, train; got scans"),
        (
            ("scan", *SMALL, "--only", "sequnce"),
            1,
            "--only sequnce: neither a case nor a way; there are",
        ),
        (("train", *SMALL, "--only", "ssa_mamba,native-avx3"), 1, "--only native-avx3: neither"),
        (("scan", "--seconds", "0"), 1, "--seconds 0: give a time above 0"),
        (("scan", "--threads", "0"), 1, "--threads 0: give at least 1"),
    ],
)
def test_refusals(words, status, error, terramamba) -> None:
    done = terramamba("bench", *words)
    assert done.status == status
    assert done.out == ""
    assert error in done.err


def test_a_way_whose_memory_was_not_measured_has_a_row(capsys):
    from terramamba.cli.bench import _show_case

    way = {"ms": [1.0, 2.0, 3.0], "runs": 3, "rate": 4.0, "ratio": 1.0}
    ways = {"loop": way, "native": way | {"peak_mib": 512.0}}
    case = {"key": "k", "title": "t", "unit": "samples", "compared_with": "loop", "left_out": {}}
    _show_case(case | {"ways": ways})
    loop, native = capsys.readouterr().out.splitlines()[2:]
    assert loop.split()[0] == "loop"
    assert native.endswith("512")
