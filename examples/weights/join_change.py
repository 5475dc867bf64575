"""Join trainings of `terramamba-change` into one model, and choose thresholds on validation pairs.

    python examples/weights/join_change.py second fifth seventh JOINED

Each meaning of "changed" gets a network of its own: buildings that of the seventh training, which learnt
nothing else and sees images enlarged, too; cropland and anything the mean of the second and the fifth.
JOINED is a run folder, of a model in half precision and its card.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from terramamba.change.settings import ChangeSettings
from terramamba.change.shipped import shipped_run
from terramamba.change.training import prepare
from terramamba.core.run_files import WEIGHTS
from terramamba.models.registry import create_model, model_spec
from terramamba.models.weights import load_model, save_model
from terramamba.runs.model_card import write_card
from terramamba.runs.record import read_settings
from terramamba.scores.thresholds import best_threshold
from terramamba.training.predict import change_counts

TRAININGS = ("second", "fifth", "seventh")
SOURCES = {"anything": ("second", "fifth"), "buildings": ("seventh",), "cropland": ("second", "fifth")}
FINER = {"buildings": 2}
"""How many times images are enlarged; the others lose by it."""


def main(*folders: str) -> None:
    """Write what the runs in ``folders`` make together to the last of them."""
    *given, out = folders
    runs = dict(zip(TRAININGS, map(shipped_run, given), strict=True))
    last = runs["fifth"]
    weights = {name: run.model.state_dict() for name, run in runs.items()}
    meanings = last.card.data.meanings or ()
    own = {"own_encoders": True, "finer": tuple(FINER.get(meaning, 1) for meaning in meanings)}
    joined = create_model(last.card.model.name, **{**last.model.options, **own})
    filled = {}
    for number, meaning in enumerate(meanings):
        places, begins = (net.weights_of_meaning(number) for net in (joined, last.model))
        for place, begin in zip(places, begins, strict=True):
            for key in weights["fifth"]:
                if key.startswith(begin):
                    values = torch.stack([weights[name][key] for name in SOURCES[meaning]])
                    mean = values.mean(0) if values.is_floating_point() else values[-1]
                    filled[place + key.removeprefix(begin)] = mean
    joined.load_state_dict(filled)
    folder = Path(out)
    folder.mkdir()
    saved = save_model(joined, folder / WEIGHTS, half=True)
    model = load_model(folder / WEIGHTS, saved)
    settings = read_settings(last.folder, ChangeSettings)
    pairs = prepare(settings, model_spec(settings.model))
    counts = change_counts(model, pairs.validation_set(), device="cpu")
    judged = pairs.judge(model, best_threshold(counts.histograms.sum(axis=0))).card
    write_card(folder, replace(last.card, model=saved, judged=judged))


if __name__ == "__main__":
    main(*sys.argv[1:])
