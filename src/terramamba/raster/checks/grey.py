"""Grey images: pictures in colour of what has none, and radar that was saved as one."""

import numpy as np
from jaxtyping import Shaped


def is_grey(values: Shaped[np.ndarray, "c n"]) -> bool:
    """Tell whether all of several bands have the same values at each pixel."""
    return len(values) > 1 and values.shape[1] > 0 and bool((values == values[:1]).all())
