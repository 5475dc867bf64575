"""A trained run as a file that runs without PyTorch."""

from pathlib import Path

from terramamba.core.arguments import checked
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.progress import OnProgress, told
from terramamba.export.onnx_file import WrittenOnnx, check_output, write_onnx
from terramamba.export.settings import ExportSettings
from terramamba.runs.folder import Run, load_run
from terramamba.tasks import task_named
from terramamba.weights.registry import shipped_weights


@checked
def export_onnx(
    run: StrPath | Run,
    out: StrPath,
    *,
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
        run: The run folder, or the run.
        out: File to write, .onnx.
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
        tile=tile,
        tilings=tilings,
        calibrated=calibrated,
        deepness=deepness,
        pixel_size=pixel_size,
        overwrite=overwrite,
    )
    path = check_output(out, overwrite=overwrite)
    shipped = not isinstance(run, Run) and not Path(run).exists()
    if shipped and str(run) in {weights.card.name for weights in shipped_weights()}:
        raise InputError(
            f"{run}: are weights that scale or resample each image by what it holds as a whole, which a file"
            " of tiles cannot; train a run and export that (its --init may name the weights for change)"
        )
    loaded = run if isinstance(run, Run) else load_run(Path(run))
    given = task_named(loaded.task).tile_network(loaded, settings)
    with told(on_progress, shown=progress):
        return write_onnx(path, given, deepness=deepness, pixel_size=pixel_size)
