"""How right a map is and how much of each class there is, from a stratified sample of reference points.

Olofsson, Foody, Herold, Stehman, Woodcock, Wulder, "Good practices for estimating area and assessing accuracy
of land change", Remote Sensing of Environment 148, 2014, pp. 42-57, doi 10.1016/j.rse.2014.02.015. A map's
own areas are wrong by its errors; the sample says by how much, and how sure that is.

    here       paper      meaning
    counts     n_ij       points of map class i (the stratum) and reference class j
    weight     W_i        fraction of the mapped area that map class i covers
    p          p_ij       estimated fraction of the area with map class i and reference class j, Eq. 4
    overall    O          fraction of the area that is mapped right, Eq. 1
    users      U_i        of map class i, the fraction that is right, Eq. 2
    producers  P_j        of reference class j, the fraction that is mapped as it, Eq. 3
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

LEAST_POINTS = 2
"""Of each map class: a variance needs two."""
Z95 = 1.96
"""Standard errors on both sides of a 95 % interval."""


@dataclass(frozen=True)
class Estimate:
    """An estimate and half of its 95 % interval; None: cannot be known from these points."""

    value: float | None
    margin: float | None


@dataclass(frozen=True, eq=False)
class AreaEstimates:
    """Accuracies as fractions, ``areas`` in the unit that was given, a value for each class."""

    overall: Estimate
    users: tuple[Estimate, ...]
    producers: tuple[Estimate, ...]
    areas: tuple[Estimate, ...]
    p: Float64[np.ndarray, "k k"]


def estimate_areas(counts: Int64[np.ndarray, "k k"], mapped: Float64[np.ndarray, " k"]) -> AreaEstimates:
    """Estimate accuracies and areas from points that were drawn at random within each map class.

    Args:
        counts: Points of map class i (rows) whose reference is class j (columns).
        mapped: Area of each map class in the map; 0 for a class that only the reference has.

    Raises:
        ValueError: nothing is mapped, or a map class with an area has fewer than 2 points.

    >>> import numpy as np
    >>> found = estimate_areas(np.array([[45, 5], [10, 90]]), np.array([100.0, 900.0]))
    >>> [f"{estimate.value:.0f} +- {estimate.margin:.0f}" for estimate in found.areas]
    ['180 +- 54', '820 +- 54']
    """
    points = counts.sum(axis=1)
    drawn = mapped > 0
    if not drawn.any() or (points[drawn] < LEAST_POINTS).any():
        raise ValueError("each map class needs 2 points at least")
    weight = mapped / mapped.sum()
    n = np.where(drawn, points, 1)
    fraction = np.where(drawn[:, None], counts / n[:, None], 0.0)
    p = weight[:, None] * fraction  # Eq. 4
    users = fraction.diagonal()
    share = p.sum(axis=0)
    users_variance = users * (1 - users) / np.maximum(n - 1, 1)  # Eq. 6
    overall_variance = (weight**2 * users_variance).sum()  # Eq. 5
    cell_variance = weight[:, None] ** 2 * fraction * (1 - fraction) / np.maximum(n - 1, 1)[:, None]
    area_variance = cell_variance.sum(axis=0)  # Eq. 10
    return AreaEstimates(
        _estimate(float(p.trace()), float(overall_variance)),
        tuple(
            _estimate(float(value), float(variance)) if known else Estimate(None, None)
            for value, variance, known in zip(users, users_variance, drawn, strict=True)
        ),
        tuple(_producers(j, p, share, weight, users_variance, cell_variance) for j in range(len(share))),
        tuple(
            _estimate(float(value), float(variance), float(mapped.sum()))
            for value, variance in zip(share, area_variance, strict=True)
        ),
        p,
    )


def _producers(
    j: int,
    p: Float64[np.ndarray, "k k"],
    share: Float64[np.ndarray, " k"],
    weight: Float64[np.ndarray, " k"],
    users_variance: Float64[np.ndarray, " k"],
    cell_variance: Float64[np.ndarray, "k k"],
) -> Estimate:
    """P_j and its variance, Eq. 3 and 7, where the reference class was met at all."""
    if share[j] == 0:
        return Estimate(None, None)
    value = p[j, j] / share[j]
    others = np.delete(cell_variance[:, j], j).sum()
    own = weight[j] ** 2 * (1 - value) ** 2 * users_variance[j]
    return _estimate(float(value), float((own + value**2 * others) / share[j] ** 2))


def _estimate(value: float, variance: float, unit: float = 1.0) -> Estimate:
    return Estimate(value * unit, Z95 * variance**0.5 * unit)
