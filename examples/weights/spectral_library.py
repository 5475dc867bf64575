"""Train the weights ``spectral-library`` on mixtures of field spectra, and write them with their card.

    pip download --no-deps earthlib==1.1.0, and unpack it
    python examples/weights/spectral_library.py --library earthlib/data --out spectral_library

One thread, a minute; the same on the same processor and PyTorch. ``spectral_library.yaml`` beside this file
has all settings and what the card says; the scores in it are those that ``spectral_scores.py`` prints.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from mixtures import Mixing, draw_pixels
from spectra import Library
from torch import Generator, Tensor

from terramamba import __version__
from terramamba.core.documents import read_yaml
from terramamba.core.progress import progress, say
from terramamba.core.typed import typed
from terramamba.models.registry import create_model
from terramamba.models.spectral_mlp import GRID_NM, SpectralMLP
from terramamba.models.weights import SavedModel
from terramamba.weights.card import WeightsCard, WeightsMadeBy
from terramamba.weights.registry import save_weights

HERE = Path(__file__).parent
COMMAND = "python examples/weights/spectral_library.py --library earthlib/data --out spectral_library"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that decides what comes of it."""

    seed: int
    steps: int
    batch_size: int
    lr: float
    weight_decay: float
    hidden: int
    held_out: float
    """Fraction of the library's spectra that are not learnt from, but measured on."""
    measured_on: int
    """Pixels mixed of them."""
    mixing: Mixing


def train(library: Library, settings: Settings) -> SpectralMLP:
    """Train on pixels that are drawn anew for every step; the targets are fractions of classes."""
    torch.manual_seed(settings.seed)
    random = Generator().manual_seed(settings.seed)
    model = create_model(
        "spectral_mlp",
        in_channels=len(GRID_NM),
        num_classes=len(settings.mixing.prior),
        hidden=settings.hidden,
    )
    assert isinstance(model, SpectralMLP)
    optimiser = torch.optim.AdamW(model.parameters(), settings.lr, weight_decay=settings.weight_decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.lr, total_steps=settings.steps)
    with progress("train on mixtures", settings.steps, "steps") as advance:
        for _ in range(settings.steps):
            pixels = draw_pixels(library, settings.mixing, settings.batch_size, random)
            logits = model.classify(pixels.cells, pixels.covered)
            loss = -(pixels.fractions * logits.log_softmax(1)).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rates.step()
            advance(1, f"loss {loss.item():.3f}")
    return model.eval()


@torch.no_grad()
def held_out(model: SpectralMLP, library: Library, mixing: Mixing, count: int) -> tuple[Tensor, Tensor]:
    """Return logits and true fractions of pixels made of spectra that were not learnt from."""
    pixels = draw_pixels(library, mixing, count, Generator().manual_seed(1))
    return model.classify(pixels.cells, pixels.covered), pixels.fractions


def main() -> None:
    """Train, measure on held-out spectra, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--config", type=Path, default=HERE / "spectral_library.yaml")
    parser.add_argument("--library", type=Path, required=True, help="folder data of earthlib 1.1.0")
    parser.add_argument("--out", type=Path, required=True, help="folder of weights to write")
    given = parser.parse_args()
    torch.set_num_threads(1)
    record = read_yaml(given.config, "give a file such as spectral_library.yaml")
    settings = typed(Settings, record["training"])
    learnt, left = Library.read(given.library).halves(settings.held_out, settings.seed)
    model = train(learnt, settings)
    logits, fractions = held_out(model, left, settings.mixing, settings.measured_on)
    probability = logits.softmax(1)
    right = (probability.argmax(1) == fractions.argmax(1)).float().mean()
    say(f"mixtures of spectra that were held out: largest class right {right:.3f}")
    errors = (probability - fractions).abs().mean(0)
    say(f"mean error of the fraction of each class: {', '.join(f'{error:.3f}' for error in errors)}")
    made_by = WeightsMadeBy(COMMAND, __version__)
    saved = SavedModel(model.spec_name, model.preset, model.options)
    card = typed(WeightsCard, {**record["card"], "made_by": vars(made_by), "model": vars(saved)})
    licence = (HERE / record["licence_file"]).read_text(encoding="utf-8")
    weights = save_weights(given.out, model, card, licence)
    say(f"{weights.file}: {weights.file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
