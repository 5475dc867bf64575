"""A third job for a test: abundances of K materials in each pixel, learnt where they are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.utils.data import StackDataset

from terramamba.core.array_digest import ArrayDigest
from terramamba.core.display import Shown
from terramamba.core.file_states import FileStates
from terramamba.core.files import write_json
from terramamba.core.options import ABOVE_ZERO
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.scaling import Scaling, read_scaled
from terramamba.mapping.map_output import MapOutput
from terramamba.mapping.plan import MapInputs, MapPlan
from terramamba.mapping.settings import MapSettings
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window, strips
from terramamba.runs.folder import Run
from terramamba.runs.model_card import DataCard, JudgedCard
from terramamba.scores.score import Score
from terramamba.tasks import ReportRecord, TaskRecord
from terramamba.training.objective import Validation, summed
from terramamba.training.plan import Plan
from terramamba.training.settings import TrainConfig, TrainSettings
from terramamba.training.task import Judgement, PreparedSamples


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

    def loss(self, model: Model, batch: dict[str, Tensor]) -> Tensor:
        return (model(batch["image"]) - batch["abundance"]).square().mean()

    def validate(self, model: Model, batches: Any) -> Validation:
        error = sum(float(self.loss(model, batch)) * len(batch["image"]) for batch in batches)
        _, total = summed(np.zeros(1, np.int64), error, batches)
        rmse = (total / batches.samples) ** 0.5
        return Validation(-rmse, None, rmse**2, {"rmse": rmse}, f"RMSE {rmse:.4f}")


class Training(PreparedSamples):
    """Spectra and abundances of pixels that are drawn to train, to validate and to test."""

    notes, plan = (), Plan(Shown((), {}))

    def __init__(self, settings: AbundanceSettings) -> None:
        self.settings, self.inputs = settings, FileStates.of([settings.scene, settings.abundances])
        scene, truth = open_scene(settings.scene), open_scene(settings.abundances)
        image, abundance = (
            file.read()[0].reshape(file.bands, -1).astype(np.float32) for file in (scene, truth)
        )
        order, n = np.random.default_rng(settings.seed).permutation(image.shape[1]), settings.train_pixels
        drawn = dict(zip(("train", "validation", "test"), np.split(order, [n, 2 * n]), strict=True))
        train, bands = image.T[drawn["train"]].astype(np.float64), tuple(range(scene.bands))
        scaling = Scaling.fit(lambda: [train], bands, "standard")
        scaled = scaling.apply(image[:, None], np.ones((1, len(order)), bool))[:, 0].astype(np.float32)
        data = {"image": torch.from_numpy(scaled.T), "abundance": torch.from_numpy(abundance.T)}
        self.subsets = {k: StackDataset(**{n: v[w] for n, v in data.items()}) for k, w in drawn.items()}
        self.facts = {"pixels": {name: len(where) for name, where in drawn.items()}}
        self.model_options = {"in_channels": scene.bands, "num_classes": truth.bands}
        materials = ClassTable(tuple(range(1, truth.bands + 1)), truth.band_names, (None,) * truth.bands)
        self.card = DataCard(
            source_bands=scene.bands, scaling=scaling, classes=materials, protocol="drawn", split_id="drawn"
        )

    @cached_property
    def contents(self) -> Mapping[str, str]:
        tensors = (tensor.numpy() for subset in self.subsets.values() for tensor in subset.datasets.values())
        return {"spectra and abundances": ArrayDigest(*tensors).text}

    def training_set(self) -> StackDataset[Any]:
        return self.subsets["train"]

    def validation_set(self) -> StackDataset[Any]:
        return self.subsets["validation"]

    def judge(self, model: Model, threshold: float | None) -> Judgement:
        scores = {name: {"rmse": rmse(model, self.subsets[name])} for name in ("validation", "test")}
        return Judgement(scores, JudgedCard(), {}, lambda folder: None)

    def write_split(self, folder: Path) -> None:
        write_json(folder / "split.json", {"seed": self.settings.seed})


def rmse(model: Model, pixels: StackDataset[Any]) -> float:
    with torch.no_grad():
        return float(Regression(TrainConfig()).loss(model.eval(), pixels.datasets).sqrt())


def evaluate(run: Run, folder: Path | None = None, *, scene: str, abundances: str) -> dict[str, Any]:
    test = Training(AbundanceSettings(out="", scene=scene, abundances=abundances)).subsets["test"]
    return {"protocol": "drawn", "notes": [], "test": {"rmse": rmse(run.model, test)}}


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
            return {"abundances": found.T.reshape(-1, *values.shape[1:]).numpy()}

        return mapped


@dataclass(frozen=True, eq=False)
class AbundanceOutput(MapOutput):
    kind = "abundances"
    out: str
    grid: Grid
    windows: tuple[Window, ...]
    names: tuple[str, ...]

    @property
    def named(self) -> Sequence[tuple[str, str | None]]:
        return [("--out", self.out)]

    @property
    def sizes(self) -> Sequence[int]:
        return [window.pixels for window in self.windows]

    def draft(self, files: Any, drafts: Sequence[Path], advance: Callable[[float], None]) -> dict[str, Any]:
        how: dict[str, Any] = {"bands": len(self.names), "dtype": "float32", "band_names": list(self.names)}
        with RasterWriter(drafts[0], self.grid, nodata=-1, **how) as writer:
            for part, window in enumerate(self.windows):
                writer.write(files.read(part)["abundances"], window)
                advance(window.pixels)
        return {}


def plan_map(given: MapInputs, out: str, settings: MapSettings) -> MapPlan:
    grid = given.scenes["scene"].grid
    windows = tuple(strips(grid.height, grid.width, 5))
    output = AbundanceOutput(out, grid, windows, given.run.classes.names)
    return given.plan(output, AbundanceWork(given, windows), settings)


def in_words(test: Mapping[str, Any]) -> str:
    return f"{test['rmse']:.3f}"


RMSE = Score("rmse", "root mean square error", in_words, "Of abundances.", unit="ratio", better="lower")

ABUNDANCES = TaskRecord(
    name="abundances",
    title="Abundances",
    settings=AbundanceSettings,
    scores=(RMSE,),
    prepare=lambda settings, spec: Training(settings),
    objective=Regression,
    evaluate=evaluate,
    plan_map=plan_map,
    map_output=AbundanceOutput.of,
    report=ReportRecord(
        sentences=lambda run: [f"Abundances are off by {in_words(run.test)} (RMSE)."],
        bars=lambda run, scores: ("Error", [f"<tr><th>RMSE</th><td>{in_words(run.test)}</td></tr>"]),
    ),
    shown_scores=lambda result, scores: Shown((), {"off by": scores[0].shown(result["test"]["rmse"])}),
)
