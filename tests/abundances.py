"""A third job for a test: abundances of K materials in each pixel, learnt where they are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.utils.data import StackDataset

from terramamba.core.array_digest import ArrayDigest
from terramamba.core.file_states import NO_FILES, FileStates
from terramamba.core.files import write_json
from terramamba.core.options import ABOVE_ZERO, Options
from terramamba.core.shown import Shown
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.scaling import Scaling, read_scaled
from terramamba.experiments.compared import Timed
from terramamba.mapping.grid_json import grid_of, grid_record
from terramamba.mapping.jobs import Outcome
from terramamba.mapping.plan import MapInputs, MapPlan
from terramamba.mapping.settings import MapSettings
from terramamba.mapping.summary import MapSummary
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window, strips
from terramamba.runs.folder import Run
from terramamba.runs.model_card import DataCard, JudgedCard
from terramamba.scores.score import Score
from terramamba.tasks import ComparedModels, Job, Reported
from terramamba.training.objective import Validation, summed
from terramamba.training.plan import Plan
from terramamba.training.settings import TrainConfig, TrainSettings
from terramamba.training.task import Evaluation, Judgement
from terramamba.training.workload import Volume


@dataclass(frozen=True, kw_only=True)
class AbundanceSettings(TrainSettings):
    scene: str
    abundances: str
    """Raster on the scene's grid with a band of abundances for each material."""
    train_pixels: Annotated[int, ABOVE_ZERO] = 200
    model: str = "mixer"


