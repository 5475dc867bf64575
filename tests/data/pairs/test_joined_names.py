"""Rows of a table that bring two places together are known by names; series, dates and flights are none."""

import pytest

from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.joined_names import notes_on_names

NUMBERS = range(1, 13)


def said_of(rows: list[tuple[str, ...]]) -> list[str]:
    return notes_on_names(
        [
            PairFiles(before, after, label[0] if label else None, None, None, before, "train")
            for before, after, *label in rows
        ]
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(f"A_{n:03}.png", f"B_{n + 1:03}.png") for n in NUMBERS], "12 pairs of 12 in the table"),
        (
            [(f"2018/t{n}.tif", f"2020/t{9 if n == 4 else 4 if n == 9 else n}.tif") for n in range(1, 31)],
            "2 pairs of 30 in the table go by the names of two places: 2018/t4.tif has 2020/t9.tif as",
        ),
        (
            [(f"a/{n}.tif", f"b/{n}.tif", f"gt/{n % 12 + 1}.png") for n in NUMBERS],
            "a/1.tif has gt/2.png as its label",
        ),
        (
            [
                (f"{city}_20180304.tif", f"{other}_20200607.tif")
                for city, other in zip("abcdefghij", "bcdefghija", strict=True)
            ],
            "10 pairs of 10",
        ),
    ],
)
def test_names_of_two_places_in_a_row_are_said(rows: list[tuple[str, ...]], words: str) -> None:
    (said,) = said_of(rows)
    assert words in said


@pytest.mark.parametrize(
    "rows",
    [
        [(f"A_{n:03}.png", f"B_{n:03}.png", f"label/{n}.png") for n in NUMBERS],
        [(f"t{n}.tif", f"t{n + 1}.tif") for n in NUMBERS],  # a series
        [(f"a/{2000 + n}.tif", f"b/{2001 + n}.tif") for n in NUMBERS],  # years
        [(f"DJI_{n:04}.jpg", f"DJI_{n + 300:04}.jpg") for n in NUMBERS],  # two flights
        [(f"S2A_T32UPU_202001{n + 9}.tif", f"S2B_T32UPU_202101{n + 10}.tif") for n in NUMBERS],
        [(f"A_{n}.png", f"B_{n + 1}.png") for n in range(1, 5)],  # few
        [(f"a/{n}.tif", f"b/{n}.tif", "changes.gpkg") for n in NUMBERS],
    ],
)
def test_names_that_tell_no_places_are_left_alone(rows: list[tuple[str, ...]]) -> None:
    assert said_of(rows) == []


def test_numbers_that_all_lead_on_by_one_may_be_dates_that_follow_each_other() -> None:
    (note,) = said_of([(f"a/{n:02}.tif", f"b/{n % 12 + 1:02}.tif") for n in NUMBERS])
    assert "that is right where these are numbers of dates, each before the next; else check that" in note
