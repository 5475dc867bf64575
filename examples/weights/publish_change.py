"""Publish a trained run as the weights `terramamba-change`: score it, write its card and its licence.

    for step in first second third fourth fifth sixth seventh eighth ninth judged; do
        python examples/weights/change_pairs.py $step ROOT > $step.csv
    done
    train() { terramamba change train --config examples/weights/change_$1.yaml --data $1.csv --root ROOT \\
        --out $1 $2 $3; }
    train first; train second --init first; train third --init second; train fourth --init third
    train fifth --init fourth; train sixth --init first; train seventh --init sixth
    python examples/weights/join_change.py judged.csv ROOT second fifth seventh begun
    train eighth --init begun; train ninth --init eighth
    python examples/weights/join_change.py judged.csv ROOT second fifth seventh ninth joined
    python examples/weights/publish_change.py joined judged.csv ROOT FOLDER

Test parts are read here, once; nothing is chosen by them.
"""

import csv
import sys
import tempfile
from pathlib import Path

import terramamba as tm
from terramamba.change.pretrained import own_part
from terramamba.core.files import plain
from terramamba.weights.card import TrainedOn, WeightsCard, WeightsMadeBy, WeightsScore
from terramamba.weights.registry import save_weights

NAME = "terramamba-change"
PIXEL_SIZES = {"anything": (1.0, 6.0), "buildings": (0.2, 1.25), "cropland": (0.5, 2.0)}
"""Metres: what each learnt from, made finer and coarser too, or was tried on."""
PARTS = {"val": "chosen on", "test": "test", "unseen": "a set never trained on"}
SETS = {
    "cropland": "CLCD",
    "buildings": "LEVIR-CD",
    "anything": "DSIFN-CD",
    ("unseen", "buildings"): "WHU building change",
}
TERMS = (
    "learnt from LEVIR-CD and DSIFN-CD among others, which are offered for academic use: these weights are"
    " for academic use too, whatever the licence of terramamba (see their LICENSE)"
)
LICENCE = """The weights in this folder are not under the licence of terramamba.

They were learnt from image pairs whose owners offer them on these terms:

- LEVIR-CD (Chen and Shi, 2020, doi 10.3390/rs12101662): academic use.
- DSIFN-CD (Zhang et al., 2020, doi 10.1016/j.isprsjprs.2020.06.003): scientific research.
- CLCD (Liu et al., 2022, doi 10.1109/JSTARS.2022.3177235): terms not stated; to be cited.

and, to begin with, from weights of EfficientNet-lite0 learnt on ImageNet-1k (Apache-2.0).

You may use, copy and change these weights for academic research and teaching, naming the sources above. For
any other use, ask the owners of the data. They come without any warranty.
"""
TRAINED_ON = (
    TrainedOn(
        "CLCD",
        "310 pairs of 512 x 512 pixels and 150 of 256 x 256, Gaofen-2, 0.5 to 2 m, cropland lost or"
        " converted",
        "Liu et al. 2022, doi 10.1109/JSTARS.2022.3177235",
        "not stated; cite",
    ),
    TrainedOn(
        "LEVIR-CD",
        "594 views of 256 x 256 pixels, and 33 crops as published (some of the official test images 1, 3, 4"
        " and 7), Google Earth, 0.5 m, buildings",
        "Chen and Shi 2020, doi 10.3390/rs12101662",
        "academic use",
    ),
    TrainedOn(
        "DSIFN-CD",
        "600 views of 256 x 256 pixels and 16 crops as published, Google Earth, about 2 m, change of any"
        " kind",
        "Zhang et al. 2020, doi 10.1016/j.isprsjprs.2020.06.003",
        "scientific research",
    ),
    TrainedOn("ImageNet-1k", "1.3 million photographs, in EfficientNet-lite0", "TensorFlow", "Apache-2.0"),
)


def scores(run: str, table: Path, root: str) -> list[WeightsScore]:
    """Score the run on each part of each meaning of "changed" in ``table``."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for part, words in PARTS.items():
            for what in sorted({row["what"] for row in rows if row["split"] == part}):
                own = Path(folder, f"{part}_{what}.csv")
                with own.open("w", newline="") as file:
                    writer = csv.DictWriter(file, list(rows[0]))
                    writer.writeheader()
                    writer.writerows(row for row in rows if (row["split"], row["what"]) == (part, what))
                result = tm.evaluate_change_detector(run, data=own, root=root, split=part, device="cpu")[
                    "test"
                ]
                data = f"{SETS.get((part, what), SETS[what])}, {what}, {result['pairs']} pairs"
                for metric in ("f1", "precision", "recall"):
                    found.append(WeightsScore(data, words, metric, round(result[metric], 4)))
    return found


def main(run: str, table: str, root: str, folder: str) -> None:
    """Write the weights of ``run`` to ``folder``."""
    loaded = tm.load_run(run)
    calibration = loaded.card.judged.calibration
    temperature = None if calibration is None else calibration.temperature
    card = WeightsCard(
        name=NAME,
        title="Change between two images with bands red, green, blue: of buildings, of cropland, of anything",
        task="change",
        model=loaded.card.model,
        classes=loaded.classes,
        takes=(
            "two co-registered images of a place, red, green and blue, 8 or 16 bits or reflectance, however"
            " stretched: each pair is scaled by what its own two dates hold",
            "pixels on the ground of "
            + ", ".join(f"{low:g} to {high:g} m for {what}" for what, (low, high) in PIXEL_SIZES.items())
            + ", which it was trained or tried on; larger ones may gain by --enlarge",
        ),
        trained_on=TRAINED_ON,
        licence="academic use (see LICENSE)",
        terms=TERMS,
        made_by=WeightsMadeBy("python examples/weights/publish_change.py", loaded.card.made_by.version),
        protocol="epoch and thresholds chosen on validation pairs; test parts read once, after that",
        scores=tuple(scores(run, Path(table), root)),
        calibration="temperature fitted on all validation pairs together; --calibrated applies it",
        temperature=temperature,
        cannot=(
            "tell what an area changed from or to",
            "see change that is smaller than about 5 pixels, or tell seasons from change reliably",
            "work on other bands than red, green, blue, on radar, or on pixels much larger than those above",
        ),
        own=plain(own_part(loaded, PIXEL_SIZES)),
    )
    save_weights(Path(folder), loaded.model, card, LICENCE, half=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
