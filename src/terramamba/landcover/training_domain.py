"""What in a scene lies outside the domain of training: its values, and pixels of another size."""

from terramamba.mapping.value_range import training_differences
from terramamba.raster.pixel_area import pixel_side, side_in_words, sides_in_words
from terramamba.raster.scene import Scene
from terramamba.runs.folder import Run

OTHER_SIZE = 2.0
"""Pixels that are so many times wider or narrower hold other mixtures, and have other things around them."""


def sizes_of_pixels(scene: Scene) -> tuple[float, float] | None:
    """Return the side in metres of the pixels of a scene that is trained on, as the least and the largest."""
    side = pixel_side(scene.grid)
    return None if side is None else (side, side)


def notes_on_domain(run: Run, scene: Scene) -> list[str]:
    """Say what in ``scene`` the ``run`` was not trained on; raises ``InputError`` where a file is damaged."""
    return [*training_differences(run, scene), *_on_pixel_size(run, scene)]


def _on_pixel_size(run: Run, scene: Scene) -> list[str]:
    """Nothing where the size, or what the run knows of sizes, is not known."""
    known, own = run.card.data.pixel_sizes, pixel_side(scene.grid)
    if known is None or own is None or known[0] / OTHER_SIZE <= own <= known[1] * OTHER_SIZE:
        return []
    return [
        f"{scene.path}: its pixels are {side_in_words(own)} m wide, those that the model was trained on"
        f" {sides_in_words(known)} m: what a pixel holds and what lies around it differ, and scores of the"
        " run say little of this scene; resample it, or label some of it and score that (`terramamba"
        " classify evaluate`)"
    ]
