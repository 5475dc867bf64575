"""Dates of unlike levels of processing are named: the air between would count as change."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from terramamba.raster.checks.pair import check_pair
from terramamba.raster.checks.product_level import common_level, level_in, levels_note, other_level_note

L1C = "S2B_MSIL1C_20200103T102329_N0500_R065_T32UQD_20230401T000000"
L2A = "S2A_MSIL2A_20220715T102601_N0400_R065_T32UQD_20220715T000000"
LEVEL_1 = "LC08_L1TP_193023_20200101_20200113_02_T1"
LEVEL_2 = "LE07_L2SP_193023_20100101_20200113_02_T1"


@pytest.mark.parametrize(
    ("path", "level"),
    [
        (f"{L1C}.SAFE", 1),
        (f"/data/{L2A}.zip", 2),
        (f"{L1C}_pairs/{L2A}.SAFE", 2),  # the product counts and not the folder it lies in
        (f"scenes/{LEVEL_1}", 1),
        (f"{LEVEL_2}_SR_B4.TIF", 2),
        ("LC08_stack.tif", None),
        ("XLC08_L1TP_1.tif", None),
        ("before.tif", None),
    ],
)
def test_the_name_of_a_product_says_its_level(path: str, level: int | None) -> None:
    assert level_in(path) == level


def test_like_levels_and_unknown_ones_need_no_word() -> None:
    assert levels_note(L1C, LEVEL_1) is None
    assert levels_note(L2A, "after.tif") is None
    assert levels_note(LEVEL_2, L2A) is None


def test_a_level_other_than_that_of_training_is_said_where_both_are_known() -> None:
    assert common_level([L2A, LEVEL_2]) == 2
    assert common_level([L2A, LEVEL_1]) is None
    assert common_level([L2A, "stack.tif"]) is None
    assert other_level_note(L2A, 2) is None
    assert other_level_note(L2A, None) is None
    assert other_level_note("stack.tif", 2) is None
    assert f"{L1C}: is of level 1 (as seen from above" in str(other_level_note(L1C, 2))
    assert "give a product of level 2" in str(other_level_note(L1C, 2))


def test_a_pair_of_both_levels_says_so(tmp_path: Path, seed: int) -> None:
    values = np.random.default_rng(seed).integers(200, 3000, (4, 40, 40)).astype(np.uint16)
    paths = [tmp_path / f"{name}.tif" for name in (L1C, L2A)]
    for path in paths:
        place = Affine(10, 0, 400_000, 0, -10, 5_800_000)
        with rasterio.open(
            path, "w", "GTiff", 40, 40, 4, dtype="uint16", crs="EPSG:32633", transform=place
        ) as image:
            image.write(values)
    (note,) = (note for note in check_pair(*paths).notes if note.startswith("the dates are of"))
    assert "level 1 (as seen from above the atmosphere) and level 2 (corrected to the ground)" in note
    assert "--match-radiometry" in note