class Mixer(Model):
    """Spectrum to abundances, which add up to 1."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(in_channels, 16), nn.GELU(), nn.Linear(16, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).softmax(dim=1)


SPEC = ModelSpec(
    "mixer", "abundances", "a perceptron", "none", Mixer, {"small": {}}, "small", {"epochs": 30}, {}, (1, 4)
)


@dataclass(frozen=True)
class Regression:
    task: ClassVar[str] = "abundances"
    validated_at_once: ClassVar[int] = 1024
    config: TrainConfig
    class_weights: None = None

    def loss(self, model: Model, batch: dict[str, Tensor]) -> Tensor:
        return (model(batch["image"]) - batch["share"]).square().mean()

    def validate(self, model: Model, batches: Any) -> Validation:
        error = sum(float(self.loss(model, batch)) * len(batch["image"]) for batch in batches)
        _, total = summed(np.zeros(1, np.int64), error, batches)
        rmse = (total / batches.samples) ** 0.5
        return Validation(-rmse, None, rmse**2, {"rmse": rmse}, f"RMSE {rmse:.4f}")


@dataclass(frozen=True, eq=False)
class Training:
    settings: AbundanceSettings
    subsets: Mapping[str, StackDataset[Any]]
    card: DataCard
    model_options: Mapping[str, Any]
    facts: Mapping[str, Any]
    notes: Sequence[str] = ()
    plan: Plan = field(default_factory=lambda: Plan(Shown((), {})))
    class_weights: None = None
    inputs: FileStates = NO_FILES

    def volume(self) -> Volume:
        sizes = (len(self.subsets[name]) for name in ("train", "validation"))
        return Volume(*sizes, (self.card.source_bands,))

    @cached_property
    def contents(self) -> Mapping[str, str]:
        subsets = (tensor.numpy() for subset in self.subsets.values() for tensor in subset.datasets.values())
        return {"spectra and abundances": ArrayDigest(*subsets).text}

    def training_set(self) -> StackDataset[Any]:
        return self.subsets["train"]

    def validation_set(self) -> StackDataset[Any]:
        return self.subsets["validation"]

    def check(self, model: Model) -> None:
        assert isinstance(model, Mixer)

    def solve(self, spec: ModelSpec) -> Any:
        raise AssertionError("no mixer is solved for")

    def judge(self, model: Model, threshold: float | None) -> Judgement:
        scores = {name: {"rmse": rmse(model, self.subsets[name])} for name in ("validation", "test")}
        return Judgement(scores, JudgedCard(), {}, lambda folder: None)

    def write_split(self, folder: Path) -> None:
        write_json(folder / "split.json", {"seed": self.settings.seed})


def rmse(model: Model, pixels: StackDataset[Any]) -> float:
    with torch.no_grad():
        return float(Regression(TrainConfig()).loss(model.eval(), pixels.datasets).sqrt())


def prepare(settings: AbundanceSettings, spec: ModelSpec) -> Training:
    scene, truth = open_scene(settings.scene), open_scene(settings.abundances)
    spectra, shares = (file.read()[0].reshape(file.bands, -1).T.astype(np.float32) for file in (scene, truth))
    order, count = np.random.default_rng(settings.seed).permutation(len(spectra)), settings.train_pixels
    names = ("train", "validation", "test")
    parted = dict(zip(names, np.split(order, [count, 2 * count]), strict=True))
    scaling = Scaling.fit(
        lambda: [spectra[parted["train"]].astype(np.float64)], tuple(range(scene.bands)), "standard"
    )
    scaled = scaling.apply(spectra.T[:, None], np.ones((1, len(spectra)), bool))[:, 0].T.astype(np.float32)
    data = {"image": torch.from_numpy(scaled), "share": torch.from_numpy(shares)}
    subsets = {name: StackDataset(**{k: v[where] for k, v in data.items()}) for name, where in parted.items()}
    materials = ClassTable(tuple(range(1, truth.bands + 1)), truth.band_names, (None,) * truth.bands)
    card = DataCard(
        source_bands=scene.bands, scaling=scaling, classes=materials, protocol="drawn", split_id="drawn"
    )
    options = {"in_channels": scene.bands, "num_classes": truth.bands}
    facts = {"pixels": {name: len(where) for name, where in parted.items()}}
    return Training(settings, subsets, card, options, facts)


def evaluate(run: Run, *, scene: str, abundances: str) -> Evaluation:
    settings = AbundanceSettings(out="", scene=scene, abundances=abundances)
    pixels = prepare(settings, SPEC).subsets["test"]
    found = {"protocol": "drawn", "notes": [], "test": {"rmse": rmse(run.model, pixels)}}
    return Evaluation(found, lambda folder: None)


@dataclass(frozen=True, eq=False)
class AbundanceWork:
    given: MapInputs
    windows: tuple[Window, ...]

    def start(self, device: torch.device) -> Callable[[int], dict[str, Shaped[np.ndarray, "..."]]]:
        def mapped(part: int) -> dict[str, Shaped[np.ndarray, "..."]]:
            run, scene = self.given.run, self.given.scenes["scene"]
            values, _, _ = read_scaled(scene, run.scaling, self.windows[part])
            with torch.no_grad():
                found = run.model(torch.from_numpy(values.reshape(len(values), -1).T.copy()))
            return {"shares": found.T.reshape(-1, *values.shape[1:]).numpy()}

        return mapped


@dataclass(frozen=True, eq=False)
class AbundanceOutput:
    out: str
    grid: Grid
    windows: tuple[Window, ...]
    names: tuple[str, ...]

    @property
    def targets(self) -> Sequence[Path]:
        return [Path(self.out)]

    @property
    def flags(self) -> Sequence[str]:
        return ["--out"]

    @property
    def sizes(self) -> Sequence[int]:
        return [window.pixels for window in self.windows]

    def draft(self, files: Any, drafts: Sequence[Path], advance: Callable[[float], None]) -> dict[str, Any]:
        how: dict[str, Any] = {"bands": len(self.names), "dtype": "float32", "band_names": list(self.names)}
        with RasterWriter(drafts[0], self.grid, nodata=-1, **how) as writer:
            for part, window in enumerate(self.windows):
                writer.write(files.read(part)["shares"], window)
                advance(window.pixels)
        return {}

    def record(self) -> dict[str, Any]:
        windows = [astuple(window) for window in self.windows]
        output = {**vars(self), "grid": grid_record(self.grid), "windows": windows}
        return {"kind": "abundances", "output": output}

    def summary(self, outcome: Outcome, seconds: float) -> MapSummary:
        missing = None if outcome.result is not None else outcome.missing
        return MapSummary(out=Path(self.out), seconds=seconds, missing_parts=missing)


def output_of(record: Mapping[str, Any]) -> AbundanceOutput:
    windows = tuple(Window(*window) for window in record["windows"])
    return AbundanceOutput(record["out"], grid_of(record["grid"]), windows, tuple(record["names"]))


def plan_map(given: MapInputs, out: str, settings: MapSettings) -> MapPlan:
    grid = given.scenes["scene"].grid
    windows = tuple(strips(grid.height, grid.width, 5))
    output = AbundanceOutput(out, grid, windows, given.run.classes.names)
    return given.plan(output, AbundanceWork(given, windows), settings)


def unused(*_: Any) -> Any:
    raise AssertionError("a page without a map asks for none of it")


ABUNDANCES = Job(
    name="abundances",
    title="Abundances",
    settings=AbundanceSettings,
    config=TrainConfig,
    scores=(Score("rmse", "root mean square error", unused, "Of abundances.", unit="ratio", better="lower"),),
    named=lambda settings: settings,
    prepare=prepare,
    objective=Regression,
    practical=lambda work, values, given: {},
    evaluate=evaluate,
    open_inputs=lambda inputs, settings: {"scene": inputs[0]},
    plan_map=plan_map,
    map_output=output_of,
    report=Reported(
        beside=("scene",),
        no_data=0,
        came_true="",
        sentences=lambda run: [f"Abundances are off by {run.test['rmse']:.3f} (RMSE)."],
        map_sentence=unused,
        legend=unused,
        layers=unused,
        bars=lambda run, scores: ("Error", [f"<tr><th>RMSE</th><td>{run.test['rmse']:.3f}</td></tr>"]),
        controls=unused,
    ),
    compared=ComparedModels(
        comes_parted=False, reads=lambda entry, known: False, time=lambda run, settings: Timed(1, 1.0, (1,))
    ),
    explain=unused,
    explain_options=Options,
    shown_scores=lambda result, scores: Shown((), {"off by": scores[0].shown(result["test"]["rmse"])}),
    shown_explanation=unused,
)
