"""A trained run as a file that runs without PyTorch."""

from collections.abc import Sequence
from pathlib import Path

from terramamba.api.paths import text_of
from terramamba.core.arguments import checked
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.hub import at_hand
from terramamba.core.progress import OnProgress, told
from terramamba.data.settings import Align
from terramamba.export.onnx_file import WrittenOnnx, check_output, write_onnx
from terramamba.export.settings import ExportSettings
from terramamba.runs.folder import Run, load_run
from terramamba.tasks import task_named
from terramamba.weights.registry import find_weights, names_weights


@checked
def export_onnx(
    run: StrPath | Run,
    out: StrPath,
    *,
    before: StrPath | None = None,
    after: StrPath | None = None,
    what: str | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    align: Align | None = None,
    nodata: Sequence[float] | None = None,
    tile: int | None = None,
    tilings: int = 4,
    calibrated: bool = False,
    deepness: bool = False,
    pixel_size: float | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> WrittenOnnx:
    """Write a run as an ONNX file from the values of tiles (b, bands, h, w) to probabilities (b, k, h, w).

    For change the bands of the date before come first, then those of the date after, and the output is the
    probability of change; for land cover it is that of each class, as fast mapping computes them.

    Args:
        run: The run folder, or the run; weights for change by their name or folder.
        out: File to write, .onnx.
        before: For a detector that scales each pair by its own values: the earlier image of the pair that the
            file is for.
        after: The later one.
        what: For a detector that knows several meanings of changed: the one that the file is for.
        scene_variable: The array of these images, as of ``map_change``.
        axes: What the axes of these images hold.
        bands: Those of these images that stand for the detector's.
        align: How the later is brought onto the grid of the earlier.
        nodata: Values of these images that are no data.
        tile: Side of a tile in pixels.
        tilings: Shifted tilings that are averaged, for land cover.
        calibrated: Divide logits by the temperature that was fitted on validation.
        deepness: For Deepness and geodeep, which divide values by 255 and take the likelier class.
        pixel_size: With ``deepness``, side of a pixel in metres that images are brought to.
        overwrite: Replace an earlier file.
        on_progress: As of ``train_classifier``.
        progress: Show progress on standard error.

    Raises:
        InputError: a model that cannot be exported, an output that cannot be written, or the extra packages
            ``terramamba[onnx]`` are missing.
    """
    settings = ExportSettings(
        before=text_of(before),
        after=text_of(after),
        what=what,
        scene_variable=scene_variable,
        axes=axes,
        bands=bands,
        align=align,
        nodata=None if nodata is None else list(nodata),
        tile=tile,
        tilings=tilings,
        calibrated=calibrated,
        deepness=deepness,
        pixel_size=pixel_size,
        overwrite=overwrite,
    )
    path = check_output(out, overwrite=overwrite)
    loaded = run if isinstance(run, Run) else _run_named(str(run))
    given = task_named(loaded.task).tile_network(loaded, settings)
    with told(on_progress, shown=progress):
        return write_onnx(path, given, deepness=deepness, pixel_size=pixel_size, overwrite=overwrite)


def _run_named(given: str) -> Run:
    """Open a run, or pretrained weights, by name, by their folder, or on the hub."""
    place = at_hand(given)
    if not names_weights(place):
        return load_run(Path(place))
    run = task_named(find_weights(place).card.task).pretrained_run(place)
    if run is None:
        raise InputError(
            f"{given}: are weights that resample the bands of each scene, which a file of tiles cannot;"
            " train a run and export that"
        )
    return run
