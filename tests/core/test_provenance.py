"""The commit that made a result: of a checkout of the package, and of nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

from terramamba import __version__
from terramamba.core.provenance import _code_version, code_version, in_words

GIT = shutil.which("git")


def git(folder: Path, *words: str) -> str:
    named = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *named, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(GIT is None, reason="git is not installed")
def test_a_checkout_has_a_commit_and_says_whether_it_was_changed(tmp_path: Path) -> None:
    package = tmp_path / "src"
    package.mkdir()
    (package / "_version.py").write_text("1")
    assert _code_version(package)["commit"] is None
    git(tmp_path, "init", "-q")
    _code_version.cache_clear()
    assert _code_version(package)["commit"] is None  # a checkout, but not of the package
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    _code_version.cache_clear()
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert _code_version(package) == {"version": __version__, "commit": commit, "changed": False}
    (package / "_version.py").write_text("2")
    _code_version.cache_clear()
    assert _code_version(package)["changed"] is True
    assert (
        in_words(_code_version(package)) == f"terramamba {__version__}, commit {commit[:12]}, changed since"
    )


def test_without_git_there_is_a_version_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _code_version.cache_clear()
    assert code_version() == {"version": __version__, "commit": None, "changed": None}
    assert in_words(code_version()) == f"terramamba {__version__}"
    _code_version.cache_clear()


def test_seeds_that_were_trained_by_several_commits_name_all() -> None:
    code = {"version": "1", "commit": ["a" * 40, "b" * 40], "changed": [True, None]}
    assert in_words(code) == f"terramamba 1, commit {'a' * 12} and {'b' * 12}, changed since"
