"""Commands that are killed: their inputs, how each is gone on with, and what of its files may differ.

Inputs are made once in a folder ``home``, with a finished result of each command that others begin from.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import copy, copytree
from typing import Any

import numpy as np
import pyogrio
import rasterio
import torch
import yaml

from programs import python
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.weights.registry import SHIPPED

FETCHING = str(Path(__file__).with_name("fetching.py"))
MEASURED = Path(__file__).parents[2] / "examples" / "data" / "jasper_ridge.tif"
"""A scene of surface reflectance."""

PATIENCE = 1200
"""Seconds that a command may take, beside others on a few cores."""


@dataclass(frozen=True)
class Case:
    """A command that writes."""

    name: str
    words: tuple[str, ...]
    again: tuple[tuple[str, ...], ...] = ((),)
    """Flags that are given in turn, after a kill, until the command goes on; those of ``words`` that
    contradict them are left out."""
    begin: tuple[str, ...] = ()
    """Files and folders of ``home`` that lie in the folder before."""
    program: tuple[str, ...] = ("-m", "terramamba")
    every: int = 1
    """Of so many kills of quick commands there is one of this."""
    finished: tuple[str, ...] = ("exists", "is not empty", "is there already")
    """What a refusal says where everything was done before the kill."""
    stays: str = ""
    """Python that reads what the command is to replace, in the folder: it does so after every kill."""

    def command(self, flags: tuple[str, ...] = ()) -> list[str]:
        """The arguments of Python, with ``flags`` in place of those that exclude them."""
        words = [word for word in self.words if not (flags and word == "--overwrite")]
        return [*self.program, *words, *flags]


DONE = "all-made"
"""Of a folder of inputs that are all there."""
TIMES = {"TIFFTAG_DATETIME", "WRITTEN"}
"""Tags of a map that say when it was made."""
TRAINED = (("--resume",), (), ("--overwrite",))
OVERWRITTEN = ((), ("--overwrite",))
READS = "import terramamba; terramamba.load_run({!r})"
EXCHANGED = "is being put in its place"
"""What reading is refused with in the moments in which files of one run take the places of another's."""


ALL = (
    *("classify train", "change train", "explain", "evaluate", "classify map", "shards", "experiment"),
    *("sample --overwrite", "export --overwrite", "classify train --seeds", "new change, one pair"),
)


