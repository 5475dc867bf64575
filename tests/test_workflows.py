"""What a hosted repository reads of this one is what its readers take, and the gate there is the one here."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"])
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # words alone: "on" is no truth value


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_for_others_are_yaml_of_named_things(path: Path) -> None:
    content = read(path)
    assert content
    assert all(re.fullmatch(r"[a-z][a-z_-]*", name) for name in content), list(content)


def test_the_gate_runs_for_each_change_on_the_oldest_python_and_another() -> None:
    workflow = read(WORKFLOW)
    assert workflow["on"] == {"push": {"branches": ["main"]}, "pull_request": ""}
    gate = workflow["jobs"]["gate"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest, newest = min(gate["strategy"]["matrix"]["python"]), max(gate["strategy"]["matrix"]["python"])
    assert f">={oldest}" == project["requires-python"]
    assert oldest < newest
    assert [step["run"] for step in gate["steps"] if "run" in step] == [".ci/run"]


def test_each_job_of_the_gate_says_where_it_runs_what_and_how_long_at_most() -> None:
    for name, job in read(WORKFLOW)["jobs"].items():
        assert int(job["timeout-minutes"]) <= 30, name
        assert job["runs-on"] == "ubuntu-latest", name
        assert all(len(step.keys() & {"run", "uses"}) == 1 for step in job["steps"]), name
        commands = [step["run"].split() for step in job["steps"] if "run" in step]
        assert commands, name
        paths = [word for words in commands for word in words if re.match(r"\.?\w+/", word)]
        missing = [path for path in paths if not (ROOT / path).exists() and not path.startswith(".venv/")]
        assert missing == [], name
