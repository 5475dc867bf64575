"""Cut a release of the version in ``src/terramamba/_version.py``, or, with ``--dry``, check that it could be.

python distribution/release.py [--dry]

Checked: version, changelog and plugin agree; nothing is uncommitted; sdist and wheel can be built and are
complete; the package index would take them; the wheel passes the demo in an environment of its own, without a
compiler. Then the tag is made and ``dist/notes.md`` holds what is new. Nothing is pushed or uploaded.
"""

import argparse
import configparser
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
SDIST_HAS = (
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md"),
    *("constraints.txt", "mkdocs.yml", "pyproject.toml", "setup.py", ".ci/run", "docs/python.md"),
    *("distribution/release.py", "examples/data/jasper_ridge.tif", "integrations/make_qgis.py"),
    *(
        "src/terramamba/ops/native/vectors.h",
        "tests/conftest.py",
        "tests/runs/first_format/cover/run/model.json",
    ),
)
WHEEL_HAS = (
    *("terramamba/py.typed", "terramamba/ops/_scan.", "terramamba/report/", "terramamba/models/"),
    *("terramamba/weights/change/weights.safetensors", "terramamba/weights/spectral_library/card.json"),
)


class CannotReleaseError(Exception):
    """What has to be put right first."""


def version() -> str:
    """Read the version, and see that the plugin for QGIS has it and the public address, too."""
    text = (ROOT / "src/terramamba/_version.py").read_text("utf-8")
    own = re.search(r'__version__ = "(.+)"', text)[1]
    plugin = configparser.ConfigParser()
    plugin.read(ROOT / "integrations/qgis/terramamba/metadata.txt", encoding="utf-8")
    require(plugin["general"]["version"] == own, f"the plugin's metadata.txt is not of version {own}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    address = project["urls"]["Source"]
    other = [
        value for value in plugin["general"].values() if value.startswith("http") and address not in value
    ]
    require(not other, f"the plugin's metadata.txt has {other}, pyproject.toml {address}")
    if "example.org" in address:
        print(f"note: {address} is a placeholder; links that a package index shows will not hold")
    return own


def notes(of: str) -> str:
    """Take what CHANGELOG.md says of a version."""
    parts = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    found = [part for part in parts if re.match(rf"{re.escape(of)}\b", part)]
    require(len(found) == 1, f"CHANGELOG.md has no section of its own for {of}")
    title, _, text = found[0].partition("\n")
    require(re.search(r"\d{4}-\d\d-\d\d", title) is not None, f"CHANGELOG.md: {title} has no date")
    require(len(text.strip()) > 0, f"CHANGELOG.md says nothing of {of}")
    return text.strip() + "\n"


def require_clean(of: str) -> None:
    """See that all is committed, and that there is no such tag."""
    changed = output("git", "status", "--porcelain")
    require(not changed, f"not committed:\n{changed}")
    require(not output("git", "tag", "--list", f"v{of}"), f"there is a tag v{of} already")


def build(of: str) -> tuple[Path, Path]:
    """Make sdist and wheel from what is here, and see that they are complete."""
    for old in DIST.glob("terramamba-*"):
        old.unlink()
    run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    (sdist,), (wheel,) = DIST.glob(f"terramamba-{of}.tar.gz"), DIST.glob(f"terramamba-{of}-*.whl")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    require(names.issuperset(SDIST_HAS), f"the sdist lacks {sorted(set(SDIST_HAS) - names)}")
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
    lacking = [start for start in WHEEL_HAS if not any(file.startswith(start) for file in files)]
    require(not lacking, f"the wheel lacks {lacking}")
    strange = [file for file in files if file.endswith((".cpp", ".h")) or not file.startswith("terramamba")]
    require(not strange, f"the wheel has {strange}")
    run(sys.executable, "-m", "twine", "check", "--strict", str(sdist), str(wheel))
    return sdist, wheel


def try_wheel(wheel: Path) -> None:
    """Run the demo from the wheel, in a new environment whose PATH has nothing else, no compiler either."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        venv.create(home / "env", with_pip=True)
        bin = home / "env" / ("Scripts" if os.name == "nt" else "bin")
        run(str(bin / "pip"), "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel))
        alone = {"PATH": str(bin), "HOME": folder}
        alone |= {name: os.environ[name] for name in ("SYSTEMROOT", "OMP_NUM_THREADS") if name in os.environ}
        run(str(bin / "terramamba"), "info", cwd=home, env=alone)
        run(str(bin / "terramamba"), "demo", "--out", "demo", cwd=home, env=alone)


def run(*words: str, **options: object) -> None:
    """Run a command, shown first; what it says goes to the terminal."""
    print("$", *words, flush=True)
    require(subprocess.run(words, check=False, **options).returncode == 0, f"{words[0]} failed")


def output(*words: str) -> str:
    """Run a command in the repository and take what it prints."""
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def require(holds: bool, otherwise: str) -> None:
    """Stop with one line where something does not hold."""
    if not holds:
        raise CannotReleaseError(otherwise)


def main() -> int:
    """Check, and cut the release unless --dry is given; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dry", action="store_true", help="check only: no tag, no notes")
    dry = parser.parse_args().dry
    try:
        of = version()
        news = notes(of)
        require_clean(of)
        _, wheel = build(of)
        try_wheel(wheel)
    except CannotReleaseError as reason:
        print(f"no release: {reason}", file=sys.stderr)
        return 1
    if dry:
        print(f"{of} could be released: {wheel.name}")
        return 0
    (DIST / "notes.md").write_text(news, encoding="utf-8")
    run(
        "git", "tag", "--annotate", "--cleanup=verbatim", "--file", str(DIST / "notes.md"), f"v{of}", cwd=ROOT
    )
    print(f"v{of} is tagged; dist/ holds the files and notes.md. Push the tag and upload the files.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