def make_inputs(home: Path, commands: tuple[str, ...] = ALL) -> None:
    """Write a scene, pairs, an experiment's file, and what finished ``commands`` left, to ``home``."""
    make_scene(home / "scene", 0, height=60, width=56, bands=8)
    make_pairs(home / "pairs", 0, train=4, val=2, test=2, size=64, scene=(96, 80))
    experiment = {
        "seeds": 1,
        "settings": {"epochs": 2, "patch_size": 3, "batch_size": 64, "min_per_class": 4},
        "splits": {"random": {"split": "random"}},
        "data": {"made_up": {"scene": f"{home}/scene/scene.tif", "labels": f"{home}/scene/labels.tif"}},
        "models": {"one_d_cnn": None, "svm": None},
    }
    (home / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    experiment["settings"]["epochs"] = 1
    (home / "other.yaml").write_text(yaml.safe_dump(experiment))
    (home / "page.md").write_text("# Results\n")
    for name in commands:
        for words in made(home)[name]:
            done, said = run(["-m", "terramamba", *words], home)
            assert done == 0, said
    (home / DONE).touch()


def run(words: list[str], folder: Path) -> tuple[int, str]:
    """Run Python with ``words`` in ``folder``; exit status and what was said to standard error.

    Raises:
        TimeoutExpired: after ``PATIENCE`` seconds, when it has been killed.
    """
    done = python(*words, cwd=folder, timeout=PATIENCE)
    return done.returncode, done.stderr


def made(home: Path) -> dict[str, list[tuple[str, ...]]]:
    """The commands whose results others begin from."""
    every = {case.name: [case.words] for case in cases(home)}
    shard = _change_map(home, "sharded.tif")
    return {
        **every,
        "explain": [tuple("earlier" if word == "why" else word for word in every["explain"][0])],
        "evaluate": [tuple("scored" if word == "scores" else word for word in every["evaluate"][0])],
        "shards": [(*shard, "--shard", "1/2"), (*shard, "--shard", "2/2")],
        "sample --overwrite": [every["sample --overwrite"][0][:-1]],
        "export --overwrite": [words[:-1] for words in every.get("export --overwrite", ())],
        "classify train --seeds": [(*every["classify train --seeds"][0][:-1], "seeds")],
    }


def _change_map(home: Path, out: str) -> tuple[str, ...]:
    dates = (f"{home}/pairs/scene/before.tif", f"{home}/pairs/scene/after.tif")
    return (
        "change",
        "map",
        f"{home}/change_run",
        *dates,
        "--out",
        out,
        "--tile-size",
        "48",
        "--overlap",
        "16",
    )


def cases(home: Path) -> list[Case]:
    """All commands that are killed."""
    scene = ("--scene", f"{home}/scene/scene.tif", "--labels", f"{home}/scene/labels.tif")
    learn = (*scene, "--split", "random", "--patch-size", "5", "--train-fraction", "0.3", "--preset", "tiny")
    cover = ("classify", "train", *learn, "--batch-size", "64", "--epochs", "3", "--out", "run")
    forest = ("classify", "train", *learn[:8], "--model", "random_forest", "--out", "run")
    change = (
        *(
            "change",
            "train",
            "--data",
            f"{home}/pairs",
            "--model",
            "glmamba",
            "--preset",
            "nano",
            "--epochs",
            "3",
            "--batch-size",
            "2",
        ),
        *("--crop-size", "32", "--crops-per-pair", "2", "--out", "change_run"),
    )
    explain = ("explain", f"{home}/run", f"{home}/scene/scene.tif", "--samples", "40", "--repeats", "1")
    cover_map = ("classify", "map", f"{home}/run", f"{home}/scene/scene.tif", "--strip-rows", "4")
    scored = ("classify", "evaluate", f"{home}/run", *scene)
    page = ("report", f"{home}/run", "--map", f"{home}/map.tif", "--scene", f"{home}/scene/scene.tif")
    pairs = ("--data", f"{home}/pairs")
    dates = _change_map(home, "")[3:5]
    layers = ("--polygons", "near/c.gpkg", "--certainty", "sure.tif", "--min-area", "100", "--reject", "0.05")
    at_once = ("classify", "map", str(MEASURED), "--weights", "spectral-library")
    own = (*_change_map(home, "map.tif")[:2], *dates, "--model", "ir_mad", "--out", "map.tif")
    traced = ("export", f"{home}/run", "--tile", "16", "--tilings", "1")
    export = [
        Case("export", (*traced, "--out", "m.onnx"), OVERWRITTEN, every=2),
        Case("export --overwrite", (*traced, "--out", "e.onnx", "--overwrite"), ((),), ("e.onnx",), every=2),
    ]
    pair = ("new", "change", *dates, f"{home}/pairs/scene/truth.tif")
    sampled = ("sample", f"{home}/map.tif", "--out", "points.geojson", "--per-class", "5")
    return [
        Case("classify train", cover, TRAINED),
        Case(
            "classify train --overwrite",
            (*cover, "--overwrite"),
            TRAINED,
            ("run",),
            stays=READS.format("run"),
        ),
        Case(
            "classify train --seeds", (*cover[:-2], "--epochs", "1", "--seeds", "2", "--out", "run"), TRAINED
        ),
        Case(
            "classify train --seeds --overwrite",
            (*cover[:-2], "--epochs", "1", "--seeds", "2", "--out", "seeds", "--overwrite"),
            TRAINED,
            ("seeds",),
            every=2,
            stays=READS.format("seeds/seed-42"),
        ),
        Case("classify train forest", forest, TRAINED),
        Case(
            "classify train forest --overwrite",
            (*forest, "--overwrite"),
            TRAINED,
            ("run",),
            stays=READS.format("run"),
        ),
        Case("change train", change, TRAINED),
        Case(
            "change train --overwrite",
            (*change, "--overwrite"),
            TRAINED,
            ("change_run",),
            stays=READS.format("change_run"),
        ),
        Case("classify map", (*cover_map, "--out", "map.tif", "--probabilities", "far/p.tif")),
        Case(
            "classify map --overwrite", (*cover_map, "--out", "map.tif", "--overwrite"), ((),), ("map.tif",)
        ),
        Case("classify map --workers", (*cover_map, "--out", "map.tif", "--workers", "4"), every=10),
        Case("classify map, all layers", (*cover_map, "--out", "map.tif", *layers, "--item", "map.json")),
        Case("classify map --weights", (*at_once, "--out", "map.tif", "--fractions", "f.tif"), every=2),
        Case("classify map --shard", (*cover_map, "--out", "map.tif", "--shard", "1/2")),
        Case("change map", (*_change_map(home, "map.tif"), "--polygons", "near/c.gpkg")),
        Case("change map, untrained", (*own, "--polygons", "c.geojson"), every=2),
        Case("join", ("join", "sharded.tif"), ((),), (".sharded.tif.parts",)),
        Case("evaluate", (*scored, "--out", "scores"), OVERWRITTEN),
        Case("evaluate --overwrite", (*scored, "--out", "scored", "--overwrite"), ((),), ("scored",)),
        Case(
            "change evaluate", ("change", "evaluate", f"{home}/change_run", *pairs, "--out", "s"), OVERWRITTEN
        ),
        Case("explain", (*explain, "--out", "why"), OVERWRITTEN),
        Case("explain --overwrite", (*explain, "--out", "earlier", "--overwrite"), ((),), ("earlier",)),
        Case(
            "explain change",
            ("explain", f"{home}/change_run", *_change_map(home, "")[3:5], "--out", "why"),
            OVERWRITTEN,
            every=2,
        ),
        Case("report", (*page, "--out", "page.html"), OVERWRITTEN),
        Case("report of a run", ("report", "run"), ((),), ("run",)),
        Case("experiment", ("experiment", f"{home}/experiment.yaml", "--out", "exp"), ((),), every=5),
        Case(
            "experiment --overwrite",
            ("experiment", f"{home}/other.yaml", "--out", "exp", "--overwrite", "--jobs", "2"),
            ((),),
            ("exp",),
            every=5,
            stays=READS.format("exp/runs/made_up/random/one_d_cnn/full/seed-0"),
        ),
        Case("new classify", ("new", "classify", *scene[1::2], "--out", "new.yaml"), OVERWRITTEN, every=2),
        Case("new change", ("new", "change", f"{home}/pairs", "--out", "new.yaml"), OVERWRITTEN, every=2),
        Case("new change, one pair", (*pair, "--out", "pair.yaml"), OVERWRITTEN, every=2),
        Case(
            "new change, one pair, --overwrite",
            (*pair, "--out", "pair.yaml", "--overwrite"),
            ((),),
            ("pair.yaml", "pair.csv"),
            every=2,
        ),
        Case("results", ("results", "exp", "--page", "page.md"), ((),), ("exp", "page.md")),
        Case("sample", ("sample", f"{home}/map.tif", "--out", "p.gpkg", "--per-class", "5"), OVERWRITTEN),
        Case("sample --overwrite", (*sampled, "--overwrite"), ((),), ("points.geojson",)),
        Case("weights fetch", ("weights", "fetch", str(SHIPPED / "spectral_library"), "--out", "own")),
        *(export if find_spec("onnxscript") else ()),
        Case("datasets --download", (str(home / "pairs"), "set"), ((),), program=(FETCHING,)),
        Case("demo", ("demo", "--out", "demo"), (("--overwrite",), ()), every=50),
    ]


def prepare(case: Case, home: Path, folder: Path) -> None:
    """Make ``folder`` with what ``case`` begins from."""
    folder.mkdir()
    for name in case.begin:
        if (home / name).is_dir():
            copytree(home / name, folder / name)
        else:
            copy(home / name, folder / name)
            if (sidecar := home / f"{name}.aux.xml").is_file():
                copy(sidecar, folder / sidecar.name)


PASSING = ("minutes", "seconds", "code", "commit", "datetime", "created", "processing:datetime")
"""Keys of records: what was measured, and the state of the repository, in which somebody may be at work."""


def _json(content: bytes) -> Any:
    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kept(one) for key, one in value.items() if key not in PASSING}
        return [kept(one) for one in value] if isinstance(value, list) else value

    return json.dumps(kept(json.loads(content)))


