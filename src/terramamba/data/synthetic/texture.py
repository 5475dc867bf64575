"""Random textures that made-up images are built from."""

import numpy as np
from jaxtyping import Float32
from scipy import ndimage


def smooth_noise(
    random: np.random.Generator, height: int, width: int, grain: float
) -> Float32[np.ndarray, "h w"]:
    """Draw noise between 0 and 1 whose features are about ``grain`` pixels large."""
    rows, cols = int(np.ceil(height / grain)) + 3, int(np.ceil(width / grain)) + 3
    coarse = random.random((rows, cols), dtype=np.float32)
    coordinates = np.meshgrid(
        1 + np.arange(height, dtype=np.float32) / grain,
        1 + np.arange(width, dtype=np.float32) / grain,
        indexing="ij",
    )
    return ndimage.map_coordinates(coarse, coordinates, order=3, mode="nearest").clip(0, 1)
