"""Score weights of ``spectral_mlp`` on open scenes, in coarse classes: vegetation, soil, built, water.

    python examples/weights/spectral_scores.py spectral-library --data FOLDER           the scenes that chose
    python examples/weights/spectral_scores.py spectral-library --data FOLDER --test    EnMAP Potsdam

FOLDER holds jasper_ridge, samson, muufl_crop and enmap_potsdam. Abundances label a pixel as their largest
class where that covers more than half of it. Burned and unknown are always wrong. What is called dirt on
Jasper Ridge has the spectrum of a dry meadow (cellulose at 2,100 nm): there dry vegetation is right, too.
Shadow on MUUFL says nothing of the ground and is left out.
"""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import torch
from scipy.io import loadmat

from terramamba.models.registry import create_model
from terramamba.weights.registry import find_weights, load_weights

NAMES = ("vegetation", "soil", "built", "water")
COARSE = np.array([0, 0, 1, 2, 3, 4, 5])
"""Of each class; burned and unknown are none of the four."""
UNLABELLED = -1


@dataclass(frozen=True, eq=False)
class Scored:
    """Reflectance (n, c) of a scene, wavelengths, coarse classes; ``dry_soil``: dry plants are soil there."""

    name: str
    reflectance: np.ndarray
    wavelengths: np.ndarray
    truth: np.ndarray
    dry_soil: bool = False


def _largest(abundances: np.ndarray, coarse: list[int]) -> np.ndarray:
    return np.where(abundances.max(1) > 0.5, np.array(coarse)[abundances.argmax(1)], UNLABELLED)


def choosing(root: Path) -> Iterator[Scored]:
    """Read the scenes that settings are chosen on."""
    scene, ends = (loadmat(root / "jasper_ridge" / name) for name in ("jasperRidge2_R198.mat", "end4.mat"))
    kept = scene["SlectBands"].ravel().astype(int) - 1
    aviris = np.linspace(365.93, 2496.24, 224)[kept]
    yield Scored("Jasper Ridge", scene["Y"].T / 10_000, aviris, _largest(ends["A"].T, [0, 3, 1, 2]), True)
    scene, ends = (loadmat(root / "samson" / name) for name in ("samson_1.mat", "end3.mat"))
    yield Scored("Samson", scene["V"].T, np.linspace(401, 889, 156), _largest(ends["A"].T, [1, 0, 3]))
    scene = loadmat(root / "muufl_crop" / "muffle_dataset_130_90.mat")
    spectra, abundances = scene["Y"].reshape(-1, 64), scene["label"].reshape(-1, 5)
    yield Scored("MUUFL", spectra, np.linspace(375, 1050, 64), _largest(abundances, [2, 0, 0, UNLABELLED, 2]))


def testing(root: Path) -> Iterator[Scored]:
    """Read the scene that is scored once: all labelled pixels of its tiles."""
    spectra, truth = [], []
    for path in sorted((root / "enmap_potsdam" / "images").glob("*.tif")):
        with (
            rasterio.open(path) as image,
            rasterio.open(root / "enmap_potsdam" / "labels" / path.name) as labels,
        ):
            found = [re.search(r"\(([\d.]+) Nano", text) for text in image.descriptions]
            spectra.append(image.read().reshape(image.count, -1).T)
            truth.append(labels.read(1).ravel().astype(int))
    values, codes = np.concatenate(spectra), np.concatenate(truth)
    held = ~(values <= -32768).any(axis=0)
    wavelengths = np.array([float(one[1]) for one in found if one])
    coarse = np.array([UNLABELLED, 2, 2, 0, 0, 1, 3])[codes]
    yield Scored("EnMAP Potsdam", values[:, held] / 10_000, wavelengths[held], coarse)


@torch.no_grad()
def score(weights: torch.nn.Module, scene: Scored) -> dict[str, float]:
    """Return overall accuracy, the mean of the classes' recalls, and these, in per cent."""
    options = {**weights.options, "in_channels": len(scene.wavelengths)}
    model = create_model("spectral_mlp", **{**options, "wavelengths": scene.wavelengths.tolist()})
    model.load_state_dict(weights.state_dict())
    labelled = scene.truth != UNLABELLED
    spectra = torch.from_numpy(scene.reflectance[labelled]).float()[:, :, None, None]
    found = torch.cat([model.eval()(part) for part in spectra.split(4096)]).argmax(1).numpy()
    truth, coarse = scene.truth[labelled], COARSE[found]
    if scene.dry_soil:
        coarse = np.where((truth == 1) & (found == 1), 1, coarse)
    recalls = {NAMES[k]: 100 * float((coarse[truth == k] == k).mean()) for k in sorted(set(truth.tolist()))}
    return {
        "overall accuracy": 100 * float((coarse == truth).mean()),
        "mean of classes": float(np.mean(list(recalls.values()))),
        **recalls,
    }


def main() -> None:
    """Print the scores of each scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("weights", help="name or folder")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--test", action="store_true")
    given = parser.parse_args()
    weights = load_weights(find_weights(given.weights))
    for scene in (testing if given.test else choosing)(given.data):
        print(scene.name, ", ".join(f"{name} {value:.1f}" for name, value in score(weights, scene).items()))


if __name__ == "__main__":
    main()
