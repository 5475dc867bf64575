"""Which code made a result: the version, and the commit where the package runs from a git checkout."""

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from terramamba._version import __version__

PACKAGE = Path(__file__).parents[1]
SECONDS = 10
SHOWN = 12
"""Digits of a commit that are shown."""


def code_version() -> dict[str, Any]:
    """Return ``version``, ``commit`` and whether the package ``changed`` since; None without a checkout."""
    return dict(_code_version(PACKAGE))


def in_words(code: Mapping[str, Any]) -> str:
    """Write code such as ``terramamba 0.1.0, commit 0123456789ab, changed since``; seeds may have several."""
    versions, commits, changed = (_each(code.get(key)) for key in ("version", "commit", "changed"))
    said = f"terramamba {' and '.join(versions)}"
    if commits:
        said += f", commit {' and '.join(commit[:SHOWN] for commit in commits)}"
    return said + (", changed since" if any(changed) else "")


def _each(value: Any) -> list[Any]:
    """What ``value`` is, or what its entries are, each once, without None."""
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in dict.fromkeys(entries) if entry is not None]


@cache
def _code_version(package: Path) -> dict[str, Any]:
    # An environment inside somebody else's checkout is no part of it.
    tracked = _git(package, "ls-files", "--error-unmatch", "_version.py") is not None
    commit = _git(package, "rev-parse", "HEAD") if tracked else None
    changed = None if commit is None else bool(_git(package, "status", "--porcelain", "--", "."))
    return {"version": __version__, "commit": commit, "changed": changed}


def _git(folder: Path, *words: str) -> str | None:
    """What git says in ``folder``; None where it is not installed, refuses, or takes too long."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
