"""What training a change detector takes from its files, and what a trained one is worth on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from terramamba.change.judging import CLASSES, judge_pairs
from terramamba.change.meanings import meanings_in, require_able
from terramamba.change.recipe import with_crops
from terramamba.change.samples import PairDataset
from terramamba.change.scored_pairs import ScoredPairs
from terramamba.change.settings import ChangeSettings, Dividing
from terramamba.change.splitting import divided
from terramamba.change.subsets import protocol_id, split_record, three_subsets
from terramamba.change.training_digests import contents_of
from terramamba.change.training_domain import sizes_by_meaning, sizes_of_pixels
from terramamba.change.training_plan import plan_of
from terramamba.core.devices import resolve_device
from terramamba.core.file_states import FileStates
from terramamba.core.files import write_json
from terramamba.core.options import part_of
from terramamba.core.run_files import SPLIT
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.pairs.first_look import look_at
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_places import misplaced_labels, repeated_labels
from terramamba.data.pairs.pair_bands import declares_scale, notes_on_bands
from terramamba.data.pairs.quality_report import doubts, survey
from terramamba.data.pairs.scorable import require_scorable
from terramamba.data.pairs.settle_labels import Settled, settle_labels
from terramamba.data.pairs.statistics import fit_pairs
from terramamba.data.scaling import Scaling
from terramamba.models.model import Model
from terramamba.models.registry import model_spec
from terramamba.models.spec import ModelSpec
from terramamba.raster.band_identity import WantedBands, bands_of
from terramamba.raster.checks.code_bands import notes_on_codes
from terramamba.raster.checks.product_level import common_level
from terramamba.raster.readers.array_path import file_of
from terramamba.raster.readers.axes import axes_of_text
from terramamba.raster.scene import Scene
from terramamba.raster.views.nodata import require_held
from terramamba.runs.model_card import DataCard
from terramamba.training.checkpoint import Contents
from terramamba.training.plan import Plan
from terramamba.training.task import Judgement, PreparedSamples
from terramamba.training.workload import Volume

COUNTED_SIDE = 64
"""FLOPs are counted on images of this side at most, and grow with the area."""

UNTESTED = "no test pairs: nothing was tested; scores on validation, which chose the threshold, are too high"


def prepare(settings: ChangeSettings, spec: ModelSpec) -> "Training":
    """Find the pairs, check that no subset holds another's images, and fit the scaling on training pairs.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    how = part_of(settings, Dividing)
    found, published, unlike = load_pairs(
        settings.data,
        settings.root,
        settings.align,
        settings.scene_variable,
        settings.axes,
        settings.bands,
        nodata=settings.nodata or (),
        physical=True,
        # of pairs that are divided anew, some may not be used, or only parts of them
        look=look_at if how == Dividing() else None,
    )
    inputs = FileStates.of(_files(found))
    found, on_split = divided(found, how, settings.data, settings.seed)
    if how != Dividing():
        published = None  # scores on a part of a set, or on another division of it, have no name
    subsets = three_subsets(found, settings.data, published, chosen_on_test=settings.chosen_on_test)
    require_able(spec, meanings_in(subsets.pairs))
    settled = settle_labels(subsets.pairs, settings.stated_values(), shapes=settings.shape_values())
    pairs = settled.pairs
    empty = [
        note
        for subset, files in pairs.items()
        for note in require_scorable(files, subset, all_of_them=subset != "train")
    ]
    example, later = pairs["train"][0].open()
    require_held([example, later], settings.nodata or ())
    wanted = pairs["train"][0].wanted or bands_of(example)
    fitted = fit_pairs(pairs["train"], example.bands, wanted.used)
    untested = [] if "test" in pairs else [UNTESTED]
    one_rule = settings.scale_by != "pair"
    on_bands = notes_on_bands(pairs, settings.bands)
    shared = subsets.notes()
    notes = (
        *on_split,
        *on_bands,
        *notes_on_codes(example, wanted.used),
        *untested,
        *settled.notes,
        *empty,
        *unlike,
        *shared,
        *fitted.notes,
        *survey(pairs, one_rule=one_rule),
    )
    warnings = (
        *fitted.doubts,
        *doubts(pairs, one_rule=one_rule),
        *misplaced_labels(pairs),
        *repeated_labels(pairs),
    )
    if spec.trainable:
        settings = with_crops(settings, len(pairs["train"]), resolve_device(settings.device).type)
    rows = fitted.scales.rows
    return Training(
        settings,
        pairs,
        example,
        wanted,
        fitted.scaling,
        settled,
        published,
        notes,
        warnings,
        rows,
        fitted.digest,
        inputs,
    )


def _files(pairs: Mapping[str, Sequence[PairFiles]]) -> list[str]:
    """The files that pairs name: dates, labels, masks."""
    named = (
        (pair.before, pair.after, pair.label, pair.unchanged, *pair.masks)
        for files in pairs.values()
        for pair in files
    )
    return [file_of(path) for paths in named for path in paths if path is not None]


