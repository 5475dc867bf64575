"""Tables and facts as text: aligned where there is room, below each other where there is not."""

import pytest

from terramamba.core.display import Shown, Table, as_text, width_of

ROWS = (("corn, no till", "1,234", "95.00 ± 1.00", "8 of 12"), ("grass", "12", "", "1 of 1"))
TABLE = Table("test pixels, %", ("class", "pixels", "precision", "polygons"), ROWS)


def test_a_table_that_fits_is_aligned_with_numbers_to_the_right() -> None:
    wide = as_text(Shown((TABLE,), {}))
    assert as_text(Shown((TABLE,), {}), width_of(TABLE)) == wide
    assert max(map(len, wide.splitlines())) == width_of(TABLE)
    assert wide.splitlines()[2:] == [
        "  corn, no till   1,234  95.00 ± 1.00  8 of 12",
        "  grass              12                1 of 1",
    ]


def test_one_that_does_not_loses_no_cell_and_cuts_no_row() -> None:
    assert as_text(Shown((TABLE,), {}), width_of(TABLE) - 1).splitlines() == [
        "test pixels, %",
        "  corn, no till",
        "    pixels     1,234",
        "    precision  95.00 ± 1.00",
        "    polygons   8 of 12",
        "  grass",
        "    pixels    12",
        "    polygons  1 of 1",
    ]


@pytest.mark.parametrize("width", [24, 40, 60])
def test_facts_are_cut_between_words(width: int) -> None:
    facts = {
        "leakage between subsets": "none",
        "protocol": "block-10-10-p7: no test patch holds a training pixel\nand nothing else",
        "written": "a/path/that/is/never/cut/in/the/middle/of/it/whatever/the/width/may/be.tif",
    }
    lines = as_text(Shown((), facts), width).splitlines()
    assert all(len(line) <= width or len(line.split()) <= 2 for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(
        f"{name} {' '.join(value.split())}" for name, value in facts.items()
    )


def test_facts_without_a_width_are_as_long_as_they_are() -> None:
    assert as_text(Shown((), {"a": "word " * 50 + "end"})) == "a  " + "word " * 50 + "end"
