"""The tiles of a change map, a batch at a time: both dates, scaled by the one rule in the run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from terramamba.change.settings import MOST_TIMES
from terramamba.core.errors import InputError
from terramamba.data.scaling import Scaling, read_scaled
from terramamba.mapping.blend import MappedWindow
from terramamba.mapping.fit_to_run import open_run
from terramamba.mapping.inference import inferring
from terramamba.models.enlarged import Enlarged
from terramamba.models.model import Model
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window
from terramamba.runs.folder import Run
from terramamba.training.batches import on_device
from terramamba.training.predict import logits_of

Tiles = tuple[Window, ...]

TILE_SIZE = 512
"""Side in pixels of the tiles of a map, unless another is asked for; large pairs are scored by them too."""

OVERLAP = 64
"""Pixels that neighbouring tiles share, unless others are asked for."""


@dataclass(frozen=True, eq=False)
class ChangeWork:
    """All tiles of a pair, to be mapped by any worker; those of a batch go through the model together.

    ``run`` is a folder, so that little is sent, or the run itself. Logits are divided by ``temperature``.
    """

    run: str | Run
    before: Scene
    after: Scene
    batches: tuple[Tiles, ...]
    precision: str
    temperature: float
    scaling: Scaling
    """Of both dates."""
    meaning: int | None
    """Which of the run's meanings of "changed" is asked for; None: it has learnt one."""
    enlarge: int
    """How many times enlarged the model sees the dates."""

    def start(self, device: torch.device) -> Callable[[int], dict[str, Shaped[np.ndarray, "..."]]]:
        """Load the model; return the function that maps a batch of tiles to the arrays of ``packed``."""
        model = shown_enlarged(open_run(self.run, "change"), self.enlarge)
        dates = self.before, self.after
        how = (device, self.precision, self.temperature, self.meaning)
        detector = ChangeDetector(model, self.scaling, dates, *how)
        return lambda part: packed(detector.detect(self.batches[part]))


def shown_enlarged(run: Run, times: int) -> Model:
    """Return the model of ``run`` as it answers when it is shown images enlarged so many times.

    Raises:
        InputError: it learnt nothing, so that nothing is too small for it; or so often is too often.
    """
    if not 1 <= times <= MOST_TIMES:
        raise InputError(f"--enlarge {times}: a whole number from 1 to {MOST_TIMES} is needed")
    if times == 1:
        return run.model
    if run.card.model.sha256 is None or run.model.whole_image or run.model.takes_valid:
        raise InputError(
            f"--enlarge {times}: is for a detector that learnt from smaller pixels, and"
            f" {run.card.model.name} compares pixel by pixel; leave it out"
        )
    return Enlarged(run.model, times)


def seen_tiles(model: Model, tile_size: int, overlap: int) -> tuple[int, int]:
    """Return side and overlap of tiles of which ``model`` sees ``tile_size`` and ``overlap`` pixels.

    So it takes the same memory however images are enlarged.
    """
    side = max(tile_size // model.seen_enlarged, 1)
    return side, min(overlap // model.seen_enlarged, side - 1)


def note_on_enlarged(times: int) -> list[str]:
    """Say what was chosen on validation pairs and not on images that are seen so many times enlarged."""
    if times == 1:
        return []
    return [
        f"images are seen enlarged {times} times; threshold, calibration and --reject were chosen on"
        " validation pairs as they are"
    ]


@dataclass(frozen=True, eq=False)
class DetectedWindow(MappedWindow):
    """A mapped window, and its pixels with data for which the model gives no number: not usable either."""

    unanswered: Bool[np.ndarray, "h w"]


class ChangeDetector:
    """Runs one model over tiles of one pair. Logits are divided by ``temperature``."""

    def __init__(
        self,
        model: Model,
        scaling: Scaling,
        dates: tuple[Scene, Scene],
        device: torch.device,
        precision: str = "32",
        temperature: float = 1.0,
        meaning: int | None = None,
    ) -> None:
        self._dates, self._scaling, self._meaning = dates, scaling, meaning
        self._model = model.to(device).eval()
        self._device, self._precision, self._temperature = device, precision, temperature

    def detect(self, windows: Sequence[Window]) -> list[DetectedWindow]:
        """Compute the probability of change in each of ``windows``, which have one size."""
        read = [[read_scaled(scene, self._scaling, window) for scene in self._dates] for window in windows]
        usable = [before[1] & after[1] for before, after in read]
        worth_it = [i for i in range(len(windows)) if usable[i].any()]
        probability = {i: np.zeros(windows[i].shape, np.float32) for i in range(len(windows))}
        if worth_it:
            batch = {
                "image": torch.from_numpy(np.stack([[date[0] for date in read[i]] for i in worth_it])),
                "valid": torch.from_numpy(np.stack([usable[i] for i in worth_it])),
            }
            if self._meaning is not None:
                batch["meaning"] = torch.full((len(worth_it),), self._meaning)
            with inferring(self._device, self._precision):
                logits = logits_of(self._model, on_device(batch, self._device)).float()
                found = change_probability(logits / self._temperature).cpu().numpy()
            probability.update(zip(worth_it, found, strict=True))
        detected = []
        for i, (before, after) in enumerate(read):
            unanswered = np.isnan(probability[i]) & usable[i]
            known, not_finite = usable[i] & ~unanswered, before[2] | after[2] | unanswered
            likely = np.nan_to_num(probability[i])
            detected.append(DetectedWindow(windows[i], likely, known, not_finite, unanswered))
        return detected


def change_probability(logits: Float[Tensor, "b k h w"]) -> Float[Tensor, "b h w"]:
    """Compute the probability of change: of the only channel, or that it is not channel 0, "unchanged"."""
    if logits.shape[1] == 1:
        return torch.sigmoid(logits[:, 0])
    return 1 - torch.softmax(logits, dim=1)[:, 0]


def change_logit(logits: Float[Tensor, "b k h w"]) -> Float[Tensor, "b h w"]:
    """Compute the logit of ``change_probability``, which holds far from 0 and 1 too."""
    if logits.shape[1] == 1:
        return logits[:, 0]
    return torch.logsumexp(logits[:, 1:], dim=1) - logits[:, 0]


def packed(tiles: Sequence[MappedWindow]) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Pack what was found for ``tiles`` into arrays to be kept: probabilities as they are, masks as bits."""
    return {
        "probability": np.stack([tile.probability for tile in tiles]),
        "usable": np.packbits([tile.usable for tile in tiles], axis=2),
        "not_finite": np.packbits([tile.not_finite for tile in tiles], axis=2),
    }


def unpacked(
    windows: Sequence[Window], arrays: dict[str, Shaped[np.ndarray, "..."]]
) -> Iterator[MappedWindow]:
    """Return the tiles that ``packed`` made ``arrays`` of."""
    width = windows[0].width
    masks = [
        np.unpackbits(arrays[name], axis=2, count=width).astype(bool) for name in ("usable", "not_finite")
    ]
    for window, probability, usable, not_finite in zip(windows, arrays["probability"], *masks, strict=True):
        yield MappedWindow(window, probability, usable, not_finite)
