"""Curves hold for any numbers: gaps, one epoch, constant values, huge and tiny ones."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from terramamba.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, curves


def points(chart: str) -> list[tuple[float, float]]:
    paths = re.findall(r' d="M([^"h]*)(?:h1)?"', chart)
    return [
        (float(x), float(y))
        for path in paths
        for x, y in (pair.split() for pair in path.split("L"))
        if "H" not in path
    ]


@pytest.mark.parametrize("power", [-8, -2, 0, 5])
def test_curves_stay_inside_their_chart(seed: int, power: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 60))
    values = (random.normal(size=count) * 10.0**power).tolist()
    with_gaps = [None if random.random() < 0.3 else value for value in values]
    chart = curves("a < b", list(range(1, count + 1)), {"x & y": values, "z": with_gaps}, mark=count)
    ElementTree.fromstring(chart.replace("&nbsp;", " "))
    found = [(x, y) for x, y in points(chart) if (x, y) != (1.0, 4.0)]
    assert len(found) == count + sum(value is not None for value in with_gaps)
    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM for x, y in found)


def test_higher_values_stand_higher(seed: int) -> None:
    low, high = sorted(np.random.default_rng(seed).uniform(0, 1, 2).tolist())
    (_, first), (_, last) = points(curves("t", [1, 2], {"a": [low, high]}))[:2]
    assert last <= first


def test_constant_values_and_none_at_all() -> None:
    assert "<svg" in curves("t", [1, 2, 3], {"a": [0.0, 0.0, 0.0]})
    assert "<svg" in curves("t", [7], {"a": [1.0]})
    assert curves("t", [1, 2], {"a": [None, None]}) == ""
    assert curves("t", [], {}) == ""
