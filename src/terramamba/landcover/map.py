"""A land-cover map of a scene of any size: each pixel by its own patch, or all from the tokens of tiles.

The scene is cut into windows that are mapped one by one (``map_worker``), by one process or many, and put
together: memory does not grow with the scene, and a run that was ended is gone on with (``jobs``).
"""

from dataclasses import replace

from terramamba.core.errors import InputError
from terramamba.landcover.fast import check_tilings, choose_tilings, read_margin
from terramamba.landcover.map_output import ClassMapOutput
from terramamba.landcover.map_summary import NONE_OF_THESE
from terramamba.landcover.map_worker import ClassWork, reject_code
from terramamba.landcover.settings import ClassMapSettings
from terramamba.landcover.smoothing_strength import chosen_smoothing
from terramamba.landcover.training_domain import notes_on_domain
from terramamba.mapping.certainty_layer import REJECTED_TAG, CertaintyRule, certainty_rule
from terramamba.mapping.fingerprint import windows_fact
from terramamba.mapping.plan import MapInputs, MapPlan
from terramamba.mapping.regularise import Smoothing, smoothing_words
from terramamba.mapping.stac_item import check_item_place
from terramamba.mapping.tags import run_tags
from terramamba.mapping.windows import class_windows
from terramamba.raster.readers.dates import day_of
from terramamba.raster.vector.polygon_files import check_polygon_place
from terramamba.runs.folder import Run


def plan_map(given: MapInputs, out: str, settings: ClassMapSettings) -> MapPlan:
    """Cut the scene into windows, and say what becomes of them.

    Raises:
        InputError: the scene is too large, the model cannot map by so many tilings, tilings or tolerance are
            given for a mode that has none, or polygons are asked for in a format that has no place for them.
    """
    _refuse_unused(settings)
    run, image = given.run, given.scenes["scene"]
    tilings = choose_tilings(settings.mode, settings.tilings, settings.tolerance, run.card.judged.fast)
    if tilings:
        check_tilings(run.model, tilings)
    polygons = tuple(settings.polygons or ())
    for path in polygons:
        check_polygon_place(path, None if image.transform is None else image.crs)
    check_item_place(settings.item, image.grid)
    smoothing = chosen_smoothing(run, settings.regularise)
    reach = 0 if smoothing is None else smoothing.radius
    windows = tuple(
        class_windows(
            image.height,
            image.width,
            len(run.scaling.bands),
            exact=not tilings,
            margin=read_margin(run.patches.size, tilings) + reach,
            rows=settings.strip_rows,
            image=image.path,
        )
    )
    rule = _certainty_rule(run, settings, smoothing)
    settings = replace(settings, regularise="off" if smoothing is None else smoothing.radius)
    more = {"min_area": f"{settings.min_area:g}"} if settings.min_area else {}
    if smoothing is not None:
        more["regularise"] = smoothing_words(smoothing)
    if settings.reject is not None:
        more[REJECTED_TAG] = f"{reject_code(run.classes.codes)} {NONE_OF_THESE}"
    output = ClassMapOutput(
        out,
        settings.probabilities,
        settings.certainty,
        settings.fractions,
        polygons,
        settings.areas,
        image.grid,
        windows,
        run.classes,
        run_tags(
            run,
            mode=f"fast --tilings {tilings}" if tilings else "exact",
            precision=settings.precision,
            temperature=f"{given.temperature:g}",
            source=image.path,
            **more,
        ),
        tilings,
        _agreement(run, tilings),
        given.temperature if settings.calibrated else None,
        settings.min_area,
        settings.simplify,
        settings.reject,
        None if rule is None else rule.least,
        run.fractions if settings.fractions is not None else {},
        "" if smoothing is None else smoothing_words(smoothing),
        settings.item,
        None if settings.item is None else day_of(image),
    )
    work = ClassWork(
        given.sent,
        image,
        windows,
        settings.batch_size,
        settings.precision,
        tilings,
        settings.probabilities is not None or settings.fractions is not None,
        given.temperature,
        rule,
        smoothing,
    )
    return given.plan(
        output,
        work,
        _as_mapped(settings, tilings),
        lambda: notes_on_domain(run, image),
        windows=windows_fact(windows[0]),
    )


def _certainty_rule(
    run: Run, settings: ClassMapSettings, smoothing: Smoothing | None
) -> CertaintyRule | None:
    """How certainty is made: of smoothed probabilities as validation found them with its own smoothing."""
    own, judged = run.card.judged.regularise, run.card.judged
    fitted, table = judged.calibration, judged.certainty
    if smoothing is not None and own is not None:
        fitted, table = own.calibration, own.certainty
        if smoothing.radius != own.radius and settings.reject is not None:
            raise InputError(
                f"--regularise {smoothing.radius}: --reject has its rate at a radius of {own.radius}, with"
                " which validation was smoothed; leave one of them out"
            )
    return certainty_rule(run, fitted, table, layer=settings.certainty, reject=settings.reject)


def _as_mapped(settings: ClassMapSettings, tilings: int) -> ClassMapSettings:
    """``settings`` as they come true: the mode and the ``tilings`` that were chosen, windows apart."""
    if not tilings:
        return replace(settings, mode="exact", tilings=1, tolerance=0.0, strip_rows=None)
    return replace(settings, mode="fast", tilings=tilings, tolerance=0.0, strip_rows=None)


def _agreement(run: Run, tilings: int) -> float | None:
    fast = run.card.judged.fast
    known = None if fast is None else fast.tilings.get(tilings)
    return None if known is None else known.agreement


def _refuse_unused(settings: ClassMapSettings) -> None:
    if settings.tilings != ClassMapSettings.tilings and settings.mode != "fast":
        raise InputError(f"--tilings {settings.tilings}: is for --mode fast; this is --mode {settings.mode}")
    if settings.tolerance != ClassMapSettings.tolerance and settings.mode != "auto":
        raise InputError(
            f"--tolerance {settings.tolerance:g}: is for --mode auto; this is --mode {settings.mode}"
        )
