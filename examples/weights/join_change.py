"""Join trainings of `terramamba-change` into one model, and choose thresholds on validation pairs.

    python examples/weights/join_change.py judged.csv ROOT second fifth seventh ninth JOINED

Each meaning of "changed" gets a network of its own: buildings that of the seventh training, which learnt
nothing else and sees images enlarged, too; cropland that of the ninth, or where it is not named the mean of
the second and the fifth, with which the eighth begins; anything that mean. JOINED is a run folder, of a model
in half precision and its card.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from terramamba.change.pretrained import pretrained_run
from terramamba.change.settings import ChangeSettings
from terramamba.change.training import prepare
from terramamba.core.run_files import WEIGHTS
from terramamba.models.registry import create_model, model_spec
from terramamba.models.weights import load_model, save_model
from terramamba.runs.model_card import write_card
from terramamba.runs.record import read_settings
from terramamba.scores.thresholds import best_threshold
from terramamba.training.predict import change_counts

MEAN = ("second", "fifth")
SOURCES = {"anything": [MEAN], "buildings": [("seventh",)], "cropland": [("ninth",), MEAN]}
"""By meaning; the first of which all trainings are named."""
FINER = {"buildings": 2}
"""How many times images are enlarged; the others lose by it."""


def main(table: str, root: str, *folders: str) -> None:
    """Write what the runs in ``folders``, called as trainings are, make together to the last of them."""
    *given, out = folders
    runs = {Path(folder).name: pretrained_run(folder) for folder in given}
    last = runs["fifth"]
    weights = {name: run.model.state_dict() for name, run in runs.items()}
    meanings = last.card.data.meanings or ()
    own = {"own_encoders": True, "finer": tuple(FINER.get(meaning, 1) for meaning in meanings)}
    joined = create_model(last.card.model.name, **{**last.model.options, **own})
    filled = {}
    for number, meaning in enumerate(meanings):
        sources = next(names for names in SOURCES[meaning] if set(names) <= set(runs))
        # a training of one meaning has one network, whatever the number of that meaning elsewhere
        of_one = [runs[name] for name in sources]
        begins = [
            run.model.weights_of_meaning(0 if len(run.card.data.meanings or ()) == 1 else number)
            for run in of_one
        ]
        for place, *begun in zip(joined.weights_of_meaning(number), *begins, strict=True):
            for key in weights[sources[0]]:
                if key.startswith(begun[0]):
                    rest = key.removeprefix(begun[0])
                    found = zip(sources, begun, strict=True)
                    values = torch.stack([weights[name][begin + rest] for name, begin in found])
                    filled[place + rest] = values.mean(0) if values.is_floating_point() else values[-1]
    joined.load_state_dict(filled)
    folder = Path(out)
    folder.mkdir()
    saved = save_model(joined, folder / WEIGHTS, half=True)
    model = load_model(folder / WEIGHTS, saved)
    settings = replace(read_settings(last.folder, ChangeSettings), data=table, root=root)
    pairs = prepare(settings, model_spec(settings.model))
    counts = change_counts(model, pairs.validation_set(), device="cpu")
    judged = pairs.judge(model, best_threshold(counts.histograms.sum(axis=0))).card
    write_card(folder, replace(last.card, model=saved, judged=judged))


if __name__ == "__main__":
    main(*sys.argv[1:])