@dataclass(frozen=True, eq=False)
class Training(PreparedSamples):
    """Pairs as ``pipeline.train`` asks for them."""

    settings: ChangeSettings
    pairs: Mapping[str, list[PairFiles]]
    """By subset: train, val and, where there is one, test."""
    example: Scene
    """A date whose bands all others have."""
    wanted: WantedBands
    """Its bands, and which of them are used."""
    scaling: Scaling
    settled: Settled
    """What the values in the labels mean, and how many pixels of each subset mean what."""
    published: str | None
    """Name of the set, where all of it is there as published."""
    notes: Sequence[str]
    warnings: Sequence[str]
    """Those of the notes that make the result doubtful."""
    quantiles: tuple[tuple[float, ...], ...] | None
    """Of each band over both dates of the training pairs (``raster.checks.scales``)."""
    training_dates: str
    """Digest of the dates of the training pairs."""
    inputs: FileStates
    """Of the files of all pairs before they were read."""

    @cached_property
    def meanings(self) -> tuple[str, ...]:
        """What counts as changed, by name, where the pairs say it."""
        return meanings_in(self.pairs)

    @property
    def plan(self) -> Plan:
        """What was understood of the pairs."""
        return plan_of(
            self.settings.data,
            self.pairs,
            self.example,
            self.scaling,
            self.settled,
            self.notes,
            self.warnings,
        )

    def volume(self) -> Volume:
        """Return crops of training pairs, as large as the first allows, and whole validation pairs."""
        area, crop = self.pairs["train"][0].window or self.example.grid, self.settings.crop_size
        height, width, side = min(crop, area.height), min(crop, area.width), min(crop, COUNTED_SIDE)
        return Volume(
            len(self.pairs["train"]) * self.settings.crops_per_pair,
            len(self.pairs["val"]) * (area.height * area.width) / (height * width),
            (2, len(self.scaling.bands), side, side),
            height * width / side**2,
        )

    @property
    def model_options(self) -> Mapping[str, Any]:
        """The number of bands, and of meanings of "changed" where there are several."""
        bands = {"in_channels": len(self.scaling.bands)}
        return bands | ({"meanings": len(self.meanings)} if self.meanings else {})

    @property
    def card(self) -> DataCard:
        """What mapping has to know of the data."""
        learnt = self.pairs["train"] if model_spec(self.settings.model).trainable else ()
        zoom = self.settings.zoom
        return DataCard(
            source_bands=self.example.bands,
            wavelengths=self.wanted.wavelengths,
            fwhm=self.wanted.fwhm,
            band_names=self.wanted.names,
            axes=axes_of_text(",".join(self.example.axes)),
            quantiles=self.quantiles,
            nodata=tuple(self.settings.nodata) if self.settings.nodata else None,
            physical=True if declares_scale(self.pairs) else None,
            level=common_level(path for pair in self.pairs["train"] for path in (pair.before, pair.after)),
            scaling=self.scaling,
            scale_by=self.settings.scale_by,
            meanings=self.meanings or None,
            classes=CLASSES,
            pixel_sizes=sizes_of_pixels(learnt, zoom),
            pixel_sizes_of=sizes_by_meaning(learnt, zoom) or None,
            label_values=self.settled.values,
            protocol=protocol_id(
                self.pairs, self.settings.split, self.settings.chosen_on_test, self.published
            ),
            split_id=split_record(self.pairs, self.settings.split)["id"],
        )

    @property
    def facts(self) -> Mapping[str, Any]:
        """Pairs of each subset."""
        return {"pairs": {subset: len(files) for subset, files in self.pairs.items()}}

    @cached_property
    def contents(self) -> Contents:
        """Digests of masks and dates."""
        split_id = split_record(self.pairs, self.settings.split)["id"]
        return contents_of(self.pairs, self.scaling, self.training_dates, split_id)

    def training_set(self) -> PairDataset:
        """Return crops of the training pairs."""
        settings = self.settings
        return PairDataset(
            self.pairs["train"],
            self.scaling,
            crop_size=settings.crop_size,
            crops_per_pair=settings.crops_per_pair,
            changed_crops=settings.changed_crops,
            augment=settings.augment,
            zoom=settings.zoom,
            exchange_dates=settings.exchange_dates,
            jitter=settings.jitter,
            seed=settings.seed,
            scale_by=settings.scale_by,
            meanings=self.meanings,
        )

    def validation_set(self) -> PairDataset:
        """Return whole validation pairs."""
        return self._scored("val")

    def _scored(self, subset: str) -> ScoredPairs:
        """Whole pairs of a subset."""
        return ScoredPairs(self.pairs[subset], self.scaling, self.settings.scale_by, self.meanings)

    def judge(self, model: Model, threshold: float | None) -> Judgement:
        """Score at the threshold that is given, else chosen, else fixed; calibration from validation."""
        scored = {
            subset: self._scored(key)
            for subset, key in (("validation", "val"), ("test", "test"))
            if key in self.pairs
        }
        return judge_pairs(model, scored, self.settings, threshold)

    def write_split(self, folder: Path) -> None:
        """Write ``split.json``."""
        write_json(folder / SPLIT, split_record(self.pairs, self.settings.split))
