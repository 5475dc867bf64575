"""The name of how training and test pixels were told apart."""

from collections.abc import Mapping

from terramamba.data.splits.block_size import BlockSize
from terramamba.data.splits.quotas import ClassQuota, raised_classes
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.smoothing_strength import reach_of


def protocol_id(
    settings: ClassifySettings, patch_size: int, quotas: Mapping[int, ClassQuota] | None = None
) -> str:
    """Name how training and test pixels were told apart, such as ``block-10-10-p7``.

    Square blocks are named by their side: ``block-500m-10-10-p7``. Where a minimum per class raises
    the ``quotas`` above the fraction, the pixels asked for stand in its place: ``random-n1049-n1025-p7``.
    ``-r6``: probabilities may be smoothed 6 pixels far, and the buffer is wider by that.
    """
    if settings.split == "given":
        name = f"given-p{patch_size}"
    else:
        fractions = f"{100 * settings.train_fraction:g}-{100 * settings.val_fraction:g}"
        if quotas and raised_classes(quotas):
            train, val = (
                sum(numbers) for numbers in zip(*((q.train, q.val) for q in quotas.values()), strict=True)
            )
            fractions = f"n{train}-n{val}"
        size = None if settings.block_size is None else BlockSize.parse(settings.block_size)
        split = settings.split if size is None else f"{settings.split}-{size}"
        name = f"{split}-{fractions}-p{patch_size}"
    if settings.data is not None:
        name = f"{settings.data}-{name}"
    reach = reach_of(settings.regularise)
    name += f"-r{reach}" if reach else ""
    return name + ("-scene-scaling" if settings.fit_on == "scene" else "")
