"""What training a classifier takes from its files, and what a trained one is worth on them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from terramamba.core.array_digest import ArrayDigest
from terramamba.core.errors import InputError
from terramamba.core.file_states import FileStates
from terramamba.data.splits.leakage import TRAIN, VALIDATION
from terramamba.data.splits.split_files import save_split
from terramamba.landcover.judging import judge_classes
from terramamba.landcover.patches import PatchDataset, labelled_patches
from terramamba.landcover.protocol import protocol_id
from terramamba.landcover.samples import Samples, prepare_samples
from terramamba.landcover.settings import SEARCH, ClassifySettings
from terramamba.landcover.training_domain import sizes_of_pixels
from terramamba.landcover.training_plan import plan_of
from terramamba.models.baselines.sampling import sample_by_class
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec
from terramamba.raster.band_identity import known_names
from terramamba.raster.checks.product_level import common_level
from terramamba.raster.readers.array_path import file_of
from terramamba.raster.readers.axes import axes_of_text
from terramamba.raster.scene_files import states_of
from terramamba.runs.model_card import DataCard, PatchShape
from terramamba.training.checkpoint import Contents
from terramamba.training.plan import Plan
from terramamba.training.recipes import decide
from terramamba.training.task import Judgement, PreparedSamples

BUFFERED = ("block", "polygon")
"""Ways to split that leave pixels out round training pixels: the more, the larger patches are."""


def prepare(settings: ClassifySettings, spec: ModelSpec) -> "Training":
    """Open scene and labels, split the labelled pixels, choose and scale the bands.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    sized = decide(settings, {"patch_size": spec.example[-1]})
    if sized.patch_size == SEARCH:
        raise InputError(f"--patch-size {SEARCH}: is for training, which finds it out; give a side here")
    by_rule = sized is not settings and settings.recipe == "practical" and settings.split in BUFFERED
    opened = FileStates.of(_files(settings))
    samples = prepare_samples(settings, sized.patch_size, or_less=by_rule)
    settings = decide(settings, {"patch_size": samples.split.patch_size})
    states = states_of([samples.scene], _files(settings)) + opened  # of a file that both know: the earlier
    return Training(settings, samples, sized_by_patch="patch_size" in spec.parameters(), inputs=states)


def _files(settings: ClassifySettings) -> list[str]:
    """The files that are named: scene, labels, masks."""
    labels = (settings.labels, settings.train_labels, settings.val_labels, settings.test_labels)
    named = (settings.scene, *labels, *(settings.mask or ()))
    return [file_of(path) for path in named if path is not None]


@dataclass(frozen=True, eq=False)
class Training(PreparedSamples):
    """A scene's samples as ``pipeline.train`` asks for them."""

    settings: ClassifySettings
    samples: Samples
    sized_by_patch: bool
    """Whether the side of the patch is an option of the model."""
    inputs: FileStates
    """Of scene, labels and masks before they were read."""

    @property
    def notes(self) -> Sequence[str]:
        """What was assumed or left out."""
        return (*self.samples.notes, *self.samples.split.notes)

    @property
    def plan(self) -> Plan:
        """What was understood of scene and labels."""
        return plan_of(self.samples, self.settings)

    @property
    def model_options(self) -> Mapping[str, Any]:
        """Bands, classes and, where the model is built for one, the side of the patch."""
        samples = self.samples
        options = {"in_channels": len(samples.scaling.bands), "num_classes": len(samples.labels.classes)}
        return options | ({"patch_size": samples.split.patch_size} if self.sized_by_patch else {})

    @cached_property
    def class_weights(self) -> tuple[float, ...] | None:
        """Inverse frequencies of the classes, where they are asked for."""
        if not self.settings.class_weights:
            return None
        counts = np.bincount(self.samples.targets(TRAIN), minlength=len(self.samples.labels.classes))
        weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        return tuple(float(weight) for weight in weights)

    @property
    def card(self) -> DataCard:
        """What mapping has to know of the data."""
        samples, labels, split = self.samples, self.samples.labels, self.samples.split
        return DataCard(
            source_bands=samples.scene.bands,
            wavelengths=samples.scene.wavelengths,
            axes=axes_of_text(",".join(samples.scene.axes)),
            fwhm=samples.scene.fwhm,
            band_names=known_names(samples.scene),
            quantiles=None if samples.scales is None else samples.scales.rows,
            nodata=tuple(self.settings.nodata) if self.settings.nodata else None,
            physical=True if samples.scene.declared is not None else None,
            level=common_level([samples.scene.path]),
            pixel_sizes=sizes_of_pixels(samples.scene),
            scaling=samples.scaling,
            classes=labels.classes,
            patches=PatchShape(split.patch_size, self.settings.border),
            protocol=protocol_id(self.settings, split.patch_size, split.quotas),
            split_id=split.id,
            leakage=split.leakage,
        )

    @property
    def facts(self) -> Mapping[str, Any]:
        """Pixels of each class in each subset, and the leakage between them in words."""
        split = self.samples.split
        return {
            "leakage": asdict(split.leakage),
            "leakage_in_words": split.leakage.in_words(),
            "counts": split.counts(self.samples.labels.targets),
        }

    @cached_property
    def contents(self) -> Contents:
        """Digests of the labels, of their subsets, and of the scaled pixels that patches show."""
        samples = self.samples
        split, store = samples.split, samples.store
        return {
            "labels": ArrayDigest(split.pixels.keys, samples.labels.targets).text,
            "subsets of the labelled pixels": ArrayDigest(split.subsets).text,
            "pixels of the scene": ArrayDigest(store.kept.keys, store.values.numpy(), store.usable).text,
        }

    def training_set(self) -> PatchDataset:
        """Return patches of the training pixels."""
        return labelled_patches(self.samples, TRAIN, self.settings, augment=self.settings.augment)

    def validation_set(self) -> PatchDataset:
        """Return patches of the validation pixels."""
        return labelled_patches(self.samples, VALIDATION, self.settings)

    def check(self, model: Model) -> None:
        """Raise ``InputError`` where ``model`` has no tokens for ``token_loss``, or sees other patches."""
        side = self.samples.split.patch_size
        if self.settings.token_loss and not model.classifies_tokens:
            raise InputError(
                f"--token-loss {self.settings.token_loss}: the model has no tokens to label; use 0"
            )
        if model.patch_size not in (None, side):
            raise InputError(
                f"--set patch_size={model.patch_size}: the patches have {side} pixels a side;"
                f" leave it out, and give --patch-size {model.patch_size}"
            )

    def solve(self, spec: ModelSpec) -> tuple[Model, dict[str, Any]]:
        """Fit a model that is solved for from spectra alone; validation chooses its options."""
        assert spec.fit is not None
        samples, seed = self.samples, self.settings.seed
        given: list[Any] = []
        for subset in (TRAIN, VALIDATION):
            spectra, targets = samples.spectra(subset), samples.targets(subset)
            if spec.most_fitted is not None:
                drawn = sample_by_class(targets, spec.most_fitted, seed)
                spectra, targets = spectra[drawn], targets[drawn]
            given += [spectra, targets]
        solved, record = spec.fit(*given, num_classes=len(samples.labels.classes), seed=seed)
        return solved, {**record, "device": "cpu"}

    def judge(self, model: Model, threshold: float | None) -> Judgement:
        """Compute scores, confusion and calibration (its temperature from validation) of both subsets."""
        return judge_classes(self.samples, self.settings, model)

    def write_split(self, folder: Path) -> None:
        """Write ``split.json`` and the map of subsets beside it."""
        save_split(self.samples.split, folder, self.samples.scene.grid, self.samples.labels.targets)
