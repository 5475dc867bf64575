"""What a run must have for what is asked of it, and a scene to be used with it: task, temperature, bands."""

from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.run_files import CARD
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.runs.folder import Run, load_run

WAVELENGTH_TOLERANCE_NM = 5.0
"""Bands of one sensor drift by a nanometre or two; bands of another are further off than this."""


def open_run(run: str | Path | Run, task: str) -> Run:
    """Return the run, loaded where a folder is given; raise ``InputError`` where it is for another task."""
    loaded = run if isinstance(run, Run) else load_run(run)
    if loaded.task != task:
        raise InputError(
            f"{loaded.folder}: this run is for {loaded.task}; use `terramamba {loaded.task} map`"
        )
    return loaded


def open_for(
    run: Run,
    scene: StrPath | Scene,
    *,
    variable: str | None = None,
    axes: str | None = None,
    shape: tuple[int, int] | None = None,
) -> Scene:
    """Open a scene that ``run`` is to be used on; what the run knows settles the axes of a bare array.

    A scene that is open already is returned as it is.

    Raises:
        InputError: as ``open_scene``.
    """
    if isinstance(scene, Scene):
        return scene
    data = run.card.data
    bands, like = data.source_bands, data.axes
    return open_scene(scene, variable=variable, axes=axes, shape=shape, bands=bands, like=like)


def chosen_temperature(run: Run, calibrated: bool) -> float:
    """Return what the run's logits are divided by: 1, or where ``calibrated`` what was fitted on validation.

    Raises:
        InputError: the run has no temperature.
    """
    if not calibrated:
        return 1.0
    if run.temperature is None:
        raise InputError(
            f"{run.folder}: --calibrated needs a temperature, and this run has none in {CARD};"
            " train it anew, or map without"
        )
    return run.temperature


def check_bands(run: Run, scene: Scene) -> None:
    """Raise ``InputError`` where the bands of ``scene`` are not those the run was trained on."""
    trained_on = run.card.data.source_bands
    if scene.bands != trained_on:
        raise InputError(
            f"{scene.path}: has {scene.bands} bands, but the model in {run.folder} was trained on"
            f" {trained_on}; give a scene with the same bands in the same order"
        )
    wavelengths = run.card.data.wavelengths
    if not wavelengths or not scene.wavelengths:
        return
    for band in run.scaling.bands:
        if abs(wavelengths[band] - scene.wavelengths[band]) > WAVELENGTH_TOLERANCE_NM:
            raise InputError(
                f"{scene.path}: band {band + 1} is at {scene.wavelengths[band]:g} nm, but the model in"
                f" {run.folder} was trained on {wavelengths[band]:g} nm; give a scene of the same sensor"
            )
