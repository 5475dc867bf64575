"""A third job for a test: abundances of K materials in each pixel, learnt where they are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float32, Shaped
from torch import Tensor, nn
from torch.utils.data import Dataset

from terramamba.core.files import write_json
from terramamba.core.options import ABOVE_ZERO
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.scaling import Scaling, read_scaled
from terramamba.experiments.compared import Timed
from terramamba.mapping.fit_to_run import check_bands
from terramamba.mapping.grid_json import grid_of, grid_record
from terramamba.mapping.jobs import Outcome
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, strips
from terramamba.runs.folder import Run
from terramamba.runs.model_card import DataCard, JudgedCard
from terramamba.scores.score import Score
from terramamba.tasks import ComparedModels, Job, Reported
from terramamba.training.objective import Validation, summed
from terramamba.training.settings import TrainConfig, TrainSettings
from terramamba.training.task import Judgement
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


class Pixels(Dataset[dict[str, Tensor]]):
    def __init__(self, spectra: Float32[np.ndarray, "m c"], shares: Float32[np.ndarray, "m k"]) -> None:
        self.spectra, self.shares = torch.from_numpy(spectra), torch.from_numpy(shares)

    def __len__(self) -> int:
        return len(self.spectra)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"image": self.spectra[index], "share": self.shares[index]}


@dataclass(frozen=True)
class Regression:
    task: ClassVar[str] = "abundances"
    config: TrainConfig
    class_weights: None = None

    @property
    def validated_at_once(self) -> int:
        return 1024

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
    scene: Scene
    scaling: Scaling
    subsets: Mapping[str, Pixels]
    names: tuple[str, ...]
    notes: Sequence[str] = ()
    class_weights: None = None

    @property
    def model_options(self) -> Mapping[str, Any]:
        return {"in_channels": len(self.scaling.bands), "num_classes": len(self.names)}

    @property
    def card(self) -> DataCard:
        classes = ClassTable(tuple(range(1, len(self.names) + 1)), self.names, (None,) * len(self.names))
        return DataCard(
            source_bands=self.scene.bands,
            scaling=self.scaling,
            classes=classes,
            protocol="drawn",
            split_id="drawn",
        )

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"pixels": {name: len(pixels) for name, pixels in self.subsets.items()}}

    def volume(self) -> Volume:
        return Volume(len(self.subsets["train"]), len(self.subsets["validation"]), (len(self.scaling.bands),))

    def training_set(self) -> Pixels:
        return self.subsets["train"]

    def validation_set(self) -> Pixels:
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


def rmse(model: Model, pixels: Pixels) -> float:
    with torch.no_grad():
        return float((model.eval()(pixels.spectra) - pixels.shares).square().mean().sqrt())


def prepare(settings: AbundanceSettings, spec: ModelSpec) -> Training:
    scene, truth = open_scene(settings.scene), open_scene(settings.abundances)
    spectra, shares = (
        image.read()[0].reshape(image.bands, -1).T.astype(np.float32) for image in (scene, truth)
    )
    order = np.random.default_rng(settings.seed).permutation(len(spectra))
    train, validation, test = np.split(order, [settings.train_pixels, 2 * settings.train_pixels])
    scaling = Scaling.fit(spectra[train].astype(np.float64), tuple(range(scene.bands)), "standard")
    scaled = scaling.apply(spectra.T[:, None], np.ones((1, len(spectra)), bool))[:, 0].T.astype(np.float32)
    subsets = {"train": train, "validation": validation, "test": test}
    made = {name: Pixels(scaled[where], shares[where]) for name, where in subsets.items()}
    return Training(settings, scene, scaling, made, truth.band_names)


@dataclass(frozen=True, eq=False)
class AbundanceWork:
    """Strips of a scene, to be mapped by any worker."""

    run: Run
    scene: Scene
    windows: tuple[Window, ...]

    def start(self, device: torch.device) -> Callable[[int], dict[str, Shaped[np.ndarray, "..."]]]:
        def mapped(unit: int) -> dict[str, Shaped[np.ndarray, "..."]]:
            values, _, _ = read_scaled(self.scene, self.run.scaling, self.windows[unit])
            with torch.no_grad():
                found = self.run.model(torch.from_numpy(values.reshape(len(values), -1).T.copy()))
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
    def sizes(self) -> Sequence[int]:
        return [window.pixels for window in self.windows]

    def draft(self, parts: Any, drafts: Sequence[Path], advance: Callable[[float], None]) -> dict[str, Any]:
        with RasterWriter(
            drafts[0],
            self.grid,
            bands=len(self.names),
            dtype="float32",
            nodata=-1,
            band_names=list(self.names),
        ) as writer:
            for unit, window in enumerate(self.windows):
                writer.write(parts.read(unit)["shares"], window)
                advance(window.pixels)
        return {"written": self.out}

    def record(self) -> dict[str, Any]:
        windows = [astuple(window) for window in self.windows]
        return {
            "kind": "abundances",
            "output": {**vars(self), "grid": grid_record(self.grid), "windows": windows},
        }

    def summary(self, outcome: Outcome, seconds: float) -> Outcome:
        return outcome


def output_of(record: Mapping[str, Any]) -> AbundanceOutput:
    windows = tuple(Window(*window) for window in record["windows"])
    return AbundanceOutput(record["out"], grid_of(record["grid"]), windows, tuple(record["names"]))


def planned(run: Run, scene: Scene, out: Path) -> tuple[AbundanceOutput, AbundanceWork]:
    check_bands(run, scene)
    windows = tuple(strips(scene.height, scene.width, 5))
    names = tuple(run.classes.names)
    return AbundanceOutput(str(out), scene.grid, windows, names), AbundanceWork(run, scene, windows)


def evaluate(run: Run, *, scene: str, abundances: str) -> dict[str, Any]:
    settings = AbundanceSettings(out="", scene=scene, abundances=abundances)
    pixels = prepare(settings, SPEC).subsets["test"]
    return {"protocol": "drawn", "notes": [], "test": {"rmse": rmse(run.model, pixels)}}


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
)
