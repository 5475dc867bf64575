"""A classifier's sections of the page: what its test and its map come to."""

from collections.abc import Mapping

from terramamba.core.errors import InputError
from terramamba.report.controls import slider, swipe
from terramamba.report.maps import ReportMap
from terramamba.report.overlays import NOTHING
from terramamba.report.sections import bar_row
from terramamba.report.summary import amount, calibration_sentences, model_name, percent, reached
from terramamba.report.task import Colours
from terramamba.runs.record import RunRecord
from terramamba.scores.score import Scores, by_name
from terramamba.scores.score_table import LAND_COVER_SCORES

IMAGES = ("scene",)
CAME_TRUE = "the class is right"
NO_COLOUR = (128, 128, 128)

OA, AA, KAPPA, WORST = (
    by_name(LAND_COVER_SCORES)[name] for name in ("oa", "aa", "kappa", "worst_class_recall")
)


def sentences(run: RunRecord) -> list[str]:
    """Write what the run's own test says."""
    test = run.test
    pixels = sum(entry["pixels"] for entry in run.tested("per_class"))
    said = [
        f"{model_name(run)} names the right class for {reached(OA, test)} of {pixels:,} test pixels"
        f" ({OA.title}); the mean over the classes is {reached(AA, test)},"
        f" {KAPPA.title} {reached(KAPPA, test)}."
    ]
    worst = test.get("worst_class")
    if worst:
        said.append(f"Hardest is {worst['name']}: {reached(WORST, test)} of its pixels are found.")
    if test.get("absent"):
        said.append(f"Not in the test: {', '.join(test['absent'])}.")
    return [*said, *_smoothed(run), *calibration_sentences(test)]


def _smoothed(run: RunRecord) -> list[str]:
    """Write what validation chose of smoothing."""
    own = run.card.judged.regularise
    if own is None:
        return []
    found = ", ".join(f"{name} {percent(score)}" for name, score in own.validation.items())
    if own.bandwidth is None:
        return [f"Validation chose to leave probabilities as they are ({OA.title} by strength: {found})."]
    return [
        f"Probabilities are smoothed among neighbours with like spectra, {own.radius} pixels far; validation"
        f" chose the strength ({OA.title} by strength: {found})."
    ]


def map_sentence(land: ReportMap, mapped: int) -> str:
    """Write which class is the largest of ``mapped`` pixels."""
    largest = max(land.areas, key=lambda entry: entry.pixels)
    return (
        f"The map has {mapped:,} classified pixels; the largest class is {largest.name} with"
        f" {percent(largest.pixels / mapped)}: {amount(largest)}."
    )


def legend(run: RunRecord) -> tuple[Mapping[int, str], Colours]:
    """Return name and colour of each class by its code; raises ``InputError`` for more than a byte has."""
    classes = run.card.data.classes
    if len(classes) >= NOTHING:
        raise InputError(f"{run.folder}: {len(classes)} classes; the page shows maps of 1 to {NOTHING - 1}")
    colours: dict[int, tuple[int, ...]] = dict.fromkeys(classes.codes, NO_COLOUR)
    return classes.name_of_code, colours | classes.colour_of_code


def bars(run: RunRecord, scores: Scores) -> tuple[str, list[str]]:
    """Write a row of scores for each class, in the colours of the map."""
    colours = dict(zip(run.card.data.classes.names, run.card.data.classes.colours, strict=True))
    return "Each class", [
        bar_row(str(entry["name"]), entry, f"{entry['pixels']:,}", colours.get(str(entry["name"])), scores)
        for entry in run.tested("per_class")
    ]


def controls(land: ReportMap) -> list[str]:
    """Write the slider between scene and map, and the map's opacity, where the page has the scene."""
    below = [swipe("scene", "layer"), slider("opacity", "Opacity of the layer", 0, 100, 100)]
    return below if "left" in land.sides else []
