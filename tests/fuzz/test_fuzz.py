"""A sample of `make fuzz`: damaged files are read after all or refused in a line, and never end a process."""

import json
from pathlib import Path
from random import Random

import pytest

import programs
from fuzz.mutants import mutate

HARNESS = Path(__file__).with_name("harness.py")
SAMPLE = 200


def test_damaged_files_come_to_a_good_end(tmp_path: Path) -> None:
    log = tmp_path / "fuzz.jsonl"
    done = programs.python(HARNESS, "--count", SAMPLE, "--seed", "7", "--log", log, timeout=280)
    results = [json.loads(line) for line in log.read_text().splitlines()]
    bad = [result for result in results if result["outcome"] not in ("fine", "refused")]
    assert bad == []
    assert done.returncode == 0, done.stderr
    assert len(results) == SAMPLE
    assert {result["outcome"] for result in results} == {"fine", "refused"}


@pytest.mark.parametrize("name", ["a.tif", "a.json", "a.yaml", "a.csv"])
def test_a_mutant_is_made_again_by_its_number(name: str, seed: int) -> None:
    data = json.dumps({"a": [1, {"b": None}], "c": "text"}).encode() * (1 if name == "a.json" else 20)
    made = [[mutate(data, name, Random(f"{seed} {number}")) for number in range(40)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 20


def test_what_is_no_good_end_is_seen(tmp_path: Path) -> None:
    """The harness sees crashes, tracebacks, hangs and errors that nobody foresaw."""
    script = """
import itertools, os, pathlib, sys, time
sys.path[:0] = [{home!r}, {tests!r}]
import harness
import terramamba.cli
ways = {{
    "signal": lambda: os.abort(),
    "traceback": lambda: 1 / 0,
    "hang": lambda: time.sleep(60),
    "hang at work": lambda: all(itertools.count(1)),
    "unforeseen": lambda: print("error: KeyError: 1 (this was not foreseen; ...)") or 1,
    "silent": lambda: 1,
    "long": lambda: print("error: a: " + "b" * 2000) or 1,
    "memory": lambda: len(bytearray(8 << 30)),
    "refused": lambda: print("error: a: b; c") or 1,
    "fine": lambda: 0,
}}
harness.SECONDS, harness.PATIENCE_SECONDS = 1, 4.0
work = pathlib.Path({work!r})
for expected, way in ways.items():
    terramamba.cli.main = lambda words, way=way: way()
    found = harness._outcome(work, ["x"], None)
    wanted = ("traceback", "memory") if expected == "memory" else (expected.removesuffix(" at work"),)
    assert found[0] in wanted, (expected, found)
"""
    text = script.format(home=str(HARNESS.parent), tests=str(HARNESS.parents[1]), work=str(tmp_path))
    done = programs.python("-c", text)
    assert done.returncode == 0, done.stderr
