"""What detectors that find change without training have in common."""

from terramamba.core.errors import InputError


def require_change_alone(name: str, num_classes: int) -> None:
    """Raise ``InputError`` where the detector ``name`` is to tell more than changed from unchanged."""
    if num_classes != 1:
        raise InputError(f"{name}: num_classes={num_classes}; it only tells changed from unchanged, give 1")
