"""What ``terramamba info`` says, where everything runs and where something is missing."""

import platform
from dataclasses import replace

import pytest
import torch

from programs import python
from terramamba import __version__
from terramamba.ops import backends, native_library


def test_it_says_what_there_is(program):
    done = program("info")
    assert done.status == 0, done.err
    assert done.err == ""
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in done.out.splitlines()}
    assert lines["terramamba"] == f"terramamba {__version__}"
    assert lines["PyTorch"] == f"PyTorch {torch.__version__}"
    assert lines["Python"].startswith(f"Python {platform.python_version()} on ")
    assert lines["threads"] == "threads 1"
    assert "CUDA device" in lines
    for level in native_library.levels():
        assert level in lines["CPU kernel"]
    for operator in backends.BACKENDS:
        assert operator in done.out
    rows = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "reference float64 runs" in rows
    if not torch.cuda.is_available():
        assert any(row.startswith("triton float32 cuda cannot run: it needs ") for row in rows)


@pytest.mark.skipif(len(native_library.levels()) < 2, reason="the kernel has no levels to choose from here")
def test_the_level_in_use_comes_first(terramamba):
    before = native_library.use_level("plain")
    try:
        out = terramamba("info").out
    finally:
        native_library.use_level(before)
    assert "  plain (also there: " in out


def test_what_is_missing_is_named_with_the_reason(terramamba, monkeypatch):
    reason = "it was not built"
    monkeypatch.setattr(native_library, "REASON", reason)
    table = backends.BACKENDS["lti_scan"]
    monkeypatch.setitem(table, "native", replace(table["native"], reason=reason))
    done = terramamba("info")
    assert done.status == 0
    assert "CPU kernel   not there: it was not built" in done.out
    of_lti, others = (f"backends of {names}\n" for names in ("lti_scan", "selective_scan, selective_scan_2d"))
    assert of_lti in done.out
    assert others in done.out
    assert "cannot run: it was not built" in done.out.partition(of_lti)[2].partition("backends")[0]


def test_a_gpu_is_named(terramamba, monkeypatch):
    class Card:
        name, total_memory = "Imaginary 9000", 24 * 2**30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Card)
    out = terramamba("info").out
    assert "CUDA device  cuda:0: Imaginary 9000, 24 GiB\n" in out
    assert "             cuda:1: Imaginary 9000, 24 GiB\n" in out


def test_a_kernel_without_openmp_says_so(terramamba, monkeypatch):
    monkeypatch.setattr(native_library, "REASON", "")
    monkeypatch.setattr(native_library, "threaded", lambda: False)
    assert "1 in the CPU kernel, built without OpenMP" in terramamba("info").out


def test_a_slower_backend_is_noted_in_one_line():
    """In a process without checks of annotations, whose calls would stand between warning and warned."""
    code = """
import torch
from terramamba.cli import check, main
from terramamba.ops import backends
missing = backends.Backend(print, ("cpu",), reason="there was no compiler")
for table in backends.BACKENDS.values():
    table["native"] = missing
check.run = lambda argv: [backends.choose(op, "auto", torch.device("cpu")) for op in backends.BACKENDS] and 0
raise SystemExit(main(["check"]))
"""
    done = python("-c", code, check=True)
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "note: scans on cpu run on the slower PyTorch backend, because the native one cannot"
    )
