"""A land-cover map of a scene of any size: each pixel by its own patch, or all from the tokens of tiles.

The scene is cut into windows that are mapped one by one (``map_worker``), by one process or many, and put
together: memory does not grow with the scene, and a run that was ended is gone on with (``jobs``).
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from terramamba.core.files import StrPath
from terramamba.landcover.fast import check_tilings, choose_tilings
from terramamba.landcover.map_output import ClassMapOutput, ClassSummary
from terramamba.landcover.map_worker import ClassWork
from terramamba.landcover.settings import ClassMapSettings, Mode
from terramamba.mapping.area_table import check_table_name
from terramamba.mapping.fingerprint import (
    model_fact,
    option_facts,
    scene_fact,
    version_fact,
    windows_fact,
)
from terramamba.mapping.fit_to_run import check_bands, chosen_temperature, open_run
from terramamba.mapping.jobs import carry_out
from terramamba.mapping.tags import run_tags
from terramamba.mapping.windows import class_windows
from terramamba.raster.output.cog import check_raster_name
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked
from terramamba.runs.folder import Run
from terramamba.training.settings import Precision


def map_classes(
    run: str | Path | Run,
    scene: StrPath | Scene,
    out: str | Path,
    *,
    probabilities: str | Path | None = None,
    areas: str | Path | None = None,
    masks: Sequence[str | Path] = (),
    mode: Mode = "exact",
    tilings: int = 1,
    tolerance: float = 0.3,
    calibrated: bool = False,
    batch_size: int = 128,
    device: str = "auto",
    precision: Precision = "32",
    overwrite: bool = False,
    strip_rows: int | None = None,
    workers: int = 1,
    dask: str | None = None,
    shard: str | None = None,
) -> ClassSummary:
    """Map the classes of every pixel of ``scene``.

    A run that was ended goes on when it is called again with the same arguments.

    Args:
        run: Run folder (model.safetensors and model.json suffice) or loaded run.
        scene: Path of a scene with the bands of the model, or an open scene.
        out: GeoTIFF to write: 0 no data, else the code that the training labels have for the class.
        probabilities: GeoTIFF to write with one band for each class: round(254 p), 255 no data.
        areas: CSV to write: how much there is of each class.
        masks: Rasters whose pixels that are not 0 are left out as if they had no data.
        mode: "exact": each pixel is classified by its own patch. "fast": by the tokens around it of tiles
            that do not overlap, tens of times faster (see ``landcover.fast``). "auto": as fast as
            ``tolerance`` allows.
        tilings: With "fast", shifted tilings whose tokens are averaged: 1, 2, 4 or 9.
        tolerance: With "auto", percentage points of overall accuracy on the run's validation pixels that may
            be lost against exact.
        calibrated: Divide logits by the run's temperature, fitted on its validation pixels, so that
            probabilities hold; no pixel changes its class.
        batch_size: Patches that go through the model together; changes speed and memory alone.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        precision: "32", or "bf16" for matrix products in bfloat16.
        overwrite: Replace existing outputs, and the parts of a run with other arguments.
        strip_rows: Rows mapped together; None: as many as fit. Changes speed and memory alone.
        workers: Processes that share the work.
        dask: Address of the scheduler of a Dask cluster that does the work.
        shard: "i/n": do every n-th part from the i-th on, and write nothing yet: ``join_map`` does.

    Raises:
        InputError: the run or scene cannot be read, they do not fit each other, an output exists, or parts
            of a run with other arguments are there.
    """
    start = time.monotonic()
    settings = ClassMapSettings(
        probabilities=None if probabilities is None else str(probabilities),
        areas=None if areas is None else str(areas),
        mask=list(map(str, masks)),
        mode=mode,
        tilings=tilings,
        tolerance=tolerance,
        calibrated=calibrated,
        batch_size=batch_size,
        device=device,
        precision=precision,
        overwrite=overwrite,
        strip_rows=strip_rows,
        workers=workers,
        dask=dask,
        shard=shard,
    )
    targets = [Path(path) for path in (out, probabilities) if path is not None]
    for target in targets:
        check_raster_name(target)
    check_table_name(areas)
    loaded = open_run(run, "classify")
    loaded.model.check_precision(precision)
    image = masked(scene if isinstance(scene, Scene) else open_scene(scene), masks)
    check_bands(loaded, image)
    tilings = choose_tilings(mode, tilings, tolerance, loaded.card.judged.fast)
    if tilings:
        check_tilings(loaded.model, tilings)

    temperature = chosen_temperature(loaded, calibrated)
    bands = len(loaded.scaling.bands)
    windows = class_windows(image.height, image.width, bands, exact=not tilings, rows=strip_rows)
    facts = {
        "model": model_fact(loaded),
        **option_facts(_as_mapped(settings, tilings)),
        "scene": scene_fact(image),
        "windows": windows_fact(windows[0]),
        "versions": version_fact(),
    }
    output = ClassMapOutput(
        tuple(map(str, targets)),
        None if areas is None else str(areas),
        image.grid,
        tuple(windows),
        loaded.classes,
        run_tags(
            loaded,
            mode=f"fast --tilings {tilings}" if tilings else "exact",
            precision=precision,
            temperature=f"{temperature:g}",
            source=image.path,
        ),
        tilings,
        _agreement(loaded, tilings),
        temperature if calibrated else None,
    )
    work = ClassWork(
        loaded if isinstance(run, Run) or (workers == 1 and dask is None) else str(run),
        image,
        tuple(windows),
        batch_size,
        precision,
        tilings,
        probabilities is not None,
        temperature,
    )
    inputs = [image.path, *map(str, masks)]
    outcome = carry_out(output, work, facts, settings, device=device, overwrite=overwrite, inputs=inputs)
    return output.summary(outcome, time.monotonic() - start)


def _as_mapped(settings: ClassMapSettings, tilings: int) -> ClassMapSettings:
    """``settings`` as they come true: the mode and the ``tilings`` that were chosen, windows apart."""
    if not tilings:
        return replace(settings, mode="exact", tilings=1, tolerance=0.0, strip_rows=None)
    return replace(settings, mode="fast", tilings=tilings, tolerance=0.0, strip_rows=None)


def _agreement(run: Run, tilings: int) -> float | None:
    fast = run.card.judged.fast
    known = None if fast is None else fast.tilings.get(tilings)
    return None if known is None else known.agreement
