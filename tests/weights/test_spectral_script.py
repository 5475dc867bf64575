"""The script that makes ``spectral-library`` again, on a library of a few made-up spectra."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from programs import python
from terramamba.models.spectral_mlp import GRID_NM
from terramamba.weights.registry import find_weights, load_weights

HERE = Path(__file__).parents[2] / "examples" / "weights"
KINDS = ("vegetation", "npv", "bare", "built", "burned")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Forty spectra of each kind, in the form of the package's files."""
    folder = tmp_path / "data"
    folder.mkdir()
    random = np.random.default_rng(0)
    level = random.uniform(0.05, 0.5, (40 * len(KINDS), 1))
    tilt = np.repeat(np.linspace(-0.5, 0.5, len(KINDS)), 40)[:, None]
    spectra = level * (1 + tilt * np.linspace(-1, 1, len(GRID_NM)))
    spectra.astype("<f4").tofile(folder / "spectra.sli")
    wavelengths = ", ".join(f"{nm / 1000:g}" for nm in GRID_NM)
    (folder / "spectra.sli.hdr").write_text(f"ENVI\nwavelength = {{ {wavelengths} }}\n")
    rows = [f"{number},x,{kind}\n" for number, kind in enumerate(np.repeat(KINDS, 40))]
    (folder / "spectra.csv").write_text("".join(["NAME,LEVEL_1,LEVEL_2\n", *rows]))
    return folder


def made(library: Path, out: Path) -> str:
    """Run the script for two steps; return what it says."""
    config = library.parent / "quick.yaml"
    record = yaml.safe_load((HERE / "spectral_library.yaml").read_text(encoding="utf-8"))
    record["training"] |= {"steps": 2, "batch_size": 8, "hidden": 8, "measured_on": 50}
    record["licence_file"] = str(HERE / record["licence_file"])
    config.write_text(yaml.safe_dump(record))
    words = [HERE / "spectral_library.py", "--config", config, "--library", library, "--out", out]
    done = python(*words)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_script_makes_weights_that_load_and_the_same_again(library: Path, tmp_path: Path) -> None:
    assert "largest class right" in made(library, tmp_path / "a")
    first = find_weights(str(tmp_path / "a"), "classify")
    assert load_weights(first).options["hidden"] == 8
    assert first.card.classes.names == find_weights("spectral-library").card.classes.names
    made(library, tmp_path / "b")
    assert find_weights(str(tmp_path / "b")).card.model.sha256 == first.card.model.sha256


def test_the_card_that_ships_is_the_one_that_the_settings_write() -> None:
    record = yaml.safe_load((HERE / "spectral_library.yaml").read_text(encoding="utf-8"))
    shipped = find_weights("spectral-library")
    assert shipped.card.model.options["hidden"] == record["training"]["hidden"]
    assert [one.value for one in shipped.card.scores] == [one["value"] for one in record["card"]["scores"]]
    assert shipped.card.protocol == record["card"]["protocol"]
    assert list(shipped.card.cannot) == record["card"]["cannot"]
    assert shipped.licence.read_text("utf-8") == (HERE / record["licence_file"]).read_text("utf-8")
