"""The map of a job whose model makes numbers of the spectrum of each pixel, a band of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float32

from terramamba.data.scaling import read_scaled
from terramamba.mapping.fit_to_run import open_run
from terramamba.mapping.map_output import MapOutput
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.plan import MapInputs, MapPlan
from terramamba.mapping.settings import MapSettings
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, strips
from terramamba.runs.folder import Run


@dataclass(frozen=True, eq=False)
class BandWork:
    """How a window of a scene is mapped: a run for ``task`` sees the spectra of its pixels as (b, c)."""

    task: str
    run: str | Run
    scene: Scene
    windows: tuple[Window, ...]

    def start(self, device: torch.device) -> Callable[[int], dict[str, Float32[np.ndarray, "k h w"]]]:
        """Load the model; return the function that maps one window."""
        run = open_run(self.run, self.task)
        model = run.model.to(device).eval()

        def mapped(part: int) -> dict[str, Float32[np.ndarray, "k h w"]]:
            values, usable, _ = read_scaled(self.scene, run.scaling, self.windows[part])
            spectra = torch.from_numpy(values.reshape(len(values), -1).T.copy())
            with torch.inference_mode():
                found = model(spectra.to(device)).float().cpu().numpy()
            return {"bands": np.where(usable, found.T.reshape(-1, *usable.shape), np.float32(np.nan))}

        return mapped


@dataclass(frozen=True, eq=False)
class BandMap(MapOutput):
    """How the windows become one file of float32 bands called ``names``, NaN where there is no data.

    A job's own names itself in ``kind``.
    """

    kind: ClassVar[str]

    out: str
    grid: Grid
    windows: tuple[Window, ...]
    names: tuple[str, ...]

    @property
    def named(self) -> Sequence[tuple[str, str | None]]:
        """List the map with its flag."""
        return [("--out", self.out)]

    @property
    def sizes(self) -> Sequence[int]:
        """Count the pixels of each window."""
        return [window.pixels for window in self.windows]

    def draft(
        self, files: PartFiles, drafts: Sequence[Path], advance: Callable[[float], None]
    ) -> dict[str, Any]:
        """Write the map, window by window."""
        bands, nan = len(self.names), float("nan")
        with RasterWriter(
            drafts[0], self.grid, bands=bands, dtype="float32", nodata=nan, band_names=list(self.names)
        ) as writer:
            for part, window in enumerate(self.windows):
                writer.write(files.read(part)["bands"], window)
                advance(window.pixels)
        return {}

    @classmethod
    def plan(
        cls, given: MapInputs, out: str, settings: MapSettings, names: tuple[str, ...], rows: int
    ) -> MapPlan:
        """Cut the scene into windows of ``rows`` rows, and say what becomes of them."""
        scene = given.scenes["scene"]
        windows = tuple(strips(scene.height, scene.width, rows))
        work = BandWork(cls.kind, given.sent, scene, windows)
        return given.plan(cls(out, scene.grid, windows, names), work, settings)
