"""``terramamba explain``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from terramamba.cli.files import split_run
from terramamba.cli.parse import Usage, parse
from terramamba.core.errors import InputError
from terramamba.core.options import at_least
from terramamba.data.settings import Alignment, ImageArray, Masks
from terramamba.training.settings import OnDevice

USAGE = Usage(
    "explain",
    "Show what a trained run looks at. Of a classifier: what its attention asks, by class and for named "
    "pixels, and which bands it needs. Of a GLMamba: where its parts respond in a window of a pair, and what "
    "speaks for change. Writes tables, pictures and GeoTIFFs to a folder.",
    ("RUN", "[SCENE | BEFORE]", "[AFTER]"),
)

REPEATED = ("--pixel", "--at")
"""Flags that may be given several times."""

ALIKE = 0.999
"""Of this share of all pixels on, asking is called asking all alike: 49.0 of 49, rounded."""


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(OnDevice, Alignment, Masks, ImageArray):
    """Flags of the command."""

    out: str
    """Folder to write; must be new or empty unless --overwrite is given."""
    pixel: str | None = None
    """ROW,COL from 0: for a classifier a pixel to explain (several: repeat the flag, or "1,2 3,4"), for a
    pair the middle of the window."""
    at: str | None = None
    """X,Y in the reference system of the scene, as --pixel."""
    labels: str | None = None
    """Classifier: labels of SCENE; None: the run's validation pixels, where SCENE is the run's own."""
    samples: Annotated[int, at_least(2)] = 500
    """Classifier: most pixels, drawn at random, that means and band importance are made of."""
    bands_per_group: Annotated[int | None, at_least(1)] = None
    """Classifier: neighbouring bands that are shuffled together; None: so many that there are 24 groups at
    most."""
    repeats: Annotated[int, at_least(1)] = 5
    """Classifier: times that each group of bands is shuffled."""
    seed: Annotated[int, at_least(0)] = 0
    """Classifier: seed of drawing and shuffling."""
    window: str | None = None
    """Pair: window to explain, ROW,COL,HEIGHT,WIDTH from 0; None: where most is marked."""
    size: Annotated[int, at_least(1)] = 256
    """Pair: side in pixels of a window that is not given with --window."""
    overwrite: bool = False
    """Replace an earlier explanation in the folder."""


ONLY = {
    "classify": ("labels", "samples", "bands_per_group", "repeats", "seed"),
    "change": ("window", "size", "align"),
}
"""Options of one task alone."""


def run(argv: Sequence[str]) -> int:
    """Explain, and print in words what came of it."""
    options, paths = parse(USAGE, ExplainOptions, _joined(argv))
    folder, files = split_run(paths)
    from terramamba.runs.folder import load_run

    loaded = load_run(folder)
    given = asdict(options)
    given["masks"] = given.pop("mask") or ()
    defaults = {field.name: field.default for field in ExplainOptions.__dataclass_fields__.values()}
    for task, names in ONLY.items():
        for name in names:
            value = given.pop(name) if task != loaded.task else None
            if task != loaded.task and value != defaults[name]:
                raise InputError(
                    f"--{name.replace('_', '-')}: is for runs for {task}; {folder} is for {loaded.task}"
                )
    if loaded.task == "change":
        if len(files) != 2:
            raise InputError(
                f"{folder}: is a run for change, which needs BEFORE and AFTER; got {_list(files)}"
            )
        from terramamba.change.explain.explain import explain_change
        from terramamba.raster.readers.open import open_scene

        variable = given.pop("scene_variable")
        before, after = (open_scene(path, variable=variable) for path in files)
        _show_change(explain_change(loaded, before, after, **given))
        return 0
    if len(files) > 1:
        raise InputError(f"{folder}: is a run for classify, which takes one SCENE; got {_list(files)}")
    from terramamba.landcover.explain.explain import explain_classes

    _show_classes(explain_classes(loaded, *files, **given))
    return 0


def _joined(argv: Sequence[str]) -> list[str]:
    """``argv`` with the values of a repeated flag in one."""
    words, values = [], dict[str, list[str]]()
    left = list(argv)
    while left:
        word = left.pop(0)
        flag, equals, value = word.partition("=")
        if flag not in REPEATED or not (equals or left):
            words.append(word)
        else:
            values.setdefault(flag, []).append(value if equals else left.pop(0))
    return [*words, *(f"{flag}={' '.join(said)}" for flag, said in values.items())]


def _show_classes(found: Mapping[str, Any]) -> None:
    from terramamba.cli.show import percent, show_facts, show_table

    pixels, attention, importance = found["pixels"], found["attention"], found["importance"]
    if importance is not None:
        groups = sorted(importance["groups"], key=lambda group: -group["oa_drop"])
        rows = [
            [group["name"], *(_with_spread(group, score) for score in ("oa", "aa"))] for group in groups[:8]
        ]
        show_table(
            "lost when shuffled among pixels, percentage points (the largest)",
            ["bands", "overall accuracy", "average accuracy"],
            rows,
        )
    facts = {
        "pixels": f"{pixels['count']} {pixels['which']}".replace(
            f"{pixels['count']} {pixels['count']}", str(pixels["count"])
        )
    }
    if importance is None:
        facts["band importance"] = "not measured: it needs labelled pixels (--labels)"
    else:
        facts["as they are"] = (
            f"overall accuracy {percent(importance['oa'])} %, average {percent(importance['aa'])} %"
        )
    if attention is None:
        facts["attention"] = f"{found['model']} has none"
    else:
        facts["attention"] = "\n".join(map(_attention_in_words, attention))
    for answer in found["named_pixels"]:
        row, col = answer["pixel"]
        likely = percent(answer["probability"][answer["class"]])
        facts[f"row {row}, column {col}"] = f"{answer['class']}, probability {likely} %"
    facts |= {"note": "\n".join(found["notes"])} if found["notes"] else {}
    show_facts(facts | {"written": found["folder"]})


def _with_spread(group: Mapping[str, Any], score: str) -> str:
    from terramamba.cli.show import percent

    spread = group[f"{score}_drop_std"]
    return percent(group[f"{score}_drop"]) + ("" if spread != spread else f" ± {percent(spread)}")


def _attention_in_words(entry: Mapping[str, Any]) -> str:
    asked, tokens = entry["tokens_asked_by_centre"], entry["tokens"]
    alike = ": all alike, so it is a plain mean" if asked > ALIKE * tokens else ""
    return f"{entry['map']}: the centre asks {asked:.1f} of {tokens} pixels in effect{alike}"


def _show_change(found: Mapping[str, Any]) -> None:
    from terramamba.cli.show import show_facts, show_table

    rows = [
        [
            layer["layer"],
            layer["cell_pixels"],
            *(_two(layer[f"{kind}_auc"]) for kind in ("activation", "cam")),
        ]
        for layer in found["layers"]
    ]
    show_table(
        "how well each layer tells marked from other pixels (1 always, 0.5 as chance, 0 the wrong way round)",
        ["layer", "cell, px", "response", "Grad-CAM"],
        rows,
    )
    window = found["window"]
    share = 100 * found["marked_pixels"] / found["usable_pixels"]
    show_facts(
        {
            "window": f"rows {window['row']}-{window['row'] + window['height'] - 1},"
            f" columns {window['col']}-{window['col'] + window['width'] - 1}: {found['window_chosen']}",
            "marked": f"{found['marked_pixels']} pixels, {share:.2f} %, at threshold {found['threshold']:g}",
            "Grad-CAM explains": found["explained"],
            "written": found["folder"],
        }
    )


def _two(value: float) -> str:
    return "" if value != value else f"{value:.2f}"


def _list(files: Sequence[str]) -> str:
    return ", ".join(files) or "none"
