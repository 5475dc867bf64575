"""What a run must have for what is asked of it, and a scene to be used with it: task, temperature, bands."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.number_ranges import parse_bands
from terramamba.core.run_files import CARD, PRETRAINED_CARD
from terramamba.raster.band_identity import WantedBands
from terramamba.raster.band_matching import alpha_that_fits, match_bands, place_note
from terramamba.raster.scene import Scene
from terramamba.raster.views.chosen_bands import OpenAsked, find_bands, open_bands
from terramamba.raster.views.nodata import in_words
from terramamba.raster.views.palette_colours import in_colours
from terramamba.raster.views.physical import in_units_of
from terramamba.runs.folder import Run, load_run
from terramamba.weights.card import read_weights_card


def open_run(run: str | Path | Run, task: str) -> Run:
    """Return the run, loaded where a folder is given; raise ``InputError`` where it is for another task."""
    loaded = run if isinstance(run, Run) else load_run(run)
    if loaded.task != task:
        raise InputError(
            f"{loaded.folder}: this run is for {loaded.task}; use `terramamba {loaded.task} map`"
        )
    return loaded


def chosen_temperature(run: Run, calibrated: bool) -> float:
    """Return what the run's logits are divided by: 1, or where ``calibrated`` what was fitted on validation.

    Raises:
        InputError: the run has no temperature.
    """
    if not calibrated:
        return 1.0
    if run.temperature is None:
        raise no_temperature(run, "--calibrated")
    return run.temperature


def no_temperature(run: Run, asked: str) -> InputError:
    """Return the error that what is ``asked`` for cannot be had of ``run``, which has no temperature."""
    if run.card.model.sha256 is None:
        return InputError(
            f"{asked}: {run.folder} maps without training, so that it is not known how sure it is; leave it"
            " out, or map with a run or with --weights"
        )
    return InputError(
        f"{run.folder}: {asked} needs a temperature, and this run has none in {CARD}; train it anew, or map"
        " without"
    )


def called(run: Run) -> str:
    """Call pretrained weights by their name, and a run by its folder."""
    weights = run.folder / PRETRAINED_CARD
    return read_weights_card(run.folder).name if weights.is_file() else str(run.folder)


def wanted_bands(run: Run) -> WantedBands:
    """Return the bands that the model of ``run`` was trained on, as other scenes must have them."""
    data = run.card.data
    return WantedBands(
        f"the model in {called(run)} was trained on",
        data.source_bands,
        data.scaling.bands,
        data.band_names,
        data.wavelengths,
        data.fwhm,
    )


def open_for(
    run: Run,
    scene: StrPath | Scene,
    *,
    bands: str | None = None,
    variable: str | None = None,
    axes: str | None = None,
    shape: tuple[int, int] | None = None,
) -> Scene:
    """Open a scene that ``run`` is to be used on, with the bands of its model in their order.

    What the run knows settles the axes of a bare array, and whether a band is one that the file calls
    transparency.

    Args:
        run: The trained run.
        scene: A path, or an open scene.
        bands: The bands that stand for the model's, in its order, as numbers or names; None: found.
        variable: As ``open_scene`` takes it, as ``axes`` is.
        axes: What the axes of a bare array hold.
        shape: Rows and columns of the labels.

    Raises:
        InputError: as ``open_scene``, or the scene lacks a band.
    """
    wanted, like = wanted_bands(run), run.card.data.axes
    if isinstance(scene, Scene):
        held = in_colours(scene)
        chosen = None if bands is None else find_bands(held, parse_bands(bands))
        return _in_units(run, _matched(held, wanted, chosen))
    count = None if bands is not None else wanted.count
    asked = OpenAsked(variable, shape, axes, count, like)
    opened, chosen = open_bands(scene, bands, asked)
    use = None if chosen is not None else alpha_that_fits(opened, wanted)
    if use is not None:
        opened, _ = open_bands(scene, None, replace(asked, alpha=use))
    return _in_units(run, _matched(opened, wanted, chosen))


def _matched(scene: Scene, wanted: WantedBands, chosen: Sequence[int] | None) -> Scene:
    """The bands of the model, with a note where the scene calls one that is used a bad band."""
    matched = match_bands(scene, wanted, chosen)
    by_place = place_note(scene, wanted) if chosen is None else None
    if by_place is not None:
        matched = replace(matched, notes=(*matched.notes, by_place))
    bad = [band for band in wanted.used if band < len(matched.bad_bands) and matched.bad_bands[band]]
    if not bad:
        return matched
    known = matched.wavelengths
    said = ", ".join(f"{band + 1}" + ("" if known is None else f" ({known[band]:g} nm)") for band in bad)
    note = f"bands that {scene.path} calls bad are used by the model: {said}"
    return replace(matched, notes=(*matched.notes, note))


def _in_units(run: Run, scene: Scene) -> Scene:
    return in_units_of(scene, physical_values=bool(run.card.data.physical), whose=called(run))


def chosen_nodata(run: Run, given: Sequence[float] | None) -> tuple[float, ...]:
    """Return the values that are no data though no file declares them: those ``given``, else the run's."""
    return tuple(given if given is not None else run.card.data.nodata or ())


def nodata_note(run: Run, given: Sequence[float] | None) -> list[str]:
    """Say that the values are those of the training, where none were given."""
    own = run.card.data.nodata
    if given is not None or not own:
        return []
    return [
        f"{in_words(own)}: no data as in training (--nodata of {run.folder}); another --nodata replaces it"
    ]
