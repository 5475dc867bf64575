"""What change detectors are trained on, as digests: a run that is resumed must be trained on the same."""

from collections.abc import Mapping, Sequence

from terramamba.change.scored_pairs import ScoredPairs
from terramamba.core.array_digest import ArrayDigest
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.scaling import Scaling
from terramamba.raster.windows import Window, strips
from terramamba.training.checkpoint import Contents

VALUES_PER_READ = 16_000_000


def contents_of(
    pairs: Mapping[str, Sequence[PairFiles]], scaling: Scaling, training_dates: str, split_id: str
) -> Contents:
    """Return digests of masks of all subsets and dates of validation; that of training dates is given.

    Raises:
        InputError: a file is damaged.
    """
    masks, dates = ArrayDigest(), ArrayDigest()
    for subset, files in pairs.items():
        samples = ScoredPairs(files, scaling)
        for which in range(len(files)):
            for window in _strips(samples.area(which), len(scaling.bands)):
                masks.add(samples.reference(which, window))
                if subset == "val":
                    for date in samples.dates(which):
                        dates.add(*date.read(window, scaling.bands))
    return {
        "pairs of the subsets": split_id,
        "change masks": masks.text,
        "training images": training_dates,
        "validation images": dates.text,
    }


def _strips(area: Window, bands: int) -> list[Window]:
    return list(strips(area.height, area.width, max(1, VALUES_PER_READ // (area.width * bands))))
