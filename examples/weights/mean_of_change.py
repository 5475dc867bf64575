"""Average four trainings of `terramamba-change`, and choose thresholds on validation pairs.

    python examples/weights/mean_of_change.py second third fourth sixth MEAN

What all meanings of "changed" share, and what cropland and anything have for themselves: half of the
second training, half of the sixth. What buildings have: half of the sixth, a quarter of each of the third
and fourth, which learnt it on the encoder of the second. MEAN is a run folder, of a model and its card.
"""

import sys
from dataclasses import replace
from pathlib import Path

from terramamba.change.settings import ChangeSettings
from terramamba.change.shipped import shipped_run
from terramamba.change.training import prepare
from terramamba.core.run_files import WEIGHTS
from terramamba.models.registry import model_spec
from terramamba.models.weights import save_model
from terramamba.runs.model_card import write_card
from terramamba.runs.record import read_settings
from terramamba.scores.thresholds import best_threshold
from terramamba.training.predict import change_counts

ALL = {"second": 0.5, "sixth": 0.5}
BUILDINGS = {"third": 0.25, "fourth": 0.25, "sixth": 0.5}


def main(*folders: str) -> None:
    """Write the mean of the runs in ``folders`` to the last of them."""
    *given, out = folders
    runs = dict(zip(("second", "third", "fourth", "sixth"), map(shipped_run, given), strict=True))
    last = runs["sixth"]
    meanings = last.card.data.meanings or ()
    own = last.model.weights_of_meaning(meanings.index("buildings"))
    weights = {name: run.model.state_dict() for name, run in runs.items()}
    mean = {
        key: sum(
            share * weights[run][key] for run, share in (BUILDINGS if key.startswith(own) else ALL).items()
        )
        if value.is_floating_point()
        else value
        for key, value in weights["sixth"].items()
    }
    last.model.load_state_dict(mean)
    settings = read_settings(last.folder, ChangeSettings)
    pairs = prepare(settings, model_spec(settings.model))
    counts = change_counts(last.model, pairs.validation_set(), device="cpu")
    judged = pairs.judge(last.model, best_threshold(counts.histograms.sum(axis=0))).card
    folder = Path(out)
    folder.mkdir()
    saved = save_model(last.model, folder / WEIGHTS)
    write_card(folder, replace(last.card, model=saved, judged=judged))


if __name__ == "__main__":
    main(*sys.argv[1:])
