"""Bands and intervals as people write them."""

import pytest

from terramamba.core.errors import InputError
from terramamba.core.number_ranges import parse_bands, parse_intervals


def test_numbers_ranges_and_names_are_bands_in_their_order() -> None:
    assert parse_bands("4,1-3") == (4, 1, 2, 3)
    assert parse_bands("Red, B8A,vv-db") == ("Red", "B8A", "vv-db")
    assert parse_bands("7-7") == (7,)


@pytest.mark.parametrize("text", ["", "1,,2", "0", "3-1", "0-4", "1-99999999", "2,1-3", "red,RED"])
def test_what_is_no_list_of_bands_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--bands"):
        parse_bands(text)


def test_intervals_are_pairs_of_wavelengths() -> None:
    assert parse_intervals("1340-1450, 1790.5-1960", "--x") == ((1340.0, 1450.0), (1790.5, 1960.0))
    for text in ("", "1340", "1450-1340", "a-b", "1340-1450,"):
        with pytest.raises(InputError, match=r"--x .*no interval"):
            parse_intervals(text, "--x")