def _table(path: Path) -> str:
    """A CSV file without the columns that are measured times, rates and memory."""
    header, *rows = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    gone = {"seconds", "minutes", "pixels_per_second", "peak_mib"}
    kept = [place for place, name in enumerate(header) if name not in gone]
    return "\n".join(",".join(row[place] for place in kept if place < len(row)) for row in (header, *rows))


def _checkpoint(path: Path) -> str:
    record = torch.load(path, weights_only=True)
    weights = [
        tensor.numpy().tobytes() for name in ("weights", "best_weights") for tensor in record[name].values()
    ]
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in record["history"]]
    return f"{hashlib.sha256(b''.join(weights)).hexdigest()} {rows} {record['contents']}"


def _settings(path: Path) -> str:
    return re.sub(r"^(resume|overwrite): .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _shapes(path: Path) -> str:
    _, _, shapes, fields = pyogrio.raw.read(path)
    return hashlib.sha256(
        repr([*map(bytes, shapes), [field.tolist() for field in fields]]).encode()
    ).hexdigest()


def _there(path: Path) -> str:
    assert path.stat().st_size > 0, path
    return "there"


def _image(path: Path) -> str:
    with rasterio.open(path) as file:
        tags = {key: value for key, value in file.tags().items() if key not in TIMES}
        facts = (file.profile, file.descriptions, tags, [file.tags(band) for band in file.indexes])
        return hashlib.sha256(file.read().tobytes()).hexdigest() + repr(facts)


MAY_DIFFER: dict[str, Callable[[Path], str]] = {
    r".*\.ckpt": _checkpoint,
    r"(.*/)?config\.yaml": _settings,
    r".*\.json": lambda path: _json(path.read_bytes()),
    r".*\.gpkg": _shapes,
    r".*\.csv": _table,
    r".*\.tif": _image,
    r".*/measured\.json|.*\.html|.*/log\.txt|.*\.(md|tex)|.*\.png": _there,
}
"""How files whose bytes may differ are compared: without times and memory. The last that fits counts."""


def contents(folder: Path) -> dict[str, str]:
    """All files and folders below ``folder``, hidden ones too, with digests of what must be the same."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        how = [read for pattern, read in MAY_DIFFER.items() if re.fullmatch(pattern, name)]
        if path.is_dir():
            found[name] = "folder"
        elif how:
            try:
                found[name] = hashlib.sha256(how[-1](path).encode()).hexdigest()[:16]
            except Exception as error:
                found[name] = f"cannot be read: {error}"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return found


def difference(found: dict[str, str], expected: dict[str, str]) -> str:
    """Say what is not as expected; empty where nothing is."""
    lost, more = sorted({*expected} - {*found}), sorted({*found} - {*expected})
    other = sorted(name for name in {*found} & {*expected} if found[name] != expected[name])
    words = [
        f"{what}: {', '.join(names)}"
        for what, names in (("lost", lost), ("left", more), ("other", other))
        if names
    ]
    return "; ".join(words)


def seed_of(*words: object) -> np.random.Generator:
    """Random numbers that ``words`` decide."""
    return np.random.default_rng(list(hashlib.sha256(repr(words).encode()).digest()))
