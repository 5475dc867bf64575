"""Scores of a trained change detector on image pairs with change masks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from terramamba.change.error_maps import error_maps
from terramamba.change.judging import counted
from terramamba.change.map_worker import note_on_enlarged, shown_enlarged
from terramamba.change.meanings import asked_pairs, threshold_for
from terramamba.change.scored_pairs import scored_pairs
from terramamba.change.scores import pair_scores
from terramamba.change.settings import ChangeSettings, Dividing
from terramamba.change.splitting import divided
from terramamba.change.training_domain import notes_on_pairs
from terramamba.core.errors import InputError
from terramamba.core.files import plain
from terramamba.core.options import part_of
from terramamba.core.run_files import CONFUSION
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_places import misplaced_labels, repeated_labels
from terramamba.data.pairs.label_values import shape_values, stated_values
from terramamba.data.pairs.overlaps import shown_in_both
from terramamba.data.pairs.pair_bands import notes_on_bands
from terramamba.data.pairs.quality_report import survey
from terramamba.data.pairs.scorable import require_scorable
from terramamba.data.pairs.settle_labels import settle_for_scoring
from terramamba.data.pairs.shared_images import shared_images
from terramamba.mapping.fit_to_run import chosen_nodata, nodata_note, wanted_bands
from terramamba.raster.views.nodata import require_held
from terramamba.raster.views.warped import Method
from terramamba.runs.folder import Run, write_confusion
from terramamba.runs.record import has_settings, read_settings
from terramamba.scores.calibration import change_calibration
from terramamba.scores.thresholds import checked_threshold
from terramamba.weights.card import CARD as WEIGHTS_CARD
from terramamba.weights.card import read_weights_card

LEARNT = {"train": "trained the model", "val": "chose its epoch and threshold"}


def evaluate(
    run: Run,
    folder: Path | None = None,
    *,
    data: str,
    split: str = "test",
    root: str | None = None,
    align: Method | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    nodata: Sequence[float] | None = None,
    threshold: float | None = None,
    what: str | None = None,
    enlarge: int = 1,
    changed_values: Sequence[str] | None = None,
    unchanged_values: Sequence[str] | None = None,
    ignore_values: Sequence[str] | None = None,
    changed_attribute: str | None = None,
    area: str | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """Score a run on the pairs of ``data`` that belong to ``split``, at the run's threshold unless given.

    ``folder`` gets the confusion matrix, and maps of what each pair's changes were taken for.
    The options are those of `terramamba change evaluate`, whose help says what each is.
    What the values in labels mean is as stated, else as in the run's own labels, where these have all of
    them, else found from ``data``.

    Raises:
        InputError: a threshold that is no whole thousandth, no labelled pair, or pairs that do not fit the
            model.
    """
    if threshold is None:
        cut = checked_threshold(run.threshold, f"{run.folder / 'model.json'}: threshold")
    else:
        cut = checked_threshold(threshold)
    wanted, fill = wanted_bands(run), chosen_nodata(run, nodata)
    units = bool(run.card.data.physical)
    by_subset, name, unlike = load_pairs(
        data, root, align, scene_variable, axes, bands, wanted, fill, physical=units
    )
    labelled = [pair for pair in by_subset.get(split, []) if pair.label is not None]
    if not labelled:
        raise InputError(_nothing_to_score(data, split, by_subset))
    require_held(labelled[0].open(), nodata or ())
    lists = (changed_values, unchanged_values, ignore_values)
    stated = None if changed_attribute is not None else stated_values(*lists)
    shapes = shape_values(changed_attribute, *lists, area)
    settled = settle_for_scoring(by_subset, split, stated, run.card.data.label_values, shapes)
    labelled = settled.pairs[split]
    notes = [
        *settled.notes,
        *require_scorable(labelled, split),
        *notes_on_bands({split: labelled}),
        *unlike,
        *nodata_note(run, nodata),
        *_known(run, data, root, by_subset, labelled),
    ]
    if threshold is not None:
        notes.append(f"threshold {threshold:g} was given; tried out on these pairs, it scores too well here")
    labelled = asked_pairs(run, labelled, what)
    cuts = [cut if threshold is not None else threshold_for(run, pair.what) for pair in labelled]
    model, pairs = shown_enlarged(run, enlarge), scored_pairs(run, labelled)
    maps = None if folder is None else error_maps(folder, pairs, cuts)
    counts = counted(model, pairs, device=device, passing=maps)
    temperature = run.temperature
    calibration = None if temperature is None else change_calibration(counts.logits, temperature)
    scores = pair_scores(counts, cuts, calibration)
    if folder is not None:
        write_confusion(folder / CONFUSION, np.array(scores["confusion"]), run.classes.names)
    seen = "" if enlarge == 1 else f"-enlarged-{enlarge}"
    return {
        "protocol": (f"{split}-{len(labelled)}" if name is None else f"{name}-{split}") + seen,
        "threshold": cuts[0] if len(set(cuts)) == 1 else cut,
        "calibration": plain(run.card.judged.calibration),
        "threshold_from": run.threshold_source if threshold is None else "given",
        "notes": [
            *notes,
            *notes_on_pairs(run, labelled, enlarge),
            *note_on_enlarged(enlarge),
            *misplaced_labels({split: labelled}),
            *repeated_labels({split: labelled}),
            *survey({split: labelled}, one_rule=run.card.data.scale_by != "pair"),
        ],
        "test": scores,
    }


def _nothing_to_score(data: str | Path, split: str, by_subset: Mapping[str, Sequence[PairFiles]]) -> str:
    """Say that a subset has no labelled pairs, and which have."""
    labelled = {name: sum(pair.label is not None for pair in pairs) for name, pairs in by_subset.items()}
    there = [name for name, pairs in labelled.items() if pairs]
    if not there:
        return f"{data}: none of its pairs has a label to score on; give pairs with change masks"
    listed = ", ".join(f"{name} ({labelled[name]:,})" for name in there)
    near = f"--split {there[0]}" if len(there) == 1 else "one of them with --split"
    return f"{data}: no labelled pairs in its {split} subset; it has them in {listed}: score on {near}"


def _known(
    run: Run,
    data: str,
    root: str | None,
    found: Mapping[str, Sequence[PairFiles]],
    pairs: Sequence[PairFiles],
) -> list[str]:
    """Which of ``pairs`` the run has learnt from, by files or by what they show; or that it is not known."""
    if (run.folder / WEIGHTS_CARD).is_file():
        learnt = ", ".join(one.name for one in read_weights_card(run.folder).trained_on)
        return [f"these weights learnt from {learnt}: scores on images that were among these are no test"]
    if not has_settings(run.folder):
        return []
    trained = read_settings(run.folder, ChangeSettings)
    own: Mapping[str, Sequence[PairFiles]] = found
    try:
        if (trained.data, trained.root) != (data, root):
            how = (trained.align, trained.scene_variable, trained.axes, trained.bands)
            own, _, _ = load_pairs(trained.data, trained.root, *how)
        own, _ = divided(own, part_of(trained, Dividing), trained.data, trained.seed)
    except InputError as error:  # moved or removed since
        return [f"not known whether the run has learnt from these pairs: its own cannot be read ({error})"]
    notes = []
    for subset, did in LEARNT.items():
        shared = shown_in_both(own.get(subset, []), pairs)
        if shared:
            notes.append(
                f"{len(shared)} of these {len(pairs)} pairs {did}: their scores are no test; the first is "
                f"{shared[0]}"
            )
        images = shared_images(own.get(subset, []), pairs)
        if images:
            notes.append(
                f"{len(images)} of these {len(pairs)} pairs have an image of one that {did}: their scores "
                f"are too high; the first is {images[0]}"
            )
    return notes
