"""What `make release` asks of the files holds: version, plugin and changelog agree."""

import importlib.util
from pathlib import Path

import pytest

from terramamba import __version__

ROOT = Path(__file__).parents[1]
PROGRAM = importlib.util.spec_from_file_location("release", ROOT / "distribution" / "release.py")
release = importlib.util.module_from_spec(PROGRAM)
PROGRAM.loader.exec_module(release)


def test_version_plugin_and_changelog_agree() -> None:
    assert release.version() == __version__
    news = release.notes(__version__)
    assert news.startswith("### Added\n")
    assert "## " not in news.replace("### ", "")


@pytest.mark.parametrize("version", ["9.9.9", "Unreleased"])
def test_a_version_without_a_section_of_its_own_is_refused(version: str) -> None:
    with pytest.raises(release.CannotReleaseError, match=version):
        release.notes(version)
