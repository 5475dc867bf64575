"""What is given in memory lies beside the run whole, or not at all."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from terramamba.api.in_memory import kept_labels


class Shapes:
    """Answers as a GeoDataFrame does, of which one half is written when it is ``ended``."""

    __module__ = "geopandas.geodataframe"
    crs = "EPSG:32633"
    ended = True

    def to_csv(self) -> str:
        return "shapes"

    def to_file(self, filename: Any) -> None:
        Path(filename).write_text("half")
        if self.ended:
            signal.raise_signal(signal.SIGINT)
        Path(filename).write_text("whole")


def test_shapes_whose_writing_was_ended_are_not_taken_for_whole_ones(tmp_path: Path) -> None:
    shapes, folder = Shapes(), tmp_path / "run-inputs"
    with pytest.raises(KeyboardInterrupt):
        kept_labels(shapes, folder)
    assert not folder.exists()
    shapes.ended = False
    path = Path(kept_labels(shapes, folder))
    assert path.read_text() == "whole"
    assert [*folder.iterdir()] == [path]


def test_codes_are_written_once_by_what_they_hold(tmp_path: Path) -> None:
    codes = np.array([[0, 1], [2, 1]], np.uint8)
    first, again, other = (kept_labels(given, tmp_path) for given in (codes, codes.copy(), codes + 1))
    assert first == again != other
    assert np.array_equal(np.load(first), codes)
