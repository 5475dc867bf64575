"""Pairs in one folder whose names end in their date; what their names leave open is refused or left alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from terramamba.core.errors import InputError
from terramamba.data.pairs.layouts import find_pairs


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(20, dtype=np.uint8)).save(root / name)


XBD = [
    f"{folder}/{place}_{date}_disaster{end}.png"
    for place in ("mexico-earthquake_00000001", "mexico-earthquake_00000002")
    for date in ("pre", "post")
    for folder, end in (("images", ""), ("targets", "_target"))
]


@pytest.mark.parametrize(
    ("names", "before", "after", "label"),
    [
        (("x_pre.tif", "x_post.tif", "y_pre.tif", "y_post.tif"), "x_pre.tif", "x_post.tif", None),
        (("x-before.png", "x-after.png"), "x-before.png", "x-after.png", None),
        (("X_T1.png", "X_T2.png", "X_label.png"), "X_T1.png", "X_T2.png", "X_label.png"),
        (("x_y_A.png", "x_y_B.png", "x_y_mask.png"), "x_y_A.png", "x_y_B.png", "x_y_mask.png"),
        (("images/x_a.png", "images/x_b.png", "label/x.png"), "x_a.png", "x_b.png", "x.png"),
        (("img/x_t1.png", "img/x_t2.png", "gt/x_t2.png"), "x_t1.png", "x_t2.png", "x_t2.png"),
        (XBD, *(Path(XBD[number]).name for number in (0, 2, 3))),
    ],
)
def test_dates_and_labels_are_known_by_how_their_names_end(
    tmp_path: Path, names: tuple[str, ...], before: str, after: str, label: str | None
) -> None:
    write(tmp_path, *names)
    pairs = find_pairs(tmp_path)["all"]
    first = pairs[0]
    assert (Path(first.before).name, Path(first.after).name) == (before, after)
    assert (None if first.label is None else Path(first.label).name) == label
    assert len({pair.name for pair in pairs}) == len(pairs) == (2 if len(names) > 3 else 1)


def test_subsets_may_hold_such_folders(tmp_path: Path) -> None:
    subsets = {"train": 2, "val": 2, "tier3": 2}
    for subset in subsets:
        write(tmp_path / subset, *XBD)
    write(tmp_path, "loose_pre.png", "loose_post.png")
    assert {subset: len(pairs) for subset, pairs in find_pairs(tmp_path).items()} == subsets


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("x_pre.png", "x_post.png", "y_pre.png"), "y_pre.png: no image of this place that ends in 'post'"),
        ((*XBD[:4], *XBD[4:8][::2]), "no label is called as it is"),
        ((*XBD, "targets/other_target.png"), "other_target.png: no images of this place"),
        (("images/x_pre.png", "images/x_post.png", "images/x_gt.png", "gt/x.png"), "keep one of them"),
        (("images/x_pre.png", "images/x_post.png", "gt/x.png", "mask/x.png"), "which masks are whose"),
        (("images/x_pre.png", "images/x_post.png", "gt/x.png", "gt/x_post_gt.png"), "can both be its label"),
        (("x_pre.png", "x_post.png", "overview.png"), "overview.png: does not say by its name whether"),
        (("train/x_pre.png", "train/x_post.png", "train/thumb.png"), "thumb.png: does not say by its name"),
        (("tile_a.png", "tile_b.png", "tile_c.png"), "no image pairs in it"),
        (("tile_a.png", "tile_b.png"), "no image pairs in it"),
    ],
)
def test_what_names_leave_open_is_refused(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    write(tmp_path, *names)
    with pytest.raises(InputError, match=words):
        find_pairs(tmp_path)
